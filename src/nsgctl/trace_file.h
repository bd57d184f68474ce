/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The capture file of a trace: one section for each policy, one interface for each interface name.
 * Every function returns 0, or an exit status after a message.
 */
#ifndef NSG_NSGCTL_TRACE_FILE_H
#define NSG_NSGCTL_TRACE_FILE_H

#include "nsgctl/nsgctl.h"
#include "nsgctl/outfile.h"

/* In one section; for more, a new section begins. */
#define NSGCTL_TRACE_INTERFACES 64
#define NSGCTL_TRACE_NAME 16 /* IFNAMSIZ */

struct nsgctl_trace_file {
	struct nsgctl_outfile file;
	char comment[NSGCTL_SECTION_COMMENT];			     /* of the section */
	char interfaces[NSGCTL_TRACE_INTERFACES][NSGCTL_TRACE_NAME]; /* "": no name is known */
	uint32_t n_interfaces;
};

int nsgctl_trace_file_open(struct nsgctl_trace_file *f, const struct nsgctl *ctl);
/* Begins a section, unless the last one has this comment. */
int nsgctl_trace_file_section(struct nsgctl_trace_file *f, const char *comment);
/* Renames the file to its final name, after the first section: a reader can then follow it. */
int nsgctl_trace_file_commit(struct nsgctl_trace_file *f);
int nsgctl_trace_file_write(struct nsgctl_trace_file *f, const json_t *decision);
/* Completes a section that has no packets. */
int nsgctl_trace_file_end(struct nsgctl_trace_file *f);
void nsgctl_trace_file_done(struct nsgctl_trace_file *f);

#endif
