/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: tables of verbs and options, and what the verbs share. */
#ifndef NSG_NSGCTL_NSGCTL_H
#define NSG_NSGCTL_NSGCTL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "control/control.h"
#include "explain/table.h"
#include "snapshot/snapshot.h"
#include "util/diag.h"

#define NSGCTL_MAX_OPERANDS 32

enum nsgctl_form {
	NSGCTL_TABLE,
	NSGCTL_JSON,
	NSGCTL_JSONL,
};

/* The parsed command line. Strings point into argv; NULL: not given. */
struct nsgctl {
	const struct nsgctl_verb *verb;
	const char *operands[NSGCTL_MAX_OPERANDS];
	size_t n_operands;

	/* global */
	const char *policy, *subnet, *profile, *platform, *route_all, *endpoint_precedence,
	    *parameters;
	const char *output, *color, *socket, *instance;
	bool strict, verbose, help, version;

	/* of single verbs */
	const char *protocol, *src, *dst, *batch, *expect;
	const char *direction, *local, *remote;
	const char *source_ip, *dest_ip;
	const char *filter, *write, *directory;
	const char *top, *count, *duration, *last, *packet;
	bool watch, dropped_only, no_answer, each_packet, all_packets;

	/* from output and the terminal */
	enum nsgctl_form form;
	struct nsg_term term;
};

/* ---- tables (commands.c) -------------------------------------------------------------------- */

struct nsgctl_option {
	char letter;	      /* 0: none */
	const char *name;     /* without its dashes; NULL: letter only */
	const char *argument; /* e.g. DIR; NULL: a switch */
	const char *values;   /* e.g. "on|off": the allowed values; NULL: any */
	const char *help;
	size_t offset;	    /* of its const char * or bool in struct nsgctl */
	bool shapes_policy; /* affects how a directory is read; not for a daemon */
};

enum nsgctl_works {
	NSGCTL_OFFLINE = 1,
	NSGCTL_LIVE = 2,
	NSGCTL_BOTH = 3,
};

struct nsgctl_verb {
	const char *name;
	const char *operands; /* e.g. "[DIR]"; "": none */
	size_t min_operands, max_operands;
	enum nsgctl_works works;
	const char *help;		     /* one line */
	const char *more;		     /* printed after it by -h */
	const struct nsgctl_option *options; /* its own; ends with a zero help */
	int (*run)(struct nsgctl *ctl);	     /* enum nsg_exit */
};

extern const struct nsgctl_option nsgctl_options[]; /* global; ends with a zero help */
extern const struct nsgctl_verb nsgctl_verbs[];	    /* ends with a zero name */

/* ---- parsing (args.c) ----------------------------------------------------------------------- */

/* 0, or NSG_EXIT_USAGE after a message on `err`. -h and -V are left to the caller. */
int nsgctl_parse(int argc, char *const *argv, struct nsgctl *ret, FILE *err);
/* Prints the help of a verb, or the general help when verb is NULL. */
void nsgctl_help(const struct nsgctl_verb *verb, FILE *out);
/* The verb of that name, or NULL after a message on `err`. */
const struct nsgctl_verb *nsgctl_verb_find(const char *name, FILE *err);
/* The completion of a shell, from the tables; -ENOENT for an unknown shell. */
int nsgctl_completion_put(const char *shell, FILE *out);
/* The one of the n words most similar to s; NULL when none is similar. */
const char *nsgctl_closest(const char *s, const char *const *words, size_t n);
/* Prints "nsgctl: …" on standard error. Returns status, the latter NSG_EXIT_FAILED. */
int nsgctl_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
int nsgctl_out_of_memory(void);
/* The number given to --`option`: 0, or NSG_EXIT_USAGE after a message. */
int nsgctl_number(const char *option, const char *text, unsigned long least, unsigned long most,
		  unsigned long *ret);

/* ---- output (output.c) ---------------------------------------------------------------------- */

/* Prints the item of a verb with a single one. 0 or NSG_EXIT_FAILED. */
int nsgctl_print(const struct nsgctl *ctl, const char *verb, const json_t *item);
/* Prints one compact line. 0 or -ENOMEM. */
int nsgctl_print_line(const json_t *item);
/* Prints all records as text. */
void nsgctl_print_diag(const struct nsg_diag *diag, FILE *out);
/* Reports, on standard error, decisions that the daemon could not pass on. */
void nsgctl_report_missed(unsigned long long n);
/* Flushes; a full disk or a closed pipe makes `status` a failure. */
int nsgctl_finish(int status);

/* ---- comments of captures (comment.c) ------------------------------------------------------- */

