/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program itself, on the sample policy: exit status, which stream says what, whole answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "unit/nsgctl/program.h"

#define FLOW(id, dst, port)                                                                        \
	"{\"id\":\"" id                                                                            \
	"\",\"protocol\":\"TCP\",\"src\":\"10.0.1.4\",\"srcPort\":1,\"dst\":\"" dst                \
	"\",\"dstPort\":" port "}\n"

static void exit_status_tells_what_went_wrong(void **state)
{
	(void)state;
	assert_run("check " NSG_POLICY " 2>&1", 0, "valid: 0 errors");
	assert_run("check nowhere 2>&1", 3, "nowhere: error: ");
	assert_run("-s nowhere.sock status 2>&1", 4, "no nsgd is running at nowhere.sock");
	assert_run("frobnicate 2>&1", 2, "unknown verb");
	assert_run("explain 2>&1", 2, "requires --protocol");
	assert_run("-p nowhere effective-nsg 2>&1", 3, "cannot be read");
	assert_run("check . 2>&1", 3, "az network vnet show");
	assert_run("-p " NSG_POLICY " explain --batch nowhere.jsonl 2>&1", 1, "No such file");
	assert_run("-p " NSG_POLICY " replay nowhere.pcap 2>&1", 1, "No such file");
	assert_run("check --strict " NSG_POLICY " 2>&1", 3, "not valid");
	assert_run("-h", 0, "Usage: nsgctl");
	assert_run("-V", 0, "nsgctl (nsgd) ");
	assert_run("-p " NSG_POLICY " effective-nsg >/dev/full 2>err; echo $?; cat err", 0, "1\n");
}

#define EXPLAIN "-p " NSG_POLICY " explain "

static void usage_errors_of_flows(void **state)
{
	static const char *const bad[] = {
	    "--protocol tcpx --src 10.0.1.4 --dst 10.0.2.7:1",
	    "--protocol tcp --src 10.0.1.400 --dst 10.0.2.7:1",
	    "--protocol tcp --src 10.0.1.4 --dst 10.0.2.7",
	    "--protocol tcp --src 10.0.1.4 --dst 10.0.2.7:65536",
	    "--protocol tcp --src 10.0.1.4 --dst 10.0.2.7:x",
	    "--protocol tcp --src 10.0.1.4 --dst 10.0.2.7:",
	    "--protocol tcp --src '[fd00::1' --dst '[fd00::2]:5'",
	    "--protocol tcp --src '[fd00::1]x' --dst '[fd00::2]:5'",
	    "--protocol tcp --src fd00::1 --dst 10.0.0.1:5",
	    "--protocol icmp --src 10.0.1.4 --dst 10.0.2.7:8",
	    "--protocol tcp --src 10.0.1.4 --dst 10.0.2.7:1 --expect allow",
	    "--protocol tcp --src 10.0.1.4 --dst 10.0.2.7:1 --expect drop -o azure",
	    "--protocol tcp --batch -",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char words[512];

		(void)snprintf(words, sizeof(words), "-p " NSG_POLICY " explain %s 2>&1", bad[i]);
		assert_run(words, 2, "nsgctl: ");
	}
	assert_run(EXPLAIN "--protocol tcp --src 10.0.1.4 --dst 8.8.8.8 2>&1", 2,
		   "--dst 8.8.8.8: the port is missing, for example 8.8.8.8:443\n");
	assert_run(EXPLAIN "--protocol 17 --src fd00::1 --dst 2001:db8::1 2>&1", 2,
		   "--dst 2001:db8::1: the port is missing, for example [2001:db8::1]:443\n");
	assert_run(EXPLAIN "--protocol tcp --src 10.0.1.4 --dst example.com 2>&1", 2,
		   "dst is missing or not a valid IP address");
	assert_run("-p " NSG_POLICY " test-ip-flow --direction Outbound --protocol TCP "
		   "--local 10.0.1.4:1 --remote 10.0.2.7 2>&1",
		   2, "--remote 10.0.2.7: the port is missing, for example 10.0.2.7:443\n");
	assert_run("-p " NSG_POLICY " test-ip-flow --direction Inbound --protocol TCP "
		   "--local 10.0.1.4:1 --remote 10.0.2.7:2 2>&1",
		   2, "inbound rules never apply");
	assert_run("-p " NSG_POLICY " show-next-hop --source-ip 10.0.1.4 --dest-ip x 2>&1", 2,
		   "dst");
}

