/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab's far ends and senders: small programs in one binary, that count exactly and say "ready"
 * on standard output when they are, so that a test never has to sleep.
 */
#ifndef NSG_TESTS_NETNS_TRAFFIC_H
#define NSG_TESTS_NETNS_TRAFFIC_H

#include <netinet/in.h>
#include <stdint.h>

/* Each is a verb: argv[0] is its name, returns the exit status. */
int traffic_pump(int argc, char **argv);
int traffic_latency(int argc, char **argv);
int traffic_follow(int argc, char **argv);
int traffic_send(int argc, char **argv);
int traffic_serve(int argc, char **argv);
int traffic_sniff(int argc, char **argv);
int traffic_hold(int argc, char **argv);
int traffic_notify(int argc, char **argv);
int traffic_freeze(int argc, char **argv);

/* A.B.C.D or A.B.C.D:PORT; prints what is wrong and exits 2. */
struct sockaddr_in traffic_address(const char *text);
/* A number, or prints what is wrong and exits 2. */
unsigned long traffic_number(const char *text, unsigned long max);
uint64_t traffic_now_ns(void);
/* As many descriptors as the hard limit allows. */
void traffic_raise_files(void);
/* poll(2) in turns of a millisecond, which take longer on a busy machine: returns 0 after *timeout_ms of them, which it
 * counts down. */
int traffic_wait(int fd, short events, int *timeout_ms);
/* TCP connection within timeout_ms: descriptor or -errno. mark 0: none. */
int traffic_connect(const struct sockaddr_in *from, const struct sockaddr_in *to, uint32_t mark,
		    int timeout_ms);
/* Reads until n bytes came, the peer closed or timeout_ms passed: bytes read or -errno. */
long traffic_read(int fd, char *buffer, unsigned long n, int timeout_ms);

#endif
