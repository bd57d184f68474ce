/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile app and its accomplices, IPv4 and IPv6: packets no honest program sends, sockets with unusual
 * options, a peer that closes a connection as it is asked, and a sniffer that sees all of it.
 */
#ifndef NSG_TESTS_NETNS_HOSTILE_H
#define NSG_TESTS_NETNS_HOSTILE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/* Each is a verb: argv[0] is its name, returns the exit status. */
int hostile_packet(int argc, char **argv);
int hostile_sniff(int argc, char **argv);
int hostile_open(int argc, char **argv);
int hostile_again(int argc, char **argv);
int hostile_serve(int argc, char **argv);
int hostile_steal(int argc, char **argv);

/* IP, IP:PORT, or [IP]:PORT; prints what is wrong and exits 2. */
struct endpoint endpoint_parse(const char *text);
socklen_t endpoint_size(const struct endpoint *e);
uint16_t endpoint_port(const struct endpoint *e);
void endpoint_set_port(struct endpoint *e, uint16_t port);
/* The 4 or 16 bytes of the address. */
const uint8_t *endpoint_address(const struct endpoint *e, size_t *ret_size);

/* Prints what failed and exits 1. */
void fail(const char *what) __attribute__((noreturn));

#endif
