/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/select.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define DEFAULT(TYPE, LEN, RANK)                                                                   \
	{                                                                                          \
		.source = NSG_SOURCE_DEFAULT, .hop_type = (TYPE), .prefix = {0, (LEN)},            \
		.rank = (RANK)                                                                     \
	}
#define VNET(LEN) DEFAULT(NSG_HOP_VNET_LOCAL, LEN, 10)
#define PEER(LEN) DEFAULT(NSG_HOP_VNET_PEERING, LEN, 20)
#define GLOBAL(LEN) DEFAULT(NSG_HOP_VNET_GLOBAL_PEERING, LEN, 30)
#define ENDPOINT(LEN) DEFAULT(NSG_HOP_SERVICE_ENDPOINT, LEN, 40)
#define INTERNET DEFAULT(NSG_HOP_INTERNET, 0, 50)
#define NOWHERE(LEN) DEFAULT(NSG_HOP_NONE, LEN, 60)
#define BGP(LEN)                                                                                   \
	{                                                                                          \
		.source = NSG_SOURCE_GATEWAY, .hop_type = NSG_HOP_GATEWAY, .prefix = { 0, (LEN) }  \
	}
#define USER(LEN, RANK, TYPE)                                                                      \
	{                                                                                          \
		.source = NSG_SOURCE_USER, .hop_type = (TYPE), .prefix = {0, (LEN)},               \
		.rank = (RANK)                                                                     \
	}
#define NVA(LEN) USER(LEN, 1, NSG_HOP_APPLIANCE)
#define PRIVATE(BEATS)                                                                             \
	{                                                                                          \
		.source = NSG_SOURCE_DEFAULT, .hop_type = NSG_HOP_INTERFACE_ENDPOINT,              \
		.prefix = {0, 32}, .beats_udr_shorter_than = (BEATS)                               \
	}

enum {
	LAB = 1,
	CURRENT = 2,
	ENDPOINT_GATE = 4,
};

/* The answer is the row at `winner`; `invalid` and `gone` are bits of rows in that state.
 */
static const struct {
	const char *fact;
	unsigned int flags, invalid, gone;
	int winner;
	size_t n;
	struct nsg_row rows[5];
} cases[] = {
    {"the longest prefix", 0, 0, 0, 1, 3, {INTERNET, VNET(16), NOWHERE(8)}},
    {"a user route on equal length", 0, 0, 0, 1, 3, {VNET(16), NVA(16), INTERNET}},
    {"BGP before a default row on equal length", 0, 0, 0, 1, 2, {INTERNET, BGP(0)}},
    {"a user route before BGP on equal length", 0, 0, 0, 2, 3, {INTERNET, BGP(0), NVA(0)}},
    {"a longer BGP route before a user route", 0, 0, 0, 0, 3, {BGP(24), NVA(16), INTERNET}},
    {"no BGP inside the network", 0, 0, 0, 1, 3, {BGP(24), VNET(16), INTERNET}},
    {"no BGP inside a peer", 0, 0, 0, 1, 3, {BGP(24), PEER(16), INTERNET}},
    {"no BGP inside a global peer", 0, 0, 0, 1, 3, {BGP(24), GLOBAL(16), INTERNET}},
    {"no BGP inside a service endpoint", 0, 0, 0, 1, 3, {BGP(24), ENDPOINT(16), INTERNET}},
    {"no BGP where a user route is preferred to the network",
     0,
     0,
     0,
     2,
     4,
     {VNET(16), BGP(24), NVA(16), INTERNET}},
    {"a longer user route inside the network", 0, 0, 0, 1, 2, {VNET(16), NVA(24)}},
    {"peering before None of one prefix", 0, 0, 0, 1, 2, {NOWHERE(8), PEER(8)}},
    {"the network before a peer of one prefix", 0, 0, 0, 0, 2, {VNET(16), PEER(16)}},
    {"a regional peer before a global one of one prefix", 0, 0, 0, 1, 2, {GLOBAL(16), PEER(16)}},
    {"a row that is gone takes nothing", 0, 0, 1, 1, 2, {NOWHERE(8), INTERNET}},
    {"the better rank of two user routes",
     0,
     0,
     0,
     1,
     2,
     {USER(24, 9, NSG_HOP_NONE), USER(24, 3, NSG_HOP_APPLIANCE)}},
    {"doc: an endpoint before a longer user route",
     0,
     0,
     0,
     0,
     3,
     {ENDPOINT(22), NVA(24), INTERNET}},
    {"lab: a longer user route before an endpoint",
     LAB,
     0,
     0,
     1,
     3,
     {ENDPOINT(22), NVA(24), INTERNET}},
    {"lab: an endpoint before a shorter user route",
     LAB,
     0,
     0,
     0,
     3,
     {ENDPOINT(22), NVA(16), INTERNET}},
    {"lab: an equal user route before an endpoint",
     LAB,
     0,
     0,
     1,
     3,
     {ENDPOINT(22), NVA(22), INTERNET}},
    {"lab: not when its next hop is Internet",
     LAB,
     0,
     0,
     0,
     3,
     {ENDPOINT(22), USER(22, 1, NSG_HOP_INTERNET), INTERNET}},
    {"lab: the best user route of a length speaks for it",
     LAB,
     0,
     0,
     1,
     3,
     {USER(22, 2, NSG_HOP_APPLIANCE), ENDPOINT(22), USER(22, 1, NSG_HOP_INTERNET)}},
    {"lab: a longer Internet route before an endpoint",
     LAB,
     0,
     0,
     1,
     3,
     {ENDPOINT(22), USER(23, 1, NSG_HOP_INTERNET), INTERNET}},
    {"lab: no BGP inside an endpoint either", LAB, 0, 0, 0, 3, {ENDPOINT(22), BGP(24), INTERNET}},
    {"2020: endpoint traffic knows the endpoint's row only",
     LAB | ENDPOINT_GATE,
     0,
     0,
     0,
     4,
     {ENDPOINT(22), NVA(24), BGP(30), VNET(28)}},
    {"2020: of two endpoint rows the longer",
     ENDPOINT_GATE,
     0,
     0,
     1,
     2,
     {ENDPOINT(22), ENDPOINT(24)}},
    {"current: endpoint traffic knows user routes",
     LAB | CURRENT | ENDPOINT_GATE,
     0,
     0,
     1,
     3,
     {ENDPOINT(22), NVA(24), INTERNET}},
    {"a private endpoint before shorter user routes",
     0,
     0,
     0,
     0,
     3,
     {PRIVATE(32), NVA(31), VNET(16)}},
    {"a /32 user route before it in 2020", 0, 0, 0, 1, 3, {PRIVATE(32), NVA(32), VNET(16)}},
    {"a route as long as the range before it with policies",
     CURRENT,
     0,
     0,
     1,
     3,
     {PRIVATE(16), NVA(16), VNET(16)}},
    {"not a shorter one", CURRENT, 0, 0, 0, 3, {PRIVATE(16), NVA(15), VNET(16)}},
    {"a /32 user route before it without policies",
     CURRENT,
     0,
     0,
     1,
     3,
     {PRIVATE(32), NVA(32), VNET(16)}},
    {"struck by a long route it leaves the longest",
     CURRENT,
     0,
     0,
     2,
     4,
     {PRIVATE(16), NVA(16), USER(24, 2, NSG_HOP_NONE), VNET(16)}},
    {"doc: an endpoint's strike leaves the private endpoint",
     0,
     0,
     0,
     1,
     3,
     {ENDPOINT(8), PRIVATE(32), NVA(32)}},
    {"a row is there where its rival is struck", 0, 2, 0, 1, 3, {ENDPOINT(8), VNET(16), NVA(16)}},
};

