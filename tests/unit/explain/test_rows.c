/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables that fit: what is cut, where rows continue, and that no line ends with a blank. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "explain/rows.h"
#include "explain/table.h"

static const char denied[] =
    "{\"packet\":1,\"time\":\"2020-04-15T22:59:59.123456789Z\",\"length\":60,"
    "\"direction\":\"egress\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":50000,"
    "\"dst\":\"198.51.100.200\",\"dstPort\":65535,\"gate\":\"service-endpoint\","
    "\"nsg\":{\"access\":\"Deny\",\"rule\":\"securityRules/"
    "DenyEverythingThatGoesToThePartnersOldDataCentre\",\"priority\":4096},"
    "\"route\":{\"prefix\":\"198.51.100.0/24\",\"source\":\"User\",\"name\":\"x\","
    "\"nextHopType\":\"VirtualNetworkServiceEndpoint\",\"nextHopIpAddress\":[\"10.0.100.4\"]},"
    "\"verdict\":\"drop\",\"reason\":\"route-unreachable\"}";

static char *written(enum nsg_rows_kind kind, size_t columns, const char *const *items, size_t n)
{
	const struct nsg_term term = {.columns = columns};
	struct nsg_rows rows;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	nsg_rows_begin(&rows, kind, &term, out);
	for (size_t i = 0; i < n; i++) {
		json_t *item = json_loads(items[i], 0, NULL);

		assert_non_null(item);
		nsg_rows_put(&rows, item);
		json_decref(item);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_fits(const char *text, size_t columns)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		size_t n = strcspn(line, "\n");

		if (columns && n > columns)
			fail_msg("%zu columns of %zu: %.*s", n, columns, (int)n, line);
		assert_true(n && line[n - 1] != ' ');
		assert_int_equal(line[n], '\n');
	}
}

static void rows_fit_every_width(void **state)
{
	static const char *const items[] = {denied, "{\"id\":null,\"error\":\"no flow\"}"};
	static const enum nsg_rows_kind kinds[] = {NSG_ROWS_BATCH, NSG_ROWS_REPLAY, NSG_ROWS_TRACE,
						   NSG_ROWS_FLOWS};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t columns = 50; columns < 250; columns++) {
			char *text = written(kinds[i], columns, items, 2);

			assert_fits(text, columns);
			free(text);
		}
	}
}

static void addresses_and_reasons_are_whole_names_are_cut_in_the_middle(void **state)
{
	static const char *const items[] = {denied};
	char *text = written(NSG_ROWS_TRACE, 80, items, 1);

	(void)state;
	assert_non_null(strstr(text,
			       "22:59:59.123 TCP   10.0.1.4:50000        198.51.100.200:65535  "
			       "drop\n"));
	assert_non_null(strstr(text, "\n    route-unreachable DenyEverythin"));
	assert_non_null(strstr(text, ".."));
	assert_non_null(strstr(text, "(4096) 198.51.100.0/"));
	assert_non_null(strstr(text, " 10.0.100.4\n"));
	free(text);
}

static void a_row_of_a_wide_terminal_is_one_line(void **state)
{
	static const char *const items[] = {denied};
	char *text = written(NSG_ROWS_TRACE, 200, items, 1);
	const char *line;

	(void)state;
	assert_fits(text, 200);
	line = strstr(text, "2020") + strcspn(strstr(text, "2020"), "\n") + 1;
	assert_non_null(strstr(line, " service-endpoint "));
	assert_int_equal(strlen(line), strcspn(line, "\n") + 1);
	/* in line with the header */
	assert_ptr_equal(strstr(text, "VERDICT") - text, strstr(line, "drop") - line);
	free(text);
}

static void nothing_is_cut_without_a_terminal(void **state)
{
	static const char *const items[] = {denied};
	char *text = written(NSG_ROWS_TRACE, 0, items, 1);

	(void)state;
	assert_non_null(strstr(text, " DenyEverythingThatGoesToThePartnersOldDataCentre (4096) "
				     "198.51.100.0/24 VirtualNetworkServiceEndpoint 10.0.100.4\n"));
	free(text);
}

static void times_are_local_and_the_date_is_printed_once_a_day(void **state)
{
	static const char *const items[] = {
	    denied,
	    "{\"time\":\"2020-04-15T23:00:00Z\",\"verdict\":\"accept\"}",
	    "{\"time\":\"2020-04-15T23:00:01.5Z\",\"verdict\":\"accept\"}",
	};
	char *text;

	(void)state;
	assert_int_equal(setenv("TZ", "XXX-1", 1), 0);
	tzset();
	text = written(NSG_ROWS_TRACE, 200, items, 3);
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
	assert_non_null(strstr(text, "\nWednesday 15 April 2020, XXX\n23:59:59.123 TCP "));
	assert_non_null(strstr(text, "\nThursday 16 April 2020, XXX\n00:00:00.000 "));
	assert_null(strstr(strstr(text, "Thursday") + 1, "Thursday"));
	assert_non_null(strstr(text, "\n00:00:01.5 "));
	free(text);
}

