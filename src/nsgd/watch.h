/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports that the policy directory's documents may have changed: files in it, the directory
 * replaced, or a symbolic link anywhere on its path swapped (as ConfigMaps and deployments do).
 * Events are collected until none has come for a moment.
 */
#ifndef NSG_NSGD_WATCH_H
#define NSG_NSGD_WATCH_H

#include <systemd/sd-event.h>

struct watch;

/* Calls `changed` from the event loop. Watches nothing yet. -errno. */
int watch_new(sd_event *event, void (*changed)(void *closure), void *closure, struct watch **ret);

/* Watches this path instead of the previous one, whose events are dropped. If the path does not
 * exist, the part that does is watched. NULL watch: does nothing. */
void watch_follow(struct watch *w, const char *path);

/* NULL is fine; returns NULL. */
struct watch *watch_free(struct watch *w);

#endif
