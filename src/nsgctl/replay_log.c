/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay of flow logs: decides the tuples of flows that the app started, and compares the decisions with
 * the log. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "explain/table.h"
#include "flow/log_reader.h"
#include "nsgctl/replay_priv.h"
#include "util/cleanup.h"
#include "util/hash.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/macro.h"

#define PUT(l, literal) nsg_line_put(l, literal, sizeof(literal) - 1)

/* Azure's layout: folders for resource, year, month, day, hour, minute and network interface. */
#define MAX_FOLDERS 32
/* Bytes of a rule's name in the tables; Azure's names have at most 92. */
#define MAX_RULE 128

/* Whether the decision is the logged one. */
enum agreement {
	AGREES,
	NOT_LOGGED, /* allowed by the rules, then dropped: Azure does not log the latter */
	DIFFERS,
};

/* Tuples with the same result; those that differ from the log, by destination. */
struct row {
	enum agreement agreement;
	bool denied;
	char rule[MAX_RULE];
	uint32_t outcome;
	char protocol[8], dst[64]; /* "" if it agrees */
	uint64_t tuples, packets, bytes, first;
};

struct log {
	struct replay *r;
	uint64_t n_files, n_inbound, n_not_app;
	uint64_t sums[3]; /* of tuples, by agreement */
	NSG_VEC(struct row) rows;
	struct nsg_hash by_content;
	uint64_t other_tuples; /* in no row: there were too many rows */
};

static void log_done(struct log *g)
{
	nsg_vec_done(&g->rows);
	nsg_hash_done(&g->by_content);
}

/* ---- tuples --------------------------------------------------------------------------------- */

static enum agreement compare(const struct nsgctl_outcome *o, bool denied)
{
	if (denied == (o->verdict == NSG_VERDICT_DROP))
		return AGREES;
	if (denied || o->reason == nsg_reason_name(NSG_REASON_NSG_DENY) ||
	    o->reason == nsg_reason_name(NSG_REASON_ADMIN_DENY))
		return DIFFERS;
	return NOT_LOGGED;
}

static bool is_row(const void *rows, uint32_t i, const void *key)
{
	const struct row *row = (const struct row *)rows + i, *wanted = key;

	return row->denied == wanted->denied && row->outcome == wanted->outcome &&
	       row->agreement == wanted->agreement && strcmp(row->rule, wanted->rule) == 0 &&
	       strcmp(row->protocol, wanted->protocol) == 0 && strcmp(row->dst, wanted->dst) == 0;
}

/* Finds or adds the row with these contents. NULL if there are too many rows. */
static struct row *row_of(struct log *g, const struct row *contents)
{
	uint64_t hash = nsg_hash_u64(nsg_hash_name(contents->rule) ^
				     nsg_hash_name(contents->dst) << 1 ^ contents->outcome);
	uint32_t i = nsg_hash_find(&g->by_content, hash, is_row, g->rows.v, contents);

	if (i != NSG_HASH_NONE)
		return &g->rows.v[i];
	if (g->rows.n == NSG_MAX_REPLAY_DESTINATIONS)
		return NULL;
	if (nsg_vec_push(&g->rows, *contents) < 0)
		return NULL;
	if (nsg_hash_add(&g->by_content, hash, (uint32_t)g->rows.n - 1) < 0) {
		g->rows.n--;
		return NULL;
	}
	return &g->rows.v[g->rows.n - 1];
}

static void set_destination(struct row *row, const struct nsg_log_tuple *t)
{
	struct nsg_track_flow flow = {.key = t->key, .is_ip6 = t->is_ip6};
	const char *name = nsg_protocol_name(t->key.protocol);

	memcpy(flow.dst6, t->dst6, sizeof(flow.dst6));
	replay_format_end(&flow, true, row->dst);
	if (name)
		(void)snprintf(row->protocol, sizeof(row->protocol), "%s", name);
	else
		(void)snprintf(row->protocol, sizeof(row->protocol), "%u", t->key.protocol);
}

