/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay and explain --packet on the sample policy, in which 10.0.2.7:5432 is allowed and 10.0.2.7:22
 * denied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "unit/nsgctl/program.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

#define APP "\x0a\x00\x01\x04"	/* 10.0.1.4, in the subnet */
#define HOST "\xc0\x00\x02\x09" /* 192.0.2.9 */
#define DB "\x0a\x00\x02\x07"	/* 10.0.2.7 */
#define BRANCH "\xc0\xa8\x07\x07"

static char *line; /* the next one of output */

/* The arguments of nsgctl on the sample policy. `line` is then the first line of its output. */
static const char *on_sample(const char *words)
{
	static char all[1024];

	(void)snprintf(all, sizeof(all), "-p %s %s", NSG_POLICY, words);
	line = output;
	return all;
}

static int ask(const char *words)
{
	return run(on_sample(words));
}

static void assert_ask(const char *words, int status, const char *part)
{
	assert_run(on_sample(words), status, part);
}

/* ---- captures ------------------------------------------------------------------------------- */

static uint8_t capture[1 << 16];
static size_t size;

static void put32(uint32_t value)
{
	memcpy(capture + size, &value, 4);
	size += 4;
}

static void begin(uint32_t link_type)
{
	size = 0;
	put32(0xa1b2c3d4);
	put32(4u << 16 | 2);
	put32(0);
	put32(0);
	put32(65535);
	put32(link_type);
}

static void put_record(uint32_t second, size_t n)
{
	put32(1586908800 + second);
	put32(0);
	put32((uint32_t)n);
	put32((uint32_t)n);
}

static void tcp(uint32_t second, const char *src, uint16_t sport, const char *dst, uint16_t dport,
		uint8_t flags)
{
	uint8_t ip[40] = {0x45, 0, 0, 40, [8] = 64, [9] = 6, [32] = 0x50, [33] = flags};

	memcpy(ip + 12, src, 4);
	memcpy(ip + 16, dst, 4);
	ip[20] = (uint8_t)(sport >> 8);
	ip[21] = (uint8_t)sport;
	ip[22] = (uint8_t)(dport >> 8);
	ip[23] = (uint8_t)dport;
	put_record(second, sizeof(ip));
	memcpy(capture + size, ip, sizeof(ip));
	size += sizeof(ip);
}

static void save(const char *name)
{
	write_file(name, capture, size);
}

/* The next line has all these words. */
static void assert_line(const char *const *words)
{
	char *end = strchr(line, '\n');

	assert_non_null(end);
	*end = '\0';
	for (; *words; words++)
		if (!strstr(line, *words))
			fail_msg("no %s in: %s", *words, line);
	line = end + 1;
}

#define LINE(...) assert_line((const char *const[]){__VA_ARGS__, NULL})
#define EGRESS "\"direction\":\"egress\""
#define REPLY "\"direction\":\"reply\""
#define INBOUND "\"direction\":\"inbound\""
#define REASON(verdict, reason) "\"verdict\":\"" verdict "\",\"reason\":\"" reason "\""
#define DENIED REASON("drop", "nsg-deny") ",\"ofDeniedFlow\":true}"

/* ---- flows ---------------------------------------------------------------------------------- */

static void a_denied_flow_stays_denied(void **state)
{
	(void)state;
	begin(101);
	tcp(0, APP, 1000, DB, 22, SYN);
	tcp(0, DB, 22, APP, 1000, SYN | ACK);
	tcp(0, APP, 1000, DB, 22, ACK);
	tcp(1, APP, 1000, DB, 22, FIN | ACK);
	tcp(2, APP, 1000, DB, 22, SYN);
	tcp(400, APP, 1000, DB, 22, ACK); /* after the flow timeout */
	tcp(401, DB, 22, APP, 1000, SYN); /* the other side begins */
	tcp(401, APP, 1000, DB, 22, SYN | ACK);
	tcp(402, APP, 1000, DB, 22, SYN);
	save("denied.pcap");
	assert_int_equal(ask("replay -o jsonl denied.pcap 2>/dev/null"), 0);
	LINE(EGRESS, REASON("drop", "nsg-deny") "}");
	LINE(REPLY, "\"route\":null", DENIED);
	LINE(EGRESS, "\"rule\":\"securityRules/DenyRestOfData\"", DENIED);
	LINE(EGRESS, DENIED);
	LINE(EGRESS, REASON("drop", "nsg-deny") "}");
	LINE(EGRESS, REASON("drop", "nsg-deny") "}");
	LINE(INBOUND, REASON("accept", "bypass") "}");
	LINE(REPLY, REASON("accept", "reply") "}");
	LINE(EGRESS, REASON("drop", "nsg-deny") "}");
	assert_string_equal(line, "");
}