static void flows_tell_whether_they_were_answered(void **state)
{
	static const char *const items[] = {
	    "{\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":1,\"dst\":\"10.0.2.4\","
	    "\"dstPort\":1433,\"state\":\"SYN_SENT\",\"answered\":false,\"ageSeconds\":9,"
	    "\"packetsOut\":3,\"bytesOut\":180,\"packetsIn\":0,\"bytesIn\":0}",
	    "{\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":2,\"dst\":\"10.0.2.4\","
	    "\"dstPort\":1433,\"state\":\"ESTABLISHED\",\"answered\":true,\"ageSeconds\":7300,"
	    "\"packetsOut\":20000,\"bytesOut\":123456789,\"packetsIn\":1,\"bytesIn\":9999}",
	    "{\"protocol\":\"UDP\",\"src\":\"10.0.1.4\",\"srcPort\":3,\"dst\":\"10.0.2.4\","
	    "\"dstPort\":53,\"state\":null,\"answered\":true,\"ageSeconds\":null,"
	    "\"packetsOut\":null,\"bytesOut\":null,\"packetsIn\":null,\"bytesIn\":null}",
	};
	char *text = written(NSG_ROWS_FLOWS, 0, items, 3);

	(void)state;
	assert_non_null(strstr(text, "\n9 s  TCP   10.0.1.4:1            10.0.2.4:1433         "
				     "no answer yet 3 180 B        0 0 B          -"));
	assert_non_null(strstr(text, "\n2 h  TCP   10.0.1.4:2            10.0.2.4:1433         "
				     "ESTABLISHED   20000 123 MB   1 9999 B       -"));
	assert_non_null(strstr(text, "\n-    UDP   10.0.1.4:3            10.0.2.4:53           "
				     "answered      -              -              -"));
	free(text);
}

static void errors_are_rows_of_their_own(void **state)
{
	static const char *const items[] = {"{\"id\":null,\"error\":\"no flow\"}"};
	char *text = written(NSG_ROWS_BATCH, 0, items, 1);

	(void)state;
	assert_non_null(strstr(text, "\n-        no flow\n"));
	free(text);
}

/* ---- nsg_table, nsg_wrap -------------------------------------------------------------------- */

static char *table(size_t columns)
{
	static const struct nsg_column c[] = {
	    {"Name", "name"}, {"Prefix", "prefix"}, {"Type", "type"}, {"Packets", "packets"}};
	const struct nsg_term term = {.columns = columns};
	json_t *rows =
	    json_loads("[{\"name\":\"a-rule-with-quite-a-long-name\",\"prefix\":"
		       "\"100.100.100.100/32\",\"type\":\"VirtualNetworkServiceEndpoint\","
		       "\"packets\":12345678901},{\"name\":\"\xc3\xa9\",\"prefix\":\"\","
		       "\"type\":\"\",\"packets\":\"\"}]",
		       0, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(rows);
	nsg_table(out, rows, c, 4, 2, &term);
	assert_int_equal(fclose(out), 0);
	json_decref(rows);
	return text;
}

static void tables_cut_names_then_continue_rows(void **state)
{
	char *text;

	(void)state;
	for (size_t columns = 30; columns < 120; columns++) {
		text = table(columns);
		assert_fits(text, columns);
		assert_non_null(strstr(text, "100.100.100.100/32"));
		assert_non_null(strstr(text, "12345678901"));
		free(text);
	}
	text = table(70);
	assert_non_null(strstr(text, "  a-rule-..ng-name  100.100.100.100/32  "
				     "VirtualN..ndpoint  12345678901\n"));
	assert_non_null(strstr(text, "\n  \xc3\xa9\n"));
	free(text);
}

static void text_is_broken_at_blanks(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	nsg_wrap(
	    out,
	    "gate      one two three four \n  a\033[31mb\033[0m ccc dddddddddddddddddddddd\n\nx",
	    10, 20);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "gate      one two\n          three four\n"
				  "  a\033[31mb\033[0m ccc\n      dddddddddddddddddddddd\n\nx\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_fit_every_width),
	    cmocka_unit_test(addresses_and_reasons_are_whole_names_are_cut_in_the_middle),
	    cmocka_unit_test(a_row_of_a_wide_terminal_is_one_line),
	    cmocka_unit_test(nothing_is_cut_without_a_terminal),
	    cmocka_unit_test(times_are_local_and_the_date_is_printed_once_a_day),
	    cmocka_unit_test(flows_tell_whether_they_were_answered),
	    cmocka_unit_test(errors_are_rows_of_their_own),
	    cmocka_unit_test(tables_cut_names_then_continue_rows),
	    cmocka_unit_test(text_is_broken_at_blanks),
	};

	/* times are those of this zone unless a test says otherwise */
	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
