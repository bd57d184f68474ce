/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "engine/judge.h"
#include "support/fake_classify.h"
#include "support/fake_queue.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define SRC NSG_IP4(10, 0, 1, 4)
#define HOST_SRC NSG_IP4(192, 168, 7, 7)
#define DST_ALLOWED NSG_IP4(10, 0, 2, 1) /* hop 1 */
#define DST_DENIED NSG_IP4(10, 0, 2, 2)	 /* by a rule; its route has hop 2 */
#define DST_NONE NSG_IP4(10, 9, 9, 9)	 /* allowed, route None */
#define DST_DENIED_NONE NSG_IP4(10, 9, 9, 8)
#define DST_DENIED_FAR NSG_IP4(10, 8, 0, 1) /* denied; its route cannot be reached */
#define DST_PLATFORM NSG_IP4(169, 254, 169, 254)
#define DST_NOT_CARRIED NSG_IP4(10, 9, 9, 7)
#define DST_BYPASS NSG_IP4(8, 8, 8, 8)

#define FOREIGN 0xf000beefu /* every foreign bit that 0x0fff0000 leaves, nearly */
#define GENERATION 2u

static const struct nsg_image_route routes[] = {
    {.hop = 1, .hop_type = NSG_HOP_APPLIANCE},
    {.hop = 2, .hop_type = NSG_HOP_APPLIANCE},
    {.hop_type = NSG_HOP_NONE},
    {.hop_type = NSG_HOP_VNET_GLOBAL_PEERING, .unreachable = true},
};

#define ALLOW(r, h)                                                                                \
	{                                                                                          \
		.route = r, .rule = 1, .hop = h, .gate = NSG_GATE_RFC1918,                         \
		.verdict = NSG_VERDICT_ACCEPT, .reason = NSG_REASON_ALLOWED                        \
	}
#define DENY(r, g)                                                                                 \
	{                                                                                          \
		.route = r, .rule = 2, .gate = g, .verdict = NSG_VERDICT_DROP,                     \
		.reason = NSG_REASON_NSG_DENY                                                      \
	}

static const struct fake_decision decisions[] = {
    {DST_ALLOWED, ALLOW(0, 1)},
    {DST_DENIED, DENY(1, NSG_GATE_RFC1918)},
    {DST_NONE,
     {.route = 2,
      .rule = 1,
      .gate = NSG_GATE_RFC1918,
      .verdict = NSG_VERDICT_DROP,
      .reason = NSG_REASON_ROUTE_NONE}},
    {DST_NOT_CARRIED,
     {.route = NSG_ROUTE_NONE,
      .rule = NSG_RULE_NONE,
      .gate = NSG_GATE_NOT_CARRIED,
      .verdict = NSG_VERDICT_DROP,
      .reason = NSG_REASON_NOT_CARRIED}},
    {DST_DENIED_NONE, DENY(2, NSG_GATE_RFC1918)},
    {DST_DENIED_FAR, DENY(3, NSG_GATE_RFC1918)},
    {DST_PLATFORM, DENY(NSG_ROUTE_NONE, NSG_GATE_PLATFORM)},
    {DST_BYPASS,
     {.route = NSG_ROUTE_NONE,
      .rule = NSG_RULE_NONE,
      .gate = NSG_GATE_BYPASS,
      .verdict = NSG_VERDICT_ACCEPT,
      .reason = NSG_REASON_BYPASS}},
};

static const struct nsg_image image = {
    .info = {.n_rules = 3, .n_routes = 4, .n_hops = 3},
    .decisions = decisions,
    .n_decisions = NSG_ARRAY_SIZE(decisions),
    .routes = routes,
    .src_host = SRC,
};

/* Not the identity, so that a hop index taken for a number is seen. */
static const uint16_t hop_numbers[] = {0, 5, 7};

static struct nsg_engine_policy policy(void)
{
	return (struct nsg_engine_policy){
	    .image = &image,
	    .hop_numbers = hop_numbers,
	    .generation = GENERATION,
	    .standing = 0xf,
	    .src_host = SRC,
	};
}

static struct nsg_engine_options options(void)
{
	struct nsg_engine_options o = {
	    .n_workers = 1,
	    .remember_denied = true,
	    .marks = {.mask = 0x0fff0000,
		      .decided = 0x08000000,
		      .generation = 0x06000000,
		      .hop = 0x01ff0000,
		      .denied = 0x01ff0000,
		      .generation_shift = 25,
		      .hop_shift = 16,
		      .max_hop = 510},
	};

