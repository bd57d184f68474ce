/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/gate.h"
#include "model/pieces.h"
#include "support/policy_build.h"
#include "util/cleanup.h"
#include "util/macro.h"

struct seen {
	const struct nsg_effective *e;
	uint64_t next; /* the first address not yet passed */
	uint64_t n_addresses;
	size_t n_pieces, stop_at;
};

static void compare(const struct seen *s, uint32_t addr, enum nsg_gate gate,
		    const struct nsg_row *const *covering, size_t n)
{
	size_t m = 0;

	assert_int_equal(nsg_gate_of(s->e, addr), gate);
	for (size_t i = 0; i < s->e->n_rows; i++)
		m += s->e->rows[i].state != NSG_ROW_GONE &&
		     nsg_prefix_contains(s->e->rows[i].prefix, addr);
	assert_int_equal(m, n);
	for (size_t i = 0; i < n; i++)
		assert_true(nsg_prefix_contains(covering[i]->prefix, addr));
}

static int look(void *data, struct nsg_range piece, enum nsg_gate gate,
		const struct nsg_row *const *covering, size_t n)
{
	struct seen *s = data;

	assert_true(piece.lo >= s->next && piece.lo <= piece.hi);
	s->next = (uint64_t)piece.hi + 1;
	s->n_addresses += s->next - piece.lo;
	compare(s, piece.lo, gate, covering, n);
	compare(s, piece.hi, gate, covering, n);
	compare(s, piece.lo + (piece.hi - piece.lo) / 2, gate, covering, n);
	return ++s->n_pieces == s->stop_at ? 7 : 0;
}

static int walk(const struct nsg_effective *e, struct seen *s)
{
	cleanup_gates struct nsg_gates gates = {0};

	assert_int_equal(nsg_gates_new(e, &gates), 0);
	return nsg_rows_walk(e, &gates, look, s);
}

static void every_piece_is_alike_and_none_is_missed(void **state)
{
	struct policy_build *b = policy_build_new();
	struct nsg_route_table *t;
	struct seen s = {.next = 0};
	uint64_t seed = 99;

	(void)state;
	policy_build_usual(b);
	t = policy_build_table(b, "rt");
	for (unsigned int i = 0; i < 300; i++) {
		unsigned int len;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		len = 1 + (unsigned int)(seed >> 33) % 32;
		/* Conflicts would be an error: the first bits tell the routes apart. */
		policy_build_route(b, t, "r",
				   policy_build_printf(b, "%u.%u.%u.%u/%u",
						       (unsigned int)(seed >> 40) % 256,
						       (unsigned int)(seed >> 48) % 4 * 64, i % 256,
						       (unsigned int)(seed >> 56) % 256, len),
				   NSG_HOP_NONE, "");
	}
	for (size_t i = 0; i < t->n_routes; i++)
		for (size_t j = 0; j < i; j++)
			if (nsg_prefix_equal(t->routes[i].prefix, t->routes[j].prefix))
				t->routes[i--] = t->routes[--t->n_routes], j = i;
	b->options.route_all = NSG_TRUE;
	assert_int_equal(policy_build_make(b), 0);
	s.e = b->e;
	assert_int_equal(walk(b->e, &s), 0);
	/* All but loopback, link-local, multicast, broadcast and 168.63.129.16. */
	assert_int_equal(s.n_addresses,
			 (1ull << 32) - (1ull << 24) - (1ull << 16) - (1ull << 28) - 2);
	s = (struct seen){.e = b->e, .stop_at = 3};
	assert_int_equal(walk(b->e, &s), 7);
	assert_int_equal(s.n_pieces, 3);
	b->options.route_all = NSG_FALSE;
	assert_int_equal(policy_build_make(b), 0);
	s = (struct seen){.e = b->e};
	assert_int_equal(walk(b->e, &s), 0);
	assert_int_equal(s.n_addresses, (1u << 24) + (1u << 20) + (1u << 16));
	policy_build_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_piece_is_alike_and_none_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
