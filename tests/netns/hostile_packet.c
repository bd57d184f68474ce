/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets made by hand, sent by a raw or a packet socket, and a sniffer for both families. */
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef IP_NODEFRAG
#define IP_NODEFRAG 22
#endif

enum { MAX_PACKET = 2048 };

static const char flag_letters[] = "FSRPAUEC";

struct packet {
	struct endpoint src, dst;
	int protocol, version, ttl;
	unsigned int flags;
	uint32_t mark;
	bool all_flags, bad_checksum, fragments;
	unsigned int count; /* from that many source ports, one after another */
	const char *text, *device, *link;
	const char *options;	    /* hexadecimal; IPv6: a routing header */
	int error_type, error_code; /* of an ICMP error; -1: none */
	int echo_type;		    /* another type than an echo request's */
	struct endpoint quoted_src, quoted_dst;
	int quoted_protocol;
};

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t add_sum(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static unsigned int fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static uint32_t add_address(uint32_t sum, const struct endpoint *e)
{
	size_t size;
	const uint8_t *bytes = endpoint_address(e, &size);

	return add_sum(sum, bytes, size);
}

static unsigned int transport_sum(const struct endpoint *src, const struct endpoint *dst,
				  int protocol, const uint8_t *p, size_t n)
{
	uint32_t sum = add_address(add_address(0, src), dst);

	return fold(add_sum(sum + (uint32_t)protocol + (uint32_t)n, p, n));
}

/* A TCP, UDP or other packet's payload of IP: its size. */
static size_t put_transport(uint8_t *p, int protocol, const struct endpoint *src,
			    const struct endpoint *dst, unsigned int flags, const char *text,
			    bool bad_checksum)
{
	size_t header = protocol == IPPROTO_TCP ? 20 : protocol == IPPROTO_UDP ? 8 : 0;
	size_t n = header + strlen(text);
	unsigned int sum;

	memset(p, 0, header);
	memcpy(p + header, text, n - header);
	if (!header)
		return n;
	put16(p, endpoint_port(src));
	put16(p + 2, endpoint_port(dst));
	if (protocol == IPPROTO_UDP) {
		put16(p + 4, (unsigned int)n);
	} else {
		put16(p + 6, 5000);
		put16(p + 10, flags & 0x10 ? 6000 : 0);
		p[12] = 5 << 4;
		p[13] = (uint8_t)flags;
		put16(p + 14, 8192);
	}
	sum = transport_sum(src, dst, protocol, p, n);
	put16(p + (protocol == IPPROTO_TCP ? 16 : 6), bad_checksum ? sum ^ 0x5555 : sum);
	return n;
}

static size_t put_ip(uint8_t *p, const struct packet *k, const struct endpoint *src,
		     const struct endpoint *dst, int protocol, size_t payload)
{
	size_t size, n = 20;

	memset(p, 0, 40);
	if (src->any.sa_family == AF_INET6) {
		p[0] = (uint8_t)((k->version ? k->version : 6) << 4);
		put16(p + 4, (unsigned int)payload);
		p[6] = (uint8_t)protocol;
		p[7] = (uint8_t)k->ttl;
		memcpy(p + 8, endpoint_address(src, &size), 16);
		memcpy(p + 24, endpoint_address(dst, &size), 16);
		n = 40;
	}
	for (const char *o = k->options; o && *o; o += 2) {
		char byte[3] = {o[0], o[1]};

		p[n++] = (uint8_t)strtoul(byte, NULL, 16);
	}
	if (src->any.sa_family == AF_INET6) {
		if (n > 40) {
			p[6] = IPPROTO_ROUTING;
			p[40] = (uint8_t)protocol;
			put16(p + 4, (unsigned int)(n - 40 + payload));
		}
		return n;
	}
	p[0] = (uint8_t)((k->version ? k->version : 4) << 4 | n / 4);
	put16(p + 2, (unsigned int)(n + payload));
	put16(p + 4, 0x1234);
	p[8] = (uint8_t)k->ttl;
	p[9] = (uint8_t)protocol;
	memcpy(p + 12, endpoint_address(src, &size), 4);
	memcpy(p + 16, endpoint_address(dst, &size), 4);
	put16(p + 10, fold(add_sum(0, p, n)));
	return n;
}

/* An error about the quoted flow, with the text in the place of what follows the ports. */
static size_t put_error(uint8_t *p, const struct packet *k)
{
	const struct packet plain = {.ttl = 64};
	bool six = k->src.any.sa_family == AF_INET6;
	uint8_t inner[MAX_PACKET];
	size_t payload = put_transport(inner, k->quoted_protocol, &k->quoted_src, &k->quoted_dst,
				       0x10, k->text, false);
	size_t n = 8;

	memset(p, 0, 8);
	p[0] = (uint8_t)k->error_type;
	p[1] = (uint8_t)k->error_code;
	n += put_ip(p + n, &plain, &k->quoted_src, &k->quoted_dst, k->quoted_protocol, payload);
	memcpy(p + n, inner, payload);
	n += payload;
	put16(p + 2,
	      six ? transport_sum(&k->src, &k->dst, IPPROTO_ICMPV6, p, n) : fold(add_sum(0, p, n)));
	return n;
}

static size_t put_echo(uint8_t *p, const struct packet *k)
{
	bool six = k->src.any.sa_family == AF_INET6;
	size_t n = 8 + strlen(k->text);

	memset(p, 0, 8);
	p[0] = k->echo_type ? (uint8_t)k->echo_type : six ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	memcpy(p + 8, k->text, n - 8);
	put16(p + 2,
	      six ? transport_sum(&k->src, &k->dst, IPPROTO_ICMPV6, p, n) : fold(add_sum(0, p, n)));
	return n;
}

static int open_raw(const struct packet *k)
{
	bool six = k->src.any.sa_family == AF_INET6;
	int on = 1, fd;

	if (k->link)
		fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	else
		fd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		fail("hostile packet: socket");
	if (k->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &k->mark, sizeof(k->mark)) < 0)
		fail("hostile packet: SO_MARK");
	if (k->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, k->device,
				    (socklen_t)strlen(k->device)) < 0)
		fail("hostile packet: SO_BINDTODEVICE");
	if (k->link)
		return fd;
	if (six && setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) < 0)
		fail("hostile packet: IPV6_HDRINCL");
	if (!six && setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0)
		fail("hostile packet: SO_BROADCAST");
	if (!six && k->fragments && setsockopt(fd, IPPROTO_IP, IP_NODEFRAG, &on, sizeof(on)) < 0)
		fail("hostile packet: IP_NODEFRAG");
	return fd;
}

