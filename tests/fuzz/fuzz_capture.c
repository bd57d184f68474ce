/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture, replayed: `nsgctl replay FILE -w OUT` against a daemon's part that is made once, for a
 * policy takes longer to compile than a capture to replay. What replay says, it says of every IP
 * packet once, and what it writes is a capture that libpcap reads.
 */
#include <fcntl.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "explain/explain.h"
#include "nsgctl/nsgctl.h"
#include "unit/explain/sample.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/nsgd-fuzz-XXXXXX";
static char socket_path[sizeof(directory) + 16], written[sizeof(directory) + 16];
static int listener = -1;
static struct sample sample;

/* ---- the daemon's part ---------------------------------------------------------------------- */

static void send_line(int fd, char *line, size_t n)
{
	ssize_t sent = send(fd, line, n, MSG_NOSIGNAL);

	if (sent >= 0 && (size_t)sent != n)
		abort();
	free(line);
}

static int send_item(void *closure, json_t *item)
{
	char *line;
	size_t n;

	if (nsg_control_data_line(item, &line, &n) < 0)
		abort();
	send_line(*(int *)closure, line, n);
	return 0;
}

static void answer(int fd, const json_t *request)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	struct nsg_diag diag = {0};
	char *line;
	size_t n;

	if (!strcmp(verb, "status")) {
		cleanup_json json_t *status =
		    json_pack("{so}", "policy", nsg_explain_policy(sample.effective, sample.image));

		(void)send_item(&fd, status);
	} else if (nsg_explain_answer(sample.effective, sample.image, verb,
				      json_object_get(request, "args"), send_item, &fd, &diag)) {
		abort();
	}
	if (nsg_control_exit_line(NSG_EXIT_DONE, &diag, &line, &n) < 0)
		abort();
	send_line(fd, line, n);
	nsg_diag_done(&diag);
}

static void talk(int fd)
{
	struct nsg_frames frames = {0};
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		json_t *request;

		if (nsg_frames_push(&frames, bytes, (size_t)n) < 0)
			abort();
		while (nsg_frames_pop(&frames, &request) > 0) {
			answer(fd, request);
			json_decref(request);
		}
	}
	nsg_frames_done(&frames);
}

static void *serve(void *closure)
{
	(void)closure;
	for (;;) {
		cleanup_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		talk(fd);
	}
}

static void clean_up(void)
{
	(void)unlink(socket_path);
	(void)unlink(written);
	(void)rmdir(directory);
}

static void set_up(void)
{
	struct nsg_diag diag = {0};
	pthread_t thread;

	if (!mkdtemp(directory))
		abort();
	(void)snprintf(socket_path, sizeof(socket_path), "%s/sock", directory);
	(void)snprintf(written, sizeof(written), "%s/capture", directory);
	(void)atexit(clean_up);
	sample = sample_new(false);
	listener = nsg_control_listen(socket_path, NULL, &diag);
	if (listener < 0 || fcntl(listener, F_SETFL, 0) < 0 ||
	    pthread_create(&thread, NULL, serve, NULL) != 0 || pthread_detach(thread) != 0)
		abort();
}

/* ---- replay --------------------------------------------------------------------------------- */

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
	    .socket = socket_path,
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

	if (listener < 0)
		set_up();
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = replay(path, &text);
	(void)close(fd);
	/* a capture that ends in the middle of a packet has failed; the daemon never has */
	if (status != NSG_EXIT_DONE && status != NSG_EXIT_FAILED)
		abort();
	if (access(written, F_OK) == 0) {
		count_lines(text, &n);
		if (status != NSG_EXIT_DONE)
			abort();
		check_written(n);
		(void)unlink(written);
	} else if (status == NSG_EXIT_DONE) {
		abort();
	}
	return 0;
}
