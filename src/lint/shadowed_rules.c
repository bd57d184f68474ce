/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rules can match, exactly. All packets that the NSG can see are a table: protocol, source
 * class, source port class and destination port class select a cell, and a cell is a row of bits
 * over the destination classes. Rules are entered in order of priority; a rule whose bits are all
 * set already is shadowed. Protocols without ports have one cell per source class, for rules with
 * all ports only.
 */
#include "lint/lint_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/gate.h"
#include "model/phrase.h"
#include "model/ranges.h"
#include "model/tags.h"
#include "util/classes.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* Bounds on time and memory, a second and 64 MiB; a thousand rules with service tags stay far
 * below. */
#define MAX_CLASSES ((size_t)1 << 17)
#define MAX_TABLE_WORDS ((size_t)8 << 20)
#define MAX_WORK ((uint64_t)1 << 30)

/* Set 0 of each field is the universe, set 1 of ports the odd value: the UDP source port that is not
 * carried, destination port 53. */
#define FIXED_SETS 2

/* The classes of a field's values that are in set 0, which is the universe: of each set a row of
 * bits over them. */
struct rows {
	size_t n_classes, n_words; /* words of a row */
	uint64_t *v;
};

struct cover {
	const struct nsg_effective *e;
	struct nsg_diag *diag;
	struct nsg_ranges judged, carried, subnet;
	struct rows src, sport, dport, dst;
	/* The set of each rule in each partition. */
	size_t *src_set, *sport_set, *dport_set, *dst_set;
	size_t
	    n_words; /* of a cell: the destination classes, and two bits for the platform's tags */
	uint64_t *cells;
	uint64_t *row; /* of a rule in one cell */
	uint64_t work;
};

#define BIT_DNS(c) ((c)->dst.n_classes)
#define BIT_IMDS(c) ((c)->dst.n_classes + 1)

static void cover_done(struct cover *c)
{
	nsg_ranges_done(&c->judged);
	nsg_ranges_done(&c->carried);
	nsg_ranges_done(&c->subnet);
	free(c->src.v);
	free(c->sport.v);
	free(c->dport.v);
	free(c->dst.v);
	free(c->src_set);
	free(c->sport_set);
	free(c->dport_set);
	free(c->dst_set);
	free(c->cells);
	free(c->row);
}

#define cleanup_cover __attribute__((cleanup(cover_done)))

/* ---- classes --------------------------------------------------------------------------------- */

static bool has_class(const struct rows *r, size_t set, size_t class)
{
	return r->v[set * r->n_words + class / 64] >> class % 64 & 1;
}

/* -E2BIG when there are more than MAX_CLASSES, -ENOMEM. */
static int rows_new(const struct nsg_ranges *sets, size_t n_sets, struct rows *ret)
{
	cleanup_classes struct nsg_classes c = {0};
	struct rows rows = {.n_classes = 0};
	size_t k = 0;
	int r;

	if (n_sets > NSG_BITS)
		return -E2BIG;
	r = nsg_classes_new(sets, n_sets, &c);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c.sets.n; i++)
		rows.n_classes += nsg_bits_has(&c.sets.rows[i], 0);
	if (rows.n_classes > MAX_CLASSES)
		return -E2BIG;
	rows.n_words = rows.n_classes / 64 + 1;
	rows.v = calloc(n_sets * rows.n_words, sizeof(*rows.v));
	if (!rows.v)
		return -ENOMEM;
	for (size_t i = 0; i < c.sets.n; i++) {
		if (!nsg_bits_has(&c.sets.rows[i], 0))
			continue;
		for (size_t s = 0; s < n_sets; s++)
			if (nsg_bits_has(&c.sets.rows[i], s))
				rows.v[s * rows.n_words + k / 64] |= (uint64_t)1 << k % 64;
		k++;
	}
	*ret = rows;
	return 0;
}

/* The sets of one field of all rules, each once. */
struct field {
	struct nsg_ranges *sets;
	struct nsg_ranges *ports; /* made here, of a port field */
	size_t n, n_ports;
};

