/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/explain.h"
#include "explain/table.h"
#include "unit/explain/sample.h"
#include "util/limits.h"

struct answer {
	json_t *items;
	struct nsg_diag diag;
	int r;
};

static int keep(void *closure, json_t *item)
{
	return json_array_append(closure, item) < 0 ? -ENOMEM : 0;
}

static struct answer ask(const char *verb, const char *args_text)
{
	struct answer a = {.items = json_array()};
	json_t *args = json_loads(args_text, 0, NULL);
	struct sample s = sample_new(false);

	a.r = nsg_explain_answer(s.effective, s.image, verb, args, keep, a.items, &a.diag);
	json_decref(args);
	sample_free(&s);
	return a;
}

static void answer_done(struct answer *a)
{
	json_decref(a->items);
	nsg_diag_done(&a->diag);
}

#define TCP(dst)                                                                                   \
	"{\"id\":\"x\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":1,"                   \
	"\"dst\":\"" dst "\",\"dstPort\":443}"
#define SIX                                                                                        \
	"{\"protocol\":\"UDP\",\"src\":\"fd00::4\",\"srcPort\":1,\"dst\":\"fd00::5\",\"dstPort\":" \
	"2}"

static void every_verb_gives_its_item(void **state)
{
	static const struct {
		const char *verb, *args, *path;
	} cases[] = {
	    {"explain", "{\"flow\":" TCP("10.0.2.2") "}", "story.gate.text"},
	    {"explain", "{\"flow\":" SIX "}", "story.gate.text"},
	    {"explain", "{\"flow\":" TCP("10.0.2.2") ",\"output\":\"azure\"}", "results"},
	    {"test-ip-flow", "{\"flow\":" TCP("10.0.2.2") "}", "gate"},
	    {"show-next-hop", "{\"flow\":" TCP("10.0.2.2") "}", "routeTableId"},
	    {"effective-nsg", "{}", "value"},
	    {"effective-routes", "{}", "value"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a = ask(cases[i].verb, cases[i].args);

		assert_int_equal(a.r, 0);
		assert_int_equal(json_array_size(a.items), 1);
		assert_non_null(nsg_at(json_array_get(a.items, 0), cases[i].path));
		assert_int_equal(a.diag.n, 0);
		answer_done(&a);
	}
}

static void many_flows_give_decisions_in_order(void **state)
{
	struct answer a =
	    ask("explain", "{\"flows\":[" TCP("10.0.2.2") "," SIX "," TCP("8.8.8.8") "]}");

	(void)state;
	assert_int_equal(a.r, 0);
	assert_int_equal(json_array_size(a.items), 3);
	assert_string_equal(nsg_string_at(json_array_get(a.items, 0), "id"), "x");
	assert_string_equal(nsg_string_at(json_array_get(a.items, 0), "gate"), "rfc1918");
	assert_null(nsg_at(json_array_get(a.items, 1), "id"));
	assert_string_equal(nsg_string_at(json_array_get(a.items, 1), "dst"), "fd00::5");
	assert_string_equal(nsg_string_at(json_array_get(a.items, 2), "gate"), "bypass");
	answer_done(&a);
}

static void invalid_arguments_are_errors(void **state)
{
	static const struct {
		const char *verb, *args;
	} cases[] = {
	    {"explain", "{}"},
	    {"explain", "[]"},
	    {"explain", "{\"flow\":7}"},
	    {"explain", "{\"flows\":[7]}"},
	    {"explain", "{\"flow\":{\"protocol\":\"TCP\"}}"},
	    {"test-ip-flow", "{}"},
	    {"test-ip-flow", "{\"flow\":" SIX "}"},
	    {"show-next-hop", "{\"flow\":" SIX "}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a = ask(cases[i].verb, cases[i].args);

		assert_int_equal(a.r, -EINVAL);
		assert_int_equal(a.diag.n_errors, 1);
		assert_int_equal(json_array_size(a.items), 0);
		answer_done(&a);
	}
}

static void a_request_has_a_bounded_number_of_flows(void **state)
{
	static const char flow[] = TCP("10.0.2.2") ",";
	char *args = malloc(32 + (NSG_MAX_CONTROL_FLOWS + 1) * sizeof(flow)), *p = args;

	(void)state;
	assert_non_null(args);
	p = stpcpy(p, "{\"flows\":[");
	for (size_t i = 0; i < NSG_MAX_CONTROL_FLOWS; i++)
		p = stpcpy(p, flow);
	for (int i = 0; i < 2; i++) {
		struct answer a;

		strcpy(p, TCP("10.0.2.2") "]}");
		if (i)
			strcpy(p - 1, "]}");
		a = ask("explain", args);
		assert_int_equal(a.r, i ? 0 : -EINVAL);
		assert_int_equal(json_array_size(a.items), i ? NSG_MAX_CONTROL_FLOWS : 0);
		answer_done(&a);
	}
	free(args);
}

static void other_verbs_are_not_answered(void **state)
{
	struct answer a = ask("status", "{}");

	(void)state;
	assert_int_equal(a.r, -ENOENT);
	assert_int_equal(a.diag.n, 0);
	answer_done(&a);
}

static void next_hop_reports_when_routes_do_not_apply(void **state)
{
	struct answer a = ask("show-next-hop", "{\"flow\":" TCP("8.8.8.8") "}");

	(void)state;
	assert_int_equal(a.r, 0);
	assert_int_equal(a.diag.n, 1);
	assert_int_equal(a.diag.v[0].severity, NSG_NOTICE);
	assert_non_null(strstr(a.diag.v[0].text, "bypass"));
	answer_done(&a);
}

static void policy_names_what_was_chosen_and_why(void **state)
{
	struct sample s = sample_new(true);
	json_t *policy = nsg_explain_policy(s.effective, s.image);

	(void)state;
	assert_non_null(policy);
	assert_string_equal(nsg_string_at(policy, "vnet"), "vnet-app");
	assert_string_equal(nsg_string_at(policy, "subnet"), "snet-int");
	assert_string_equal(nsg_string_at(policy, "nsg"), "nsg-int");
	assert_string_equal(nsg_string_at(policy, "routeTable"), "rt-int");
	assert_string_equal(nsg_string_at(policy, "profile"), "2020-04");
	assert_true(json_is_true(nsg_at(policy, "routeAll")));
	assert_true(strlen(nsg_string_at(policy, "routeAllBy")) > 0);
	assert_true(json_integer_value(nsg_at(policy, "image.bytes")) > 0);
	assert_int_equal(json_integer_value(nsg_at(policy, "image.rules")), 5);
	json_decref(policy);
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_verb_gives_its_item),
	    cmocka_unit_test(many_flows_give_decisions_in_order),
	    cmocka_unit_test(invalid_arguments_are_errors),
	    cmocka_unit_test(a_request_has_a_bounded_number_of_flows),
	    cmocka_unit_test(other_verbs_are_not_answered),
	    cmocka_unit_test(next_hop_reports_when_routes_do_not_apply),
	    cmocka_unit_test(policy_names_what_was_chosen_and_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
