/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hops.h"
#include "support/fake_image.h"
#include "support/kernel_conf.h"
#include "util/cleanup.h"

#define NVA1 NSG_IP4(10, 0, 100, 4)
#define NVA2 NSG_IP4(10, 0, 100, 5)
#define NVA3 NSG_IP4(10, 0, 100, 6)

struct fixture {
	struct nsg_conf conf;
	struct nsg_marks marks;
	struct nsg_hops hops;
	struct nsg_diag diag;
	uint16_t number[600];
};

static void begin(struct fixture *f, uint32_t mask)
{
	*f = (struct fixture){.conf = KERNEL_CONF};
	f->conf.mark_mask = mask;
	assert_int_equal(nsg_marks_init(mask, &f->marks), 0);
	assert_int_equal(nsg_hops_init(&f->hops, &f->conf, &f->marks), 0);
}

static void end(struct fixture *f)
{
	nsg_hops_done(&f->hops);
	nsg_diag_done(&f->diag);
}

static int number(struct fixture *f, const struct fake_hop *hops, uint32_t n)
{
	struct nsg_image *image = fake_image(hops, n);
	int r = nsg_hops_number(&f->hops, image, &f->diag, f->number);

	nsg_image_free(image);
	return r;
}

/* A whole reload to these hops. */
static void reload(struct fixture *f, const struct fake_hop *hops, uint32_t n)
{
	struct nsg_image *image = fake_image(hops, n);

	assert_int_equal(nsg_hops_number(&f->hops, image, &f->diag, f->number), 0);
	assert_int_equal(nsg_hops_commit(&f->hops, image, f->number, n + 1), 0);
	nsg_hops_swap(&f->hops);
	for (uint32_t i = 1; i <= f->hops.max; i++)
		if (nsg_hops_is_idle(&f->hops.v[i]))
			nsg_hops_free_number(&f->hops, i);
	nsg_image_free(image);
}

static void appliance_goes_by_its_own_address(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NVA1)};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	reload(&f, hops, 1);
	assert_int_equal(f.number[0], 0);
	assert_int_equal(f.number[1], 1);
	assert_int_equal(f.hops.v[1].n_paths, 1);
	assert_int_equal(f.hops.v[1].paths[0].via_host, NVA1);
	assert_string_equal(f.hops.v[1].paths[0].dev, "");
	end(&f);
}

static void section_of_an_address_wins_over_that_of_the_type(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NVA1), FAKE_APPLIANCE(NVA2)};
	struct nsg_conf_nexthop sections[] = {
	    {.type = NSG_HOP_APPLIANCE, .has_via = true, .via_host = NSG_IP4(1, 1, 1, 1)},
	    {.is_ip = true, .ip_host = NVA2, .dev = "tun7"},
	};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	f.conf.nexthops = sections;
	f.conf.n_nexthops = 2;
	reload(&f, hops, 2);
	assert_int_equal(f.hops.v[1].paths[0].via_host, NSG_IP4(1, 1, 1, 1));
	assert_false(f.hops.v[2].paths[0].has_via);
	assert_string_equal(f.hops.v[2].paths[0].dev, "tun7");
	end(&f);
}

static void types_have_a_number_only_with_a_section(void **state)
{
	const struct fake_hop hops[] = {{.type = NSG_HOP_VNET_LOCAL},
					{.type = NSG_HOP_INTERNET},
					{.type = NSG_HOP_VNET_PEERING}};
	struct nsg_conf_nexthop section = {.type = NSG_HOP_INTERNET, .dev = "wan0"};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	f.conf.nexthops = &section;
	f.conf.n_nexthops = 1;
	reload(&f, hops, 3);
	assert_int_equal(f.number[1], 0);
	assert_int_equal(f.number[2], 1);
	assert_int_equal(f.number[3], 0);
	end(&f);
}

static void gateway_without_a_section_has_a_table_that_drops(void **state)
{
	const struct fake_hop hops[] = {{.type = NSG_HOP_GATEWAY}};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	reload(&f, hops, 1);
	assert_int_equal(f.number[1], 1);
	assert_true(f.hops.v[1].unknown && nsg_hop_has_table(&f.hops.v[1]));
	nsg_hop_resolve(&f.hops.v[1], NULL, NULL);
	assert_false(f.hops.v[1].up);
	end(&f);
}

