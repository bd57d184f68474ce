/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/log_reader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "util/clock.h"
#include "util/ip.h"
#include "util/json.h"
#include "util/limits.h"
#include "util/names.h"
#include "util/vec.h"

#define MS_NS 1000000u
/* Longest text of a tuple: two IPv6 addresses, five numbers of 20 digits, and the rest. */
#define MAX_TUPLE 320
#define MAX_FIELDS 13
/* Times in NSG flow logs are seconds, in VNet flow logs milliseconds (this value: April 1970). */
#define LEAST_MS 10000000000u

#define FAIL(l, ...) ((void)snprintf((l)->error, sizeof((l)->error), __VA_ARGS__), -EBADMSG)

struct text {
	const char *rule, *tuple; /* in the record */
	bool has_verdict;	  /* of an NSG flow log */
};

struct nsg_log_reader {
	FILE *in;
	bool began, in_records;
	uint64_t n_records, n_tuples; /* n_tuples: of the current record, so far */
	NSG_VEC(char) text;	      /* of the record */
	json_t *record;
	NSG_VEC(struct text) tuples;
	char error[160];
};

struct nsg_log_reader *nsg_log_reader_new(int fd)
{
	struct nsg_log_reader *l = calloc(1, sizeof(*l));

	if (l)
		l->in = fdopen(fd, "r");
	if (l && l->in)
		return l;
	(void)close(fd);
	free(l);
	return NULL;
}

struct nsg_log_reader *nsg_log_reader_free(struct nsg_log_reader *l)
{
	if (!l)
		return NULL;
	(void)fclose(l->in);
	json_decref(l->record);
	nsg_vec_done(&l->text);
	nsg_vec_done(&l->tuples);
	free(l);
	return NULL;
}

const char *nsg_log_reader_error(const struct nsg_log_reader *l)
{
	return l->error;
}

static int fail_record(struct nsg_log_reader *l, const char *why)
{
	return FAIL(l, "record %llu: %s", (unsigned long long)l->n_records, why);
}

/* ---- records -------------------------------------------------------------------------------- */

static int next_char(struct nsg_log_reader *l)
{
	int c;

	do
		c = getc_unlocked(l->in);
	while (c == ' ' || c == '\n' || c == '\r' || c == '\t');
	return c;
}

/* Whether a token comes next. */
static bool reads(struct nsg_log_reader *l, const char *token)
{
	int c = next_char(l);

	for (; c == (unsigned char)*token; c = getc_unlocked(l->in))
		if (!*++token)
			return true;
	return false;
}

/* The beginning of a document. 1, or 0 at the end of the file. */
static int open_records(struct nsg_log_reader *l)
{
	int c = next_char(l);

	if (c == EOF && l->began && !ferror(l->in))
		return 0;
	(void)ungetc(c, l->in);
	if (!l->began && c == 0xef && !reads(l, "\xef\xbb\xbf")) /* a byte order mark */
		return FAIL(l, "not a flow log");
	l->began = true;
	if (!reads(l, "{") || !reads(l, "\"records\"") || !reads(l, ":") || !reads(l, "["))
		return FAIL(l, "not a flow log: it must begin with {\"records\":[");
	l->in_records = true;
	return 1;
}

/* 1 after the '{' of a record, or 0 at the end of the file. */
static int find_record(struct nsg_log_reader *l)
{
	for (bool comma = l->in_records;; comma = false) {
		int r = l->in_records ? 1 : open_records(l);
		int c;

		if (r <= 0)
			return r;
		c = next_char(l);
		if (comma && c == ',')
			c = next_char(l);
		else if (comma && c == '{')
			c = EOF;
		if (c == '{')
			return 1;
		if (c != ']' || !reads(l, "}"))
			return FAIL(l, "after record %llu: %s", (unsigned long long)l->n_records,
				    feof(l->in) ? "the file ends" : "not a record");
		l->in_records = false;
	}
}

