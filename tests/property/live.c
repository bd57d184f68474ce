/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live routes come and go: the image that is made from the one before against one compiled from
 * nothing, and against the same routes as rows of a document, which property compares with the naive
 * evaluator. Every segment is compared, not only what some packets meet.
 *
 *   live [-n POLICIES] [-s SEED]
 *
 * Ends with 1 at the first difference, when images were hardly ever made from the one before, or when
 * an image that was tampered with passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "azure/load.h"
#include "classify/image_layout.h"
#include "compile/compile_priv.h"
#include "compile/compile.h"
#include "explain/explain.h"
#include "generate_priv.h"
#include "live_images.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define STEPS 8
#define HOPS 4

struct counts {
	uint64_t steps, patched, documents, noticed[IMAGE_TAMPERS], missed, missed_noticed;
};

static bool tamper(const struct nsg_image *scratch, const struct nsg_image *patched, struct rng *r,
		   struct counts *c)
{
	for (size_t k = 0; k < IMAGE_TAMPERS; k++) {
		struct nsg_image *copy = aligned_alloc(NSG_IMAGE_ALIGN, patched->info.size_bytes);
		uint32_t at;

		if (!copy)
			return false;
		memcpy(copy, patched, patched->info.size_bytes);
		if (image_tampers[k].tamper(copy, r) && image_difference(scratch, copy, &at))
			c->noticed[k]++;
		(void)nsg_image_free(copy);
	}
	return true;
}

/* ---- routes that come and go ------------------------------------------------------------------ */

static struct nsg_prefix pool_prefix(struct rng *r)
{
	struct nsg_prefix p = {0};
	bool masked;

	(void)nsg_prefix_parse(PICK(r, generate_pool), &p, &masked);
	return p;
}

/* Around the prefixes that the policy has, where rows meet. */
static struct nsg_prefix random_prefix(const struct nsg_effective *e, struct rng *r)
{
	struct nsg_prefix p =
	    rng_percent(r, 60) ? e->rows[rng_below(r, (uint32_t)e->n_rows)].prefix : pool_prefix(r);
	const uint32_t how = rng_below(r, 100);

	if (how < 2)
		return (struct nsg_prefix){0, 0};
	if (how < 20 && p.len)
		p.len -= (uint8_t)(1 + rng_below(r, p.len < 4 ? p.len : 4));
	else if (how < 50 && p.len < 32)
		p.len += (uint8_t)(1 + rng_below(r, 32u - p.len < 8 ? 32u - p.len : 8));
	if (how >= 20 && how < 50)
		p.addr_host |= rng_next(r) & ~nsg_prefix_mask(e->rows[0].prefix.len);
	if (how >= 50 && how < 65 && p.len)
		p.addr_host ^= (uint32_t)1 << (32 - p.len);
	p.addr_host &= nsg_prefix_mask(p.len);
	return p;
}

static int random_change(const struct nsg_effective *e, const struct nsg_route_set *before,
			 struct nsg_hop_lists *lists, struct rng *r, struct nsg_route_change *ret)
{
	uint32_t hops_host[HOPS], n = rng_below(r, HOPS);
	struct nsg_prefix p = random_prefix(e, r);

	for (uint32_t i = 0; i < n; i++)
		hops_host[i] = NSG_IP4(10, 0, 255, 4) + (i * 5 + rng_below(r, 5));
	*ret = (struct nsg_route_change){.removed = rng_percent(r, 45)};
	ret->route.metric = rng_percent(r, 15);
	/* withdrawn is what is there */
	if (before->n && ret->removed) {
		ret->route = before->v[rng_below(r, (uint32_t)before->n)];
	} else {
		ret->route.addr_host = p.addr_host;
		ret->route.len = p.len;
	}
	return nsg_hop_lists_add(lists, hops_host, n, &ret->route.list);
}

static struct nsg_route_set *next_set(const struct nsg_effective *e,
				      const struct nsg_route_set *before,
				      struct nsg_hop_lists *lists, uint32_t n, struct rng *r)
{
	static const struct nsg_route_set nothing;
	struct nsg_route_changes changes = {0};
	struct nsg_route_set *set = NULL;
	struct nsg_route_diff diff;
	int status = 0;

	while (n-- && !status) {
		struct nsg_route_change c;

		status = random_change(e, before ? before : &nothing, lists, r, &c);
		if (!status)
			status = nsg_vec_push(&changes.changes, c);
	}
	if (!status)
		status = nsg_route_set_new(before, &changes, false, lists, 1, NSG_MAX_BGP_ROUTES,
					   &diff, &set);
	nsg_route_changes_done(&changes);
	if (status)
		abort();
	return set;
}

