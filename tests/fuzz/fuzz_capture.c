/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture, replayed: `nsgctl -p DIR replay FILE -w OUT`. What it says, it says of every IP packet
 * once, and what it writes is a capture that libpcap reads.
 */
#include <pcap/pcap.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char written[64];

static void remove_written(void)
{
	(void)unlink(written);
}

static void count_lines(const char *text, size_t *ret_n)
{
	for (*ret_n = 0; (text = strchr(text, '\n')); text++)
		++*ret_n;
}

static void check_written(size_t n_lines)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(written, error);
	struct pcap_pkthdr *header;
	const uint8_t *frame;
	size_t n = 0;
	int r;

	if (!capture)
		abort();
	while ((r = pcap_next_ex(capture, &header, &frame)) == 1)
		n++;
	if (r != PCAP_ERROR_BREAK || n != n_lines)
		abort();
	pcap_close(capture);
}

/* stdout and stderr are what the verb prints on. */
static int replay(const char *path, char **ret_text)
{
	struct nsgctl ctl = {
	    .operands = {path},
	    .n_operands = 1,
	    .policy = FUZZ_POLICY,
	    .write = written,
	    .form = NSGCTL_JSONL,
	};
	FILE *const terminal = stdout, *const errors = stderr;
	FILE *null = fopen("/dev/null", "we");
	size_t n;
	int status;

	stdout = open_memstream(ret_text, &n);
	if (!null || !stdout)
		abort();
	stderr = null;
	status = nsgctl_replay(&ctl);
	(void)fclose(stdout);
	stdout = terminal;
	stderr = errors;
	(void)fclose(null);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC), status;
	cleanup_free char *text = NULL;
	char path[64];
	size_t n;

	if (!written[0]) {
		(void)snprintf(written, sizeof(written), "/tmp/nsgd-fuzz-%d.pcapng", (int)getpid());
		(void)atexit(remove_written);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = replay(path, &text);
	(void)close(fd);
	/* a capture that ends in the middle of a packet has failed; the policy never has */
	if (status != NSG_EXIT_DONE && status != NSG_EXIT_FAILED)
		abort();
	if (access(written, F_OK) == 0) {
		count_lines(text, &n);
		if (status != NSG_EXIT_DONE)
			abort();
		check_written(n);
		remove_written();
	} else if (status == NSG_EXIT_DONE) {
		abort();
	}
	return 0;
}