/* LINK is DEVICE or DEVICE,MAC. */
static struct sockaddr_ll link_address(const struct packet *k)
{
	bool six = k->src.any.sa_family == AF_INET6;
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(six ? ETH_P_IPV6 : ETH_P_IP),
				 .sll_halen = 6};
	const char *mac = strchr(k->link, ',');
	char name[IF_NAMESIZE] = "";

	snprintf(name, sizeof(name), "%.*s", (int)(mac ? mac - k->link : IF_NAMESIZE - 1), k->link);
	to.sll_ifindex = (int)if_nametoindex(name);
	if (!to.sll_ifindex)
		fail(k->link);
	if (mac)
		sscanf(mac + 1, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to.sll_addr[0], &to.sll_addr[1],
		       &to.sll_addr[2], &to.sll_addr[3], &to.sll_addr[4], &to.sll_addr[5]);
	return to;
}

static bool send_one(const struct packet *k, int fd, const uint8_t *p, size_t n)
{
	struct endpoint to = k->dst;
	struct sockaddr_ll link;

	if (k->link) {
		link = link_address(k);
		return sendto(fd, p, n, 0, (struct sockaddr *)&link, sizeof(link)) >= 0;
	}
	endpoint_set_port(&to, 0);
	return sendto(fd, p, n, 0, &to.any, endpoint_size(&to)) >= 0;
}