static void only_what_began_before_is_preexisting(void **state)
{
	(void)state;
	begin(101);
	tcp(0, APP, 1001, DB, 5432, ACK);
	tcp(0, DB, 5432, APP, 1001, ACK);
	tcp(900, APP, 1001, DB, 5432, ACK); /* idle for long, but nothing began it again */
	tcp(901, APP, 1001, DB, 5432, SYN);
	tcp(901, APP, 1001, DB, 5432, ACK);
	tcp(901, HOST, 1, APP, 80, SYN);
	tcp(901, APP, 80, HOST, 1, SYN | ACK);
	save("old.pcap");
	assert_int_equal(ask("replay -o jsonl old.pcap 2>/dev/null"), 0);
	LINE(EGRESS, "\"gate\":\"rfc1918\",\"nsg\":null,\"route\":null",
	     REASON("accept", "preexisting") "}");
	LINE(REPLY, REASON("accept", "preexisting"));
	LINE(EGRESS, REASON("accept", "preexisting"));
	LINE(EGRESS, REASON("accept", "allowed"));
	LINE(EGRESS, REASON("accept", "established"));
	LINE(INBOUND, REASON("accept", "bypass"));
	LINE(REPLY, REASON("accept", "reply"));
}

/* ---- sources -------------------------------------------------------------------------------- */

static void the_judged_source_travels(void **state)
{
	(void)state;
	begin(101);
	tcp(0, HOST, 1000, DB, 5432, SYN);
	tcp(0, DB, 5432, HOST, 1000, SYN | ACK);
	tcp(0, HOST, 1000, DB, 5432, ACK);
	save("host.pcap");
	/* the sample's rule allows the subnet alone */
	assert_int_equal(ask("replay -o jsonl host.pcap 2>/dev/null"), 0);
	LINE("\"src\":\"192.0.2.9\"", REASON("drop", "nsg-deny"));
	assert_int_equal(
	    ask("replay -o jsonl --src 10.0.1.4 -w judged.pcapng host.pcap 2>/dev/null"), 0);
	for (int i = 0; i < 2; i++) {
		LINE("\"src\":\"10.0.1.4\"", REASON("accept", "allowed"),
		     ",\"hostSrc\":\"192.0.2.9\"}");
		LINE(REPLY, "\"dst\":\"192.0.2.9\"", REASON("accept", "reply") "}");
		LINE("\"src\":\"10.0.1.4\"", REASON("accept", "established"),
		     ",\"hostSrc\":\"192.0.2.9\"}");
		/* what was written, without the option */
		if (i == 0)
			assert_int_equal(ask("replay -o jsonl judged.pcapng 2>/dev/null"), 0);
	}
	assert_ask("replay --src 10.0.1.400 host.pcap 2>&1", 2,
		   "--src: \"10.0.1.400\" is not a valid IPv4 address");
}

static void local_prefixes_are_the_app(void **state)
{
	(void)state;
	begin(101);
	tcp(0, DB, 5432, HOST, 1000, SYN); /* to the app */
	tcp(0, HOST, 1000, DB, 5432, SYN | ACK);
	tcp(0, HOST, 1001, DB, 22, SYN);
	tcp(0, BRANCH, 1, DB, 5432, SYN); /* of another host */
	save("local.pcap");
	assert_int_equal(
	    ask("replay -o jsonl --local 192.0.2.0/24,2001:db8::/32 local.pcap 2>/dev/null"), 0);
	LINE(INBOUND, REASON("accept", "bypass"));
	LINE(REPLY, REASON("accept", "reply"));
	LINE(EGRESS, REASON("drop", "nsg-deny"));
	LINE(INBOUND, REASON("accept", "bypass"));
	assert_ask("replay --local 192.0.2.0/33 local.pcap 2>&1", 2,
		   "--local: \"192.0.2.0/33\" is not a valid prefix");
	assert_ask("replay --local , local.pcap 2>&1", 2, "--local requires a prefix");
}

