/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/track.h"
#include "util/ip.h"
#include "util/limits.h"
#include "util/names.h"

#define A NSG_IP4(10, 0, 1, 4)
#define B NSG_IP4(10, 0, 2, 7)
#define SECOND 1000000000ull

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static struct nsg_track_view packet(uint8_t protocol, uint32_t src, uint16_t sport, uint32_t dst,
				    uint16_t dport, uint8_t tcp_flags)
{
	return (struct nsg_track_view){
	    .key = {.src_host = src,
		    .dst_host = dst,
		    .sport_host = sport,
		    .dport_host = dport,
		    .protocol = protocol},
	    .tcp_flags = tcp_flags,
	};
}

struct step {
	uint8_t flags;
	char way; /* '>' from A to B, '<' back */
	unsigned int second;
	int role;
};

static void follow(const struct step *steps, size_t n, uint8_t protocol)
{
	struct nsg_tracker *t = nsg_tracker_new(4, NSG_MAX_TRACKED_FLOWS, NULL, NULL);

	assert_non_null(t);
	for (size_t i = 0; i < n; i++) {
		struct nsg_track_view v = steps[i].way == '>'
					      ? packet(protocol, A, 50000, B, 443, steps[i].flags)
					      : packet(protocol, B, 443, A, 50000, steps[i].flags);
		struct nsg_track_data *data;
		int role = nsg_tracker_see(t, &v, steps[i].second * SECOND, &data);

		if (role != steps[i].role)
			fail_msg("step %d: role %d, not %d", (int)i, role, steps[i].role);
	}
	nsg_tracker_free(t);
}

static void a_bare_syn_begins_a_flow(void **state)
{
	static const struct step whole[] = {
	    {SYN, '>', 0, NSG_TRACK_FIRST},	    {SYN, '>', 1, NSG_TRACK_FIRST},
	    {SYN | ACK, '<', 1, NSG_TRACK_REPLY},   {ACK, '>', 1, NSG_TRACK_LATER},
	    {ACK, '>', 200, NSG_TRACK_LATER},	    {FIN | ACK, '>', 201, NSG_TRACK_LATER},
	    {ACK, '<', 201, NSG_TRACK_REPLY},	    {FIN | ACK, '<', 202, NSG_TRACK_REPLY},
	    {ACK, '>', 202, NSG_TRACK_LATER},	    {SYN, '>', 203, NSG_TRACK_FIRST},
	    {RST, '<', 203, NSG_TRACK_REPLY},	    {SYN, '<', 204, NSG_TRACK_FIRST},
	    {SYN | ACK, '>', 204, NSG_TRACK_REPLY}, {SYN, '>', 205, NSG_TRACK_FIRST},
	};
	static const struct step before[] = {
	    {ACK, '>', 0, NSG_TRACK_MIDSTREAM},	  {ACK, '<', 0, NSG_TRACK_REPLY},
	    {SYN | ACK, '<', 0, NSG_TRACK_REPLY}, {FIN, '>', 0, NSG_TRACK_LATER},
	    {RST, '>', 0, NSG_TRACK_LATER},	  {0, '>', 999, NSG_TRACK_LATER},
	    {SYN, '>', 1000, NSG_TRACK_FIRST},
	};
	static const struct step answer_first[] = {
	    {SYN | ACK, '<', 0, NSG_TRACK_MIDSTREAM},
	    {RST, '>', 0, NSG_TRACK_REPLY},
	};

	(void)state;
	follow(whole, sizeof(whole) / sizeof(whole[0]), NSG_PROTOCOL_TCP);
	follow(before, sizeof(before) / sizeof(before[0]), NSG_PROTOCOL_TCP);
	follow(answer_first, sizeof(answer_first) / sizeof(answer_first[0]), NSG_PROTOCOL_TCP);
}

static void idle_flows_begin_again(void **state)
{
	static const struct step udp[] = {
	    {0, '>', 0, NSG_TRACK_FIRST},   {0, '<', 240, NSG_TRACK_REPLY},
	    {0, '>', 480, NSG_TRACK_LATER}, {0, '<', 721, NSG_TRACK_FIRST},
	    {0, '>', 722, NSG_TRACK_REPLY}, {0, '>', 700, NSG_TRACK_REPLY},
	};
	static const struct step tcp[] = {
	    {SYN, '>', 0, NSG_TRACK_FIRST},   {ACK, '>', 241, NSG_TRACK_FIRST},
	    {ACK, '>', 242, NSG_TRACK_LATER}, {ACK, '<', 483, NSG_TRACK_REPLY},
	    {ACK, '>', 484, NSG_TRACK_LATER},
	};

	(void)state;
	follow(udp, sizeof(udp) / sizeof(udp[0]), NSG_PROTOCOL_UDP);
	follow(tcp, sizeof(tcp) / sizeof(tcp[0]), NSG_PROTOCOL_TCP);
}

