/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions: resource ids, and stand-ins for Azure's hashes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "template/decl_priv.h"
#include "template/func_priv.h"
#include "template/text_priv.h"
#include "util/cleanup.h"

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

/* The length of a type without the slash that older templates end it with. */
static size_t type_length(const char *type)
{
	size_t n = strlen(type);

	while (n && type[n - 1] == '/')
		n--;
	return n;
}

/* Whether argument i is the type: it has a slash, and as many parts as names follow. */
static bool is_type(const struct nsg_call *c, size_t i)
{
	const char *s = json_string_value(c->args[i]);
	size_t slashes;

	if (!s || !strchr(s, '/') || s[0] == '/')
		return false;
	slashes = count(s, '/') - (strlen(s) - type_length(s));
	return slashes && slashes == c->n - i - 1;
}

/* The index of the type among the arguments `from` to `to`. */
static int find_type(struct nsg_eval *ev, const struct nsg_call *c, size_t from, size_t to,
		     size_t *ret)
{
	for (size_t i = from; i <= to && i + 1 < c->n; i++) {
		if (is_type(c, i)) {
			*ret = i;
			return 0;
		}
	}
	return nsg_eval_fail(ev, NSG_FAIL_INVALID,
			     "%s() takes a resource type and one name per type segment", c->name);
}

/* The type at argument i with its names, after "PREFIX/providers/". */
static int give_id(struct nsg_eval *ev, const struct nsg_call *c, size_t i, const char *prefix,
		   json_t **ret)
{
	const char *type = json_string_value(c->args[i]), *end = type + type_length(type);
	const char *part = type + strcspn(type, "/");
	cleanup_text struct nsg_text t = {0};
	int r = nsg_text_add_format(ev, &t, "%s/providers/%.*s", prefix, (int)(part - type), type);

	while (r >= 0 && ++i < c->n) {
		size_t n = 1 + strcspn(part + 1, "/");

		if (part + n > end)
			n = (size_t)(end - part);
		r = nsg_text_add_format(ev, &t, "%.*s/%s", (int)n, part,
					json_string_value(c->args[i]));
		part += n;
	}
	if (r < 0)
		return r;
	return nsg_text_give(&t, ret);
}

static bool is_guid(const char *s)
{
	return strlen(s) == 36 && strspn(s, "0123456789abcdefABCDEF-") == 36 && count(s, '-') == 4;
}

/* resourceId([subscription], [group], type, name…) */
int nsg_func_resourceid(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	const char *first = json_string_value(c->args[0]);
	struct nsg_scope where = *ev->frame.scope;
	struct nsg_id_prefix prefix;
	size_t type = 0;
	int r = find_type(ev, c, 0, 2, &type);

	if (r < 0)
		return r;
	if (type == 2) {
		where.subscription = first;
		where.group = json_string_value(c->args[1]);
		where.level = NSG_LEVEL_GROUP;
	} else if (type && is_guid(first)) {
		where.subscription = first;
		where.level = NSG_LEVEL_SUBSCRIPTION;
	} else if (type) {
		where.group = first;
		where.level = NSG_LEVEL_GROUP;
	}
	prefix = nsg_scope_prefix(&where);
	return give_id(ev, c, type, prefix.text, ret);
}

/* subscriptionResourceId([subscription], type, name…) */
int nsg_func_subscriptionresourceid(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	struct nsg_scope where = *ev->frame.scope;
	struct nsg_id_prefix prefix;
	size_t type = 0;
	int r = find_type(ev, c, 0, 1, &type);

	if (r < 0)
		return r;
	if (type)
		where.subscription = json_string_value(c->args[0]);
	where.level = NSG_LEVEL_SUBSCRIPTION;
	prefix = nsg_scope_prefix(&where);
	return give_id(ev, c, type, prefix.text, ret);
}

int nsg_func_tenantresourceid(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	size_t type = 0;
	int r = find_type(ev, c, 0, 0, &type);

	if (r < 0)
		return r;
	return give_id(ev, c, type, "", ret);
}

/* extensionResourceId(id, type, name…) */
int nsg_func_extensionresourceid(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	size_t type = 0;
	int r = find_type(ev, c, 1, 1, &type);

	if (r < 0)
		return r;
	return give_id(ev, c, type, json_string_value(c->args[0]), ret);
}

/* ---- hashes -------------------------------------------------------------------------------- */

/* FNV-1a over all arguments with their closing NULs: ('a', 'bc') is not ('ab', 'c'). */
static int hash(struct nsg_eval *ev, const struct nsg_call *c, uint64_t start, uint64_t *ret)
{
	uint64_t h = start;

	for (size_t i = 0; i < c->n; i++) {
		const char *s = json_string_value(c->args[i]);
		int r = nsg_eval_pay(ev, strlen(s));

		if (r < 0)
			return r;
		do
			h = (h ^ (unsigned char)*s) * 0x100000001b3u;
		while (*s++);
	}
	*ret = h ^ h >> 29;
	return 0;
}

/* Thirteen characters like Azure's; its algorithm is not public, so the value is not Azure's. */
int nsg_func_uniquestring(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t h = 0;
	char text[14];
	int r = hash(ev, c, 0xcbf29ce484222325u, &h);

	if (r < 0)
		return r;
	ev->made_up = true;
	for (size_t i = 0; i < 13; i++, h >>= 5)
		text[i] = letters[h & 31];
	return nsg_eval_give_text(ev, text, 13, ret);
}

/* A stand-in too, in the form of a name-based UUID (RFC 4122, version 5). */
int nsg_func_guid(struct nsg_eval *ev, const struct nsg_call *c, json_t **ret)
{
	uint64_t a = 0, b = 0;
	int r = hash(ev, c, 0xcbf29ce484222325u, &a);

	if (r < 0)
		return r;
	r = hash(ev, c, 0x84222325cbf29ce4u, &b);
	if (r < 0)
		return r;
	ev->made_up = true;
	return nsg_eval_give_format(ev, ret, "%08x-%04x-5%03x-%04x-%012" PRIx64,
				    (unsigned int)(a >> 32), (unsigned int)(a >> 16 & 0xffff),
				    (unsigned int)(a & 0xfff),
				    (unsigned int)(b >> 48 & 0x3fff) | 0x8000, b & 0xffffffffffff);
}
