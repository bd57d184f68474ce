/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows of a test vector (JSON Lines, standard input) as raw IPv4 packets, one each, in their
 * order. Prints "sent ID" or "failed ID: why".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#include "util/cleanup.h"
#include "util/names.h"

#define IP_BYTES 20
#define PAYLOAD_BYTES 20

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint8_t protocol_of(const json_t *flow)
{
	const json_t *value = json_object_get(flow, "protocol");
	uint8_t number = 0;

	if (json_is_integer(value))
		return (uint8_t)json_integer_value(value);
	if (nsg_protocol_parse(json_string_value(value), &number))
		abort();
	return number;
}

/* The kernel fills in the header's checksum, length and id. */
static size_t build(const json_t *flow, uint8_t packet[IP_BYTES + PAYLOAD_BYTES],
		    struct sockaddr_in *ret_to)
{
	uint8_t *payload = packet + IP_BYTES;
	const uint8_t protocol = protocol_of(flow);
	size_t size = PAYLOAD_BYTES;

	memset(packet, 0, IP_BYTES + PAYLOAD_BYTES);
	packet[0] = 0x45;
	packet[8] = 64;
	packet[9] = protocol;
	*ret_to = (struct sockaddr_in){.sin_family = AF_INET};
	if (inet_pton(AF_INET, json_string_value(json_object_get(flow, "src")), packet + 12) != 1 ||
	    inet_pton(AF_INET, json_string_value(json_object_get(flow, "dst")), packet + 16) != 1)
		return 0;
	memcpy(&ret_to->sin_addr, packet + 16, 4);
	if (nsg_protocol_has_ports(protocol)) {
		put16(payload, (unsigned int)json_integer_value(json_object_get(flow, "srcPort")));
		put16(payload + 2,
		      (unsigned int)json_integer_value(json_object_get(flow, "dstPort")));
	}
	if (protocol == NSG_PROTOCOL_TCP) {
		payload[12] = 5 << 4; /* header of 20 bytes */
		payload[13] = 2;      /* SYN: it opens a connection */
	} else if (protocol == NSG_PROTOCOL_UDP) {
		put16(payload + 4, size = 8);
	} else if (protocol == NSG_PROTOCOL_ICMP) {
		payload[0] = 8; /* echo request */
		size = 8;
	}
	return IP_BYTES + size;
}

int main(void)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), on = 1;
	cleanup_free char *line = NULL;
	size_t room = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on))) {
		perror("raw socket");
		return 1;
	}
	while (getline(&line, &room, stdin) > 0) {
		cleanup_json json_t *flow = json_loads(line, 0, NULL);
		uint8_t packet[IP_BYTES + PAYLOAD_BYTES];
		struct sockaddr_in to;
		const char *id = json_string_value(json_object_get(flow, "id"));
		size_t size = build(flow, packet, &to);

		if (size && sendto(fd, packet, size, 0, (struct sockaddr *)&to, sizeof(to)) >= 0)
			printf("sent %s\n", id);
		else
			printf("failed %s: %s\n", id, size ? strerror(errno) : "no IPv4 flow");
	}
	return 0;
}