static void data_belongs_to_the_flow(void **state)
{
	struct nsg_tracker *t = nsg_tracker_new(4, NSG_MAX_TRACKED_FLOWS, NULL, NULL);
	struct nsg_track_view out = packet(NSG_PROTOCOL_UDP, A, 1, B, 53, 0);
	struct nsg_track_view back = packet(NSG_PROTOCOL_UDP, B, 53, A, 1, 0);
	struct nsg_track_view other = packet(NSG_PROTOCOL_UDP, A, 2, B, 53, 0);
	struct nsg_track_data *data;

	(void)state;
	assert_int_equal(nsg_tracker_see(t, &out, 0, &data), NSG_TRACK_FIRST);
	assert_int_equal(data->outcome, 0);
	data->outcome = 7;
	assert_int_equal(nsg_tracker_see(t, &other, 0, &data), NSG_TRACK_FIRST);
	assert_int_equal(data->outcome, 0);
	assert_int_equal(nsg_tracker_see(t, &back, 0, &data), NSG_TRACK_REPLY);
	assert_int_equal(data->outcome, 7);
	nsg_tracker_free(t);
}

static void echoes_are_distinguished_by_their_id(void **state)
{
	struct nsg_tracker *t = nsg_tracker_new(4, NSG_MAX_TRACKED_FLOWS, NULL, NULL);
	struct nsg_track_view ping = packet(NSG_PROTOCOL_ICMP, A, 0, B, 0, 0);
	struct nsg_track_view pong = packet(NSG_PROTOCOL_ICMP, B, 0, A, 0, 0);
	struct nsg_track_data *data;

	(void)state;
	ping.icmp_id = pong.icmp_id = 7;
	assert_int_equal(nsg_tracker_see(t, &ping, 0, &data), NSG_TRACK_FIRST);
	assert_int_equal(nsg_tracker_see(t, &pong, 0, &data), NSG_TRACK_REPLY);
	ping.icmp_id = 8;
	assert_int_equal(nsg_tracker_see(t, &ping, 0, &data), NSG_TRACK_FIRST);
	nsg_tracker_free(t);
}

static void errors_belong_to_the_flow_they_quote(void **state)
{
	struct nsg_tracker *t = nsg_tracker_new(4, NSG_MAX_TRACKED_FLOWS, NULL, NULL);
	struct nsg_track_view out = packet(NSG_PROTOCOL_UDP, A, 1, B, 53, 0);
	/* from a router on the path */
	struct nsg_track_view error = packet(NSG_PROTOCOL_ICMP, NSG_IP4(10, 9, 9, 9), 0, A, 0, 0);
	struct nsg_track_data *data;

	(void)state;
	error.icmp_error = true;
	error.inner = out.key;
	/* about an unknown flow: a packet like any other of its protocol */
	assert_int_equal(nsg_tracker_see(t, &error, 0, &data), NSG_TRACK_FIRST);
	assert_int_equal(nsg_tracker_see(t, &out, 0, &data), NSG_TRACK_FIRST);
	data->outcome = 7;
	assert_int_equal(nsg_tracker_see(t, &error, 0, &data), NSG_TRACK_REPLY);
	assert_int_equal(data->outcome, 7);
	nsg_tracker_free(t);
}

static void fragments_follow_their_first(void **state)
{
	struct nsg_tracker *t = nsg_tracker_new(4, NSG_MAX_TRACKED_FLOWS, NULL, NULL);
	struct nsg_track_view first = packet(NSG_PROTOCOL_UDP, A, 1, B, 53, 0);
	struct nsg_track_view later = packet(NSG_PROTOCOL_UDP, A, 0, B, 0, 0);
	struct nsg_track_data *data;

	(void)state;
	first.first_fragment = later.later_fragment = true;
	first.ip_id = later.ip_id = 77;
	assert_int_equal(nsg_tracker_see(t, &later, 0, &data), NSG_TRACK_ORPHAN);
	assert_int_equal(nsg_tracker_see(t, &first, 0, &data), NSG_TRACK_FIRST);
	data->outcome = 7;
	assert_int_equal(nsg_tracker_remember_fragment(t, &first, 0, data), 0);
	assert_int_equal(nsg_tracker_see(t, &later, 1 * SECOND, &data), NSG_TRACK_FRAGMENT);
	assert_int_equal(data->outcome, 7);
	later.ip_id = 78;
	assert_int_equal(nsg_tracker_see(t, &later, 1 * SECOND, &data), NSG_TRACK_ORPHAN);
	later.ip_id = 77;
	assert_int_equal(nsg_tracker_see(t, &later, 32 * SECOND, &data), NSG_TRACK_ORPHAN);
	nsg_tracker_free(t);
}

/* Sums what is over. */
static void add_up(void *closure, const struct nsg_track_flow *flow)
{
	uint64_t *sum = closure;

	assert_int_equal(flow->key.src_host, A);
	assert_int_equal(flow->key.dport_host, 53);
	*sum += flow->data->first_packet;
}