	return o;
}

static void put_packet(struct nsg_batch *b, uint8_t *bytes, uint32_t dst_host, uint32_t mark)
{
	size_t n = fake_udp(bytes, HOST_SRC, dst_host, 4000, 53);

	b->messages[b->n++] = (struct nsg_message){
	    .id = b->n + 1,
	    .mark = mark,
	    .length = (uint32_t)n,
	    .captured = (uint32_t)n,
	    .payload = bytes,
	    .family = AF_INET,
	};
}

struct expected {
	enum nsg_verdict verdict;
	enum nsg_reason reason;
	bool accept, has_mark;
	uint32_t mark;
};

static void check(const struct nsg_engine_options *o, const struct nsg_engine_policy *p,
		  uint32_t dst_host, uint32_t mark, struct expected e)
{
	static struct nsg_batch b;
	uint8_t bytes[28];

	memset(&b, 0, sizeof(b));
	put_packet(&b, bytes, dst_host, mark);
	nsg_judge(o, p, NULL, &b);
	assert_int_equal(b.decisions[0].verdict, e.verdict);
	assert_int_equal(b.decisions[0].reason, e.reason);
	assert_int_equal(b.verdicts[0].id, b.messages[0].id);
	assert_int_equal(b.verdicts[0].accept, e.accept);
	assert_int_equal(b.verdicts[0].has_mark, e.has_mark);
	if (e.has_mark)
		assert_int_equal(b.verdicts[0].mark, e.mark);
	assert_int_equal(b.hosts_src[0], HOST_SRC);
	assert_int_equal(b.keys[0].src_host, SRC);
}

static void an_allowed_flow_is_marked_decided_with_its_hop(void **state)
{
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();

	(void)state;
	check(&o, &p, DST_ALLOWED, 0,
	      (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ALLOWED, true, true, 0x0c050000});
	check(&o, &p, DST_BYPASS, 0,
	      (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_BYPASS, true, true, 0x0c000000});
}

static void foreign_mark_bits_survive(void **state)
{
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();

	(void)state;
	check(&o, &p, DST_ALLOWED, FOREIGN,
	      (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ALLOWED, true, true,
				FOREIGN | 0x0c050000});
	check(&o, &p, DST_DENIED, FOREIGN,
	      (struct expected){NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, true, true,
				FOREIGN | 0x05ff0000});
	check(&o, &p, DST_BYPASS, FOREIGN,
	      (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_BYPASS, true, true,
				FOREIGN | 0x0c000000});
}

static void a_denial_that_nobody_remembers_is_a_drop(void **state)
{
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();

	(void)state;
	o.remember_denied = false;
	check(&o, &p, DST_DENIED, 0,
	      (struct expected){NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, false, false, 0});
	check(&o, &p, DST_ALLOWED, 0,
	      (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ALLOWED, true, true, 0x0c050000});
}

static void audit_decides_and_touches_nothing(void **state)
{
	static const uint32_t dsts[] = {DST_ALLOWED, DST_DENIED, DST_NONE};
	static const enum nsg_reason reasons[] = {NSG_REASON_ALLOWED, NSG_REASON_NSG_DENY,
						  NSG_REASON_ROUTE_NONE};
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();

	(void)state;
	o.audit = true;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(dsts); i++)
		check(&o, &p, dsts[i], FOREIGN,
		      (struct expected){i ? NSG_VERDICT_DROP : NSG_VERDICT_ACCEPT, reasons[i], true,
					false, 0});
}

/* The flow's mark: decided, generation 1, hop 3. */
static void a_decided_flow_keeps_its_nsg_verdict_and_takes_the_new_route(void **state)
{
	const uint32_t old = 0x0a030000;
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();

	(void)state;
	check(&o, &p, DST_ALLOWED, FOREIGN | old,
	      (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ESTABLISHED, true, true,
				FOREIGN | 0x0c050000});
	check(
	    &o, &p, DST_DENIED, old,
	    (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ESTABLISHED, true, true, 0x0c070000});
	check(
	    &o, &p, DST_PLATFORM, old,
	    (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ESTABLISHED, true, true, 0x0c000000});
	check(&o, &p, DST_NONE, old,
	      (struct expected){NSG_VERDICT_DROP, NSG_REASON_ROUTE_NONE, true, true, 0x05ff0000});
	check(&o, &p, DST_DENIED_NONE, old,
	      (struct expected){NSG_VERDICT_DROP, NSG_REASON_ROUTE_NONE, true, true, 0x05ff0000});
	check(&o, &p, DST_DENIED_FAR, old,
	      (struct expected){NSG_VERDICT_DROP, NSG_REASON_ROUTE_UNREACHABLE, true, true,
				0x05ff0000});
}

