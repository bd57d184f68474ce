/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells when the policy directory's documents may have changed: files in it, the directory
 * replaced, or a symbolic link anywhere on its path swapped (as ConfigMaps and deployments do).
 * Events are gathered until there is a moment of silence.
 */
#ifndef NSG_NSGD_WATCH_H
#define NSG_NSGD_WATCH_H

#include <systemd/sd-event.h>

struct watch;

/* Calls `changed` from the event loop. Follows nothing yet. -errno. */
int watch_new(sd_event *event, void (*changed)(void *closure), void *closure, struct watch **ret);

/* From now on this path; what was gathered before is forgotten. NULL watch: nothing to do. A path
 * that cannot be watched as a whole is watched as far as it exists. */
void watch_follow(struct watch *w, const char *path);

/* NULL is fine; returns NULL. */
struct watch *watch_free(struct watch *w);

#endif