static void replies_of_ip6_are_recognised(void **state)
{
	uint8_t ip[48] = {0x60,	       [5] = 8,	 [6] = 17, [7] = 64, [8] = 0xfd,
			  [24] = 0x20, [39] = 1, [40] = 1, [42] = 2, [45] = 8};

	(void)state;
	begin(101);
	for (int back = 0; back < 2; back++) {
		put_record(0, sizeof(ip));
		memcpy(capture + size, ip, sizeof(ip));
		if (back) {
			memcpy(capture + size + 8, ip + 24, 16);
			memcpy(capture + size + 24, ip + 8, 16);
			memcpy(capture + size + 40, ip + 42, 2);
			memcpy(capture + size + 42, ip + 40, 2);
		}
		size += sizeof(ip);
	}
	save("six.pcap");
	assert_int_equal(ask("replay -o jsonl six.pcap 2>/dev/null"), 0);
	LINE(EGRESS, "\"src\":\"fd00::\",\"srcPort\":256,\"dst\":\"2000::1\",\"dstPort\":512",
	     REASON("drop", "not-carried"));
	LINE(REPLY, "\"src\":\"2000::1\"", REASON("drop", "not-carried"), "ofDeniedFlow");
}

/* ---- output --------------------------------------------------------------------------------- */

static void flags_agree_with_the_records(void **state)
{
	static const uint8_t outbound[] = {1, 0, 1, 0, 1, 1};
	size_t at, n, packets = 0;
	uint8_t bytes[1 << 14];
	FILE *in;

	(void)state;
	begin(101);
	tcp(0, HOST, 1000, DB, 5432, SYN);
	tcp(0, DB, 5432, HOST, 1000, SYN | ACK);
	tcp(0, APP, 1000, DB, 22, SYN);
	tcp(0, HOST, 1, APP, 80, SYN);
	tcp(0, APP, 80, HOST, 1, SYN | ACK); /* the app's answer to an inbound flow */
	tcp(0, APP, 9, HOST, 9, ACK);
	save("flags.pcap");
	assert_int_equal(ask("replay -w flags.pcapng flags.pcap >/dev/null 2>&1"), 0);
	in = fopen("flags.pcapng", "r");
	assert_non_null(in);
	n = fread(bytes, 1, sizeof(bytes), in);
	assert_int_equal(fclose(in), 0);
	for (at = 0; at < n;) {
		uint32_t block[2], flags;
		size_t option;

		memcpy(block, bytes + at, sizeof(block));
		if (block[0] == 6) {
			/* comment, then flags */
			option = at + 28 + 40;
			option +=
			    4 + ((size_t)(bytes[option + 2] | bytes[option + 3] << 8) + 3) / 4 * 4;
			assert_int_equal(bytes[option], 2);
			memcpy(&flags, bytes + option + 4, 4);
			assert_int_equal(flags, outbound[packets] ? 2 : 1);
			packets++;
		}
		at += block[1];
	}
	assert_int_equal(packets, 6);
	n = 0;
	while (n + 16 < at && memcmp(bytes + n, "nsgd policy ", 12) != 0)
		n++;
	assert_non_null(strstr((char *)bytes + n, ", profile 2020-04, subnet "));
}

