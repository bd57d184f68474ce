/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the blocks of a flow log in a thread, so that no disk holds up the event loop. A block that
 * cannot be written waits for the next one and is tried again then.
 */
#ifndef NSG_NSGD_FLOW_WRITER_H
#define NSG_NSGD_FLOW_WRITER_H

#include <stdint.h>

#include <systemd/sd-event.h>

struct flow_writer;

/* -errno. */
int flow_writer_new(sd_event *event, const char *directory, struct flow_writer **ret);
/* Takes over both strings. */
void flow_writer_give(struct flow_writer *w, char *path, char *record);
/* Blocks that were discarded, because more waited than NSG_MAX_FLOW_WAITING_BYTES. */
uint64_t flow_writer_lost(struct flow_writer *w);
/* Tries once to write what waits; gives up on a disk that does not answer. NULL is fine; returns NULL. */
struct flow_writer *flow_writer_free(struct flow_writer *w);

#endif