static void the_least_recently_seen_flow_is_evicted(void **state)
{
	uint64_t sum = 0;
	struct nsg_tracker *t = nsg_tracker_new(4, 3000, add_up, &sum);
	struct nsg_track_view v;
	struct nsg_track_data *data;

	(void)state;
	for (uint32_t i = 0; i <= 3000; i++) {
		v = packet(NSG_PROTOCOL_UDP, A, (uint16_t)i, B, 53, 0);
		assert_int_equal(nsg_tracker_see(t, &v, i, &data), NSG_TRACK_FIRST);
		data->first_packet = i + 1;
	}
	assert_int_equal(nsg_tracker_evicted(t), 1);
	assert_int_equal(sum, 1);
	v = packet(NSG_PROTOCOL_UDP, A, 1, B, 53, 0);
	assert_int_equal(nsg_tracker_see(t, &v, 3001, &data), NSG_TRACK_LATER);
	assert_int_equal(data->first_packet, 2);
	v = packet(NSG_PROTOCOL_UDP, A, 0, B, 53, 0);
	assert_int_equal(nsg_tracker_see(t, &v, 3002, &data), NSG_TRACK_FIRST);
	assert_int_equal(sum, 1 + 3);
	/* an unknown TCP connection may have been evicted: it is not taken for an older one */
	v = packet(NSG_PROTOCOL_TCP, A, 9, B, 53, ACK);
	assert_int_equal(nsg_tracker_see(t, &v, 3003, &data), NSG_TRACK_FIRST);
	sum = 0;
	nsg_tracker_end(t);
	assert_int_equal(sum, 3001 * 3002 / 2 - 1 - 3 - 4);
	nsg_tracker_free(t);
	assert_null(nsg_tracker_free(NULL));
}

static void a_retransmitted_syn_is_one_flow(void **state)
{
	uint64_t sum = 0;
	struct nsg_tracker *t = nsg_tracker_new(4, 16, add_up, &sum);
	struct nsg_track_view syn = packet(NSG_PROTOCOL_TCP, A, 1, B, 53, SYN);
	struct nsg_track_view ack = packet(NSG_PROTOCOL_TCP, A, 1, B, 53, ACK);
	struct nsg_track_data *data;

	(void)state;
	assert_int_equal(nsg_tracker_see(t, &syn, 0, &data), NSG_TRACK_FIRST);
	data->first_packet = 5;
	assert_int_equal(nsg_tracker_see(t, &syn, 1, &data), NSG_TRACK_FIRST);
	assert_int_equal(data->first_packet, 5);
	assert_int_equal(nsg_tracker_see(t, &ack, 2, &data), NSG_TRACK_LATER);
	assert_int_equal(sum, 0);
	assert_int_equal(nsg_tracker_see(t, &syn, 3, &data), NSG_TRACK_FIRST);
	assert_int_equal(data->first_packet, 0);
	assert_int_equal(sum, 5);
	nsg_tracker_free(t);
}

static void replies_of_ip6_are_recognised(void **state)
{
	struct nsg_tracker *t = nsg_tracker_new(4, 16, NULL, NULL);
	struct nsg_track_view out = packet(NSG_PROTOCOL_UDP, 0, 50000, 0, 53, 0), back;
	struct nsg_track_view other;
	struct nsg_track_data *data;

	(void)state;
	out.is_ip6 = true;
	out.src6[0] = 0xfd;
	out.dst6[0] = 0x20;
	out.dst6[15] = 1;
	other = back = out;
	memcpy(back.src6, out.dst6, sizeof(back.src6));
	memcpy(back.dst6, out.src6, sizeof(back.dst6));
	back.key.sport_host = 53;
	back.key.dport_host = 50000;
	other.dst6[15] = 2;
	assert_int_equal(nsg_tracker_see(t, &out, 0, &data), NSG_TRACK_FIRST);
	assert_int_equal(nsg_tracker_see(t, &back, 0, &data), NSG_TRACK_REPLY);
	assert_int_equal(nsg_tracker_see(t, &out, 0, &data), NSG_TRACK_LATER);
	assert_int_equal(nsg_tracker_see(t, &other, 0, &data), NSG_TRACK_FIRST);
	nsg_tracker_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bare_syn_begins_a_flow),
	    cmocka_unit_test(idle_flows_begin_again),
	    cmocka_unit_test(data_belongs_to_the_flow),
	    cmocka_unit_test(echoes_are_distinguished_by_their_id),
	    cmocka_unit_test(errors_belong_to_the_flow_they_quote),
	    cmocka_unit_test(fragments_follow_their_first),
	    cmocka_unit_test(the_least_recently_seen_flow_is_evicted),
	    cmocka_unit_test(a_retransmitted_syn_is_one_flow),
	    cmocka_unit_test(replies_of_ip6_are_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
