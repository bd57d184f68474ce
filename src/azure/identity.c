/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity of a resource: its id, or one made of type and name where a document has none. */
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"

bool nsg_id_is_full(const char *id)
{
	return !strncasecmp(id, "/subscriptions/", strlen("/subscriptions/"));
}

const char *nsg_child_id(struct nsg_sink *s, const char *parent, const char *type, const char *name)
{
	if (!*parent || !*name)
		return "";
	return nsg_sink_printf(s, "%s/%s/%s", parent, type, name);
}

bool nsg_names_nothing(const struct nsg_node *n)
{
	size_t ids = nsg_member(n->value, "id") != NULL;

	return json_object_size(n->value) == ids && !nsg_node_own(n, "id").value;
}

static size_t count_slashes(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '/';
	return n;
}

/* Namespace/t1/t2 and n1/n2 are Namespace/t1/n1/t2/n2, the end of an id (ARM's naming of child
 * resources in templates); "" when the names are not as many as the types. */
static const char *weave(struct nsg_sink *s, const char *type, const char *name)
{
	const char *id;
	size_t n;

	if (!*name || count_slashes(type) != count_slashes(name) + 1)
		return "";
	n = strcspn(type, "/");
	id = nsg_sink_printf(s, "%.*s", (int)n, type);
	for (type += n; *type; type += n) {
		size_t named = strcspn(name, "/");

		type++;
		n = strcspn(type, "/");
		id = nsg_sink_printf(s, "%s/%.*s/%.*s", id, (int)n, type, (int)named, name);
		name += named + (name[named] == '/');
	}
	return id;
}

/* The id without its last type and name; "" when nothing is left. */
static const char *parent_of(struct nsg_sink *s, const char *id)
{
	const char *end = strrchr(id, '/');

	while (end && end > id && end[-1] != '/')
		end--;
	if (!end || end == id)
		return "";
	return nsg_sink_printf(s, "%.*s", (int)(end - 1 - id), id);
}

struct nsg_identity nsg_read_identity(struct nsg_sink *s, const struct nsg_node *n,
				      const char *type)
{
	struct nsg_identity who = {.id = nsg_read_member(s, n, "id"), .parent = "", .within = ""};
	const char *name = !n->up && n->root->name ? n->root->name : nsg_read_member(s, n, "name");
	const char *woven = weave(s, type, name);
	bool is_child = count_slashes(type) > 1;

	who.name = *name ? nsg_id_name(name) : nsg_id_name(who.id);
	who.made = !*who.id;
	if (who.made)
		who.id = woven;
	if (is_child)
		who.parent = parent_of(s, nsg_id_is_full(who.id) ? who.id : woven);
	return who;
}

const char *nsg_id_type(struct nsg_sink *s, const char *id)
{
	static const char providers[] = "/providers/";
	const char *found = NULL;
	char *type, *end;
	size_t n;

	/* the last one: the id of an extension resource contains that of its host */
	for (const char *p = id; (p = strcasestr(p, providers)); p++)
		found = p;
	if (!found)
		return "";
	found += sizeof(providers) - 1;
	type = nsg_sink_array(s, strlen(found) + 1, 1);
	if (!type)
		return "";
	n = strcspn(found, "/");
	end = mempcpy(type, found, n);
	for (found += n; *found == '/'; found += strcspn(found, "/")) {
		n = strcspn(found + 1, "/");
		if (!n || found[n + 1] != '/')
			return "";
		end = mempcpy(end, found, n + 1);
		found += n + 2; /* to the name */
	}
	return type;
}