#define NSGCTL_COMMENT 640

#define NSGCTL_SECTION_COMMENT 256

/* Name and version, as captures state the program that wrote them. */
extern const char nsgctl_application[];
/* Which policy decided; `policy` as nsg_explain_policy() makes it. */
void nsgctl_section_comment(const json_t *policy, char *out, size_t size);

/* A decision in one line, e.g. "drop, nsg-deny; source 10.0.1.4; gate rfc1918; rule
 * securityRules/no (100); route 10.0.0.0/8 None". */
void nsgctl_comment(const json_t *decision, char *out, size_t size);
/* Its parts from the gate and from the route on. */
void nsgctl_comment_parts(const json_t *decision, char gate[static NSGCTL_COMMENT],
			  char route[static NSGCTL_COMMENT]);
/* Whether the comment names the source that was judged instead of the packet's. */
bool nsgctl_comment_source(const char *comment, size_t n, uint32_t *ret_host);

/* ---- a directory or a daemon (session.c) ---------------------------------------------------- */

/* Loads a policy directory with the options given. 0, or an exit status with records in diag. */
int nsgctl_load(const struct nsgctl *ctl, const char *directory, struct nsg_load_counts *counts,
		struct nsg_diag *diag, struct nsg_snapshot **ret);

/* With -p the directory, else the daemon. */
struct nsgctl_session {
	const struct nsgctl *ctl;
	bool live;
	int fd;
	char path[256]; /* of the socket */
	const volatile sig_atomic_t
	    *interrupted; /* NULL, or when set a closed connection is not an error */
	bool follows;	  /* the daemon's end of the connection is NSGCTL_SESSION_ENDED */
	struct nsg_snapshot *snapshot; /* NULL when live */
};

/* Not an exit status. */
#define NSGCTL_SESSION_ENDED 65

/* 0, or an exit status after printing the reason. */
int nsgctl_session_open(const struct nsgctl *ctl, struct nsgctl_session *ret);
/*
 * Calls `data` with each item of the answer; its non-zero return ends the answer and is returned.
 * Diagnostics go to standard error. Returns an exit status.
 */
int nsgctl_session_ask(struct nsgctl_session *s, const char *verb, json_t *args,
		       int (*data)(void *closure, json_t *item), void *closure);
/* For a daemon only: prints each item as received, one per line, without parsing it. */
int nsgctl_session_pass(struct nsgctl_session *s, const char *verb, json_t *args);
/* After NSGCTL_SESSION_ENDED: connects to the next daemon, for which it waits a minute. False: there is
 * none, or the wait was interrupted. */
bool nsgctl_session_follow(struct nsgctl_session *s);
void nsgctl_session_close(struct nsgctl_session *s);

#define cleanup_session __attribute__((cleanup(nsgctl_session_close)))

/* ---- until interrupted (watch.c) ------------------------------------------------------------ */

/* SIGINT, SIGTERM and SIGALRM end the conversation with the daemon, and that is not an error. */
void nsgctl_interruptible(struct nsgctl_session *session);
/* --watch: before the first question; before each answer is printed, false: do not print; after it,
 * false: that was the last. */
void nsgctl_watch_begin(const struct nsgctl *ctl, struct nsgctl_session *session);
bool nsgctl_watch_clear(const struct nsgctl *ctl);
bool nsgctl_watch_wait(const struct nsgctl *ctl);

/* ---- verbs ---------------------------------------------------------------------------------- */

int nsgctl_check(struct nsgctl *ctl);
int nsgctl_explain(struct nsgctl *ctl);
int nsgctl_explain_batch(struct nsgctl *ctl);
int nsgctl_test_ip_flow(struct nsgctl *ctl);
int nsgctl_show_next_hop(struct nsgctl *ctl);
int nsgctl_effective_nsg(struct nsgctl *ctl);
int nsgctl_effective_routes(struct nsgctl *ctl);
int nsgctl_status(struct nsgctl *ctl);
int nsgctl_stats(struct nsgctl *ctl);
int nsgctl_metrics(struct nsgctl *ctl);
int nsgctl_reload(struct nsgctl *ctl);
int nsgctl_replay(struct nsgctl *ctl);
/* explain --packet N FILE */
int nsgctl_explain_packet(struct nsgctl *ctl);
int nsgctl_trace(struct nsgctl *ctl);
int nsgctl_flows(struct nsgctl *ctl);
int nsgctl_flatten(struct nsgctl *ctl);
int nsgctl_help_verb(struct nsgctl *ctl);
int nsgctl_completion(struct nsgctl *ctl);

#endif