/* ---- the same routes as a document ------------------------------------------------------------ */

static json_t *text_of(const struct nsg_prefix p)
{
	char text[NSG_PREFIX_TEXT];

	nsg_prefix_format(p, text);
	return json_string(text);
}

static void save_document(const char *directory, const struct nsg_effective *e)
{
	json_t *list = json_pack("[{s:n,s:s,s:s,s:[s],s:[],s:s}]", "name", "source", "Default",
				 "state", "Active", "addressPrefix", "10.77.0.0/16",
				 "nextHopIpAddress", "nextHopType", "VnetLocal");

	for (size_t i = 0; i < e->live->n; i++) {
		json_t *hops = json_array();
		struct nsg_row row;

		for (size_t k = 0; nsg_effective_live_row(e, i, &row) && k < row.n_hops; k++) {
			char text[NSG_IP4_TEXT];

			nsg_ip4_format(row.hops_host[k], text);
			json_array_append_new(hops, json_string(text));
		}
		if (!nsg_effective_live_row(e, i, &row)) {
			json_decref(hops);
			continue;
		}
		json_array_append_new(list, json_pack("{s:n,s:s,s:s,s:[o],s:o,s:s}", "name",
						      "source", "VirtualNetworkGateway", "state",
						      "Active", "addressPrefix",
						      text_of(row.prefix), "nextHopIpAddress", hops,
						      "nextHopType", "VirtualNetworkGateway"));
	}
	generate_save(directory, "zz-live.json", json_pack("{s:o}", "value", list));
}

/* Static routes of gateways are listed in another order. */
static bool same_list(const json_t *a, const json_t *b)
{
	const json_t *x, *y;
	size_t i, k;

	a = json_object_get(a, "value");
	b = json_object_get(b, "value");
	json_array_foreach(a, i, x)
	{
		bool found = false;

		json_array_foreach(b, k, y) found |= json_equal(x, y);
		if (!found)
			return false;
	}
	return json_array_size(a) == json_array_size(b);
}

/* NULL: no memory. */
static json_t *list_routes(const struct nsg_effective *e)
{
	cleanup_route_cursor struct nsg_route_cursor cursor = {.e = e};
	json_t *list = NULL;

	(void)nsg_explain_routes_next(&cursor, SIZE_MAX, &list);
	return list;
}

/* NULL, or what differs. */
static const char *compare_document(const char *directory, const struct nsg_options *options,
				    const struct nsg_effective *e, const struct nsg_image *image,
				    uint32_t *ret_at)
{
	static const struct nsg_load_options load = {0};
	struct nsg_options none = *options;
	struct nsg_policy *policy = NULL;
	struct nsg_effective *documents = NULL;
	struct nsg_image *other = NULL;
	struct nsg_diag diag = {0};
	json_t *a = NULL, *b = NULL;
	const char *what = "what loads";

	none.live = NULL;
	save_document(directory, e);
	if (!nsg_policy_load(directory, &load, NULL, &diag, &policy) &&
	    !nsg_effective_new(policy, &none, &diag, &documents) &&
	    !nsg_compile(documents, NULL, &diag, &other))
		what = image_difference(other, image, ret_at);
	if (!what) {
		a = list_routes(e);
		b = list_routes(documents);
		if (!a || !b || !same_list(a, b))
			what = "effective routes";
	}
	json_decref(a);
	json_decref(b);
	(void)nsg_image_free(other);
	(void)nsg_effective_free(documents);
	(void)nsg_policy_free(policy);
	nsg_diag_done(&diag);
	return what;
}

/* ---- one policy ------------------------------------------------------------------------------- */

struct state {
	struct nsg_effective *e;
	struct nsg_image *image;
};

static void state_done(struct state *s)
{
	(void)nsg_image_free(s->image);
	(void)nsg_effective_free(s->e);
}

/* A change that the compiler is not told of must show. */
static void miss_change(const struct state *before, const struct state *now,
			const struct nsg_image *scratch, struct counts *c)
{
	struct nsg_effective same = *before->e;
	struct nsg_image *image = NULL;
	uint32_t at;

	same.live = now->e->live;
	/* the image's live routes must be among those of the set */
	if (!before->e->live || before->e->live->n > now->e->live->n ||
	    nsg_patch(now->e, &same, before->image, &image) < 0)
		return;
	c->missed++;
	c->missed_noticed += image_difference(scratch, image, &at) != NULL;
	(void)nsg_image_free(image);
}