static void closing_tables(void **state)
{
	(void)state;
	begin(101);
	for (uint16_t i = 0; i < 30; i++) {
		tcp(i, APP, 1000 + i, DB, 22, SYN);
		tcp(i, APP, 1000 + i, DB, 22, SYN); /* retransmitted: the same flow */
	}
	tcp(40, APP, 7, DB, 5432, SYN);
	tcp(40, DB, 5432, APP, 7, SYN | ACK);
	save("tables.pcap");
	assert_int_equal(ask("replay -o table tables.pcap 2>/dev/null | tr -s ' '"), 0);
	assert_non_null(strstr(
	    output, "62 packets, 2480 bytes of IP, 31 flows; dropped: 60 packets, 30 flows\n"));
	assert_non_null(strstr(output, "The 20 largest flows"));
	assert_non_null(strstr(output, " DenyRestOfData (200) drop nsg-deny 30 60 2400 1"));
	assert_non_null(strstr(output, " AllowDatabase (100) accept allowed 1 2 80 61"));
	assert_non_null(strstr(output, " TCP 10.0.2.7:22 nsg-deny DenyRestOfData (200) "
				       "30 60 2400 1"));
	assert_null(strstr(output, "PACKET TIME"));
	assert_ask("replay -o table --each-packet tables.pcap 2>/dev/null | grep -c nsg-deny", 0,
		   "82\n"); /* 60 packets, and rows of the tables */
	/* standard input and output */
	assert_int_equal(ask("replay - -w - <tables.pcap 2>/dev/null >piped.pcapng"), 0);
	assert_ask("replay -o jsonl piped.pcapng 2>/dev/null | wc -l", 0, "62\n");
	/* what has come through a pipe is printed before it ends */
	assert_int_equal(system("mkfifo in printed; { cat tables.pcap; "
				"timeout 9 sh -c 'read x <printed' || : >late; } >in &"),
			 0);
	assert_ask("replay -o jsonl - <in 2>/dev/null | { head -n 62; [ -e late ] || echo "
		   ">printed; } | wc -l; "
		   "ls late 2>/dev/null",
		   2, "62\n");
	assert_ask("replay tables.pcap -w - -o jsonl 2>&1", 2, "cannot be used together");
	assert_ask("replay tables.pcap -w tables.pcap 2>&1", 2, "must not be the input");
}

static void the_good_part_of_a_capture(void **state)
{
	(void)state;
	begin(101);
	tcp(0, APP, 1000, DB, 22, SYN);
	tcp(0, APP, 1001, DB, 22, SYN);
	size -= 7;
	save("cut.pcap");
	assert_ask("replay -o jsonl cut.pcap 2>&1 >/dev/null", 1,
		   "cut.pcap: packet 2: the file ends after 49 of 56 bytes\n");
	assert_ask("replay -o jsonl cut.pcap 2>/dev/null", 1, "nsg-deny");
	assert_ask("replay -o table cut.pcap 2>/dev/null", 1, "1 packet, 40 bytes of IP, 1 flow;");
	begin(105);
	tcp(0, APP, 1000, DB, 22, SYN);
	save("wifi.pcap");
	assert_ask("replay -o jsonl wifi.pcap 2>&1", 1, "unsupported link type 105");
}

/* ---- flow logs ------------------------------------------------------------------------------ */

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

#define LOG(rule, tuples)                                                                          \
	"{\"records\":[{\"flowRecords\":{\"flows\":[{\"flowGroups\":[{\"rule\":\"" rule            \
	"\",\"flowTuples\":[" tuples "]}]}]}}]}"
#define TUPLE(src, dst, rest) "\"1663146003606," src "," dst "," rest "\""