/* Reads up to the matching '}'. */
static int read_text(struct nsg_log_reader *l)
{
	bool in_string = false, escaped = false;
	unsigned int depth = 0, n_values = 0;
	int c = '{';

	for (l->text.n = 0;; c = getc_unlocked(l->in)) {
		if (c == EOF)
			return FAIL(l,
				    "record %llu: the file ends within the record, after %zu bytes",
				    (unsigned long long)l->n_records, l->text.n);
		if (l->text.n == NSG_MAX_LOG_RECORD_BYTES)
			return fail_record(l, "too long");
		if (n_values == NSG_MAX_LOG_RECORD_VALUES)
			return fail_record(l, "too many values");
		if (nsg_vec_push(&l->text, (char)c) < 0)
			return -ENOMEM;
		if (in_string) {
			in_string = escaped || c != '"';
			escaped = !escaped && c == '\\';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
			n_values++;
		} else if (c == ',') {
			n_values++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return 0;
		}
	}
}

static int add_tuples(struct nsg_log_reader *l, const json_t *rule, const json_t *tuples,
		      bool has_verdict)
{
	const json_t *tuple;
	size_t i;

	if (!json_is_string(rule) || !json_is_array(tuples))
		return fail_record(l, "a group of tuples has no rule or no flowTuples");
	json_array_foreach(tuples, i, tuple)
	{
		struct text t = {json_string_value(rule), json_string_value(tuple), has_verdict};

		if (!t.tuple)
			return fail_record(l, "a tuple is not a string");
		if (nsg_vec_push(&l->tuples, t) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* `parts` names the array that has the tuples; the rule is in the group (NSG) or in the part (VNet). */
static int add_groups(struct nsg_log_reader *l, const json_t *groups, const char *parts,
		      bool is_nsg)
{
	const json_t *group, *part;
	size_t i, j;

	json_array_foreach(groups, i, group)
	{
		json_array_foreach(json_object_get(group, parts), j, part)
		{
			int r = add_tuples(l, json_object_get(is_nsg ? group : part, "rule"),
					   json_object_get(part, "flowTuples"), is_nsg);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The groups of a VNet flow log are in flowRecords.flows[].flowGroups[]; those of an NSG flow log in
 * properties.flows[], their tuples in flows[] of these. */
static int collect_tuples(struct nsg_log_reader *l)
{
	const json_t *vnet = json_object_get(json_object_get(l->record, "flowRecords"), "flows");
	const json_t *nsg = json_object_get(json_object_get(l->record, "properties"), "flows");
	int r;

	l->tuples.n = 0;
	if (!json_is_array(vnet) && !json_is_array(nsg))
		return fail_record(l, "not a record of a VNet flow log or an NSG flow log");
	r = add_groups(l, vnet, "flowGroups", false);
	return r < 0 ? r : add_groups(l, nsg, "flows", true);
}

/* 1, or 0 at the end of the file. */
static int read_record(struct nsg_log_reader *l)
{
	json_error_t error;
	int r = find_record(l);

	if (r <= 0)
		return r;
	l->n_records++;
	l->n_tuples = 0;
	r = read_text(l);
	if (r < 0)
		return r;
	json_decref(l->record);
	l->record = nsg_json_load(l->text.v, l->text.n, 0, &error);
	if (!l->record)
		return json_error_code(&error) == json_error_out_of_memory
			   ? -ENOMEM
			   : fail_record(l, "not valid JSON");
	r = collect_tuples(l);
	return r < 0 ? r : 1;
}

/* ---- tuples --------------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, digit, &n) || n > max)
			return false;
	}
	*ret = n;
	return true;
}

/* Both must be of the same family. */
static bool read_addresses(const char *src, const char *dst, struct nsg_log_tuple *t)
{
	if (nsg_ip4_parse(src, &t->key.src_host) == 0)
		return nsg_ip4_parse(dst, &t->key.dst_host) == 0;
	t->is_ip6 = true;
	return inet_pton(AF_INET6, src, t->src6) == 1 && inet_pton(AF_INET6, dst, t->dst6) == 1;
}

static bool read_ports(const char *src, const char *dst, struct nsg_log_tuple *t)
{
	uint64_t sport = 0, dport = 0;

	if (!nsg_protocol_has_ports(t->key.protocol))
		return true;
	if (!read_number(src, UINT16_MAX, &sport) || !read_number(dst, UINT16_MAX, &dport))
		return false;
	t->key.sport_host = (uint16_t)sport;
	t->key.dport_host = (uint16_t)dport;
	return true;
}

/* Tuples without counters have empty fields, or 0. */
static bool read_counts(char *const fields[4], struct nsg_log_tuple *t)
{
	uint64_t *const counts[4] = {&t->packets_sent, &t->bytes_sent, &t->packets_received,
				     &t->bytes_received};

	for (size_t i = 0; i < 4; i++)
		if (*fields[i] && !read_number(fields[i], INT64_MAX, counts[i]))
			return false;
	return true;
}

/* One of `allowed`. */
static bool read_letter(const char *text, const char *allowed, char *ret)
{
	if (!*text || text[1] || !strchr(allowed, *text))
		return false;
	*ret = *text;
	return true;
}

static bool read_protocol(const char *text, bool letter, uint8_t *ret)
{
	uint64_t number;
	char c;

	if (letter) {
		if (!read_letter(text, "TU", &c))
			return false;
		*ret = c == 'T' ? NSG_PROTOCOL_TCP : NSG_PROTOCOL_UDP;
		return true;
	}
	if (!read_number(text, UINT8_MAX, &number))
		return false;
	*ret = (uint8_t)number;
	return true;
}

/*
 * time, source, destination, two ports, protocol, direction; then, in a VNet flow log, state, encryption
 * and four counters; in an NSG flow log, the decision and, since version 2, state and four counters.
 */
static bool read_fields(char *const *fields, size_t n, bool has_verdict, struct nsg_log_tuple *t)
{
	uint64_t time;
	char direction, verdict;

	if (n != 13 && (!has_verdict || n != 8))
		return false;
	if (!read_number(fields[0], INT64_MAX / MS_NS, &time) ||
	    !read_addresses(fields[1], fields[2], t) ||
	    !read_protocol(fields[5], has_verdict, &t->key.protocol) ||
	    !read_ports(fields[3], fields[4], t) || !read_letter(fields[6], "IO", &direction))
		return false;
	t->time_ns = time * (time < LEAST_MS ? NSG_NS_PER_SEC : MS_NS);
	t->inbound = direction == 'I';
	if (!has_verdict) {
		if (!read_letter(fields[7], "BCED", &t->state) || !read_counts(fields + 9, t))
			return false;
		t->denied = t->state == 'D';
		return true;
	}
	if (!read_letter(fields[7], "AD", &verdict))
		return false;
	t->denied = verdict == 'D';
	t->state = 'B';
	if (n == 13 && (!read_letter(fields[8], "BCE", &t->state) || !read_counts(fields + 9, t)))
		return false;
	if (t->denied)
		t->state = 'D';
	return true;
}

int nsg_log_reader_next(struct nsg_log_reader *l, struct nsg_log_tuple *ret)
{
	char copy[MAX_TUPLE], *fields[MAX_FIELDS + 1], *at = copy, *field;
	struct nsg_log_tuple t = {0};
	const struct text *text;
	size_t n = 0;

	while (l->n_tuples == l->tuples.n) {
		int r = read_record(l);

		if (r == -EBADMSG && ferror(l->in)) {
			l->error[0] = '\0';
			return -EIO;
		}
		if (r <= 0)
			return r;
	}
	text = &l->tuples.v[l->n_tuples++];
	if (strlen(text->tuple) < sizeof(copy)) {
		strcpy(copy, text->tuple);
		while (n <= MAX_FIELDS && (field = strsep(&at, ",")))
			fields[n++] = field;
	}
	if (!read_fields(fields, n, text->has_verdict, &t))
		return FAIL(l, "record %llu: tuple %llu is not valid",
			    (unsigned long long)l->n_records, (unsigned long long)l->n_tuples);
	t.rule = text->rule;
	*ret = t;
	return 1;
}
