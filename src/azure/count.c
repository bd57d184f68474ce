/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many of each kind a directory holds, so that nothing is ignored silently. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/reader_priv.h"
#include "azure/unknown_priv.h"
#include "util/cleanup.h"

static size_t index_of(const struct nsg_kind *kind)
{
	for (size_t i = 0; i < nsg_n_kinds && i < NSG_COUNTED_KINDS; i++) {
		if (nsg_kinds[i].kind == kind)
			return i;
	}
	return NSG_COUNTED_KINDS;
}

/* Kinds without a table of fields have a word of their own. */
static const char *word_of(size_t i)
{
	const struct nsg_kind *kind = i < nsg_n_kinds ? nsg_kinds[i].kind : NULL;

	if (kind && kind->word)
		return kind->word;
	return kind && kind->fields && kind->fields->word ? kind->fields->word : "other document";
}

struct nsg_unit *nsg_unit_begin(struct nsg_reader *r, struct nsg_unit *unit)
{
	struct nsg_unit *outer = r->unit;

	*unit = (struct nsg_unit){0};
	r->unit = unit;
	return outer;
}

void nsg_unit_end(struct nsg_reader *r, struct nsg_unit *outer)
{
	const struct nsg_unit *unit = r->unit;
	struct nsg_load_counts *c = &r->counts;

	r->unit = outer;
	if (unit->is_refused)
		c->n_refused++;
	else if (unit->kind && unit->is_list)
		c->n_lists[index_of(unit->kind)]++;
	else if (unit->kind)
		c->n_read[index_of(unit->kind)]++;
	else if (unit->is_skipped)
		c->n_skipped++;
}

bool nsg_is_resource(const struct nsg_node *n)
{
	const char *type = json_string_value(nsg_node_own(n, "type").value);
	const char *id = json_string_value(nsg_node_own(n, "id").value);

	return json_is_object(n->value) &&
	       (nsg_is_azure_type(type) || (id && strcasestr(id, "/providers/")));
}

/* "3 NSGs, "; NULL: out of memory. */
static char *add(char *text, size_t n, const char *word, const char *list)
{
	char *longer = NULL;
	size_t length = strlen(word);
	bool y = length && word[length - 1] == 'y' && !*list;

	if (!n || !text)
		return text;
	if (asprintf(&longer, "%s%s%zu %.*s%s%s", text, *text ? ", " : "", n,
		     (int)(length - (y && n > 1)), word, list,
		     n == 1 ? ""
		     : y    ? "ies"
			    : "s") < 0)
		longer = NULL;
	free(text);
	return longer;
}

char *nsg_load_counts_text(const struct nsg_load_counts *c)
{
	cleanup_free char *read = strdup("");
	char skipped[64] = "", refused[32] = "", *text;

	for (size_t i = 0; i <= NSG_COUNTED_KINDS; i++) {
		read = add(read, c->n_read[i], word_of(i), "");
		read = add(read, c->n_lists[i], word_of(i), " list");
	}
	read = add(read, c->n_parameters, "parameters document", "");
	if (!read)
		return NULL;
	if (c->n_skipped)
		(void)snprintf(skipped, sizeof(skipped), "; %zu resource%s of no use skipped",
			       c->n_skipped, c->n_skipped == 1 ? "" : "s");
	if (c->n_refused)
		(void)snprintf(refused, sizeof(refused), "; %zu refused", c->n_refused);
	if (asprintf(&text, "read %s%s%s", *read ? read : "nothing", skipped, refused) < 0)
		return NULL;
	return text;
}