static void flow_logs_are_compared_with_the_policy(void **state)
{
	(void)state;
	assert_int_equal(mkdir("logs", 0700), 0);
	assert_int_equal(mkdir("logs/h=01", 0700), 0);
	write_text(
	    "logs/h=01/PT1H.json",
	    LOG("UserRule_a",
		TUPLE("10.0.1.4", "10.0.2.7", "1,5432,6,O,B,NX,0,0,0,0") "," TUPLE(
		    "10.0.1.4", "10.0.2.7",
		    "1,5432,6,O,E,NX,5,500,4,400") "," TUPLE("10.0.1.4", "10.0.2.7",
							     "2,22,6,O,B,NX,0,0,0,0") "," TUPLE("10"
												".0"
												".1"
												"."
												"4",
												"10"
												".0"
												".2"
												"."
												"7",
												"3,"
												"54"
												"32"
												",6"
												",O"
												",D"
												",N"
												"X,"
												"0,"
												"0,"
												"0,"
												"0")));
	write_text("logs/h=02.json",
		   LOG("UserRule_\\u001b[1m",
		       TUPLE("10.0.1.4", "10.0.2.7", "4,22,6,O,D,NX,0,0,0,0") "," TUPLE(
			   "10.0.2.4", "10.0.2.7",
			   "5,22,6,O,B,NX,0,0,0,0") "," TUPLE("10.0.2.4", "10.0.1.4",
							      "5,22,6,I,B,NX,0,0,0,0")));
	write_text("logs/notes", "not read");
	assert_int_equal(ask("replay -o table logs 2>&1 | tr -s ' '"), 0);
	assert_non_null(strstr(output, "5 of 7 tuples decided: 3 as logged, 2 otherwise\n"));
	assert_non_null(strstr(output, " TCP 10.0.2.7:22 allowed UserRule_a nsg-deny "
				       "DenyRestOfData (200) 1 0 0 3\n"));
	assert_non_null(strstr(output, " TCP 10.0.2.7:5432 denied UserRule_a allowed "
				       "AllowDatabase (100) 1 0 0 4\n"));
	assert_non_null(strstr(output, " allowed UserRule_a allowed "
				       "AllowDatabase (100) 2 9 900 1\n"));
	assert_non_null(strstr(output, "1 of 7 tuples were skipped: they belong to inbound flows"));
	assert_non_null(strstr(output, "1 of 7 tuples were skipped: their source is not"));
	assert_null(strchr(output, '\x1b'));

	assert_int_equal(ask("replay -o jsonl logs 2>/dev/null"), 0);
	LINE("{\"packet\":1,\"time\":\"2022-09-14T09:00:03.606000000Z\",\"length\":0,",
	     REASON("accept", "allowed") ",\"logged\":{\"access\":\"Allow\","
					 "\"rule\":\"UserRule_a\",\"state\":\"B\",",
	     ",\"agrees\":true}");
	LINE("\"length\":900,", "\"packetsSent\":5,\"bytesSent\":500,\"packetsReceived\":4,"
				"\"bytesReceived\":400},");
	LINE(REASON("drop", "nsg-deny"), "\"agrees\":false}");
	LINE("\"access\":\"Deny\"", "\"agrees\":false}");
	LINE("\"rule\":\"UserRule_\\u001B[1m\"", "\"agrees\":true}");
	assert_string_equal(line, "");

	/* the rules of the sample allow what a route then drops */
	write_text("none.json",
		   LOG("UserRule_b", TUPLE("10.0.1.4", "192.168.9.9", "1,443,6,O,B,NX,0,0,0,0")));
	assert_int_equal(ask("replay -o jsonl - <none.json 2>/dev/null"), 0);
	LINE(REASON("drop", "route-none"), "\"access\":\"Allow\"", "\"agrees\":null}");
	assert_ask("replay -o table none.json 2>/dev/null", 0,
		   "1 of 1 tuples decided: 0 as logged, 0 otherwise, 1 allowed as logged, but "
		   "dropped for another reason\n");
	/* the app has another address, or the log is of another host */
	assert_ask("replay -o jsonl --local 10.0.2.0/24 logs 2>/dev/null | wc -l", 0, "1\n");
	assert_ask("replay -o jsonl --src 10.0.1.9 logs 2>/dev/null | grep -c 10.0.1.9", 0, "6\n");
}

/* The format of a pipe is recognised from its first bytes, which are not lost; a FIFO is opened once, or its
 * writer would be killed. */
