/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The classifier on an image written by hand: no compiler, so that each is tested by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "classify/decide_priv.h"

#define SEGMENTS 3

/* 0/1 denied by rule 0 for TCP to port 22, 128/1 by nothing; the address between them bypasses. */
struct hand_image {
	struct nsg_image head;
	_Alignas(64) int32_t dst_keys[NSG_NODE_KEYS];
	_Alignas(64) int32_t src_keys[NSG_NODE_KEYS];
	_Alignas(64) uint64_t dst_leaves[SEGMENTS];
	_Alignas(64) uint32_t src_leaves[1];
	_Alignas(64) uint32_t src_table[4];
	_Alignas(64) struct nsg_layout_protocol protocols[256];
	_Alignas(64) uint32_t cross[6];
	_Alignas(64) uint16_t sports[NSG_PORTS];
	_Alignas(64) uint16_t dports[NSG_PORTS];
	_Alignas(64) uint64_t dst_rows[2][NSG_ROW_WORDS];
	_Alignas(64) uint64_t src_rows[2][NSG_ROW_WORDS];
	_Alignas(64) uint64_t l4_rows[3][NSG_ROW_WORDS];
};

#define OFF(field) (uint32_t) offsetof(struct hand_image, field)

static void set(uint64_t *row, unsigned int bit)
{
	row[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static uint64_t leaf(uint32_t class, uint32_t route, uint32_t hop, enum nsg_gate gate,
		     enum nsg_reason reason)
{
	return class | (uint64_t)route << NSG_LEAF_ROUTE_SHIFT |
	       (uint64_t)hop << NSG_LEAF_HOP_SHIFT | (uint64_t)gate << NSG_LEAF_GATE_SHIFT |
	       (uint64_t)reason << NSG_LEAF_REASON_SHIFT;
}

static struct hand_image *hand_image(uint64_t id)
{
	struct hand_image *h = aligned_alloc(64, sizeof(*h));
	static const uint32_t lasts[SEGMENTS] = {0x7fffffff, 0x80000000, 0xffffffff};

	assert_non_null(h);
	memset(h, 0, sizeof(*h));
	h->head = (struct nsg_image){
	    .id = id,
	    .denies = {1u << NSG_BIT_RULES},
	    .dst = {.depth = 1, .n = SEGMENTS, .level_off = {OFF(dst_keys)}},
	    .src = {.depth = 1, .n = 1, .level_off = {OFF(src_keys)}},
	    .dst_leaves_off = OFF(dst_leaves),
	    .src_leaves_off = OFF(src_leaves),
	    .src_table_off = OFF(src_table),
	    .src_table_host = 100,
	    .src_table_n = 4,
	    .protocols_off = OFF(protocols),
	    .cross_off = OFF(cross),
	    .n_cross = 6,
	    .sports_off = OFF(sports),
	    .dports_off = OFF(dports),
	    .sport_classes = 2,
	    .dport_classes = 2,
	    .sport_trivial = 1,
	    .dst_rows_off = OFF(dst_rows),
	    .src_rows_off = OFF(src_rows),
	    .l4_rows_off = OFF(l4_rows),
	};
	for (unsigned int i = 0; i < NSG_NODE_KEYS; i++) {
		h->dst_keys[i] = i < SEGMENTS ? nsg_tree_key(lasts[i]) : INT32_MAX;
		h->src_keys[i] = INT32_MAX;
	}
	h->dst_leaves[0] = leaf(1, 7, 3, NSG_GATE_RFC1918, NSG_REASON_ALLOWED);
	h->dst_leaves[1] = leaf(0, NSG_LEAF_ROUTE_NONE, 0, NSG_GATE_BYPASS, NSG_REASON_BYPASS);
	h->dst_leaves[2] = leaf(1, 9, 0, NSG_GATE_ROUTE_ALL, NSG_REASON_ROUTE_NONE);
	h->src_leaves[0] = 1;
	h->src_table[2] = 0; /* address 102: a source of no rule */
	h->src_table[0] = h->src_table[1] = h->src_table[3] = 1;
	h->protocols[NSG_PROTOCOL_TCP] = (struct nsg_layout_protocol){0, UINT32_MAX};
	/* Portless here, so that its ports are seen to be of no account. */
	h->protocols[NSG_PROTOCOL_UDP] = (struct nsg_layout_protocol){4, 0};
	h->protocols[47] = (struct nsg_layout_protocol){5, 0};
	h->dports[22] = 1;
	h->sports[NSG_SPORT_NOT_CARRIED] = 1;
	/* [source class][destination class]: port 22 meets rule 0, all else rule 1. */
	h->cross[0] = 1;
	h->cross[1] = 0;
	h->cross[2] = 1;
	h->cross[3] = 2;
	h->cross[4] = 1;
	h->cross[5] = 2;
	set(h->dst_rows[1], NSG_BIT_NOT_CARRIED);
	set(h->dst_rows[1], NSG_BIT_RULES);
	set(h->dst_rows[1], NSG_BIT_RULES + 1001);
	set(h->src_rows[1], NSG_BIT_NOT_CARRIED);
	set(h->src_rows[1], NSG_BIT_RULES);
	set(h->src_rows[1], NSG_BIT_RULES + 1001);
	set(h->src_rows[0], NSG_BIT_NOT_CARRIED);
	set(h->l4_rows[0], NSG_BIT_RULES);
	set(h->l4_rows[0], NSG_BIT_RULES + 1001);
	set(h->l4_rows[1], NSG_BIT_RULES + 1001);
	set(h->l4_rows[2], NSG_BIT_NOT_CARRIED);
	for (unsigned int i = 0; i < 2; i++) {
		set(h->dst_rows[i], NSG_BIT_NOTHING);
		set(h->src_rows[i], NSG_BIT_NOTHING);
	}
	for (unsigned int i = 0; i < 3; i++)
		set(h->l4_rows[i], NSG_BIT_NOTHING);
	return h;
}

static const struct {
	struct nsg_key key;
	struct nsg_decision want;
} cases[] = {
    /* Rule 0 denies; the route is told all the same, the next hop is not. */
    {{1, 0x7fffffff, 1, 22, 6, {0}},
     {7, 0, 0, NSG_GATE_RFC1918, NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, 0}},
    /* The last rule of all allows. */
    {{1, 0, 1, 23, 6, {0}},
     {7, 1001, 3, NSG_GATE_RFC1918, NSG_VERDICT_ACCEPT, NSG_REASON_ALLOWED, 0}},
    {{1, 0, 0, 0, 17, {0}},
     {7, 1001, 3, NSG_GATE_RFC1918, NSG_VERDICT_ACCEPT, NSG_REASON_ALLOWED, 0}},
    /* The rules allow, the route does not; and the other way round nsg-deny goes first. */
    {{1, 0x80000001, 1, 23, 6, {0}},
     {9, 1001, 0, NSG_GATE_ROUTE_ALL, NSG_VERDICT_DROP, NSG_REASON_ROUTE_NONE, 0}},
    {{1, 0xffffffff, 1, 22, 6, {0}},
     {9, 0, 0, NSG_GATE_ROUTE_ALL, NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, 0}},
    /* One address between two segments. */
    {{1, 0x80000000, 1, 22, 6, {0}},
     {NSG_ROUTE_NONE, NSG_RULE_NONE, 0, NSG_GATE_BYPASS, NSG_VERDICT_ACCEPT, NSG_REASON_BYPASS, 0}},
    /* Not carried goes before every rule, but only where the packet enters. */
    {{1, 0, 0, 0, 47, {0}},
     {NSG_ROUTE_NONE, NSG_RULE_NONE, 0, NSG_GATE_NOT_CARRIED, NSG_VERDICT_DROP,
      NSG_REASON_NOT_CARRIED, 0}},
    {{1, 0x80000000, 0, 0, 47, {0}},
     {NSG_ROUTE_NONE, NSG_RULE_NONE, 0, NSG_GATE_BYPASS, NSG_VERDICT_ACCEPT, NSG_REASON_BYPASS, 0}},
    {{1, 0, NSG_SPORT_NOT_CARRIED, 22, 6, {0}},
     {NSG_ROUTE_NONE, NSG_RULE_NONE, 0, NSG_GATE_NOT_CARRIED, NSG_VERDICT_DROP,
      NSG_REASON_NOT_CARRIED, 0}},
    /* The source table: its addresses, the first and last, and one beyond each end. */
    {{102, 0, 1, 22, 6, {0}},
     {7, NSG_RULE_NONE, 3, NSG_GATE_RFC1918, NSG_VERDICT_ACCEPT, NSG_REASON_ALLOWED, 0}},
    {{99, 0, 1, 22, 6, {0}}, {7, 0, 0, NSG_GATE_RFC1918, NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, 0}},
    {{103, 0, 1, 22, 6, {0}},
     {7, 0, 0, NSG_GATE_RFC1918, NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, 0}},
    {{104, 0, 1, 22, 6, {0}},
     {7, 0, 0, NSG_GATE_RFC1918, NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, 0}},
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static void one_packet(void **state)
{
	struct hand_image *h = hand_image(1);

	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct nsg_decision d = nsg_classify(&h->head, &cases[i].key);

		assert_memory_equal(&d, &cases[i].want, sizeof(d));
	}
	free(h);
}

static void assert_batches(nsg_simd_batch batch)
{
	struct hand_image *h = hand_image(1);
	struct nsg_memo *memo = nsg_memo_new();

	assert_non_null(memo);
	/* Every length around the chunk's, on an empty memo and on a full one. */
	for (size_t n = 0; n <= 3 * NSG_CHUNK + 1; n++) {
		struct nsg_key keys[3 * NSG_CHUNK + 1];
		struct nsg_decision got[3 * NSG_CHUNK + 2];

		for (size_t i = 0; i < n; i++)
			keys[i] = cases[(i + n) % N_CASES].key;
		memset(got, 0xa5, sizeof(got));
		if (n % 2)
			nsg_memo_reset(memo);
		batch(&h->head, memo, keys, n, got);
		for (size_t i = 0; i < n; i++)
			assert_memory_equal(&got[i], &cases[(i + n) % N_CASES].want,
					    sizeof(got[i]));
		assert_int_equal(got[n].admin, 0xa5a5);
	}
	nsg_memo_free(memo);
	free(h);
}

static void batches_portable(void **state)
{
	(void)state;
	assert_batches(nsg_simd_portable);
}

static void batches_avx2(void **state)
{
	(void)state;
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2")) {
		assert_batches(nsg_simd_avx2);
		return;
	}
#endif
	skip();
}

static void batches_avx512(void **state)
{
	(void)state;
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f")) {
		assert_batches(nsg_simd_avx512);
		return;
	}
#endif
	skip();
}