static void expect_turns_the_verdict_into_the_status(void **state)
{
#define ASK "-p " NSG_POLICY " explain --protocol tcp --src 10.0.1.4 --dst 10.0.2.7:"
	(void)state;
	assert_run(ASK "5432 --expect accept 2>/dev/null", 0, "\"verdict\": \"accept\"");
	assert_run(ASK "5432 --expect drop 2>&1 >/dev/null", 1, "expected drop, got accept");
	assert_run(ASK "22 --expect drop 2>/dev/null", 0, "securityRules/DenyRestOfData");
	assert_run(ASK "22 -o jsonl 2>/dev/null", 0,
		   "{\"protocol\":\"TCP\",\"src\":\"10.0.1.4\","
		   "\"srcPort\":50000,");
	assert_run(ASK "22 -o table 2>/dev/null", 0, "verdict   drop, nsg-deny\n");
	assert_run(ASK "22 -o azure 2>/dev/null", 0, "\"securityRuleAccessResult\": \"Deny\"");
}

/* What az prints about the sample policy; service tags are none. */
static const char az[] =
    "az() {\n"
    "	id=/subscriptions/S/resourceGroups/rg-shop/providers/Microsoft.Network\n"
    "	case \"$*\" in\n"
    "	'account set --subscription ...') ;;\n"
    "	*'--query appServicePlanId || serverFarmId -o tsv') echo plan-shop ;;\n"
    "	*'--query virtualNetworkSubnetId -o tsv') echo $id/virtualNetworks/vnet-shop/subnets/snet "
    ";;\n"
    "	*'--query networkSecurityGroup.id -o tsv') echo nsg-integration ;;\n"
    "	*'--query routeTable.id -o tsv') echo rt-integration ;;\n"
    "	*'--query virtualNetworkPeerings[].remoteVirtualNetwork.id -o tsv') echo $id/x/vnet-hub "
    ";;\n"
    "	*'--query location -o tsv') echo westeurope ;;\n"
    "	'appservice plan show --ids plan-shop') echo '[]' ;;\n"
    "	'network private-endpoint list' | 'network list-service-tags -l westeurope') echo '[]' ;;\n"
    "	'webapp show -g ... -n ...') cat " NSG_POLICY "/site.json ;;\n"
    "	'webapp config appsettings list -g ... -n ... --query '*) cat " NSG_POLICY
    "/appsettings.json ;;\n"
    "	'network vnet show --ids '*/virtualNetworks/vnet-shop) cat " NSG_POLICY
    "/vnet-shop.json ;;\n"
    "	'network vnet show --ids '*/vnet-hub) cat " NSG_POLICY "/vnet-hub.json ;;\n"
    "	'network nsg show --ids nsg-integration') cat " NSG_POLICY "/nsg-integration.json ;;\n"
    "	'network route-table show --ids rt-integration') cat " NSG_POLICY
    "/rt-integration.json ;;\n"
    "	*) echo \"unexpected: az $*\" >&2; exit 1 ;;\n"
    "	esac\n"
    "}\n";

