/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hostile.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *what)
{
	perror(what);
	exit(1);
}

struct endpoint endpoint_parse(const char *text)
{
	struct endpoint e = {.any.sa_family = AF_INET};
	char ip[INET6_ADDRSTRLEN + 1] = "";
	const char *port = strrchr(text, ':');
	size_t n = strlen(text);

	if (*text == '[') {
		const char *end = strchr(text, ']');

		n = end ? (size_t)(end - ++text) : 0;
		port = end && end[1] == ':' ? end + 1 : NULL;
	} else if (port && port == strchr(text, ':')) {
		n = (size_t)(port - text);
	} else {
		port = NULL;
	}
	if (n < sizeof(ip))
		memcpy(ip, text, n);
	if (strchr(ip, ':')) {
		e.any.sa_family = AF_INET6;
		n = (size_t)inet_pton(AF_INET6, ip, &e.v6.sin6_addr);
	} else {
		n = (size_t)inet_pton(AF_INET, ip, &e.v4.sin_addr);
	}
	if (n != 1) {
		fprintf(stderr, "hostile: %s is not an address\n", text);
		exit(2);
	}
	if (port)
		endpoint_set_port(&e, (uint16_t)atoi(port + 1));
	return e;
}

socklen_t endpoint_size(const struct endpoint *e)
{
	return e->any.sa_family == AF_INET6 ? sizeof(e->v6) : sizeof(e->v4);
}

uint16_t endpoint_port(const struct endpoint *e)
{
	return ntohs(e->any.sa_family == AF_INET6 ? e->v6.sin6_port : e->v4.sin_port);
}

void endpoint_set_port(struct endpoint *e, uint16_t port)
{
	if (e->any.sa_family == AF_INET6)
		e->v6.sin6_port = htons(port);
	else
		e->v4.sin_port = htons(port);
}

const uint8_t *endpoint_address(const struct endpoint *e, size_t *ret_size)
{
	if (e->any.sa_family == AF_INET6) {
		*ret_size = sizeof(e->v6.sin6_addr);
		return (const uint8_t *)&e->v6.sin6_addr;
	}
	*ret_size = sizeof(e->v4.sin_addr);
	return (const uint8_t *)&e->v4.sin_addr;
}

static const struct {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
    {"packet", "PROTO SRC[:PORT] DST[:PORT]: a packet made by hand", hostile_packet},
    {"sniff", ": a line for every packet that arrives", hostile_sniff},
    {"open", "tcp|udp SRC[:PORT] DST[:PORT]: a socket with unusual options", hostile_open},
    {"again", "HOW SRC:PORT DST:PORT: a connection, and another from its port", hostile_again},
    {"serve", "[-p] [-t] IP:PORT...: a peer that closes as it is asked", hostile_serve},
    {"steal", "QUEUE...: takes packet queues over and lets everything pass", hostile_steal},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(stderr, "hostile %s %s\n", verbs[i].name, verbs[i].help);
	return 2;
}
