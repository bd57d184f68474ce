/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nsgd/metrics.h"
#include "util/cleanup.h"

static const char status_text[] =
    "{'instance':'a\\\\b\\'c','mode':'audit','uptimeSeconds':7,"
    "'reloads':{'loadedTimeNs':1586952000250000000},'policy':{'routeAll':true},'kernel':{"
    "'packets':{'denied':3,'denied again':4},"
    "'hops':[{'type':'VirtualAppliance','addresses':['10.0.0.4'],'up':false,'packets':9,"
    "'lost':2},{'type':'Internet','addresses':[],'up':true,'packets':1,'lost':0}]}}";
static const char stats_text[] =
    "{'packets':9007199254740991,'rules':[{'rule':'r','priority':100,'access':'Deny',"
    "'packets':5}],'routes':["
    "{'prefix':'10.0.0.0/8','source':'Default','name':null,'nextHopType':'None','packets':1},"
    "{'prefix':'10.0.0.0/8','source':'Default','name':null,'nextHopType':'None','packets':2}],"
    "'latencyNs':[{'below':1024,'packets':2},{'below':4096,'packets':3}]}";

/* JSON with ' for ", and \' for " within a string. */
static json_t *parse(const char *text)
{
	cleanup_free char *copy = strdup(text);
	json_t *value;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(copy, 0, NULL);
	assert_non_null(value);
	return value;
}

static char *metrics(bool openmetrics, const struct nsg_diag *warnings)
{
	cleanup_json json_t *status = parse(status_text);
	cleanup_json json_t *stats = parse(stats_text);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(metrics_put(out, openmetrics, status, stats, warnings), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_lines(const char *text, const char *const *lines)
{
	for (; *lines; lines++)
		if (!strstr(text, *lines))
			fail_msg("no line %s in\n%s", *lines, text);
}

static void the_two_formats_differ_in_names_and_end(void **state)
{
	static const char *const open[] = {
	    "# TYPE nsgd info\n# HELP nsgd The instance.\nnsgd_info{",
	    "# TYPE nsgd_packets counter\n", "\nnsgd_packets_total 9007199254740991", NULL};
	static const char *const old[] = {"# TYPE nsgd_info gauge\n# HELP nsgd_info ",
					  "# TYPE nsgd_packets_total counter\n", NULL};
	const struct nsg_diag none = {0};
	cleanup_free char *a = metrics(true, &none);
	cleanup_free char *b = metrics(false, &none);

	(void)state;
	assert_lines(a, open);
	assert_lines(b, old);
	assert_string_equal(a + strlen(a) - strlen("\n# EOF\n"), "\n# EOF\n");
	assert_null(strstr(b, "EOF"));
}

static void values_and_labels_are_of_status_and_stats(void **state)
{
	static const char *const lines[] = {
	    "\nnsgd_info{instance=\"a\\\\b\\\"c\",mode=\"audit\",version=\"\"} 1\n",
	    "\nnsgd_route_all 1\n",
	    "\nnsgd_uptime_seconds 7\n",
	    "\nnsgd_policy_loaded_timestamp_seconds 1586952000.25\n",
	    "\nnsgd_rule_packets_total{rule=\"r\",priority=\"100\",access=\"Deny\"} 5\n",
	    "\nnsgd_kernel_packets_total{kind=\"denied\"} 3\n",
	    "\nnsgd_kernel_packets_total{kind=\"denied again\"} 4\n",
	    "\nnsgd_next_hop_up{type=\"VirtualAppliance\",address=\"10.0.0.4\"} 0\n",
	    "\nnsgd_next_hop_up{type=\"Internet\",address=\"\"} 1\n",
	    /* rows with equal labels are one series */
	    ("\nnsgd_route_packets_total{prefix=\"10.0.0.0/8\",source=\"Default\",name=\"\","
	     "next_hop_type=\"None\"} 3\n"),
	    ("\nnsgd_latency_seconds_bucket{le=\"1.024e-06\"} 2\n"
	     "nsgd_latency_seconds_bucket{le=\"4.096e-06\"} 5\n"
	     "nsgd_latency_seconds_bucket{le=\"+Inf\"} 5\n"),
	    NULL,
	};
	const struct nsg_diag none = {0};
	cleanup_free char *text = metrics(true, &none);

	(void)state;
	assert_lines(text, lines);
}

static void an_alarm_is_1_while_status_has_it(void **state)
{
	static const char *const lines[] = {"\nnsgd_alarm{code=\"NextHopDown\"} 1\n",
					    "\nnsgd_alarm{code=\"Strayed\"} 0\n",
					    "\nnsgd_alarm{code=\"NothingCaptured\"} 0\n", NULL};
	struct nsg_diag warnings = {0};
	cleanup_free char *text = NULL;

	(void)state;
	(void)nsg_diag_add(&warnings, NSG_WARNING, NULL, "NextHopDown", "x");
	(void)nsg_diag_add(&warnings, NSG_WARNING, NULL, NULL, "y");
	text = metrics(true, &warnings);
	assert_lines(text, lines);
	nsg_diag_done(&warnings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_two_formats_differ_in_names_and_end),
	    cmocka_unit_test(values_and_labels_are_of_status_and_stats),
	    cmocka_unit_test(an_alarm_is_1_while_status_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
