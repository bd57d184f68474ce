/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of every type, and messages that end in the middle of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "kernel/attr.h"
#include "util/macro.h"

struct values {
	uint8_t u8;
	uint16_t be16;
	uint32_t u32, be32;
	uint64_t u64, be64;
	const char *text;
	struct nsg_bytes nest;
};

static const struct nsg_attr policy[] = {
    NSG_ATTR(1, U8, struct values, u8),	      NSG_ATTR(2, BE16, struct values, be16),
    NSG_ATTR(3, U32, struct values, u32),     NSG_ATTR(4, BE32, struct values, be32),
    NSG_ATTR(5, U64, struct values, u64),     NSG_ATTR(6, BE64, struct values, be64),
    NSG_ATTR(7, STRING, struct values, text), NSG_ATTR(8, BYTES, struct values, nest),
};

struct message {
	uint8_t data[256];
	size_t size;
};

static void put(struct message *m, uint16_t type, const void *payload, size_t size)
{
	const struct nlattr attr = {.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};

	memcpy(m->data + m->size, &attr, sizeof(attr));
	memcpy(m->data + m->size + NLA_HDRLEN, payload, size);
	m->size += NLA_ALIGN(NLA_HDRLEN + size);
}

static int parse(const struct message *m, struct values *v)
{
	return nsg_attr_parse_bytes((struct nsg_bytes){m->data, m->size}, policy,
				    NSG_ARRAY_SIZE(policy), v);
}

static void every_type_is_read_in_host_order(void **state)
{
	const uint32_t u32 = 0x01020304;
	const uint64_t u64 = 0x0102030405060708;
	struct message m = {.size = 0};
	struct values v = {0};

	(void)state;
	put(&m, 1, "\x2a", 1);
	put(&m, 2, "\x01\x02", 2);
	put(&m, 3, &u32, 4);
	put(&m, 4 | NLA_F_NET_BYTEORDER, "\x01\x02\x03\x04", 4);
	put(&m, 5, &u64, 8);
	put(&m, 6, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	put(&m, 7, "eth0", 5);
	put(&m, 8 | NLA_F_NESTED, m.data, 8);
	assert_int_equal(parse(&m, &v), 0);
	assert_int_equal(v.u8, 42);
	assert_int_equal(v.be16, 0x0102);
	assert_int_equal(v.u32, u32);
	assert_int_equal(v.be32, u32);
	assert_int_equal(v.u64, u64);
	assert_int_equal(v.be64, u64);
	assert_string_equal(v.text, "eth0");
	assert_int_equal(v.nest.size, 8);
}

static void an_attribute_of_another_size_keeps_the_default(void **state)
{
	static const struct {
		uint16_t type;
		const char *payload;
		size_t size;
	} rows[] = {
	    {1, "", 0},	     {1, "xx", 2},	{2, "x", 1},	{3, "xxx", 3},
	    {4, "xxxxx", 5}, {6, "xxxxxxx", 7}, {7, "eth0", 4}, {7, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(rows); i++) {
		struct values v = {1, 2, 3, 4, 5, 6, "7", {0}};
		const struct values before = v;
		struct message m = {.size = 0};

		put(&m, rows[i].type, rows[i].payload, rows[i].size);
		assert_int_equal(parse(&m, &v), 0);
		assert_memory_equal(&v, &before, sizeof(v));
	}
}

static void the_last_of_two_is_used_and_unknown_ones_are_skipped(void **state)
{
	struct message m = {.size = 0};
	struct values v = {0};

	(void)state;
	put(&m, 1, "\x01", 1);
	put(&m, 99, "xyz", 3);
	put(&m, 0, "\x03", 1);
	put(&m, 1, "\x02", 1);
	assert_int_equal(parse(&m, &v), 0);
	assert_int_equal(v.u8, 2);
}

static void a_cut_message_ends_before_the_cut(void **state)
{
	struct message whole = {.size = 0};

	(void)state;
	put(&whole, 1, "\x01", 1);
	put(&whole, 2, "\x01\x02", 2);
	for (size_t size = 0; size <= whole.size; size++) {
		struct message m = whole;
		struct values v = {0};

		m.size = size;
		assert_int_equal(parse(&m, &v), 0);
		assert_int_equal(v.u8, size >= 5 ? 1 : 0);
		/* the last attribute need not be padded */
		assert_int_equal(v.be16, size >= 8 + 6 ? 0x0102 : 0);
	}
	/* lengths below a header, and beyond the message */
	for (uint16_t length = 0; length < NLA_HDRLEN; length++) {
		struct message m = whole;
		struct values v = {0};

		memcpy(m.data, &length, sizeof(length));
		assert_int_equal(parse(&m, &v), 0);
		assert_int_equal(v.u8, 0);
	}
}

static void a_missing_required_attribute_and_a_short_header_are_errors(void **state)
{
	static const struct nsg_attr required[] = {NSG_ATTR_REQUIRED(3, U32, struct values, u32)};
	struct {
		struct nlmsghdr nlh;
		uint8_t body[32];
	} message = {.nlh = {.nlmsg_len = NLMSG_LENGTH(8)}};
	const struct nlattr attr = {.nla_len = 8, .nla_type = 3};
	struct values v = {0};

	(void)state;
	assert_int_equal(nsg_attr_parse(&message.nlh, 8, required, 1, &v), -EBADMSG);
	assert_int_equal(nsg_attr_parse(&message.nlh, 9, policy, 8, &v), -EBADMSG);
	assert_int_equal(nsg_attr_parse(&message.nlh, 8, policy, 8, &v), 0);
	memcpy(message.body + 8, &attr, sizeof(attr));
	memset(message.body + 12, 0xff, 4);
	message.nlh.nlmsg_len = NLMSG_LENGTH(8 + 8);
	assert_int_equal(nsg_attr_parse(&message.nlh, 8, required, 1, &v), 0);
	assert_int_equal(v.u32, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_is_read_in_host_order),
	    cmocka_unit_test(an_attribute_of_another_size_keeps_the_default),
	    cmocka_unit_test(the_last_of_two_is_used_and_unknown_ones_are_skipped),
	    cmocka_unit_test(a_cut_message_ends_before_the_cut),
	    cmocka_unit_test(a_missing_required_attribute_and_a_short_header_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