/* In two pieces, the first as small as it can be: ports, and no TCP flags. */
static bool send_pieces(const struct packet *k, int fd, const uint8_t *p, size_t header, size_t n)
{
	uint8_t piece[MAX_PACKET];
	bool sent;

	memcpy(piece, p, header + 8);
	put16(piece + 2, (unsigned int)header + 8);
	put16(piece + 6, 0x2000);
	put16(piece + 10, 0);
	put16(piece + 10, fold(add_sum(0, piece, header)));
	sent = send_one(k, fd, piece, header + 8);
	memcpy(piece + header, p + header + 8, n - header - 8);
	put16(piece + 2, (unsigned int)(n - 8));
	put16(piece + 6, 1);
	put16(piece + 10, 0);
	put16(piece + 10, fold(add_sum(0, piece, header)));
	return send_one(k, fd, piece, n - 8) && sent;
}

static bool build_and_send(const struct packet *k, int fd)
{
	uint8_t p[MAX_PACKET], payload[MAX_PACKET];
	size_t n, header;

	if (k->error_type >= 0)
		n = put_error(payload, k);
	else if (k->protocol == IPPROTO_ICMP || k->protocol == IPPROTO_ICMPV6)
		n = put_echo(payload, k);
	else
		n = put_transport(payload, k->protocol, &k->src, &k->dst, k->flags, k->text,
				  k->bad_checksum);
	header = put_ip(p, k, &k->src, &k->dst, k->protocol, n);
	memcpy(p + header, payload, n);
	if (k->fragments)
		return send_pieces(k, fd, p, header, header + n);
	return send_one(k, fd, p, header + n);
}

static unsigned int parse_flags(const char *text)
{
	unsigned int flags = 0;

	for (; *text; text++) {
		const char *at = strchr(flag_letters, *text);

		if (at)
			flags |= 1u << (at - flag_letters);
	}
	return flags;
}

static int protocol_number(const char *name)
{
	if (!strcmp(name, "tcp"))
		return IPPROTO_TCP;
	if (!strcmp(name, "udp"))
		return IPPROTO_UDP;
	if (!strcmp(name, "icmp"))
		return IPPROTO_ICMP;
	if (!strcmp(name, "icmpv6"))
		return IPPROTO_ICMPV6;
	return atoi(name);
}

/* TYPE/CODE,PROTO,SRC:PORT,DST:PORT */
static void parse_error(struct packet *k, char *text)
{
	char *protocol, *src, *dst;

	if (sscanf(text, "%d/%d", &k->error_type, &k->error_code) != 2 || !strtok(text, ",") ||
	    !(protocol = strtok(NULL, ",")) || !(src = strtok(NULL, ",")) ||
	    !(dst = strtok(NULL, ","))) {
		fprintf(stderr, "hostile packet: -e TYPE/CODE,PROTO,SRC:PORT,DST:PORT\n");
		exit(2);
	}
	k->quoted_protocol = protocol_number(protocol);
	k->quoted_src = endpoint_parse(src);
	k->quoted_dst = endpoint_parse(dst);
}

static void parse(struct packet *k, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "bd:e:f:Fh:i:l:m:n:o:t:v:")) >= 0) {
		switch (c) {
		case 'b':
			k->bad_checksum = true;
			break;
		case 'd':
			k->device = optarg;
			break;
		case 'e':
			parse_error(k, optarg);
			break;
		case 'f':
			k->all_flags = !strcmp(optarg, "all");
			k->flags = parse_flags(optarg);
			k->count = k->all_flags ? 256 : k->count;
			break;
		case 'F':
			k->fragments = true;
			break;
		case 'h':
			k->ttl = atoi(optarg);
			break;
		case 'i':
			k->echo_type = atoi(optarg);
			break;
		case 'l':
			k->link = optarg;
			break;
		case 'm':
			k->mark = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'n':
			k->count = (unsigned int)atoi(optarg);
			break;
		case 'o':
			k->options = optarg;
			break;
		case 't':
			k->text = optarg;
			break;
		case 'v':
			k->version = atoi(optarg);
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 3) {
		fprintf(
		    stderr,
		    "usage: hostile packet [-b] [-F] [-f TCP-FLAGS|all] [-t TEXT] [-v VERSION]\n"
		    "	[-n PORTS] [-h HOP-LIMIT] [-o OPTIONS-HEX] [-m MARK] [-d BIND-TO-DEVICE]\n"
		    "	[-l SEND-ON-LINK[,MAC]] [-e TYPE/CODE,PROTO,SRC:PORT,DST:PORT]\n"
		    "	PROTO SRC[:PORT] DST[:PORT]\n");
		exit(2);
	}
	k->protocol = protocol_number(argv[optind]);
	k->src = endpoint_parse(argv[optind + 1]);
	k->dst = endpoint_parse(argv[optind + 2]);
}