static void commands_of_an_empty_directory_fill_it(void **state)
{
	(void)state;
	write_file("az.sh", az, strlen(az));
	assert_run(
	    "check . 2>&1 >lines; "
	    "{ cat az.sh; sed -n '/^SUBSCRIPTION=/,/> service-tags.json/p' lines; } >fill.sh; "
	    "mkdir filled && cd filled && sh -eu ../fill.sh 2>&1 && ls && " NSGCTL " check . 2>&1",
	    0, ": valid: 0 errors");
	for (const char *const *name =
		 (const char *const[]){"endpoints", "nsg", "peer-vnet-hub", "plan", "routes",
				       "service-tags", "settings", "site", "vnet", NULL};
	     *name; name++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "%s.json\n", *name);
		assert_non_null(strstr(output, line));
	}
	assert_run("check " NSG_POLICY " 2>&1", 0, "read ");
	assert_null(strstr(output, "az network vnet show"));
	assert_run("check . -o jsonl 2>&1", 3, "az network vnet show");
	assert_null(strstr(output, "SUBSCRIPTION"));
	/* the commands failed, and the shell had created their files */
	assert_run("--version; mkdir empty && : >empty/vnet.json && : >empty/nsg.json && " NSGCTL
		   " check empty 2>&1",
		   3, "SUBSCRIPTION=");
	assert_non_null(strstr(output, "the file is empty"));
	/* a virtual network that has an error is not missing */
	assert_run("--version; : >filled/vnet.json && " NSGCTL " check filled 2>&1", 3,
		   "the file is empty");
	assert_null(strstr(output, "SUBSCRIPTION"));
}

static void batches_answer_line_by_line(void **state)
{
	static const char flows[] =
	    "\xef\xbb\xbf" FLOW("a", "10.0.2.7", "5432") "\nnonsense\n" FLOW("b", "10.0.2.7", "22")
		FLOW("c", "8.8.8.8", "443");
	char *line;

	(void)state;
	write_file("flows", flows, sizeof(flows) - 1);
	for (int i = 0; i < 2; i++) {
		assert_run(i ? "-p " NSG_POLICY " explain --batch - <flows 2>/dev/null"
			     : "-p " NSG_POLICY " explain --batch flows 2>/dev/null",
			   1, "{\"id\":\"a\",\"protocol\":\"TCP\"");
		line = strchr(output, '\n') + 1;
		assert_ptr_equal(strstr(line, "{\"id\":null,\"error\":\""), line);
		line = strchr(line, '\n') + 1;
		assert_ptr_equal(strstr(line, "{\"id\":\"b\","), line);
		assert_non_null(strstr(line, "\"verdict\":\"drop\",\"reason\":\"nsg-deny\"}\n"));
		line = strchr(line, '\n') + 1;
		assert_non_null(strstr(line, "\"gate\":\"bypass\",\"nsg\":null,\"route\":null,"));
		assert_string_equal(strchr(line, '\n'), "\n");
	}
	write_file("flows", FLOW("a", "10.0.2.7", "5432"), strlen(FLOW("a", "10.0.2.7", "5432")));
	assert_run("-p " NSG_POLICY " explain --batch flows 2>/dev/null", 0, "accept");
	assert_run("-p " NSG_POLICY " explain --batch flows --expect drop 2>/dev/null", 1,
		   "accept");
}

static void strict_decides_nothing_on_a_warning(void **state)
{
	(void)state;
	assert_int_equal(run("check " NSG_POLICY " -o json"), 0);
	/* a rule of the sample has no effect: a lint, which only check counts */
	assert_non_null(strstr(output, "\"lint\": true"));
	assert_run("check --strict " NSG_POLICY " | tail -n3", 0, "not valid");

	/* a warning of loading: route-all as a word */
	assert_int_equal(system("mkdir policy && cp " NSG_POLICY "/*.json policy && "
				"chmod o-r policy/* && "
				"echo '[{\"name\":\"WEBSITE_VNET_ROUTE_ALL\","
				"\"value\":\"true\"}]' >policy/zz.json"),
			 0);
	assert_run("-p policy --strict effective-nsg 2>/dev/null; echo $?", 0, "3\n");
	assert_string_equal(output, "3\n");
	assert_run("-p policy effective-nsg 2>/dev/null", 0, "\"value\"");
}

static void check_gives_records_as_json(void **state)
{
	json_t *records;

	(void)state;
	assert_int_equal(run("check -o json " NSG_POLICY), 0);
	records = json_loads(output, 0, NULL);
	assert_true(json_array_size(records) > 0);
	assert_non_null(json_object_get(json_array_get(records, 0), "pointer"));
	json_decref(records);
	assert_int_equal(run("check -o jsonl " NSG_POLICY), 0);
	assert_ptr_equal(strstr(output, "{\"severity\":"), output);
	assert_run("check -v " NSG_POLICY, 0, "subnetPrefixes");
}

