/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line for every IPv4 packet of the namespace:
 *
 *   INTERFACE in|out PROTOCOL SRC SPORT DST DPORT LENGTH TEXT
 *
 * TEXT is the payload's printable beginning, "-" for none. Ports of a later fragment are 0.
 */
#include "traffic.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static unsigned int u16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* Where the payload starts behind the transport header; n when there is none. */
static size_t payload_offset(const uint8_t *p, size_t n, size_t ihl)
{
	switch (p[9]) {
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
		return ihl + 8 < n ? ihl + 8 : n;
	case IPPROTO_TCP:
		return ihl + 20 < n && ihl + (p[ihl + 12] >> 4) * 4u < n
			   ? ihl + (p[ihl + 12] >> 4) * 4u
			   : n;
	default:
		return ihl < n ? ihl : n;
	}
}

static void print_packet(const struct sockaddr_ll *from, const uint8_t *p, size_t n)
{
	char name[IF_NAMESIZE] = "?", src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN], text[33];
	size_t ihl, at, length, i;
	bool ports;

	if (n < 20 || p[0] >> 4 != 4)
		return;
	ihl = (p[0] & 15u) * 4u;
	length = u16(p + 2);
	if (ihl < 20 || ihl > n)
		return;
	ports =
	    (p[9] == IPPROTO_TCP || p[9] == IPPROTO_UDP) && !(u16(p + 6) & 0x1fff) && ihl + 4 <= n;
	at = u16(p + 6) & 0x1fff ? n : payload_offset(p, n, ihl);
	for (i = 0; i < sizeof(text) - 1 && at + i < n && p[at + i] > ' ' && p[at + i] < 127; i++)
		text[i] = (char)p[at + i];
	text[i] = '\0';
	if_indextoname((unsigned int)from->sll_ifindex, name);
	inet_ntop(AF_INET, p + 12, src, sizeof(src));
	inet_ntop(AF_INET, p + 16, dst, sizeof(dst));
	printf("%s %s %u %s %u %s %u %zu %s\n", name,
	       from->sll_pkttype == PACKET_OUTGOING ? "out" : "in", p[9], src,
	       ports ? u16(p + ihl) : 0, dst, ports ? u16(p + ihl + 2) : 0, length, i ? text : "-");
}

int traffic_sniff(int argc, char **argv)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	static uint8_t packet[65536];
	struct sockaddr_ll from = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	if (fd < 0) {
		perror("traffic sniff");
		return 1;
	}
	if (argc == 2) {
		from.sll_ifindex = (int)if_nametoindex(argv[1]);
		if (!from.sll_ifindex || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0) {
			perror(argv[1]);
			return 1;
		}
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){64 << 20}, sizeof(int));
	puts("ready");
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n =
		    recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size);

		if (n > 0 && ntohs(from.sll_protocol) == ETH_P_IP)
			print_packet(&from, packet, (size_t)n);
	}
}