static void the_table_of_a_routing_daemon_is_the_gateway(void **state)
{
	static char name[] = "er0";
	const struct fake_hop hops[] = {{.type = NSG_HOP_GATEWAY}};
	struct nsg_link link = {.ifindex = 7, .up = true};
	const struct nsg_links links = {.links = {.v = &link, .n = 1}};
	const uint32_t used[] = {7, 8};
	struct nsg_conf_nexthop section = {.type = NSG_HOP_GATEWAY, .dev = "wg0"};
	struct fixture f;

	(void)state;
	memcpy(link.name, name, sizeof(name));
	begin(&f, 0x0fff0000);
	f.conf.bgp_table = 100;
	reload(&f, hops, 1);
	assert_int_equal(f.hops.v[1].lookup, 100);
	nsg_hop_resolve(&f.hops.v[1], NULL, &links);
	assert_false(f.hops.v[1].up);
	assert_int_equal(nsg_hop_set_links(&f.hops.v[1], &links, used, 2), 0);
	assert_int_equal(f.hops.v[1].n_paths, 1);
	nsg_hop_resolve(&f.hops.v[1], NULL, &links);
	assert_true(f.hops.v[1].up);
	end(&f);
	/* a section takes precedence */
	begin(&f, 0x0fff0000);
	f.conf.bgp_table = 100;
	f.conf.nexthops = &section;
	f.conf.n_nexthops = 1;
	reload(&f, hops, 1);
	assert_int_equal(f.hops.v[1].lookup, 0);
	assert_string_equal(f.hops.v[1].paths[0].dev, "wg0");
	end(&f);
}

static void two_gateways_of_the_policy_are_one_way_here(void **state)
{
	/* their addresses are information only, and the image leaves them out or not */
	const struct fake_hop hops[] = {
	    {.type = NSG_HOP_GATEWAY},
	    {.type = NSG_HOP_GATEWAY, .addrs_host = {NVA1}, .n_addrs = 1}};
	struct nsg_conf_nexthop section = {.type = NSG_HOP_GATEWAY, .dev = "wg0"};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	f.conf.nexthops = &section;
	f.conf.n_nexthops = 1;
	reload(&f, hops, 2);
	assert_int_equal(f.number[1], 1);
	assert_int_equal(f.number[2], 1);
	assert_int_equal(f.hops.v[1].n_paths, 1);
	assert_false(f.hops.v[2].used);
	end(&f);
}

static void equal_cost_addresses_are_one_hop_with_a_leg_each(void **state)
{
	const struct fake_hop one[] = {{NSG_HOP_APPLIANCE, {NVA2, NVA1}, 2}};
	const struct fake_hop other[] = {{NSG_HOP_APPLIANCE, {NVA1, NVA2}, 2}};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	reload(&f, one, 1);
	assert_int_equal(f.hops.v[1].n_paths, 2);
	/* the order in which the policy names them does not matter */
	reload(&f, other, 1);
	assert_int_equal(f.number[1], 1);
	end(&f);
}

static void numbers_stay_and_freed_ones_come_back_last(void **state)
{
	const struct fake_hop first[] = {FAKE_APPLIANCE(NVA1), FAKE_APPLIANCE(NVA2)};
	const struct fake_hop second[] = {FAKE_APPLIANCE(NVA2), FAKE_APPLIANCE(NVA3)};
	const struct fake_hop third[] = {FAKE_APPLIANCE(NVA1), FAKE_APPLIANCE(NVA2)};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	reload(&f, first, 2);
	reload(&f, second, 2);
	assert_int_equal(f.number[1], 2); /* NVA2, as before */
	assert_int_equal(f.number[2], 3);
	assert_false(f.hops.v[1].used);
	reload(&f, third, 2);
	assert_int_equal(f.number[1], 4); /* not 1: connections may still hold it */
	assert_int_equal(f.number[2], 2);
	end(&f);
}

static void numbering_takes_nothing(void **state)
{
	const struct fake_hop hops[] = {FAKE_APPLIANCE(NVA1)};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(number(&f, hops, 1), 0);
		assert_int_equal(f.number[1], 1);
		assert_false(f.hops.v[1].used);
	}
	end(&f);
}

static void old_numbers_are_not_given_away_while_in_use(void **state)
{
	const struct fake_hop first[] = {FAKE_APPLIANCE(NVA1)};
	const struct fake_hop second[] = {FAKE_APPLIANCE(NVA2)};
	struct nsg_image *image = fake_image(second, 1);
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	reload(&f, first, 1);
	assert_int_equal(nsg_hops_number(&f.hops, image, &f.diag, f.number), 0);
	assert_int_equal(nsg_hops_commit(&f.hops, image, f.number, 2), 0);
	assert_int_equal(f.number[1], 2);
	assert_true(f.hops.v[1].used && f.hops.v[1].live && !f.hops.v[1].next);
	assert_true(f.hops.v[2].used && !f.hops.v[2].live && f.hops.v[2].next);
	assert_false(nsg_hops_is_idle(&f.hops.v[1]));
	nsg_hops_swap(&f.hops);
	assert_true(nsg_hops_is_idle(&f.hops.v[1]));
	nsg_image_free(image);
	end(&f);
}

