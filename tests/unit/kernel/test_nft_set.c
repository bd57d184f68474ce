/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is put into sets is read back by nft. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "kernel/nft_set.h"
#include "support/netns.h"

static void transact(struct nsg_nl *nl, struct nsg_nft_batch *b)
{
	struct nsg_diag diag = {0};
	int r = nsg_nft_batch_send(b, nl, "test", &diag);

	if (r < 0)
		print_message("%s\n", diag.n ? diag.v[0].text : "?");
	nsg_diag_done(&diag);
	nsg_nft_batch_done(b);
	assert_int_equal(r, 0);
}

static bool elements_are(const char *set, const char *want)
{
	char *is =
	    netns_output("nft -nn -j list set ip unit %s | jq -c '[.nftables[] | select(.set) | "
			 ".set.elem // []] | add'",
			 set);
	bool same = is && !strncmp(is, want, strlen(want)) && is[strlen(want)] == '\n';

	if (!same)
		print_message("%s: %s", set, is ? is : "?\n");
	free(is);
	return same;
}

static void begin(struct nsg_nft_batch *b)
{
	nsg_nft_batch_begin(b, "unit");
	nsg_nft_table_add(b, 0);
}

static void elements_come_and_go(void **state)
{
	const struct nft_set marks = {.name = "marks",
				      .key_type = NFT_TYPE_MARK,
				      .key_bytes = 4,
				      .size = 4,
				      .host_order = true};
	struct nsg_nft_batch b;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	begin(&b);
	nsg_nft_set(&b, &marks);
	nsg_nft_elements(&b, "marks", false);
	nsg_nft_element_u32(&b, 0x08000000);
	nsg_nft_elements_end(&b);
	transact(&nl, &b);
	assert_true(elements_are("marks", "[134217728]"));
	/* the same set again, another element instead: one transaction */
	begin(&b);
	nsg_nft_set(&b, &marks);
	nsg_nft_set_flush(&b, "marks");
	nsg_nft_elements(&b, "marks", false);
	nsg_nft_element_u32(&b, 0x0a000000);
	nsg_nft_elements_end(&b);
	transact(&nl, &b);
	assert_true(elements_are("marks", "[167772160]"));
	begin(&b);
	nsg_nft_elements(&b, "marks", true);
	nsg_nft_element_u32(&b, 0x0a000000);
	nsg_nft_elements_end(&b);
	transact(&nl, &b);
	assert_true(elements_are("marks", "[]"));
	nsg_nl_close(&nl);
}

static void ranges_up_to_the_last_address(void **state)
{
	const struct nft_set excluded = {.name = "excluded",
					 .key_type = NFT_TYPE_IPV4_ADDR,
					 .key_bytes = 4,
					 .flags = NFT_SET_INTERVAL};
	const struct nsg_range ranges[] = {
	    {NSG_IP4(0, 0, 0, 0), NSG_IP4(0, 0, 0, 255)},
	    {NSG_IP4(10, 0, 0, 0), NSG_IP4(10, 0, 255, 255)},
	    {NSG_IP4(10, 1, 2, 3), NSG_IP4(10, 1, 2, 3)},
	    {NSG_IP4(240, 0, 0, 0), NSG_IP4(255, 255, 255, 255)},
	};
	struct nsg_nft_batch b;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	begin(&b);
	nsg_nft_set(&b, &excluded);
	nsg_nft_elements(&b, "excluded", false);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		nsg_nft_element_range(&b, &ranges[i]);
	nsg_nft_elements_end(&b);
	transact(&nl, &b);
	assert_true(elements_are("excluded",
				 "[{\"prefix\":{\"addr\":\"0.0.0.0\",\"len\":24}},"
				 "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":16}},\"10.1.2.3\","
				 "{\"prefix\":{\"addr\":\"240.0.0.0\",\"len\":4}}]"));
	nsg_nl_close(&nl);
}

