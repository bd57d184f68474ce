/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: JSON lines over a Unix stream socket, versioned, size-capped.
 *
 *   request   {"version":1,"verb":"explain","args":{…}}                        one line
 *   reply     {"data":…}                                                       any number of lines
 *             {"exit":0,"diagnostics":[…]}                                     the last line
 *
 * args are the options of the verb; data is what the verb prints as JSON, one item per line;
 * diagnostics are nsg_diag_json() records. `trace` replies until either side closes.
 *
 *   verb              args                                          data
 *   explain           {"flow":F} | {"flow":F,"output":"azure"}      one item
 *                     {"flows":[F,...]}                             one a flow, in order
 *   test-ip-flow      {"flow":F}                                    one item
 *   show-next-hop     {"flow":F}                                    one item
 *   effective-nsg     {}                                            one item
 *   effective-routes  {}                                            one a page of {"value":[...]}
 *   status, stats     {}                                            one item
 *   metrics           {"format":"openmetrics"|"prometheus"}         one a part of the text
 *   reload            {}                                            one item, none when it failed
 *   trace             {"payload":B,"dropped":B}                     one a decision, until closed
 *   flows             {}                                            one a flow of the kernel's
 *   history           {"dropped":B}                                 one a decision, oldest first
 *
 * F is a flow (nsgctl(1), FLOWS). nsg_explain_answer() answers the first five verbs, in the daemon
 * and offline. With "payload" an item of `trace` ends with the first bytes of the packet,
 * "payload":"HEX". nsgctl shows whatever members `status` and `stats` have.
 */
#ifndef NSG_CONTROL_CONTROL_H
#define NSG_CONTROL_CONTROL_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

#include "util/diag.h"

#define NSG_CONTROL_VERSION 1
#define NSG_CONTROL_DIRECTORY "/run/nsgd"

/* Exit status of every nsgctl verb (nsgctl(1), EXIT STATUS). */
enum nsg_exit {
	NSG_EXIT_DONE,
	NSG_EXIT_FAILED,
	NSG_EXIT_USAGE,
	NSG_EXIT_POLICY,
	NSG_EXIT_NO_DAEMON,
	NSG_EXIT_NOT_PERMITTED,
};

/* The exit status for 0 or -errno. */
static inline enum nsg_exit nsg_exit_from(int r)
{
	if (r >= 0)
		return NSG_EXIT_DONE;
	return r == -EPERM || r == -EACCES ? NSG_EXIT_NOT_PERMITTED : NSG_EXIT_FAILED;
}

/* ---- frames: one JSON object per line, in whatever pieces they arrive --------------------- */

/* Bytes received from one peer; zero-initialise. */
struct nsg_frames {
	char *v;
	size_t n, room;
	size_t start;	/* bytes of whole lines already taken */
	size_t scanned; /* no newline before it */
	size_t line;	/* length of the last, unfinished line */
};

/* Appends bytes. -EMSGSIZE when a line is longer than NSG_MAX_CONTROL_FRAME_BYTES, -ENOMEM. Take all
 * whole lines before the next push, which bounds the buffer. */
int nsg_frames_push(struct nsg_frames *f, const void *data, size_t n);
/* The next whole line as an object (new reference): 1; 0: none yet; -EBADMSG: not an object, or with
 * a duplicate key. */
int nsg_frames_pop(struct nsg_frames *f, json_t **ret);
/* The next whole line as text, unchecked, without its newline: valid until the next push. 1 or 0. */
int nsg_frames_pop_text(struct nsg_frames *f, const char **ret, size_t *ret_n);
void nsg_frames_done(struct nsg_frames *f);

/* ---- client ------------------------------------------------------------------------------- */

/* Connected descriptor, or -errno (ENOENT, ECONNREFUSED: no daemon; EACCES: not permitted). */
int nsg_control_connect(const char *path);

/*
 * Sends a request and calls `data` with every item (borrowed) until the last line; a non-zero return
 * of `data` ends the call and is returned. *ret_exit is the daemon's exit status; its diagnostics
 * are added to diag. `args` is not consumed; NULL: none. -ECONNRESET when the daemon closes before
 * the last line, -EBADMSG when the reply is not of this protocol, -errno. After 0 the descriptor can
 * be used for another request.
 */
int nsg_control_call(int fd, const char *verb, json_t *args,
		     int (*data)(void *closure, json_t *item), void *closure, struct nsg_diag *diag,
		     int *ret_exit);

/*
 * The same without parsing, for hundreds of thousands of items per second: `text` gets each item as
 * the daemon wrote it, n bytes; NULL and 0 before it waits for more.
 */
int nsg_control_pass(int fd, const char *verb, json_t *args,
		     int (*text)(void *closure, const char *item, size_t n), void *closure,
		     struct nsg_diag *diag, int *ret_exit);

/* ---- server ------------------------------------------------------------------------------- */

/* A listening socket at path: mode 0660, the group if it exists (NULL: none), never accessible to
 * others meanwhile. The directory is created if its parent exists. A stale socket is replaced; one
 * that a process listens on is -EADDRINUSE. -errno, with a diagnostic. */
int nsg_control_listen(const char *path, const char *group, struct nsg_diag *diag);
/* The user at the other end, who must be root, the same user or a member of the group ((gid_t)-1: no
 * group), else -EPERM. -errno. */
int nsg_control_check_peer(int fd, gid_t group, uid_t *ret_user);

/* The lines of a reply, newline included; malloc'ed, *ret_n bytes. `item` and `diag` are not
 * consumed; diag may be NULL. -EMSGSIZE when the line would be longer than the cap, -ENOMEM. */
int nsg_control_data_line(const json_t *item, char **ret, size_t *ret_n);
int nsg_control_exit_line(enum nsg_exit status, const struct nsg_diag *diag, char **ret,
			  size_t *ret_n);

#endif
