/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: JSON lines over a Unix stream socket, versioned, size-capped.
 *
 *   request   {"version":1,"verb":"explain","args":{…}}                        one line
 *   reply     {"data":…}                                                       any number of lines
 *             {"exit":0,"diagnostics":[…]}                                     the last line
 *
 * args are the verb's options as nsgctl parsed them; data is what the verb prints as JSON, one item
 * a line; diagnostics are nsg_diag_json records. `trace` replies until either side closes.
 */
#ifndef NSG_CONTROL_CONTROL_H
#define NSG_CONTROL_CONTROL_H

#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

#include "util/diag.h"

#define NSG_CONTROL_VERSION 1
#define NSG_CONTROL_DIRECTORY "/run/nsgd"

/* Exit status of every nsgctl verb (interfaces.md section 2). */
enum nsg_exit {
	NSG_EXIT_DONE,
	NSG_EXIT_FAILED,
	NSG_EXIT_USAGE,
	NSG_EXIT_POLICY,
	NSG_EXIT_NO_DAEMON,
	NSG_EXIT_NOT_PERMITTED,
};

/* ---- frames: one JSON object a line, whatever pieces the socket gives --------------------- */

/* Bytes read of one peer; zero-initialise. */
struct nsg_frames {
	char *buffer;
	size_t n, room;
};

/* Appends bytes. -EMSGSIZE when a line passes NSG_MAX_CONTROL_FRAME_BYTES, -ENOMEM. */
int nsg_frames_push(struct nsg_frames *f, const void *data, size_t n);
/* The next whole line as an object (new reference): 1; 0 none yet; -EBADMSG when it is none. */
int nsg_frames_pop(struct nsg_frames *f, json_t **ret);
void nsg_frames_done(struct nsg_frames *f);

/* ---- client ------------------------------------------------------------------------------- */

/* Connected descriptor, or -errno (ENOENT, ECONNREFUSED: no daemon; EACCES: not permitted). */
int nsg_control_connect(const char *path);

/*
 * Sends a request and calls `data` for every item until the last line came; a non-zero return of it
 * ends the talk. *ret_exit is the daemon's exit status, its diagnostics are added to diag. -errno.
 */
int nsg_control_call(int fd, const char *verb, json_t *args,
		     int (*data)(void *closure, json_t *item), void *closure,
		     struct nsg_diag *diag, int *ret_exit);

/* ---- server ------------------------------------------------------------------------------- */

/* Listening socket at path: mode 0660, the group if it exists, never open to others in between. A
 * left-over socket nobody listens on is replaced; one that answers is -EADDRINUSE. */
int nsg_control_listen(const char *path, const char *group, struct nsg_diag *diag);
/* Whether the peer is root, our own user or a member of the socket's group. 0 or -EPERM, -errno. */
int nsg_control_check_peer(int fd, gid_t group);

#endif