/* ---- replay --------------------------------------------------------------------------------- */

static size_t put32(uint8_t *out, uint32_t value)
{
	memcpy(out, &value, 4);
	return 4;
}

/* A record of a classic capture of raw packets: UDP, 10.0.1.4 or back. */
static size_t put_udp(uint8_t *out, uint32_t second, uint8_t dst_d, uint16_t dport, int back)
{
	const uint8_t here[4] = {10, 0, 1, 4}, there[4] = {10, 0, 2, dst_d};
	uint8_t ip[28] = {0x45, 0, 0, 28, [8] = 64, [9] = 17, [25] = 8};
	const uint8_t ports[4] = {0x10, 0, (uint8_t)(dport >> 8), (uint8_t)dport};
	size_t n = 0;

	memcpy(ip + 12, back ? there : here, 4);
	memcpy(ip + 16, back ? here : there, 4);
	memcpy(ip + 20, ports + (back ? 2 : 0), 2);
	memcpy(ip + 22, ports + (back ? 0 : 2), 2);
	n += put32(out, second);
	n += put32(out + n, 0);
	n += put32(out + n, sizeof(ip));
	n += put32(out + n, sizeof(ip));
	memcpy(out + n, ip, sizeof(ip));
	return n + sizeof(ip);
}

static void replay_follows_flows(void **state)
{
	static const char *const expected[] = {
	    "\"direction\":\"egress\"",	 "\"reason\":\"nsg-deny\"", /* 10.0.2.9:53 */
	    "\"direction\":\"egress\"",	 "\"reason\":\"nsg-deny\"",
	    "\"direction\":\"inbound\"", "\"reason\":\"bypass\"", /* nobody asked */
	    "\"direction\":\"reply\"",	 "\"reason\":\"reply\"",
	};
	uint8_t capture[512];
	size_t n = 0;
	char *line;

	(void)state;
	n += put32(capture, 0xa1b2c3d4);
	n += put32(capture + n, 4u << 16 | 2);
	n += put32(capture + n, 0);
	n += put32(capture + n, 0);
	n += put32(capture + n, 65535);
	n += put32(capture + n, 101);
	n += put_udp(capture + n, 1586908800, 9, 53, 0);
	n += put_udp(capture + n, 1586908801, 9, 53, 0);
	n += put_udp(capture + n, 1586908802, 8, 53, 1);
	n += put_udp(capture + n, 1586908803, 8, 53, 0);
	write_file("in.pcap", capture, n);
	assert_int_equal(run("-p " NSG_POLICY " replay in.pcap -w out.pcapng 2>/dev/null"), 0);
	line = output;
	for (size_t i = 0; i < 4; i++) {
		char *end = strchr(line, '\n');

		assert_non_null(end);
		*end = '\0';
		if (!strstr(line, expected[2 * i]) || !strstr(line, expected[2 * i + 1]))
			fail_msg("packet %d: %s", (int)i + 1, line);
		line = end + 1;
	}
	assert_string_equal(line, "");
	/* what replay wrote, replay reads */
	assert_int_equal(run("-p " NSG_POLICY " replay out.pcapng 2>/dev/null | wc -l"), 0);
	assert_int_equal(atoi(output), 4);

	/* a capture that breaks off: what it had, and status 1 */
	write_file("in.pcap", capture, n - 5);
	assert_int_equal(run("-p " NSG_POLICY " replay in.pcap -w torn.pcapng 2>/dev/null"), 1);
	assert_non_null(strstr(output, "\"packet\":3"));
	assert_run("check nowhere >/dev/null; ls", 0, "out.pcapng");
	assert_null(strstr(output, "torn"));
	write_file("in.pcap", "no capture", 10);
	assert_run("-p " NSG_POLICY " replay in.pcap 2>&1", 1, "in.pcap: ");
}

