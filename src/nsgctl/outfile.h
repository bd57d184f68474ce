/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of -w. Only a regular file is replaced: what is written goes to a temporary file next to
 * it, which takes its name when it is complete and is removed on every other way out, signals
 * included. A device, a FIFO and the target of a symbolic link are written in place; "-" is standard
 * output.
 */
#ifndef NSG_NSGCTL_OUTFILE_H
#define NSG_NSGCTL_OUTFILE_H

#include <stdio.h>

#include "nsgctl/nsgctl.h"

/* A write of 4 KiB costs more than to make what is in it. */
#define NSGCTL_OUTPUT_BYTES (256u << 10)

/* Zero-initialise. One at a time may have a temporary file. */
struct nsgctl_outfile {
	const char *path;
	FILE *out;
	char *temporary; /* NULL: written in place, or has its name */
};

/* Opens ctl->write. `input_fd`, if not -1, is a file that must not be the output. 0, or an exit
 * status after a message. */
int nsgctl_outfile_open(struct nsgctl_outfile *f, const struct nsgctl *ctl, int input_fd);
/* Gives the file its name, with what has been written up to now; more may follow. */
int nsgctl_outfile_commit(struct nsgctl_outfile *f);
/* Prints the message for a write that failed with -errno. Returns the exit status. */
int nsgctl_outfile_fail(const struct nsgctl_outfile *f, int r);
/* Closes; without a commit, nothing remains. */
void nsgctl_outfile_done(struct nsgctl_outfile *f);

#endif