static void add_up(struct log *g, const struct nsg_log_tuple *t, const struct replay_packet *p,
		   enum agreement agreement)
{
	struct row contents = {
	    .agreement = agreement,
	    .denied = t->denied,
	    .outcome = p->outcome,
	    .first = p->frame.number,
	};
	struct row *row;

	(void)snprintf(contents.rule, sizeof(contents.rule), "%s", t->rule);
	if (agreement != AGREES)
		set_destination(&contents, t);
	g->sums[agreement]++;
	row = row_of(g, &contents);
	if (!row) {
		g->other_tuples++;
		return;
	}
	row->tuples++;
	row->packets += t->packets_sent + t->packets_received;
	row->bytes += t->bytes_sent + t->bytes_received;
}

static void put_count(struct nsg_line *l, const char *key, uint64_t n)
{
	PUT(l, ",");
	nsg_line_put_string(l, key);
	PUT(l, ":");
	nsg_line_put_number(l, n);
}

/* The line of a packet, plus the logged values. -ENOMEM. */
static int put_line(struct replay *r, const struct nsg_log_tuple *t, const struct replay_packet *p,
		    enum agreement agreement)
{
	static const char *const agrees[] = {
	    [AGREES] = "true", [NOT_LOGGED] = "null", [DIFFERS] = "false"};
	struct nsg_line *l = &r->line;

	if (replay_line(r, p) < 0)
		return -ENOMEM;
	l->text.n -= strlen("}\n");
	PUT(l, ",\"logged\":{\"access\":");
	nsg_line_put_string(l, nsg_access_name(t->denied ? NSG_DENY : NSG_ALLOW));
	PUT(l, ",\"rule\":");
	nsg_line_put_string(l, t->rule);
	PUT(l, ",\"state\":");
	nsg_line_put_string(l, (const char[]){t->state, '\0'});
	put_count(l, "packetsSent", t->packets_sent);
	put_count(l, "bytesSent", t->bytes_sent);
	put_count(l, "packetsReceived", t->packets_received);
	put_count(l, "bytesReceived", t->bytes_received);
	PUT(l, "},\"agrees\":");
	nsg_line_put(l, agrees[agreement], strlen(agrees[agreement]));
	PUT(l, "}\n");
	return l->error;
}

/* Decides a tuple as the first packet of its flow, whatever its state. */
static int decide(struct log *g, const struct nsg_log_tuple *t)
{
	struct replay *r = g->r;
	uint64_t bytes = t->bytes_sent + t->bytes_received;
	struct replay_packet p = {
	    .direction = NSG_DIRECTION_EGRESS,
	    .length = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX,
	    .key = t->key,
	    .frame = {.number = ++r->n_packets, .time_ns = t->time_ns},
	    .view = {.key = t->key, .is_ip6 = t->is_ip6},
	};
	struct nsg_flow flow = {.key = t->key, .is_ip6 = t->is_ip6};
	enum agreement agreement;
	int status;

	memcpy(flow.src6, t->src6, sizeof(flow.src6));
	memcpy(flow.dst6, t->dst6, sizeof(flow.dst6));
	if (t->inbound || !replay_is_app(r, &flow)) {
		g->n_inbound += t->inbound;
		g->n_not_app += !t->inbound;
		return 0;
	}
	if (r->src_host && !t->is_ip6)
		p.key.src_host = flow.key.src_host = r->src_host;
	memcpy(p.view.src6, t->src6, sizeof(p.view.src6));
	memcpy(p.view.dst6, t->dst6, sizeof(p.view.dst6));
	status = nsgctl_outcome_decide(&r->outcomes, &flow, &p.outcome, NULL);
	if (status)
		return status;
	p.verdict = r->outcomes.v.v[p.outcome].verdict;
	p.reason = r->outcomes.v.v[p.outcome].reason;
	agreement = compare(&r->outcomes.v.v[p.outcome], t->denied);
	add_up(g, t, &p, agreement);
	if (r->ctl->form == NSGCTL_TABLE)
		return 0;
	if (put_line(r, t, &p, agreement) < 0)
		return nsgctl_out_of_memory();
	return r->line.text.n < NSGCTL_OUTPUT_BYTES ? 0 : replay_print_lines(r);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int read_log(struct log *g, const char *path, int fd)
{
	struct nsg_log_reader *l = nsg_log_reader_new(fd);
	struct nsg_log_tuple t;
	int got = -ENOMEM, status = 0;

	while (l && !status && (got = nsg_log_reader_next(l, &t)) > 0) {
		status = decide(g, &t);
		replay_progress(g->r, "tuples");
	}
	g->n_files++;
	if (!status && got < 0) {
		replay_progress_end(g->r);
		status = nsgctl_fail((int)nsg_exit_from(got), "%s: %s", path,
				     l && *nsg_log_reader_error(l) ? nsg_log_reader_error(l)
								   : strerror(-got));
	}
	nsg_log_reader_free(l);
	return status;
}

static int read_path(struct log *g, const char *path, int fd, unsigned int depth);

/* Below a folder, only folders and *.json files are read, and no symbolic links: no file is read twice. */
static int read_below(struct log *g, const char *path, unsigned int depth)
{
	size_t n = strlen(path);
	int fd = -1, status;
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode) &&
	    (!S_ISREG(st.st_mode) || n < 5 || strcmp(path + n - 5, ".json") != 0))
		return 0;
	status = replay_open_input(path, &fd);
	return status ? status : read_path(g, path, fd, depth);
}