static void captures_and_flow_logs_through_pipes(void **state)
{
	(void)state;
	assert_int_equal(ask("replay -o jsonl tables.pcap 2>/dev/null >by-name.jsonl"), 0);
	assert_int_equal(ask("replay -o jsonl none.json 2>/dev/null >>by-name.jsonl"), 0);
	assert_int_equal(system("mkfifo fifo; cat tables.pcap >fifo &"), 0);
	assert_int_equal(ask("replay -o jsonl fifo 2>/dev/null >by-pipe.jsonl"), 0);
	assert_int_equal(system("cat none.json >fifo &"), 0);
	assert_int_equal(ask("replay -o jsonl fifo 2>/dev/null >>by-pipe.jsonl"), 0);
	assert_int_equal(system("cmp by-name.jsonl by-pipe.jsonl"), 0);
	assert_int_equal(system("true >fifo &"), 0);
	assert_ask("replay fifo 2>&1", 1, "nsgctl: fifo: ");
}

static void bad_flow_logs(void **state)
{
	(void)state;
	write_text("logs/h=00.json", "{\"records\":[{}");
	assert_ask(
	    "replay -o table logs 2>&1", 1,
	    "logs/h=00.json: record 1: not a record of a VNet flow log or an NSG flow log\n");
	assert_non_null(strstr(output, "5 of 7 tuples decided"));
	assert_ask("replay " NSG_POLICY "/site.json 2>&1", 1, "not a flow log: it must begin with");
	assert_ask("replay -w x.pcapng logs 2>&1", 2, "-w requires a capture, not a flow log");
	assert_ask("replay -o table --each-packet logs 2>&1", 2,
		   "--each-packet requires a capture");
	assert_int_equal(mkdir("empty", 0700), 0);
	assert_ask("replay empty 2>&1", 0, "empty contains no *.json files");
}

/* ---- explain -------------------------------------------------------------------------------- */

static void explain_tells_the_story_of_a_packet(void **state)
{
	(void)state;
	assert_ask("explain --packet 3 denied.pcap -o table 2>/dev/null", 0,
		   " 40 bytes, egress, TCP from 10.0.1.4:1000 to 10.0.2.7:22\n"
		   "          it belongs to a flow that is denied\n"
		   "          the flow's first packet is 1\n");
	assert_non_null(strstr(output, "securityRules/DenyRestOfData"));
	assert_ask(
	    "explain --packet 2 denied.pcap -o jsonl 2>/dev/null", 0,
	    "\"role\":\"it answers a flow that is denied: in Azure there would be no answer\","
	    "\"firstPacket\":1,\"flow\":{\"protocol\":\"TCP\",\"src\":\"10.0.1.4\","
	    "\"srcPort\":1000,\"dst\":\"10.0.2.7\",\"dstPort\":22");
	assert_ask("explain --packet 1 old.pcap -o table 2>/dev/null", 0,
		   "its connection began before the capture");
	assert_ask("explain --packet 7 old.pcap -o table 2>/dev/null", 0,
		   "the app answers a connection that was opened to it");
	assert_ask("replay -w '' old.pcap 2>&1", 2, "nsgctl: -w requires the name of a file\n");
	assert_ask("explain --packet 99 old.pcap 2>&1", 1, "old.pcap has only 7 packets");
	assert_ask("explain --packet x old.pcap 2>&1", 2, "from 1, not \"x\"");
	assert_ask("explain --packet 1 2>&1", 2, "--packet N requires a capture FILE");
	assert_ask("explain old.pcap 2>&1", 2, "explain old.pcap requires --packet N");
	assert_ask("explain --packet 1 --expect accept denied.pcap 2>&1 >/dev/null", 1,
		   "expected accept, got drop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_denied_flow_stays_denied),
	    cmocka_unit_test(only_what_began_before_is_preexisting),
	    cmocka_unit_test(the_judged_source_travels),
	    cmocka_unit_test(local_prefixes_are_the_app),
	    cmocka_unit_test(replies_of_ip6_are_recognised),
	    cmocka_unit_test(flags_agree_with_the_records),
	    cmocka_unit_test(closing_tables),
	    cmocka_unit_test(the_good_part_of_a_capture),
	    cmocka_unit_test(flow_logs_are_compared_with_the_policy),
	    cmocka_unit_test(captures_and_flow_logs_through_pipes),
	    cmocka_unit_test(bad_flow_logs),
	    cmocka_unit_test(explain_tells_the_story_of_a_packet),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