static void the_route_alone(void **state)
{
	struct hand_image *h = hand_image(1);
	struct nsg_decision d = nsg_classify_route(&h->head, &cases[0].key);
	static const struct nsg_decision want = {
	    7, NSG_RULE_NONE, 3, NSG_GATE_RFC1918, NSG_VERDICT_ACCEPT, NSG_REASON_ALLOWED, 0,
	};

	(void)state;
	assert_memory_equal(&d, &want, sizeof(d));
	assert_int_equal(nsg_classify_route(&h->head, &cases[4].key).reason, NSG_REASON_ROUTE_NONE);
	assert_int_equal(nsg_classify_route(&h->head, &cases[6].key).reason,
			 NSG_REASON_NOT_CARRIED);
	free(h);
}

/* ---- memo ---- */

static void a_memo_never_takes_one_triple_for_another(void **state)
{
	static const uint32_t dst[] = {0, 1, 2, 0x1ffffe, 0x1fffff};
	static const uint32_t l4[] = {0, 1, 2, 0xffffe, 0xfffff};
	uint64_t seen[125];
	size_t n = 0;

	(void)state;
	for (size_t d = 0; d < 5; d++)
		for (size_t s = 0; s < 5; s++)
			for (size_t l = 0; l < 5; l++)
				seen[n++] = memo_hash(dst[d], dst[s], l4[l]);
	for (size_t i = 0; i < n; i++) {
		assert_true(memo_index(seen[i]) < NSG_MEMO_ENTRIES);
		assert_false(memo_holds(0, seen[i]));
		for (size_t j = 0; j < n; j++) {
			uint64_t entry = memo_entry(seen[j], NSG_MATCH_DENIES | NSG_MATCH_BIT);

			/* Only within one slot can two meet. */
			if (memo_index(seen[i]) == memo_index(seen[j]))
				assert_int_equal(memo_holds(entry, seen[i]), i == j);
			assert_int_equal(entry & (NSG_MATCH_DENIES | NSG_MATCH_BIT),
					 NSG_MATCH_DENIES | NSG_MATCH_BIT);
		}
	}
}

