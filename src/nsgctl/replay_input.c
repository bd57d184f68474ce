/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input of replay, a capture or a flow log, and the progress of reading it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "nsgctl/replay_priv.h"
#include "util/clock.h"

/* Packets between two looks at the clock, and the time between two reports of progress. */
#define PROGRESS_PACKETS 16384
#define PROGRESS_NS (NSG_NS_PER_SEC / 4)

int replay_open_input(const char *path, int *ret_fd)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
					: open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return nsgctl_fail((int)nsg_exit_from(-errno), "%s: %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

/* On standard error, if it is a terminal and the packets do not go to one. */
void replay_progress_begin(struct replay *r)
{
	bool prints = r->ctl->form != NSGCTL_TABLE || r->ctl->each_packet;

	if (isatty(STDERR_FILENO) && !(prints && isatty(STDOUT_FILENO)))
		r->progress_ns = nsg_clock_ns(CLOCK_MONOTONIC) + PROGRESS_NS;
}

void replay_progress(struct replay *r, const char *what)
{
	uint64_t now_ns;

	if (!r->progress_ns || r->n_packets % PROGRESS_PACKETS != 0)
		return;
	now_ns = nsg_clock_ns(CLOCK_MONOTONIC);
	if (now_ns < r->progress_ns)
		return;
	r->progress_ns = now_ns + PROGRESS_NS;
	fprintf(stderr, "\r%" PRIu64 " %s", r->n_packets, what);
	if (r->size)
		fprintf(stderr, ", %u %%",
			(unsigned int)(nsg_capture_position(r->capture) * 100 / r->size));
}

void replay_progress_end(const struct replay *r)
{
	if (r->progress_ns)
		fputs("\r\033[K", stderr);
}