/* ---- completion ------------------------------------------------------------------------------ */

/* What bash offers after the words, the last of which is being typed. */
static void assert_completed(const char *words, int n, const char *offered)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
		       "completion bash >completion.bash && bash -c '. ./completion.bash; "
		       "COMP_WORDS=(nsgctl %s); COMP_CWORD=%d; _nsgctl; echo ${COMPREPLY[@]}'",
		       words, n);
	assert_int_equal(run(command), 0);
	assert_string_equal(output, offered);
}

static void bash_completes_from_the_tables(void **state)
{
	(void)state;
	assert_completed("st", 1, "status stats\n");
	assert_completed("--prof", 1, "--profile\n");
	assert_completed("--profile \"\"", 2, "2020-04 current\n");
	assert_completed("-p somewhere exp", 3, "explain\n");
	assert_completed("help tra", 2, "trace\n");
	assert_completed("status -o \"\"", 3, "table json jsonl\n");
	assert_completed("explain -o az", 3, "azure\n");
	assert_completed("trace --fil", 2, "--filter\n");
	assert_completed("status --fil", 2, "\n");
	assert_completed("completion \"\"", 2, "bash zsh fish\n");
	assert_completed("check compl", 2, "\n"); /* directories only */
	assert_completed("replay compl", 2, "completion.bash\n");
}

/* Where these shells are not installed, nothing is checked. */
static void zsh_and_fish_can_read_theirs(void **state)
{
	(void)state;
	assert_int_equal(run("completion zsh >_nsgctl && { ! command -v zsh || zsh -n _nsgctl; }"),
			 0);
	assert_int_equal(run("completion fish >n.fish && { ! command -v fish || fish -n n.fish; }"),
			 0);
	assert_run("completion tcsh 2>&1", 2, "\"tcsh\" is not bash, zsh or fish");
}

static void help_is_a_verb(void **state)
{
	(void)state;
	assert_run("help", 0, "Usage: nsgctl [OPTION]...");
	assert_run("help trace", 0, "Usage: nsgctl trace");
	/* only what the verb accepts */
	assert_run("help flatten | grep -c -e ' -o[ ,]'", 0, "1\n");
	assert_run("help metrics | grep -cE -e '--(policy|route-all|strict) ?'", 1, "0\n");
	assert_run("help metrics | grep -c -e --socket", 0, "1\n");
	assert_run("help check | grep -c -e --socket", 1, "0\n");
	assert_run("help explain | grep -cE -e '--(policy|subnet|socket|output) '", 0, "4\n");
	assert_run("help tracer 2>&1", 2, "did you mean trace?");
	assert_run("trace --last 9 'tcp[13] == 2' 2>&1", 2, "--last: packets are not remembered");
	assert_run("flows --filter dstPort=53,uid=0 2>&1", 2, "--filter: flows have no uid\n");
	assert_run("flows 'tcp[13] == 2' 2>&1", 2, "only use addresses, protocol and ports\n");
	assert_run("flows greater 100 2>&1", 2, "only use addresses, protocol and ports\n");
	assert_run("flows 'ip[2:2] > 100' 2>&1", 2, "only use addresses, protocol and ports\n");
	assert_run("trace ip6 2>&1", 2, "\"ip6\": expression rejects all packets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exit_status_tells_what_went_wrong),
	    cmocka_unit_test(usage_errors_of_flows),
	    cmocka_unit_test(expect_turns_the_verdict_into_the_status),
	    cmocka_unit_test(commands_of_an_empty_directory_fill_it),
	    cmocka_unit_test(batches_answer_line_by_line),
	    cmocka_unit_test(strict_decides_nothing_on_a_warning),
	    cmocka_unit_test(check_gives_records_as_json),
	    cmocka_unit_test(replay_follows_flows),
	    cmocka_unit_test(bash_completes_from_the_tables),
	    cmocka_unit_test(zsh_and_fish_can_read_theirs),
	    cmocka_unit_test(help_is_a_verb),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
