/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams of many flows at a steady rate from one raw socket, until SIGTERM: more flows than sockets
 * could be opened for. */
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_SEC 1000000000ull
/* Ports of flows that go on, and of those that have one datagram. */
enum { OLD_FIRST = 2000, OLD_PORTS = 64, NEW_FIRST = 10000, NEW_PORTS = 50000, DST_PORTS = 900 };

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void wait_until(uint64_t due_ns)
{
	const struct timespec t = {(time_t)(due_ns / NS_PER_SEC), (long)(due_ns % NS_PER_SEC)};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Ports of the next datagram: one of so many begins a flow. New flows do not repeat for a long time. */
static void choose_ports(struct udphdr *udp, uint16_t first_dst, uint64_t i, unsigned long one_of)
{
	const uint64_t n = i / one_of;

	if (i % one_of) {
		udp->source = htons((uint16_t)(OLD_FIRST + i % OLD_PORTS));
		udp->dest = htons(first_dst);
	} else {
		udp->source = htons((uint16_t)(NEW_FIRST + n % NEW_PORTS));
		udp->dest = htons((uint16_t)(first_dst + 1 + n / NEW_PORTS % DST_PORTS));
	}
}

int traffic_pump(int argc, char **argv)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char payload[16];
	} packet = {0}; /* without padding */
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct sockaddr_in from, to;
	unsigned long sent = 0, errors = 0, rate, one_of;
	uint64_t start_ns = traffic_now_ns();

	if (argc != 4 && argc != 5) {
		fprintf(stderr,
			"usage: traffic pump PPS FROM IP:FIRST-PORT [DATAGRAMS-PER-FLOW]\n");
		return 2;
	}
	if (fd < 0) {
		perror("traffic pump");
		return 1;
	}
	rate = traffic_number(argv[1], 1000000);
	from = traffic_address(argv[2]);
	to = traffic_address(argv[3]);
	one_of = argc == 5 ? traffic_number(argv[4], 1000) : 2;
	packet.ip = (struct iphdr){
	    .version = 4,
	    .ihl = 5,
	    .ttl = 64,
	    .protocol = IPPROTO_UDP,
	    .tot_len = htons(sizeof(packet)),
	    .saddr = from.sin_addr.s_addr,
	    .daddr = to.sin_addr.s_addr,
	};
	packet.udp.len = htons(sizeof(packet) - sizeof(packet.ip));
	(void)signal(SIGTERM, end);
	puts("ready");
	for (uint64_t i = 0; !ended; i++) {
		wait_until(start_ns + i * NS_PER_SEC / rate);
		choose_ports(&packet.udp, ntohs(to.sin_port), i, one_of);
		if (sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			errors++;
		else
			sent++;
	}
	printf("sent=%lu errors=%lu\n", sent, errors);
	return 0;
}