static void a_memo_is_left_out_while_it_knows_too_little(void **state)
{
	struct nsg_memo *memo = nsg_memo_new();
	uint32_t asked = 0;

	(void)state;
	assert_non_null(memo);
	while (memo_is_worth_it(memo, NSG_CHUNK)) {
		memo->missed += NSG_CHUNK;
		asked += NSG_CHUNK;
	}
	assert_int_equal(asked, MEMO_TRIAL);
	for (asked = 0; !memo_is_worth_it(memo, NSG_CHUNK); asked += NSG_CHUNK)
		;
	assert_true(asked >= MEMO_REST - NSG_CHUNK && asked <= MEMO_REST + NSG_CHUNK);
	/* One that knows three in four stays. */
	for (asked = 0; asked < 10 * MEMO_TRIAL; asked += NSG_CHUNK) {
		assert_true(memo_is_worth_it(memo, NSG_CHUNK));
		memo->missed += NSG_CHUNK / 4;
	}
	nsg_memo_free(memo);
}

static void a_memo_forgets_another_image(void **state)
{
	struct hand_image *one = hand_image(1), *two = hand_image(2);
	struct nsg_memo *memo = nsg_memo_new();
	struct nsg_decision d;

	(void)state;
	assert_non_null(memo);
	two->head.denies[0] = 0;
	nsg_classify_batch(&one->head, memo, &cases[0].key, 1, &d);
	assert_int_equal(d.reason, NSG_REASON_NSG_DENY);
	nsg_classify_batch(&two->head, memo, &cases[0].key, 1, &d);
	assert_int_equal(d.reason, NSG_REASON_ALLOWED);
	nsg_memo_free(memo);
	free(one);
	free(two);
}