static const char *step(const struct nsg_policy *policy, const struct nsg_options *options,
			struct state *s, struct rng *r, struct counts *c, uint32_t *ret_at)
{
	struct nsg_diag diag = {0};
	struct nsg_image *scratch = NULL;
	struct state next = {0};
	const char *what = "what loads";
	bool patched;

	if (!nsg_effective_new(policy, options, &diag, &next.e) &&
	    !nsg_compile(next.e, NULL, &diag, &scratch)) {
		patched = nsg_patch(next.e, s->e, s->image, &next.image) >= 0;
		c->steps++;
		c->patched += patched;
		what = patched ? image_difference(scratch, next.image, ret_at) : NULL;
		if (patched && !what && scratch->info.route_hash != next.image->info.route_hash)
			what = "hashes of routes";
		if (patched && !what) {
			miss_change(s, &next, scratch, c);
			if (!tamper(scratch, next.image, r, c))
				what = "memory";
		}
		if (!patched)
			next.image = TAKE_PTR(scratch);
	}
	(void)nsg_image_free(scratch);
	nsg_diag_done(&diag);
	state_done(s);
	*s = next;
	return what;
}

static const char *run_policy(const char *directory, struct rng *r, struct counts *c,
			      uint32_t *ret_at)
{
	static const struct nsg_load_options load = {0};
	struct nsg_options options;
	struct nsg_policy *policy = NULL;
	struct nsg_hop_lists lists = {0};
	struct nsg_diag diag = {0};
	struct state s = {0};
	const char *what = "what loads";

	generate_policy(r, directory, &options);
	options.live = NULL;
	if (!nsg_policy_load(directory, &load, NULL, &diag, &policy) &&
	    !nsg_effective_new(policy, &options, &diag, &s.e) &&
	    !nsg_compile(s.e, NULL, &diag, &s.image))
		what = NULL;
	for (unsigned int i = 0; i < STEPS && !what; i++) {
		struct nsg_route_set *set =
		    next_set(s.e, options.live, &lists, i ? 1 + rng_below(r, 4) : 20, r);

		nsg_route_set_unref(options.live);
		options.live = set;
		what = step(policy, &options, &s, r, c, ret_at);
	}
	if (!what && s.e->live) {
		c->documents++;
		what = compare_document(directory, &options, s.e, s.image, ret_at);
	}
	nsg_route_set_unref(options.live);
	nsg_hop_lists_done(&lists);
	state_done(&s);
	(void)nsg_policy_free(policy);
	nsg_diag_done(&diag);
	return what;
}

/* ---- all of them ------------------------------------------------------------------------------ */

static unsigned int report(const struct counts *c)
{
	unsigned int failures = c->patched < c->steps / 3 || !c->documents || !c->missed_noticed;

	printf("%llu sets of live routes, %llu images made from the one before, %llu compared with "
	       "a document, no difference\n",
	       (unsigned long long)c->steps, (unsigned long long)c->patched,
	       (unsigned long long)c->documents);
	for (size_t i = 0; i < IMAGE_TAMPERS; i++) {
		printf("  %-40s %10llu%s\n", image_tampers[i].name,
		       (unsigned long long)c->noticed[i], c->noticed[i] ? "" : "   NEVER");
		failures += !c->noticed[i];
	}
	printf("  %-40s %10llu of %llu\n", "a change was missed",
	       (unsigned long long)c->missed_noticed, (unsigned long long)c->missed);
	return failures;
}

int main(int argc, char **argv)
{
	unsigned long policies = 400;
	uint64_t seed = 1;
	char directory[] = "/tmp/nsgd-live-XXXXXX";
	struct counts c = {0};
	const char *what = NULL;
	int option;

	while ((option = getopt(argc, argv, "n:s:")) != -1) {
		if (option == 'n')
			policies = strtoul(optarg, NULL, 10);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	if (!mkdtemp(directory))
		return 1;
	for (unsigned long i = 0; i < policies && !what; i++) {
		struct rng rng = {seed + i * 1000003};
		uint32_t at = 0;
		char text[NSG_IP4_TEXT];

		what = run_policy(directory, &rng, &c, &at);
		nsg_ip4_format(at, text);
		if (what)
			fprintf(stderr, "policy %lu of seed %llu: %s differ at %s\n", i,
				(unsigned long long)seed, what, text);
	}
	generate_remove(directory);
	(void)rmdir(directory);
	return what || report(&c);
}
