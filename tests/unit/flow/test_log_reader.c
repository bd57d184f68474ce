/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow/log_reader.h"
#include "util/ip.h"
#include "util/names.h"

/* Of vnet-flow-logs-overview.md and nsg-flow-logs-overview.md, shortened. */
#define VNET(tuples)                                                                               \
	"{\"time\":\"2022-09-14T09:00:52.5625085Z\",\"flowLogVersion\":4,\"category\":"            \
	"\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[{\"aclID\":\"00000000-1234\","           \
	"\"flowGroups\":[{\"rule\":\"DefaultRule_AllowInternetOutBound\",\"flowTuples\":[" tuples  \
	"]}]}]}}"
#define NSG(tuples)                                                                                \
	"{ \"time\": \"2018-11-13T12:00:35.3899262Z\", \"category\": "                             \
	"\"NetworkSecurityGroupFlowEvent\",\n\"properties\": { \"Version\": 2, \"flows\": [ { "    \
	"\"rule\": \"UserRule_}\\\"{\", \"flows\": [ { \"mac\": \"000D3AF87856\", "                \
	"\"flowTuples\": [ " tuples " ] } ] } ] } }"
#define V4 "\"1663146003606,10.0.0.6,52.239.184.180,23956,443,6,O,E,NX,3,767,2,1580\""
#define V2 "\"1542110377,10.5.16.4,203.0.113.118,59831,443,T,O,A,B,,,,\""

static struct nsg_log_reader *reader;
static struct nsg_log_tuple tuple;

static void open_text(const char *text, size_t n)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	reader = nsg_log_reader_new(fd);
	assert_non_null(reader);
}

static int next(void)
{
	return nsg_log_reader_next(reader, &tuple);
}

static void assert_end(void)
{
	assert_int_equal(next(), 0);
	assert_null(nsg_log_reader_free(reader));
}

/* The number of tuples before the error. */
static int assert_bad(const char *text, const char *error)
{
	int n = 0, r;

	open_text(text, strlen(text));
	while ((r = next()) == 1)
		n++;
	assert_int_equal(r, -EBADMSG);
	assert_string_equal(nsg_log_reader_error(reader), error);
	nsg_log_reader_free(reader);
	return n;
}

static void a_vnet_flow_log(void **state)
{
	static const char text[] = "\xef\xbb\xbf{ \"records\" : [" VNET(
	    V4 ",\"1663146003,10.0.0.6,10.0.0.7,23956,443,17,I,D,NX,,,,\","
	       "\"1663146003606,fd00::1,fd00::2,0,0,58,O,B,NX_HW,0,0,0,0\"") "]}\n";
	struct in6_addr dst6;

	(void)state;
	open_text(text, sizeof(text) - 1);
	assert_int_equal(next(), 1);
	assert_true(tuple.time_ns == 1663146003606000000);
	assert_int_equal(tuple.key.src_host, NSG_IP4(10, 0, 0, 6));
	assert_int_equal(tuple.key.dst_host, NSG_IP4(52, 239, 184, 180));
	assert_int_equal(tuple.key.sport_host, 23956);
	assert_int_equal(tuple.key.dport_host, 443);
	assert_int_equal(tuple.key.protocol, NSG_PROTOCOL_TCP);
	assert_int_equal(tuple.state, 'E');
	assert_false(tuple.inbound || tuple.denied || tuple.is_ip6);
	assert_int_equal(tuple.packets_sent, 3);
	assert_int_equal(tuple.bytes_sent, 767);
	assert_int_equal(tuple.packets_received, 2);
	assert_int_equal(tuple.bytes_received, 1580);
	assert_string_equal(tuple.rule, "DefaultRule_AllowInternetOutBound");
	assert_int_equal(next(), 1);
	assert_true(tuple.time_ns == 1663146003000000000);
	assert_true(tuple.inbound && tuple.denied);
	assert_int_equal(tuple.state, 'D');
	assert_int_equal(tuple.packets_sent, 0);
	assert_int_equal(next(), 1);
	assert_int_equal(inet_pton(AF_INET6, "fd00::2", &dst6), 1);
	assert_true(tuple.is_ip6);
	assert_memory_equal(tuple.dst6, &dst6, 16);
	assert_int_equal(tuple.key.dst_host, 0);
	assert_end();
}

static void an_nsg_flow_log(void **state)
{
	static const char text[] = "{\"records\":[" NSG(
	    V2 ",\"1542110377,10.5.16.4,10.5.16.5,1,53,U,O,A,C,1,2,3,4\","
	       "\"1542110377,10.5.16.4,10.5.16.5,1,53,U,O,D,B,,,,\","
	       "\"1542110377,10.5.16.4,10.5.16.5,1,53,U,I,A\"") "," NSG("") "]}";

	(void)state;
	open_text(text, sizeof(text) - 1);
	assert_int_equal(next(), 1);
	assert_true(tuple.time_ns == 1542110377000000000);
	assert_int_equal(tuple.key.protocol, NSG_PROTOCOL_TCP);
	assert_int_equal(tuple.state, 'B');
	assert_string_equal(tuple.rule, "UserRule_}\"{");
	assert_int_equal(next(), 1);
	assert_int_equal(tuple.key.protocol, NSG_PROTOCOL_UDP);
	assert_int_equal(tuple.state, 'C');
	assert_int_equal(tuple.bytes_received, 4);
	assert_int_equal(next(), 1);
	assert_int_equal(tuple.state, 'D');
	assert_true(tuple.denied);
	assert_int_equal(next(), 1); /* version 1 */
	assert_int_equal(tuple.state, 'B');
	assert_true(tuple.inbound);
	assert_end();
}

