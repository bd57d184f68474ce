/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unknown service tags, with those whose names are similar. */
#include "model/effective_priv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The longest tag of the public document has 46 characters. */
#define MAX_NAME 80u

struct best {
	const char *name[NSG_MAX_SUGGESTIONS];
	unsigned int distance[NSG_MAX_SUGGESTIONS];
	size_t n;
};

/* Letters and digits in lower case: typical errors are case, blanks, dots and dashes. */
static size_t fold(const char *s, char out[MAX_NAME + 1])
{
	size_t n = 0;

	for (; *s; s++) {
		if (!isalnum((unsigned char)*s))
			continue;
		if (n == MAX_NAME)
			return SIZE_MAX;
		out[n++] = (char)tolower((unsigned char)*s);
	}
	out[n] = '\0';
	return n;
}

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance with transpositions; limit + 1 for anything above the limit. */
static unsigned int distance(const char *a, size_t na, const char *b, size_t nb, unsigned int limit)
{
	unsigned int row[3][MAX_NAME + 1];

	if ((na > nb ? na - nb : nb - na) > limit)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned int *now = row[i % 3], *last = row[(i + 2) % 3],
			     *before = row[(i + 1) % 3];
		unsigned int lowest = now[0] = (unsigned int)i;

		for (size_t j = 1; j <= nb; j++) {
			now[j] = least(last[j] + 1, now[j - 1] + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
			lowest = now[j] < lowest ? now[j] : lowest;
		}
		if (lowest > limit)
			return limit + 1;
	}
	return row[na % 3][nb];
}

static void offer(struct best *b, const char *name, unsigned int d)
{
	size_t i = b->n;

	while (i && b->distance[i - 1] > d)
		i--;
	if (i == NSG_MAX_SUGGESTIONS)
		return;
	if (b->n < NSG_MAX_SUGGESTIONS)
		b->n++;
	for (size_t j = b->n - 1; j > i; j--) {
		b->name[j] = b->name[j - 1];
		b->distance[j] = b->distance[j - 1];
	}
	b->name[i] = name;
	b->distance[i] = d;
}

static void consider(struct best *b, const char *name, const char *folded, size_t n)
{
	/* A fifth of the letters may be wrong, at least one. */
	unsigned int limit = 1 + (unsigned int)n / 5, d;
	char other[MAX_NAME + 1];
	size_t m = fold(name, other);

	if (m == SIZE_MAX)
		return;
	d = distance(folded, n, other, m, limit);
	if (d <= limit)
		offer(b, name, d);
}

size_t nsg_suggest(const char *name, const struct nsg_tag_document *document,
		   const char *ret[NSG_MAX_SUGGESTIONS])
{
	struct best b = {.n = 0};
	char folded[MAX_NAME + 1];
	size_t n = fold(name, folded), head = strcspn(name, ".");

	if (n == SIZE_MAX || !n)
		return 0;
	for (enum nsg_tag_kind k = 0; k < NSG_TAG_OF_DOCUMENT; k++)
		consider(&b, nsg_tag_kind_name(k), folded, n);
	for (size_t i = 0; document && i < document->n_tags; i++)
		consider(&b, document->tags[i].name, folded, n);
	/* The service is known, so only its region is wrong. */
	for (size_t i = 0; !b.n && name[head] && document && i < document->n_tags; i++)
		if (strlen(document->tags[i].name) == head &&
		    !strncasecmp(document->tags[i].name, name, head))
			offer(&b, document->tags[i].name, 0);
	memcpy(ret, b.name, b.n * sizeof(*ret));
	return b.n;
}

/* ---- unknown tags ---------------------------------------------------------------------------- */

/* Each suggestion compares the name with every tag, so their number is limited. */
#define MAX_SUGGESTED 50

int nsg_tag_unknown(struct nsg_build *b, const struct nsg_place *place, const char *code,
		    const char *what, const char *name)
{
	const char *close[NSG_MAX_SUGGESTIONS];
	struct nsg_phrase_list text = {0};
	size_t n = 0;

	if (b->n_suggested++ < MAX_SUGGESTED)
		n = nsg_suggest(name, b->e->tags, close);
	for (size_t i = 0; i < n; i++)
		nsg_phrase_add(&text, "%s", close[i]);
	if (n)
		return nsg_diag_add(
		    b->diag, NSG_ERROR, place, code,
		    "%s %s is neither a prefix nor a known service tag; similar: %s", what, name,
		    nsg_phrase_end(&text));
	if (!b->e->tags && !b->policy->incomplete)
		return nsg_diag_add(b->diag, NSG_ERROR, place, code,
				    "%s %s is neither a prefix nor a known service tag, and there "
				    "is no service tag document; run: az network list-service-tags "
				    "--location LOCATION > tags.json",
				    what, name);
	return nsg_diag_add(b->diag, NSG_ERROR, place, code,
			    "%s %s is neither a prefix nor a known service tag", what, name);
}