static void more_hops_than_the_mask_has_room_for(void **state)
{
	struct fake_hop hops[8];
	struct fixture f;

	(void)state;
	begin(&f, 0x0000003f); /* three hop bits: 6 numbers */
	for (uint32_t i = 0; i < 8; i++)
		hops[i] = (struct fake_hop)FAKE_APPLIANCE(NVA1 + i);
	assert_int_equal(number(&f, hops, 6), 0);
	assert_int_equal(number(&f, hops, 7), -EINVAL);
	assert_non_null(strstr(f.diag.v[0].text, "7 next hops"));
	assert_non_null(strstr(f.diag.v[0].text, "room for 6"));
	end(&f);
}

static void old_and_new_hops_together_must_have_room(void **state)
{
	struct fake_hop hops[12];
	struct fixture f;

	(void)state;
	begin(&f, 0x0000003f);
	for (uint32_t i = 0; i < 12; i++)
		hops[i] = (struct fake_hop)FAKE_APPLIANCE(NVA1 + i);
	reload(&f, hops, 4);
	assert_int_equal(number(&f, hops + 4, 2), 0);
	assert_int_equal(number(&f, hops + 4, 3), -EINVAL);
	assert_non_null(strstr(f.diag.v[0].text, "together"));
	end(&f);
}

static void all_numbers_can_be_used(void **state)
{
	struct fake_hop *hops = calloc(NSG_MAX_HOPS, sizeof(*hops));
	struct fixture f;
	bool seen[NSG_MAX_HOPS + 1] = {false};

	(void)state;
	assert_non_null(hops);
	begin(&f, 0x0fff0000);
	for (uint32_t i = 0; i < NSG_MAX_HOPS; i++)
		hops[i] = (struct fake_hop)FAKE_APPLIANCE(NVA1 + i);
	reload(&f, hops, NSG_MAX_HOPS);
	for (uint32_t i = 1; i <= NSG_MAX_HOPS; i++) {
		assert_in_range(f.number[i], 1, NSG_MAX_HOPS);
		assert_false(seen[f.number[i]]);
		seen[f.number[i]] = true;
	}
	free(hops);
	end(&f);
}

static void snat_gives_numbers_to_what_has_no_way_of_its_own(void **state)
{
	const struct fake_hop hops[] = {
	    {.type = NSG_HOP_VNET_LOCAL}, {.type = NSG_HOP_INTERNET}, FAKE_APPLIANCE(NVA1)};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	f.conf.has_snat_vnet = true;
	f.conf.snat_vnet_host = NSG_IP4(10, 0, 1, 4);
	reload(&f, hops, 3);
	assert_int_equal(f.number[0], 0);
	assert_int_equal(f.number[1], 1);
	assert_int_equal(f.number[2], 0); /* [snat] internet is not set */
	assert_int_equal(f.number[3], 2);
	assert_int_equal(f.hops.v[1].n_paths, 0);
	assert_int_equal(f.hops.v[1].snat_host, NSG_IP4(10, 0, 1, 4));
	assert_true(f.hops.v[2].has_snat);
	end(&f);
}

static void commit_refuses_numbers_of_other_hops(void **state)
{
	const struct fake_hop first[] = {FAKE_APPLIANCE(NVA1)};
	const struct fake_hop second[] = {FAKE_APPLIANCE(NVA2)};
	struct nsg_image *image = fake_image(second, 1);
	uint16_t taken[] = {0, 1}, beyond[] = {0, 511};
	struct fixture f;

	(void)state;
	begin(&f, 0x0fff0000);
	reload(&f, first, 1);
	assert_int_equal(nsg_hops_commit(&f.hops, image, taken, 2), -EINVAL);
	assert_int_equal(nsg_hops_commit(&f.hops, image, beyond, 2), -EINVAL);
	assert_int_equal(nsg_hops_commit(&f.hops, image, taken, 1), -EINVAL);
	assert_false(f.hops.v[2].used);
	nsg_image_free(image);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(appliance_goes_by_its_own_address),
	    cmocka_unit_test(section_of_an_address_wins_over_that_of_the_type),
	    cmocka_unit_test(types_have_a_number_only_with_a_section),
	    cmocka_unit_test(gateway_without_a_section_has_a_table_that_drops),
	    cmocka_unit_test(the_table_of_a_routing_daemon_is_the_gateway),
	    cmocka_unit_test(two_gateways_of_the_policy_are_one_way_here),
	    cmocka_unit_test(equal_cost_addresses_are_one_hop_with_a_leg_each),
	    cmocka_unit_test(numbers_stay_and_freed_ones_come_back_last),
	    cmocka_unit_test(numbering_takes_nothing),
	    cmocka_unit_test(old_numbers_are_not_given_away_while_in_use),
	    cmocka_unit_test(more_hops_than_the_mask_has_room_for),
	    cmocka_unit_test(old_and_new_hops_together_must_have_room),
	    cmocka_unit_test(all_numbers_can_be_used),
	    cmocka_unit_test(snat_gives_numbers_to_what_has_no_way_of_its_own),
	    cmocka_unit_test(commit_refuses_numbers_of_other_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