static void more_elements_than_fit_into_one_message(void **state)
{
	const struct nft_set users = {
	    .name = "users", .key_type = NFT_TYPE_UID, .key_bytes = 4, .host_order = true};
	struct nsg_nft_batch b;
	struct nsg_nl nl;
	char *n;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	begin(&b);
	nsg_nft_set(&b, &users);
	nsg_nft_elements(&b, "users", false);
	for (uint32_t i = 0; i < 5 * NSG_NFT_ELEMENTS + 1; i++)
		nsg_nft_element_u32(&b, 70000 + i);
	nsg_nft_elements_end(&b);
	transact(&nl, &b);
	n = netns_output("nft -nn -j list set ip unit users | jq '[.nftables[] | select(.set) | "
			 ".set.elem | length] | add'");
	assert_int_equal(atoi(n), 5 * NSG_NFT_ELEMENTS + 1);
	free(n);
	nsg_nl_close(&nl);
}

static void maps_to_counters_and_addresses(void **state)
{
	const struct nft_set hops = {.name = "hops",
				     .key_type = NFT_TYPE_MARK,
				     .key_bytes = 4,
				     .flags = NFT_SET_OBJECT,
				     .host_order = true,
				     .object_type = NFT_OBJECT_COUNTER};
	const struct nft_set sources = {.name = "sources",
					.key_type = NFT_TYPE_MARK,
					.key_bytes = 4,
					.flags = NFT_SET_MAP,
					.host_order = true,
					.data_type = NFT_TYPE_IPV4_ADDR,
					.data_bytes = 4};
	struct nsg_nft_batch b;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	begin(&b);
	nsg_nft_counter(&b, "hop3");
	nsg_nft_set(&b, &hops);
	nsg_nft_elements(&b, "hops", false);
	nsg_nft_element_object(&b, 0x30000, "hop3");
	nsg_nft_elements_end(&b);
	nsg_nft_set(&b, &sources);
	nsg_nft_elements(&b, "sources", false);
	nsg_nft_element_addr(&b, 0x30000, NSG_IP4(10, 0, 1, 4));
	nsg_nft_elements_end(&b);
	transact(&nl, &b);
	assert_true(netns_shows("nft list map ip unit hops", "0x00030000 : \"hop3\""));
	assert_true(netns_shows("nft list map ip unit sources", "0x00030000 : 10.0.1.4"));
	nsg_nl_close(&nl);
}

static void elements_with_a_time_or_a_counter(void **state)
{
	const struct nft_set young = {.name = "young",
				      .key_type = NFT_TYPE_INET_PROTO,
				      .key_bytes = 1,
				      .flags = NFT_SET_TIMEOUT};
	const struct nft_set groups = {
	    .name = "groups", .key_type = NFT_TYPE_UID, .key_bytes = 4, .host_order = true};
	const uint8_t tcp = IPPROTO_TCP;
	const uint32_t uid = 77;
	struct nsg_nft_batch b;
	struct nsg_nl nl;

	(void)state;
	if (!netns_enter())
		skip();
	assert_int_equal(nsg_nl_open(NETLINK_NETFILTER, &nl), 0);
	begin(&b);
	nsg_nft_set(&b, &young);
	nsg_nft_elements(&b, "young", false);
	nsg_nft_element_timeout(&b, &tcp, sizeof(tcp), 240000);
	nsg_nft_elements_end(&b);
	nsg_nft_set(&b, &groups);
	nsg_nft_elements(&b, "groups", false);
	nsg_nft_element_counted(&b, &uid, sizeof(uid));
	nsg_nft_elements_end(&b);
	transact(&nl, &b);
	assert_true(netns_shows("nft list set ip unit young", "tcp timeout 4m expires "));
	assert_true(netns_shows("nft list set ip unit groups", "77 counter packets 0 bytes 0"));
	nsg_nl_close(&nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(elements_come_and_go),
	    cmocka_unit_test(ranges_up_to_the_last_address),
	    cmocka_unit_test(more_elements_than_fit_into_one_message),
	    cmocka_unit_test(maps_to_counters_and_addresses),
	    cmocka_unit_test(elements_with_a_time_or_a_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
