/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compile/compile.h"
#include "explain/check_priv.h"
#include "support/effective_build.h"

/* A key that is mostly on or next to a boundary of the policy. */
static struct nsg_key random_key(const struct nsg_effective *e, struct test_random *r)
{
	static const uint8_t protocols[] = {6, 17, 6, 17, 1, 50, 51, 47, 0};
	static const uint16_t ports[] = {0, 1, 22, 53, 80, 443, 65330, 65535};
	struct nsg_key k = {
	    .protocol = protocols[test_random_below(r, 9)],
	    .src_host = NSG_IP4(10, 0, 1, 0) + test_random_below(r, 256),
	    .dst_host = (uint32_t)test_random_next(r),
	};
	uint32_t kind = test_random_below(r, 8);

	if (e->n_rows && kind < 5) {
		struct nsg_prefix p = e->rows[test_random_below(r, (uint32_t)e->n_rows)].prefix;

		k.dst_host = kind & 1 ? p.addr_host : nsg_prefix_last(p);
		k.dst_host += kind == 4;
	} else if (kind == 5) {
		k.dst_host = test_random_below(r, 2) ? NSG_IP_PLATFORM_DNS : NSG_IP_PLATFORM_IMDS;
	} else if (kind == 6) {
		k.dst_host = NSG_IP4(10, 0, 0, 0) + test_random_below(r, 1u << 20);
	}
	if (nsg_protocol_has_ports(k.protocol)) {
		k.sport_host = ports[test_random_below(r, 8)];
		k.dport_host = test_random_below(r, 2) ? ports[test_random_below(r, 8)]
						       : (uint16_t)test_random_next(r);
	}
	return k;
}

static void agrees_with_the_classifier(void **state)
{
	size_t gates[NSG_GATE_MAX] = {0}, reasons[NSG_REASON_MAX] = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct effective_build *b = effective_build_random(seed);
		struct test_random r = {seed * 77};
		struct nsg_image *image = NULL;
		struct nsg_diag diag = {0};

		assert_int_equal(nsg_compile(&b->e, NULL, &diag, &image), 0);
		for (int i = 0; i < 200; i++) {
			struct nsg_key key = random_key(&b->e, &r);
			struct nsg_decision d = nsg_classify(image, &key);
			struct nsg_trial trial;

			assert_int_equal(nsg_trial_run(&b->e, &key, &trial), 0);
			if (nsg_trial_check(&trial, image, &d, &diag) != 0)
				fail_msg("seed %d, key %d: %s", (int)seed, i, diag.v[0].text);
			gates[trial.gate]++;
			reasons[trial.reason]++;
			nsg_trial_done(&trial);
		}
		nsg_diag_done(&diag);
		nsg_image_free(image);
		effective_build_free(b);
	}
	for (int g = NSG_GATE_BYPASS; g < NSG_GATE_MAX; g++)
		assert_int_not_equal(gates[g], 0);
	for (int i = NSG_REASON_ALLOWED; i <= NSG_REASON_NOT_CARRIED; i++)
		assert_int_not_equal(reasons[i], 0);
}

static void assert_differs(const struct nsg_trial *trial, const struct nsg_image *image,
			   const struct nsg_decision *decision, const char *what)
{
	struct nsg_diag diag = {0};

	assert_int_equal(nsg_trial_check(trial, image, decision, &diag), -EBADE);
	assert_int_equal(diag.n_errors, 1);
	assert_non_null(strstr(diag.v[0].text, what));
	nsg_diag_done(&diag);
}

static void every_difference_is_named(void **state)
{
	struct effective_build *b = effective_build_new();
	struct nsg_key key = {.protocol = 6,
			      .src_host = NSG_IP4(10, 0, 1, 4),
			      .dst_host = NSG_IP4(10, 0, 2, 2),
			      .dport_host = 443};
	struct nsg_image *image = NULL;
	struct nsg_diag diag = {0};
	struct nsg_decision d, other;
	struct nsg_trial trial;

	(void)state;
	effective_build_default_rules(b);
	effective_build_row(b, (struct nsg_prefix){0, 0}, NSG_SOURCE_DEFAULT, NSG_HOP_INTERNET);
	effective_build_row(b, (struct nsg_prefix){NSG_IP4(10, 0, 0, 0), 16}, NSG_SOURCE_DEFAULT,
			    NSG_HOP_VNET_LOCAL);
	assert_int_equal(nsg_compile(&b->e, NULL, &diag, &image), 0);
	d = nsg_classify(image, &key);
	assert_int_equal(nsg_trial_run(&b->e, &key, &trial), 0);
	assert_int_equal(nsg_trial_check(&trial, image, &d, &diag), 0);

	other = d;
	other.gate = NSG_GATE_ROUTE_ALL;
	assert_differs(&trial, image, &other, "the gate");
	other = d;
	other.rule = NSG_RULE_NONE;
	assert_differs(&trial, image, &other, "the rule");
	other.rule = d.rule ? 0 : 1;
	assert_differs(&trial, image, &other, "the rule");
	other = d;
	other.route = NSG_ROUTE_NONE;
	assert_differs(&trial, image, &other, "the route");
	other.route = d.route ? 0 : 1;
	assert_differs(&trial, image, &other, "the route");
	other = d;
	other.verdict = NSG_VERDICT_DROP;
	assert_differs(&trial, image, &other, "the verdict");

	nsg_diag_done(&diag);
	nsg_trial_done(&trial);
	nsg_image_free(image);
	effective_build_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_classifier),
	    cmocka_unit_test(every_difference_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