static void a_policy_that_forgets_judges_older_flows_anew(void **state)
{
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();

	(void)state;
	p.standing = 1u << 2;
	check(&o, &p, DST_DENIED, 0x0a030000,
	      (struct expected){NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, true, true, 0x05ff0000});
	check(
	    &o, &p, DST_DENIED, 0x0c030000,
	    (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ESTABLISHED, true, true, 0x0c070000});
}

/* A packet may lie in the queue since before the policy that forgot, and be decided by the next. */
static void what_was_forgotten_once_stays_forgotten_under_the_next_policy(void **state)
{
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();

	(void)state;
	/* generation 1 was forgotten by 2; now 3 is in force */
	p.generation = 3;
	p.standing = 1u << 2 | 1u << 3;
	check(&o, &p, DST_DENIED, 0x0a030000,
	      (struct expected){NSG_VERDICT_DROP, NSG_REASON_NSG_DENY, true, true, 0x07ff0000});
	check(
	    &o, &p, DST_DENIED, 0x0c030000,
	    (struct expected){NSG_VERDICT_ACCEPT, NSG_REASON_ESTABLISHED, true, true, 0x0e070000});
}

static void what_cannot_be_judged_has_a_verdict_too(void **state)
{
	static struct nsg_batch b;
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();
	uint8_t bytes[6][28];

	(void)state;
	memset(&b, 0, sizeof(b));
	for (size_t i = 0; i < NSG_ARRAY_SIZE(bytes); i++)
		put_packet(&b, bytes[i], DST_ALLOWED, FOREIGN);
	b.bad[0] = true;
	b.messages[0] = (struct nsg_message){.id = 1};
	bytes[1][0] = 0x44;	    /* IHL < 5 */
	b.messages[2].captured = 0; /* nothing was copied */
	bytes[3][7] = 1;	    /* fragment offset 8 */
	bytes[4][0] = 0x65;	    /* IPv6 in a packet that the kernel routed as IPv4 */
	b.messages[5].family = AF_INET6;
	nsg_judge(&o, &p, NULL, &b);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(b.decisions[i].verdict, NSG_VERDICT_DROP);
		assert_int_equal(b.decisions[i].gate, NSG_GATE_NONE);
		assert_int_equal(b.decisions[i].reason,
				 i == 3 ? NSG_REASON_FRAGMENT : NSG_REASON_MALFORMED);
		assert_false(b.verdicts[i].accept);
		assert_false(b.verdicts[i].has_mark);
	}
	assert_int_equal(b.decisions[5].reason, NSG_REASON_BYPASS);
	assert_true(b.verdicts[5].accept);
	assert_false(b.verdicts[5].has_mark);
}

/* The kernel would remember it for the destination. */
static void a_refused_source_port_is_a_plain_drop(void **state)
{
	static struct nsg_batch b;
	struct nsg_engine_options o = options();
	struct nsg_engine_policy p = policy();
	uint8_t bytes[28];

	(void)state;
	memset(&b, 0, sizeof(b));
	put_packet(&b, bytes, DST_NOT_CARRIED, 0);
	nsg_judge(&o, &p, NULL, &b);
	assert_true(b.verdicts[0].accept && b.verdicts[0].has_mark);
	bytes[20] = NSG_SPORT_NOT_CARRIED >> 8;
	bytes[21] = NSG_SPORT_NOT_CARRIED & 0xff;
	nsg_judge(&o, &p, NULL, &b);
	assert_false(b.verdicts[0].accept || b.verdicts[0].has_mark);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_allowed_flow_is_marked_decided_with_its_hop),
	    cmocka_unit_test(foreign_mark_bits_survive),
	    cmocka_unit_test(a_denial_that_nobody_remembers_is_a_drop),
	    cmocka_unit_test(audit_decides_and_touches_nothing),
	    cmocka_unit_test(a_decided_flow_keeps_its_nsg_verdict_and_takes_the_new_route),
	    cmocka_unit_test(a_policy_that_forgets_judges_older_flows_anew),
	    cmocka_unit_test(what_was_forgotten_once_stays_forgotten_under_the_next_policy),
	    cmocka_unit_test(a_refused_source_port_is_a_plain_drop),
	    cmocka_unit_test(what_cannot_be_judged_has_a_verdict_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