static void field_done(struct field *f)
{
	for (size_t i = 0; i < f->n_ports; i++)
		nsg_ranges_done(&f->ports[i]);
	free(f->ports);
	free(f->sets);
}

#define cleanup_field __attribute__((cleanup(field_done)))

static size_t add_set(struct field *f, const struct nsg_ranges *r)
{
	for (size_t i = FIXED_SETS; i < f->n; i++)
		if (f->sets[i].v == r->v && f->sets[i].n == r->n)
			return i;
	f->sets[f->n] = *r;
	return f->n++;
}

static int partition_addresses(struct cover *c, bool is_src, const struct nsg_ranges *universe)
{
	const struct nsg_effective *e = c->e;
	cleanup_field struct field f = {.sets = calloc(e->n_rules + FIXED_SETS, sizeof(*f.sets))};
	size_t *set = is_src ? c->src_set : c->dst_set;

	if (!f.sets)
		return -ENOMEM;
	f.sets[0] = *universe;
	f.n = FIXED_SETS;
	for (size_t i = 0; i < e->n_rules; i++)
		set[i] = add_set(&f, is_src ? e->rules[i].src.ranges : e->rules[i].dst.ranges);
	return rows_new(f.sets, f.n, is_src ? &c->src : &c->dst);
}

static int ports_to_ranges(const struct nsg_port_range *v, size_t n, struct nsg_ranges *ret)
{
	cleanup_free struct nsg_range *w = calloc(n + 1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		w[i] = (struct nsg_range){v[i].lo, v[i].hi};
	return nsg_ranges_from_ranges(w, n, ret);
}

static int partition_ports(struct cover *c, bool is_src)
{
	static struct nsg_range all_range[] = {{0, 65535}};
	/* AzurePlatformDNS is port 53. */
	static struct nsg_range odd_range[][1] = {{{53, 53}},
						  {{NSG_SPORT_NOT_CARRIED, NSG_SPORT_NOT_CARRIED}}};
	const struct nsg_ranges all = {all_range, 1}, odd = {odd_range[is_src], 1};
	const struct nsg_effective *e = c->e;
	cleanup_field struct field f = {.sets = calloc(e->n_rules + FIXED_SETS, sizeof(*f.sets)),
					.ports = calloc(e->n_rules + 1, sizeof(*f.ports))};
	size_t *set = is_src ? c->sport_set : c->dport_set;
	int r;

	if (!f.sets || !f.ports)
		return -ENOMEM;
	f.sets[0] = all;
	f.sets[1] = odd;
	f.n = FIXED_SETS;
	for (size_t i = 0; i < e->n_rules; i++) {
		const struct nsg_effective_rule *x = &e->rules[i];

		r = is_src ? ports_to_ranges(x->src_ports, x->n_src_ports, &f.ports[i])
			   : ports_to_ranges(x->dst_ports, x->n_dst_ports, &f.ports[i]);
		if (r < 0)
			return r;
		f.n_ports++;
		set[i] = add_set(&f, &f.ports[i]);
	}
	return rows_new(f.sets, f.n, is_src ? &c->sport : &c->dport);
}

static int make_partitions(struct cover *c)
{
	const struct nsg_effective *e = c->e;
	const struct nsg_prefixes *p = &e->subnet->prefixes;
	struct nsg_effective open = *e;
	int r;

	c->src_set = calloc(e->n_rules + 1, sizeof(*c->src_set));
	c->dst_set = calloc(e->n_rules + 1, sizeof(*c->dst_set));
	c->sport_set = calloc(e->n_rules + 1, sizeof(*c->sport_set));
	c->dport_set = calloc(e->n_rules + 1, sizeof(*c->dport_set));
	if (!c->src_set || !c->dst_set || !c->sport_set || !c->dport_set)
		return -ENOMEM;
	open.route_all = true;
	r = nsg_gate_evaluated_ranges(e, &c->judged);
	if (r < 0)
		return r;
	r = nsg_gate_evaluated_ranges(&open, &c->carried);
	if (r < 0)
		return r;
	r = nsg_ranges_from_prefixes(p->v, p->n, &c->subnet);
	if (r < 0)
		return r;
	r = partition_addresses(c, true, p->n ? &c->subnet : &nsg_ranges_everything);
	if (r < 0)
		return r;
	r = partition_addresses(c, false, &c->judged);
	if (r < 0)
		return r;
	r = partition_ports(c, true);
	if (r < 0)
		return r;
	return partition_ports(c, false);
}

/* ---- cells ----------------------------------------------------------------------------------- */

static bool matches_protocol(const struct nsg_effective_rule *x, uint16_t protocol)
{
	return x->rule->protocol == NSG_PROTOCOL_ANY || x->rule->protocol == protocol;
}

/* The protocols that are carried. */
static const uint8_t protocols[] = {NSG_PROTOCOL_TCP, NSG_PROTOCOL_UDP};

/* One cell: classes are of the partitions. */
struct cell {
	uint16_t protocol;
	size_t src, sport, dport, index;
};

/* Whether the rule reaches the cell at all, whatever the destination. */
static bool reaches(const struct cover *c, size_t i, const struct cell *cell)
{
	const struct nsg_effective_rule *x = &c->e->rules[i];

	return matches_protocol(x, cell->protocol) &&
	       has_class(&c->src, c->src_set[i], cell->src) &&
	       has_class(&c->sport, c->sport_set[i], cell->sport) &&
	       has_class(&c->dport, c->dport_set[i], cell->dport);
}

/* The rule's destinations in a cell that it reaches. */
static void fill_row(const struct cover *c, size_t i, const struct cell *cell, uint64_t *row)
{
	const struct nsg_effective_address *dst = &c->e->rules[i].dst;
	bool is_any = dst->kind == NSG_MATCH_RANGES;

	memset(row, 0, c->n_words * sizeof(*row));
	if (dst->kind == NSG_MATCH_PLATFORM_DNS && has_class(&c->dport, 1, cell->dport))
		row[BIT_DNS(c) / 64] |= (uint64_t)1 << BIT_DNS(c) % 64;
	if (dst->kind == NSG_MATCH_PLATFORM_IMDS)
		row[BIT_IMDS(c) / 64] |= (uint64_t)1 << BIT_IMDS(c) % 64;
	if (!is_any || (cell->protocol == NSG_PROTOCOL_UDP && has_class(&c->sport, 1, cell->sport)))
		return;
	memcpy(row, c->dst.v + c->dst_set[i] * c->dst.n_words, c->dst.n_words * sizeof(*row));
}

/* Calls `visit` for each cell that rule i reaches, until it returns non-zero. */
static int each_cell(struct cover *c, size_t i,
		     int (*visit)(struct cover *c, size_t i, const struct cell *cell, void *data),
		     void *data)
{
	const size_t n_sport = c->sport.n_classes, n_dport = c->dport.n_classes;
	size_t base = 0;

	for (size_t p = 0; p < NSG_ARRAY_SIZE(protocols); p++) {
		struct cell cell = {.protocol = protocols[p]};

		for (cell.src = 0; cell.src < c->src.n_classes; cell.src++)
			for (cell.sport = 0; cell.sport < n_sport; cell.sport++)
				for (cell.dport = 0; cell.dport < n_dport; cell.dport++) {
					int r;

					cell.index = base +
						     (cell.src * n_sport + cell.sport) * n_dport +
						     cell.dport;
					if (!reaches(c, i, &cell))
						continue;
					r = visit(c, i, &cell, data);
					if (r)
						return r;
				}
		base += c->src.n_classes * n_sport * n_dport;
	}
	return 0;
}

/* -E2BIG when the table would be too large. */
static int make_cells(struct cover *c)
{
	const size_t n_ports = c->sport.n_classes * c->dport.n_classes;
	size_t n = c->src.n_classes * n_ports * NSG_ARRAY_SIZE(protocols), words;

	c->n_words = (c->dst.n_classes + 2 + 63) / 64;
	if (__builtin_mul_overflow(n, c->n_words, &words) || words > MAX_TABLE_WORDS ||
	    (uint64_t)n * c->e->n_rules > MAX_WORK / 4)
		return -E2BIG;
	c->cells = calloc(words + 1, sizeof(*c->cells));
	c->row = calloc(c->n_words, sizeof(*c->row));
	return c->cells && c->row ? 0 : -ENOMEM;
}

/* ---- a rule against those before it ---------------------------------------------------------- */

struct reach {
	bool any, fresh; /* some packet matches; one that no earlier rule matches */
};

static int enter(struct cover *c, size_t i, const struct cell *cell, void *data)
{
	uint64_t *covered = c->cells + cell->index * c->n_words;
	struct reach *r = data;

	c->work += c->n_words;
	if (c->work > MAX_WORK)
		return -E2BIG;
	fill_row(c, i, cell, c->row);
	for (size_t w = 0; w < c->n_words; w++) {
		r->any |= c->row[w] != 0;
		r->fresh |= (c->row[w] & ~covered[w]) != 0;
		covered[w] |= c->row[w];
	}
	return 0;
}

/* Which earlier rules take the packets of a shadowed one. */
struct takers {
	bool *takes;
	uint64_t *rest, *row;
};

static int find_takers(struct cover *c, size_t i, const struct cell *cell, void *data)
{
	struct takers *t = data;

	fill_row(c, i, cell, t->rest);
	for (size_t j = 0; j < i; j++) {
		bool left = false, took = false;

		c->work++;
		if (!reaches(c, j, cell))
			continue;
		c->work += c->n_words;
		if (c->work > MAX_WORK)
			return -E2BIG;
		fill_row(c, j, cell, t->row);
		for (size_t w = 0; w < c->n_words; w++) {
			took |= (t->rest[w] & t->row[w]) != 0;
			t->rest[w] &= ~t->row[w];
			left |= t->rest[w] != 0;
		}
		t->takes[j] |= took;
		if (!left)
			break;
	}
	return 0;
}

static int report_shadowed(struct cover *c, size_t i)
{
	const struct nsg_effective *e = c->e;
	const struct nsg_rule *rule = e->rules[i].rule;
	cleanup_free bool *takes = calloc(i + 1, sizeof(*takes));
	cleanup_free uint64_t *rest = calloc(c->n_words, sizeof(*rest));
	cleanup_free uint64_t *row = calloc(c->n_words, sizeof(*row));
	struct takers t = {takes, rest, row};
	struct nsg_phrase_list text = {0};
	bool contrary = false;
	int r;

	if (!takes || !rest || !row)
		return -ENOMEM;
	r = each_cell(c, i, find_takers, &t);
	for (size_t j = 0; j < i; j++) {
		if (!takes[j])
			continue;
		contrary |= e->rules[j].rule->access != rule->access;
		nsg_phrase_add(&text, "%s (%u, %s)", e->rules[j].rule->name,
			       e->rules[j].rule->priority,
			       nsg_access_name(e->rules[j].rule->access));
	}
	(void)nsg_diag_lint(
	    c->diag, NSG_WARNING, nsg_place_of(e->policy, &rule->place), "RuleShadowed",
	    "rule %s (%u, %s) is never reached: %s%s match%s all its packets first%s", rule->name,
	    rule->priority, nsg_access_name(rule->access),
	    r == -E2BIG ? "rules before it, including " : "", nsg_phrase_end(&text),
	    text.n + text.n_left > 1 || r == -E2BIG ? "" : "es",
	    !contrary		       ? ""
	    : text.n + text.n_left > 1 ? ", not all of them with the same action"
				       : ", with the opposite action");
	return 0;
}

/* ---- why a rule never matches ---------------------------------------------------------------- */

static const char *empty_source(const struct nsg_rule *r)
{
	if (r->src.kind == NSG_ADDRESS_ASGS)
		return "its source is an application security group, and the app's interface "
		       "cannot be a member of one";
	if (r->src.kind == NSG_ADDRESS_TAG && nsg_tag_kind_of(r->src.tag) != NSG_TAG_OF_DOCUMENT)
		return "its source is a platform tag, which never matches as a source";
	return "its source has no IPv4 address";
}

static const char *empty_destination(const struct nsg_rule *r)
{
	if (r->dst.kind == NSG_ADDRESS_ASGS)
		return "no member of its destination's application security groups is known";
	if (r->dst.kind == NSG_ADDRESS_TAG && nsg_tag_kind_of(r->dst.tag) == NSG_TAG_PLATFORM_LKM)
		return "AzurePlatformLKM has no addresses here";
	return "its destination has no IPv4 address";
}

/* Whether it would match with route-all on. */
static bool is_behind_gate(const struct cover *c, const struct nsg_effective_rule *x)
{
	return x->dst.kind == NSG_MATCH_RANGES && nsg_ranges_disjoint(x->dst.ranges, &c->judged) &&
	       !nsg_ranges_disjoint(x->dst.ranges, &c->carried);
}

static const char *why_never(const struct cover *c, const struct nsg_effective_rule *x)
{
	const struct nsg_rule *r = x->rule;

	if (!x->src.ranges->n)
		return empty_source(r);
	if (c->subnet.n && nsg_ranges_disjoint(x->src.ranges, &c->subnet))
		return "its source contains no address of the integration subnet";
	if (x->dst.kind == NSG_MATCH_RANGES && !x->dst.ranges->n)
		return empty_destination(r);
	if (r->protocol != NSG_PROTOCOL_ANY && !nsg_protocol_has_ports(r->protocol))
		return "the integration carries TCP and UDP only";
	if (x->dst.kind == NSG_MATCH_PLATFORM_DNS)
		return "AzurePlatformDNS is TCP and UDP port 53 only";
	if (nsg_ranges_disjoint(x->dst.ranges, &c->carried))
		return "its destination is Azure's platform or not carried by the integration; "
		       "only the AzurePlatform tags match the platform";
	return "it matches no packet that the integration carries";
}

static void report_never(struct cover *c, const struct nsg_effective_rule *x)
{
	const struct nsg_effective *e = c->e;
	const struct nsg_rule *r = x->rule;
	const struct nsg_place *place = nsg_place_of(e->policy, &r->place);

	if (!is_behind_gate(c, x) || !x->src.ranges->n) {
		(void)nsg_diag_lint(c->diag, NSG_WARNING, place, "RuleNeverMatches",
				    "rule %s (%u) never matches: %s", r->name, r->priority,
				    why_never(c, x));
		return;
	}
	if (!e->route_all && !nsg_ranges_disjoint(x->dst.ranges, &e->endpoints))
		(void)nsg_diag_lint(c->diag, NSG_WARNING, place, "GateClosed",
				    "rule %s (%u) never matches: its destinations can enter the "
				    "virtual network only by a service endpoint, and without "
				    "route-all %s evaluates NSGs for RFC 1918 destinations only",
				    r->name, r->priority, e->profile->name);
	else
		(void)nsg_diag_lint(c->diag, NSG_WARNING, place, "GateClosed",
				    "rule %s (%u) never matches: route-all is off (%s), so no "
				    "traffic to its destinations enters the virtual network",
				    r->name, r->priority, e->route_all_by);
}

static int lint_rules(struct cover *c)
{
	const struct nsg_effective *e = c->e;
	int r;

	r = make_partitions(c);
	if (r < 0)
		return r;
	r = make_cells(c);
	if (r < 0)
		return r;
	for (size_t i = 0; i < e->n_rules; i++) {
		struct reach reach = {false, false};

		r = each_cell(c, i, enter, &reach);
		if (r < 0)
			return r;
		if (e->rules[i].rule->is_default)
			continue;
		if (!reach.any)
			report_never(c, &e->rules[i]);
		else if (!reach.fresh)
			r = report_shadowed(c, i);
		if (r < 0)
			return r;
	}
	return 0;
}

int nsg_lint_rules(const struct nsg_effective *e, struct nsg_diag *diag)
{
	cleanup_cover struct cover c = {.e = e, .diag = diag};
	int r;

	if (!e->nsg)
		return 0;
	r = lint_rules(&c);
	if (r != -E2BIG)
		return r;
	(void)nsg_diag_lint(
	    diag, NSG_NOTICE, nsg_place_of(e->policy, &e->nsg->place), "RuleShadowed",
	    "the rules of NSG %s have too many combinations of addresses and ports: "
	    "some shadowed rules may not be reported",
	    e->nsg->name);
	return 0;
}