static void run(size_t i, size_t turn)
{
	struct nsg_effective e = {
	    .profile = nsg_profile_find(cases[i].flags & CURRENT ? "current" : "2020-04"),
	    .endpoint_lab = cases[i].flags & LAB,
	};
	enum nsg_gate gate =
	    cases[i].flags & ENDPOINT_GATE ? NSG_GATE_SERVICE_ENDPOINT : NSG_GATE_ROUTE_ALL;
	struct nsg_row rows[5];
	const struct nsg_row *covering[5], *best;
	enum nsg_row_fate fates[5];

	for (size_t k = 0; k < cases[i].n; k++) {
		rows[k] = cases[i].rows[k];
		if (cases[i].invalid >> k & 1)
			rows[k].state = NSG_ROW_INVALID;
		if (cases[i].gone >> k & 1)
			rows[k].state = NSG_ROW_GONE;
	}
	for (size_t k = 0; k < cases[i].n; k++)
		covering[k] = &rows[(k + turn) % cases[i].n];
	best = nsg_rows_judge(&e, gate, covering, cases[i].n, fates);
	if (best != &rows[cases[i].winner])
		print_error("%s\n", cases[i].fact);
	assert_ptr_equal(best, &rows[cases[i].winner]);
	assert_ptr_equal(nsg_rows_select(&e, gate, covering, cases[i].n), best);
	for (size_t k = 0; k < cases[i].n; k++) {
		assert_int_equal(fates[k] == NSG_FATE_SELECTED, covering[k] == best);
		assert_true(*nsg_row_fate_text(fates[k]));
	}
}

/* Whatever the order of the covering rows. */
static void each_step_strikes_what_it_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++)
		for (size_t turn = 0; turn < cases[i].n; turn++)
			run(i, turn);
}

static void nothing_covers_nothing(void **state)
{
	const struct nsg_effective e = {.profile = nsg_profile_find("current")};

	(void)state;
	assert_null(nsg_rows_select(&e, NSG_GATE_RFC1918, NULL, 0));
}

static void a_fate_tells_why(void **state)
{
	const struct nsg_effective e = {.profile = nsg_profile_find("2020-04")};
	const struct nsg_row rows[] = {VNET(16), BGP(24), NVA(0), INTERNET, PRIVATE(32), PEER(16)};
	const struct nsg_row *covering[6];
	enum nsg_row_fate fates[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		covering[i] = &rows[i];
	assert_ptr_equal(nsg_rows_judge(&e, NSG_GATE_RFC1918, covering, 6, fates), &rows[4]);
	assert_int_equal(fates[0], NSG_FATE_SHORTER);
	assert_int_equal(fates[1], NSG_FATE_SYSTEM_FIRST);
	assert_int_equal(fates[2], NSG_FATE_PRIVATE_FIRST);
	assert_int_equal(fates[4], NSG_FATE_SELECTED);
	covering[4] = &rows[5];
	(void)nsg_rows_judge(&e, NSG_GATE_RFC1918, covering, 5, fates);
	assert_int_equal(fates[4], NSG_FATE_TIE);
	assert_int_equal(fates[2], NSG_FATE_SHORTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_step_strikes_what_it_should),
	    cmocka_unit_test(nothing_covers_nothing),
	    cmocka_unit_test(a_fate_tells_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
