/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of a flow log's files, and what is in them when writing fails. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "observe/flow_file.h"
#include "observe/flow_origin.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/ip.h"
#include "util/macro.h"

#define ID "/subscriptions/0a-1b/resourceGroups/rg-net/providers/Microsoft.Network/"
#define HOUR "/y=2022/m=09/d=14/h=09/m=00/macAddress=02000A000104/PT1H.json"

static const struct {
	struct nsg_flow_source source;
	const char *path;
} names[] = {
    {{.vnet_id = ID "virtualNetworks/v-1", .vnet_name = "v-1", .location = "westeurope"},
     "flowLogResourceID=/0A-1B_NETWORKWATCHERRG/NETWORKWATCHER_WESTEUROPE_V-1-RG-NET-FLOWLOG"},
    {{.vnet_id = "", .vnet_name = "v", .location = ""},
     "flowLogResourceID=/00000000-0000-0000-0000-000000000000_NETWORKWATCHERRG/"
     "NETWORKWATCHER_UNKNOWN_V-UNKNOWN-FLOWLOG"},
    {{.nsg_format = true, .nsg_id = ID "networkSecurityGroups/n", .nsg_name = "n"},
     "resourceId=/SUBSCRIPTIONS/0A-1B/RESOURCEGROUPS/RG-NET/PROVIDERS/MICROSOFT.NETWORK/"
     "NETWORKSECURITYGROUPS/N"},
    /* a policy cannot leave the folder */
    {{.nsg_format = true,
      .nsg_id = "/subscriptions/../resourceGroups/a b/x",
      .nsg_name = "../../../etc/cron.d/x"},
     "resourceId=/SUBSCRIPTIONS/UNKNOWN/RESOURCEGROUPS/A_B/PROVIDERS/MICROSOFT.NETWORK/"
     "NETWORKSECURITYGROUPS/.._.._.._ETC_CRON.D_X"},
    {{.vnet_id = "", .vnet_name = "..", .location = "."},
     "flowLogResourceID=/00000000-0000-0000-0000-000000000000_NETWORKWATCHERRG/"
     "NETWORKWATCHER_UNKNOWN_UNKNOWN-UNKNOWN-FLOWLOG"},
};

static void paths_are_azures(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(names); i++) {
		struct nsg_flow_source source = names[i].source;
		cleanup_free char *path = NULL;
		struct nsg_flow_names n;
		char want[512];

		source.addr_host = NSG_IP4(10, 0, 1, 4);
		source.vnet_id = source.vnet_id ? source.vnet_id : "";
		source.vnet_name = source.vnet_name ? source.vnet_name : "";
		source.nsg_id = source.nsg_id ? source.nsg_id : "";
		source.nsg_name = source.nsg_name ? source.nsg_name : "";
		assert_int_equal(nsg_flow_names_init(&source, &n), 0);
		path = nsg_flow_names_path(&n, UINT64_C(1663146003) * NSG_NS_PER_SEC);
		(void)snprintf(want, sizeof(want), "%s" HOUR, names[i].path);
		assert_string_equal(path, want);
		nsg_flow_names_done(&n);
	}
}

static char directory[] = "/tmp/nsg-flow-XXXXXX";

static void assert_file(const char *want)
{
	char path[64], got[256] = "";
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/a/b", directory);
	in = fopen(path, "r");
	assert_non_null(in);
	(void)!fread(got, 1, sizeof(got) - 1, in);
	assert_int_equal(fclose(in), 0);
	assert_string_equal(got, want);
	(void)strncat(path, ".tmp", 5);
	assert_int_equal(access(path, F_OK), -1);
}

static void records_are_appended(void **state)
{
	(void)state;
	assert_int_equal(nsg_flow_file_append(directory, "a/b", "{\"time\":1}"), 0);
	assert_file("{\"records\":[{\"time\":1}]}\n");
	assert_int_equal(nsg_flow_file_append(directory, "a/b", "{\"time\":2}"), 0);
	assert_file("{\"records\":[{\"time\":1},\n{\"time\":2}]}\n");
}

static void a_failure_leaves_the_file_as_it_was(void **state)
{
	struct rlimit before, small;
	char record[4096];

	(void)state;
	memset(record, 'x', sizeof(record) - 1);
	record[sizeof(record) - 1] = '\0';
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(nsg_flow_file_append(directory, "a/b", record), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_file("{\"records\":[{\"time\":1},\n{\"time\":2}]}\n");
	assert_int_equal(nsg_flow_file_append(directory, "a/b", "3"), 0);
	assert_file("{\"records\":[{\"time\":1},\n{\"time\":2},\n3]}\n");
}

static void a_file_with_another_end_is_refused(void **state)
{
	char path[64];
	FILE *out;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/a/b", directory);
	out = fopen(path, "a");
	assert_non_null(out);
	fputs("x", out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(nsg_flow_file_append(directory, "a/b", "4"), -EBADMSG);
	assert_file("{\"records\":[{\"time\":1},\n{\"time\":2},\n3]}\nx");
}

static void a_file_that_lost_its_content_is_begun_again(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/a/b", directory);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(nsg_flow_file_append(directory, "a/b", "5"), 0);
	assert_file("{\"records\":[5]}\n");
}

static int make(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int clear(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/a/b", directory);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/a", directory);
	(void)rmdir(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_are_azures),
	    cmocka_unit_test(records_are_appended),
	    cmocka_unit_test(a_failure_leaves_the_file_as_it_was),
	    cmocka_unit_test(a_file_with_another_end_is_refused),
	    cmocka_unit_test(a_file_that_lost_its_content_is_begun_again),
	};

	return cmocka_run_group_tests(tests, make, clear);
}
