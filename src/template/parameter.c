/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "template/parameter_priv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/macro.h"

/* The longest chain of definitions; in practice it has one or two. */
#define MAX_DEFINITIONS 16u

/*
 * A member of the declaration, or of the definition it refers to (languageVersion 2.0:
 * {"$ref": "#/definitions/x"}).
 */
static json_t *facet(const struct nsg_binding *b, const char *name)
{
	static const char prefix[] = "#/definitions/";
	json_t *definitions = nsg_eval_member(b->scope->template, "definitions");
	json_t *decl = b->decl, *found = NULL;

	for (unsigned int i = 0; json_is_object(decl) && i < MAX_DEFINITIONS; i++) {
		const char *ref = json_string_value(nsg_eval_member(decl, "$ref"));

		found = nsg_eval_member(decl, name);
		if (found || !ref || strncmp(ref, prefix, sizeof(prefix) - 1) != 0)
			break;
		decl = nsg_eval_member(definitions, ref + sizeof(prefix) - 1);
	}
	return found;
}

static int refuse(struct nsg_eval *ev, const char *must)
{
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "its value must be %s", must);
}

/* Values from a command line are strings, and parameters files contain such values too. */
static int from_string(struct nsg_eval *ev, const char *s, const char *type, json_t **ret)
{
	char *end;
	long long n;

	if (!strcasecmp(type, "bool") && (!strcasecmp(s, "true") || !strcasecmp(s, "false")))
		return nsg_eval_give(json_boolean(!strcasecmp(s, "true")), ret);
	if (strcasecmp(type, "int") != 0 || !*s)
		return refuse(ev, !strcasecmp(type, "int") ? "an integer" : "true or false");
	errno = 0;
	n = strtoll(s, &end, 10);
	if (errno || *end)
		return refuse(ev, "an integer");
	return nsg_eval_give(json_integer(n), ret);
}

/* Replaces *value when it is a string for a number or a boolean. */
static int check_type(struct nsg_eval *ev, const char *type, json_t **value)
{
	static const struct {
		const char *name, *must;
		json_type type;
	} types[] = {
	    {"string", "a string", JSON_STRING},  {"securestring", "a string", JSON_STRING},
	    {"int", "an integer", JSON_INTEGER},  {"bool", "true or false", JSON_TRUE},
	    {"object", "an object", JSON_OBJECT}, {"secureobject", "an object", JSON_OBJECT},
	    {"array", "an array", JSON_ARRAY},
	};
	json_t *converted = NULL;
	int r;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(types); i++) {
		if (strcasecmp(type, types[i].name) != 0)
			continue;
		if (json_typeof(*value) == types[i].type ||
		    (types[i].type == JSON_TRUE && json_is_false(*value)))
			return 0;
		if (!json_is_string(*value) ||
		    (types[i].type != JSON_INTEGER && types[i].type != JSON_TRUE))
			return refuse(ev, types[i].must);
		r = from_string(ev, json_string_value(*value), type, &converted);
		if (r < 0)
			return r;
		json_decref(*value);
		*value = converted;
		return 0;
	}
	return nsg_eval_fail(ev, NSG_FAIL_INVALID, "unknown type '%.100s'", type);
}

static int check_allowed(struct nsg_eval *ev, json_t *allowed, json_t *value)
{
	json_t *each;
	size_t i;
	int r;

	if (!json_is_array(allowed))
		return 0;
	json_array_foreach(allowed, i, each)
	{
		r = nsg_eval_walk(ev, value);
		if (r < 0)
			return r;
		if (json_equal(each, value) ||
		    (json_is_string(each) && json_is_string(value) &&
		     !strcasecmp(json_string_value(each), json_string_value(value))))
			return 0;
	}
	/* an array may also be a subset of the allowed values */
	if (json_is_array(value)) {
		json_array_foreach(value, i, each)
		{
			r = json_is_array(each) ? -EINVAL : check_allowed(ev, allowed, each);
			if (r < 0)
				return nsg_eval_is_final(ev, r)
					   ? r
					   : refuse(ev, "one of allowedValues");
		}
		return 0;
	}
	return refuse(ev, "one of allowedValues");
}

static int check_bounds(struct nsg_eval *ev, const struct nsg_binding *b, const json_t *value)
{
	json_t *low, *high;
	json_int_t n;
	bool number = json_is_integer(value);

	if (number)
		n = json_integer_value(value);
	else if (json_is_array(value))
		n = (json_int_t)json_array_size(value);
	else if (json_is_string(value))
		n = (json_int_t)json_string_length(value);
	else
		return 0;
	low = facet(b, number ? "minValue" : "minLength");
	high = facet(b, number ? "maxValue" : "maxLength");
	if (json_is_integer(low) && n < json_integer_value(low))
		return refuse(ev, number ? "at least minValue" : "at least minLength long");
	if (json_is_integer(high) && n > json_integer_value(high))
		return refuse(ev, number ? "at most maxValue" : "at most maxLength long");
	return 0;
}

static int check(struct nsg_eval *ev, const struct nsg_binding *b, json_t **value)
{
	json_t *type = facet(b, "type");
	int r;

	if (json_is_null(*value) && json_is_true(facet(b, "nullable")))
		return 0;
	r = json_is_string(type) ? check_type(ev, json_string_value(type), value) : 0;
	if (r < 0)
		return r;
	r = check_allowed(ev, facet(b, "allowedValues"), *value);
	if (r < 0)
		return r;
	return check_bounds(ev, b, *value);
}

/* *ret NULL: no value is given. */
static int given(struct nsg_eval *ev, const struct nsg_binding *b, json_t **ret)
{
	json_t *value = nsg_eval_member(b->given, "value");
	struct nsg_frame before = ev->frame;
	int r;

	if (!value && nsg_eval_member(b->given, "reference"))
		return nsg_eval_fail(ev, NSG_FAIL_LIVE,
				     "its value is in a key vault, which is not read");
	if (!value)
		return 0;
	if (!b->given_frame.scope)
		return nsg_eval_give(json_incref(value), ret);
	ev->frame = b->given_frame;
	ev->frame.lenient = before.lenient;
	ev->frame.secret = before.secret;
	r = nsg_tree_value(ev, value, ret);
	ev->frame = before;
	return r;
}

bool nsg_parameter_is_secure(const struct nsg_binding *b)
{
	const char *type = json_string_value(facet(b, "type"));

	return type && !strncasecmp(type, "secure", strlen("secure"));
}

int nsg_parameter_value(struct nsg_eval *ev, struct nsg_binding *b, json_t **ret)
{
	json_t *fallback = facet(b, "defaultValue");
	cleanup_json json_t *value = NULL;
	int r = given(ev, b, &value);

	if (r < 0)
		return r;
	/* Azure treats a null as no value when there is a default */
	if (fallback && (!value || json_is_null(value))) {
		json_decref(TAKE_PTR(value));
		r = nsg_tree_value(ev, fallback, &value);
		if (r < 0)
			return r;
	}
	if (!value && json_is_true(facet(b, "nullable")))
		return nsg_eval_give(json_null(), ret);
	if (!value) {
		ev->missing = b;
		return nsg_eval_fail(ev, NSG_FAIL_MISSING,
				     "parameter '%.100s' has no value; give one with --parameters "
				     "FILE or in a parameters document",
				     b->name);
	}
	r = check(ev, b, &value);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(value);
	return 0;
}