/* ---- which instructions ---- */

/* The choice is made once a process. */
static bool chooses(const char *forced, const char *want)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		if (forced)
			(void)setenv("NSGD_SIMD", forced, 1);
		else
			(void)unsetenv("NSGD_SIMD");
		_exit(strcmp(nsg_classify_simd(), want) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void the_environment_forces_a_path(void **state)
{
	const char *best = "portable";

	(void)state;
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		best = "avx2";
	if (__builtin_cpu_supports("avx512f"))
		best = "avx512";
	if (strcmp(best, "portable"))
		assert_true(chooses("avx2", "avx2"));
#endif
	assert_true(chooses("portable", "portable"));
	assert_true(chooses(NULL, best));
	assert_true(chooses("", best));
	assert_true(chooses("neon", best));
	assert_true(chooses("avx512", best));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_environment_forces_a_path),
	    cmocka_unit_test(one_packet),
	    cmocka_unit_test(batches_portable),
	    cmocka_unit_test(batches_avx2),
	    cmocka_unit_test(batches_avx512),
	    cmocka_unit_test(the_route_alone),
	    cmocka_unit_test(a_memo_never_takes_one_triple_for_another),
	    cmocka_unit_test(a_memo_forgets_another_image),
	    cmocka_unit_test(a_memo_is_left_out_while_it_knows_too_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