static void documents_follow_one_another(void **state)
{
	static const char text[] = "{\"records\":[" VNET(
	    V4) "]}{\"records\":[]}\n{\"records\":[" NSG(V2) ",\n" VNET(V4) "]} ";

	(void)state;
	open_text(text, sizeof(text) - 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(next(), 1);
	assert_end();
}

static void what_is_not_a_flow_log(void **state)
{
#define LOG(text) "{\"records\":[" text "]}"
#define BEGIN "not a flow log: it must begin with {\"records\":["
#define TUPLE "record 1: tuple 1 is not valid"
	static const struct {
		const char *text, *error;
	} bad[] = {
	    {"", BEGIN},
	    {"\xef\xbb", "not a flow log"},
	    {"{\"value\":[]}", BEGIN},
	    {"[]", BEGIN},
	    {"{\"records\":[", "after record 0: the file ends"},
	    {"{\"records\":[]", "after record 0: the file ends"},
	    {LOG("1"), "after record 0: not a record"},
	    {"{\"records\":[" VNET("") VNET("") "]}", "after record 1: not a record"},
	    {"{\"records\":[{\"a\":", "record 1: the file ends within the record, after 5 bytes"},
	    {LOG("{\"a\"}"), "record 1: not valid JSON"},
	    {LOG("{]"), "record 1: not valid JSON"},
	    {LOG("{}"), "record 1: not a record of a VNet flow log or an NSG flow log"},
	    {LOG("{\"flowRecords\":{\"flows\":{}}}"),
	     "record 1: not a record of a VNet flow log or an NSG flow log"},
	    {LOG("{\"flowRecords\":{\"flows\":[{\"flowGroups\":[{\"rule\":\"a\"}]}]}}"),
	     "record 1: a group of tuples has no rule or no flowTuples"},
	    {LOG(NSG("1")), "record 1: a tuple is not a string"},
	    {LOG(NSG("\"\"")), TUPLE},
	    {LOG(NSG("\",,,,,,,,,,,,,,,,,,,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,2,T,O\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,2,6,O,A,B,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,fd00::1,1,2,T,O,A,B,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,65536,T,O,A,B,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,,T,O,A,B,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,2,T,X,A,B,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,2,T,O,AA,B,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,2,T,O,A,D,,,,\"")), TUPLE},
	    {LOG(NSG("\"1,10.0.0.1,10.0.0.2,1,2,T,O,A,E,1,-1,1,1\"")), TUPLE},
	    {LOG(VNET("\"1,10.0.0.1,10.0.0.2,1,2,T,O,B,NX,,,,\"")), TUPLE},
	    {LOG(VNET("\"1,10.0.0.1,10.0.0.2,1,2,256,O,B,NX,,,,\"")), TUPLE},
	    {LOG(VNET("\"1,10.0.0.1,10.0.0.2,1,2,6,O,A\"")), TUPLE},
	    {LOG(VNET("\"1,10.0.0.1,10.0.0.2,1,2,6,O,E,NX,1,9223372036854775808,1,1\"")), TUPLE},
	    {LOG(VNET("\"99999999999999999999,10.0.0.1,10.0.0.2,1,2,6,O,B,NX,,,,\"")), TUPLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(assert_bad(bad[i].text, bad[i].error), 0);
	/* the good part comes first */
	assert_int_equal(assert_bad(LOG(NSG(V2 ",\"1\"")), "record 1: tuple 2 is not valid"), 1);
}

/* jansson takes 50 bytes and more for an element of an array that has two in the text. */
static void a_record_has_a_limit_of_values(void **state)
{
	static const char begin[] = "{\"records\":[{\"a\":[";
	char *text = malloc(sizeof(begin) + 2 * 1000000 + 8);
	char *p = stpcpy(text, begin);

	(void)state;
	for (size_t i = 0; i < 1000000; i++)
		p = stpcpy(p, i ? ",0" : "0");
	strcpy(p, "]}]}");
	assert_int_equal(assert_bad(text, "record 1: too many values"), 0);
	free(text);
}

/* Every beginning of a log is its records up to there, and an error. */
static void a_log_is_cut_at_each_byte(void **state)
{
	static const char text[] = "{\"records\":[" VNET(V4) ",\n" NSG(V2 "," V2) "]}";
	size_t first = strlen("{\"records\":[" VNET(V4)), all = sizeof(text) - 1;

	(void)state;
	for (size_t n = 0; n <= all; n++) {
		int tuples = 0, r;

		open_text(text, n);
		while ((r = next()) == 1)
			tuples++;
		assert_int_equal(tuples, n < first ? 0 : n < all - 2 ? 1 : 3);
		assert_int_equal(r, n == all ? 0 : -EBADMSG);
		nsg_log_reader_free(reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_vnet_flow_log),
	    cmocka_unit_test(an_nsg_flow_log),
	    cmocka_unit_test(documents_follow_one_another),
	    cmocka_unit_test(what_is_not_a_flow_log),
	    cmocka_unit_test(a_record_has_a_limit_of_values),
	    cmocka_unit_test(a_log_is_cut_at_each_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