static int is_shown(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* In the order of the names, which is chronological in Azure's layout. After a file with errors, the
 * others are still read. */
static int read_folder(struct log *g, const char *path, unsigned int depth)
{
	struct dirent **entries;
	int n = depth < MAX_FOLDERS ? scandir(path, &entries, is_shown, alphasort) : 0;
	int status = 0;

	if (n < 0)
		return nsgctl_fail((int)nsg_exit_from(-errno), "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		cleanup_free char *below = NULL;
		int r = asprintf(&below, "%s/%s", path, entries[i]->d_name);

		r = r < 0 ? nsgctl_out_of_memory() : read_below(g, below, depth + 1);
		status = status ? status : r;
		free(entries[i]);
	}
	if (n)
		free(entries);
	return status;
}

/* Takes the descriptor. */
static int read_path(struct log *g, const char *path, int fd, unsigned int depth)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return read_folder(g, path, depth);
	}
	return read_log(g, path, fd);
}

/* The first bytes of a file or a pipe, which stay there. */
static ssize_t peek(int fd, char *start, size_t n)
{
	int ends[2];
	ssize_t got = pread(fd, start, n, 0);

	if (got >= 0 || errno != ESPIPE || pipe2(ends, O_CLOEXEC) < 0)
		return got;
	got = tee(fd, ends[1], n, 0);
	if (got > 0)
		got = read(ends[0], start, n);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return got;
}

bool replay_is_log(int fd)
{
	char start[17] = "";
	const char *at = start;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return true;
	if ((!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) ||
	    peek(fd, start, sizeof(start) - 1) < 0)
		return false;
	if (strncmp(at, "\n\r\r\n", 4) == 0) /* pcapng */
		return false;
	if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	return at[strspn(at, " \r\n\t")] == '{';
}

/* ---- closing tables ------------------------------------------------------------------------- */

static int by_tuples(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->tuples != y->tuples)
		return x->tuples < y->tuples ? 1 : -1;
	return x->first < y->first ? -1 : 1;
}

static json_t *row_json(const struct replay *r, const struct row *row)
{
	const struct nsgctl_outcome *o = &r->outcomes.v.v[row->outcome];
	const char *rule = nsgctl_outcome_text(&r->outcomes, o->rule);

	return NSG_JSON_OBJECT(PAIR_S("protocol", row->protocol), PAIR_S("dst", row->dst),
			       PAIR_S("logged", row->denied ? "denied" : "allowed"),
			       PAIR_S("loggedRule", row->rule), PAIR_S("reason", o->reason),
			       PAIR_S("rule", *rule ? rule : NULL), PAIR_I("tuples", row->tuples),
			       PAIR_I("packets", row->packets), PAIR_I("bytes", row->bytes),
			       PAIR_I("first", row->first));
}

