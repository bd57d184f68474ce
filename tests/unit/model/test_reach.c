/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/lint_priv.h"
#include "support/policy_build.h"

/* Against the gate, asked for each edge of the answer and its neighbours. */
static void what_an_nsg_judges_is_what_enters(void **state)
{
	static const char *const profiles[] = {"2020-04", "current"};
	struct policy_build *b = policy_build_new();

	(void)state;
	policy_build_usual(b);
	policy_build_tag(b, policy_build_tags(b), "Storage", "", "20.0.0.0/24 168.63.129.0/24");
	policy_build_endpoint(b, &b->p->vnets[0].subnets[0], "Microsoft.Storage", "");
	for (int i = 0; i < 4; i++) {
		struct nsg_ranges r = {0};

		b->options.profile = nsg_profile_find(profiles[i / 2]);
		b->options.route_all = i % 2 ? NSG_TRUE : NSG_FALSE;
		assert_int_equal(policy_build_make(b), 0);
		assert_int_equal(nsg_judged_ranges(b->e, &r), 0);
		assert_true(r.n > 2);
		for (size_t k = 0; k < 4 * r.n; k++) {
			const uint32_t edges[] = {r.v[k / 4].lo, r.v[k / 4].lo - 1, r.v[k / 4].hi,
						  r.v[k / 4].hi + 1};
			enum nsg_gate g = nsg_gate_of(b->e, edges[k % 4]);
			bool enters = g == NSG_GATE_RFC1918 || g == NSG_GATE_ROUTE_ALL ||
				      (g == NSG_GATE_SERVICE_ENDPOINT && i / 2);

			assert_int_equal(nsg_ranges_contain(&r, edges[k % 4]), enters);
		}
		nsg_ranges_done(&r);
	}
	policy_build_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_an_nsg_judges_is_what_enters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