/* With -f all: every combination of the eight flags, each from a source port of its own. */
int hostile_packet(int argc, char **argv)
{
	struct packet k = {.ttl = 64, .count = 1, .error_type = -1, .text = ""};
	unsigned int sent = 0, errors = 0, first;
	int fd, error = 0;

	parse(&k, argc, argv);
	fd = open_raw(&k);
	first = endpoint_port(&k.src);
	for (unsigned int i = 0; i < k.count; i++) {
		endpoint_set_port(&k.src, (uint16_t)(first + i));
		if (k.all_flags)
			k.flags = i;
		if (build_and_send(&k, fd)) {
			sent++;
		} else {
			error = errno;
			errors++;
		}
	}
	printf("sent=%u errors=%u errno=%s\n", sent, errors, error ? strerrorname_np(error) : "0");
	return 0;
}

static void print_packet(const struct sockaddr_ll *from, const uint8_t *p, size_t n)
{
	bool six = ntohs(from->sll_protocol) == ETH_P_IPV6;
	int family = six ? AF_INET6 : AF_INET, protocol;
	char name[IF_NAMESIZE] = "?", src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	char flags[9] = "", *flag = flags, text[41];
	size_t at = six ? 40 : (p[0] & 15u) * 4u, i;
	unsigned int sport = 0, dport = 0;

	if (n < (six ? 40 : 20) || at > n)
		return;
	protocol = six ? p[6] : p[9];
	inet_ntop(family, p + (six ? 8 : 12), src, sizeof(src));
	inet_ntop(family, p + (six ? 24 : 16), dst, sizeof(dst));
	if (!six && ((p[6] & 0x1f) || p[7])) {
		strcpy(flags, "frag");
	} else if ((protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && at + 4 <= n) {
		sport = (unsigned int)p[at] << 8 | p[at + 1];
		dport = (unsigned int)p[at + 2] << 8 | p[at + 3];
		if (protocol == IPPROTO_UDP) {
			at += 8;
		} else if (at + 20 <= n) {
			for (i = 0; i < 8; i++)
				if (p[at + 13] & 1u << i)
					*flag++ = flag_letters[i];
			at += (p[at + 12] >> 4) * 4u;
		}
	} else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		if (at + 1 < n)
			snprintf(flags, sizeof(flags), "%u/%u", p[at], p[at + 1]);
		at += 8;
	}
	/* The end: an ICMP error has the text after the packet that it quotes. */
	for (i = n; i > at && i > 0 && n - i < sizeof(text) - 1 && p[i - 1] > ' ' && p[i - 1] < 127;
	     i--)
		;
	snprintf(text, sizeof(text), "%.*s", (int)(i < n ? n - i : 0), (const char *)p + i);
	if_indextoname((unsigned int)from->sll_ifindex, name);
	printf("%s %d %s %u %s %u %s %s\n", name, protocol, src, sport, dst, dport,
	       *flags ? flags : "-", *text ? text : "-");
}

/* INTERFACE PROTOCOL SRC SPORT DST DPORT FLAGS TEXT for every IP packet that comes in by a link but lo. */
int hostile_sniff(int argc, char **argv)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	static uint8_t packet[65536];
	unsigned int lo = if_nametoindex("lo");
	struct sockaddr_ll from;

	(void)argc;
	if (fd < 0)
		fail(argv[0]);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){64 << 20}, sizeof(int));
	puts("ready");
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n =
		    recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size);

		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING &&
		    (unsigned int)from.sll_ifindex != lo &&
		    (ntohs(from.sll_protocol) == ETH_P_IP ||
		     ntohs(from.sll_protocol) == ETH_P_IPV6))
			print_packet(&from, packet, (size_t)n);
	}
}