static int put_rows(const struct log *g, enum agreement agreement, const char *title)
{
	static const struct nsg_column columns[] = {
	    {"PROTO", "protocol"}, {"DESTINATION", "dst"},
	    {"LOGGED", "logged"},  {"LOGGED RULE", "loggedRule"},
	    {"REASON", "reason"},  {"RULE OR ROUTE", "rule"},
	    {"TUPLES", "tuples"},  {"PACKETS", "packets"},
	    {"BYTES", "bytes"},	   {"FIRST", "first"},
	};
	size_t left_out = agreement == AGREES ? 2 : 0; /* the destination */
	cleanup_json json_t *rows = json_array();
	uint64_t more = 0;
	int status;

	for (size_t i = 0; i < g->rows.n; i++) {
		if (g->rows.v[i].agreement != agreement)
			continue;
		if (json_array_size(rows) == REPLAY_TOP)
			more++;
		else if (json_array_append_new(rows, row_json(g->r, &g->rows.v[i])) < 0)
			return nsgctl_out_of_memory();
	}
	if (!json_array_size(rows))
		return 0;
	status = replay_put_table(g->r, title, rows, columns + left_out,
				  NSG_ARRAY_SIZE(columns) - left_out);
	if (more)
		printf("  and %" PRIu64 " more rows\n", more);
	return status;
}

static int report(struct log *g)
{
	const uint64_t *sums = g->sums;
	int status;

	printf("%" PRIu64 " of %" PRIu64 " tuples decided: %" PRIu64 " as logged, %" PRIu64
	       " otherwise",
	       sums[AGREES] + sums[NOT_LOGGED] + sums[DIFFERS], g->r->n_packets, sums[AGREES],
	       sums[DIFFERS]);
	if (sums[NOT_LOGGED])
		printf(", %" PRIu64 " allowed as logged, but dropped for another reason",
		       sums[NOT_LOGGED]);
	putchar('\n');
	if (g->rows.n)
		qsort(g->rows.v, g->rows.n, sizeof(*g->rows.v), by_tuples);
	status = put_rows(g, DIFFERS, "Decided otherwise than logged");
	if (!status)
		status = put_rows(g, NOT_LOGGED,
				  "Allowed by the rules as logged, but dropped for another reason");
	if (!status)
		status = put_rows(g, AGREES, "Decided as logged");
	if (g->other_tuples)
		printf("  and %" PRIu64 " tuples to other destinations\n", g->other_tuples);
	return status;
}

/* Reports the tuples that were not decided. */
static void report_rest(const struct log *g)
{
	if (!g->n_files)
		fprintf(stderr, "nsgctl: %s contains no *.json files\n", g->r->ctl->operands[0]);
	if (g->n_inbound)
		fprintf(stderr,
			"nsgctl: %" PRIu64 " of %" PRIu64
			" tuples were skipped: they belong to inbound flows\n",
			g->n_inbound, g->r->n_packets);
	if (g->n_not_app)
		fprintf(stderr,
			"nsgctl: %" PRIu64 " of %" PRIu64
			" tuples were skipped: their source is not the app; see --local and "
			"--src\n",
			g->n_not_app, g->r->n_packets);
}

int replay_log(struct replay *r, int fd)
{
	__attribute__((cleanup(log_done))) struct log g = {.r = r};
	const struct nsgctl *ctl = r->ctl;
	int printed, status;

	if (ctl->write || ctl->each_packet)
		status = nsgctl_fail(NSG_EXIT_USAGE, "%s requires a capture, not a flow log",
				     ctl->write ? "-w" : "--each-packet");
	else
		status = replay_open_policy(r);
	if (status) {
		(void)close(fd);
		return status;
	}
	replay_progress_begin(r);
	status = read_path(&g, ctl->operands[0], fd, 0);
	replay_progress_end(r);
	printed = replay_print_lines(r);
	if (!printed && ctl->form == NSGCTL_TABLE)
		printed = report(&g);
	report_rest(&g);
	return status ? status : printed;
}
