/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain/rows.h"

#include <pwd.h>
#include <string.h>
#include <time.h>

#include "explain/table.h"
#include "util/cleanup.h"
#include "util/macro.h"

#define DIGITS "0123456789"
#define CELL_BYTES 320
/* A terminal with fewer columns lacks those that are marked `wide`. */
#define WIDE_COLUMNS 120

struct nsg_rows_column {
	const char *title;
	const char *path;
	void (*put)(const json_t *item, const char *path, char out[static CELL_BYTES]);
	unsigned int kinds;
	size_t width, least; /* least 0: cells are not cut */
	bool wide;
};

static void put_value(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	cleanup_free char *cell = nsg_cell(nsg_at(item, path));

	(void)snprintf(out, CELL_BYTES, "%s", cell ? cell : "");
}

/* The local time of day, and in *ret_tm all of it. */
static bool read_time(const json_t *item, struct tm *ret_tm, char ret_fraction[static 5])
{
	struct tm utc = {0};
	const char *rest = strptime(nsg_string_at(item, "time"), "%Y-%m-%dT%H:%M:%S", &utc);
	time_t t = rest ? timegm(&utc) : 0;

	if (!rest || !localtime_r(&t, ret_tm))
		return false;
	(void)snprintf(ret_fraction, 5, "%.*s",
		       *rest == '.' ? 1 + (int)strspn(rest + 1, DIGITS) : 4,
		       *rest == '.' ? rest : ".000");
	return true;
}

static void put_time(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	char fraction[5];
	struct tm tm;

	(void)path;
	if (read_time(item, &tm, fraction))
		(void)snprintf(out, CELL_BYTES, "%02d:%02d:%02d%s", tm.tm_hour, tm.tm_min,
			       tm.tm_sec, fraction);
	else
		out[0] = '\0';
}

/* The address at `path` and its port at pathPort. */
static void put_end(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	const char *address = nsg_string_at(item, path);
	bool brackets = strchr(address, ':');
	char key[16];
	json_int_t port;

	(void)snprintf(key, sizeof(key), "%sPort", path);
	port = json_integer_value(nsg_at(item, key));
	if (!*address)
		(void)snprintf(out, CELL_BYTES, "-");
	else if (port)
		(void)snprintf(out, CELL_BYTES, "%s%s%s:%lld", brackets ? "[" : "", address,
			       brackets ? "]" : "", (long long)port);
	else
		(void)snprintf(out, CELL_BYTES, "%s", address);
}

/* A security admin rule that decides takes the place of the NSG's rule. */
static void put_rule(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	const json_t *rule = json_object_get(item, "nsg");
	const char *name, *slash;

	(void)path;
	if (!json_is_object(rule))
		rule = json_object_get(item, "admin");
	name = nsg_string_at(rule, "rule");
	slash = strchr(name, '/');
	if (*name)
		(void)snprintf(out, CELL_BYTES, "%s (%lld)", slash ? slash + 1 : name,
			       (long long)json_integer_value(nsg_at(rule, "priority")));
	else
		(void)snprintf(out, CELL_BYTES, "-");
}

static void put_route(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	cleanup_free char *hops = nsg_cell(nsg_at(item, "route.nextHopIpAddress"));
	const char *prefix = nsg_string_at(item, "route.prefix");

	(void)path;
	(void)snprintf(out, CELL_BYTES, "%s%s%s%s%s", *prefix ? prefix : "-", *prefix ? " " : "",
		       nsg_string_at(item, "route.nextHopType"),
		       *prefix && hops && *hops ? " " : "", *prefix && hops ? hops : "");
}

static void put_user(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	const json_t *uid = json_object_get(item, path);
	const struct passwd *user;

	if (!json_is_integer(uid)) {
		(void)snprintf(out, CELL_BYTES, "-");
		return;
	}
	user = getpwuid((uid_t)json_integer_value(uid));
	if (user)
		(void)snprintf(out, CELL_BYTES, "%s", user->pw_name);
	else
		(void)snprintf(out, CELL_BYTES, "%lld", (long long)json_integer_value(uid));
}

static void put_age(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	const json_t *age = json_object_get(item, path);
	long long s = (long long)json_integer_value(age);

	if (!json_is_integer(age))
		(void)snprintf(out, CELL_BYTES, "-");
	else if (s < 100)
		(void)snprintf(out, CELL_BYTES, "%lld s", s);
	else if (s < 6000)
		(void)snprintf(out, CELL_BYTES, "%lld m", s / 60);
	else
		(void)snprintf(out, CELL_BYTES, "%lld h", s / 3600);
}

/* A dead server, or an answer that went another way, looks like this; a denied flow has no row. */
static void put_state(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	const char *state = nsg_string_at(item, path);

	if (!json_is_true(json_object_get(item, "answered")))
		(void)snprintf(out, CELL_BYTES, "no answer yet");
	else
		(void)snprintf(out, CELL_BYTES, "%s", *state ? state : "answered");
}

/* "3 180 B": packets and bytes; `path` is "Out" or "In". */
static void put_volume(const json_t *item, const char *path, char out[static CELL_BYTES])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	const json_t *packets;
	char key[16];
	double bytes;
	size_t unit = 0;

	(void)snprintf(key, sizeof(key), "packets%s", path);
	packets = json_object_get(item, key);
	(void)snprintf(key, sizeof(key), "bytes%s", path);
	bytes = (double)json_integer_value(json_object_get(item, key));
	while (bytes >= 10000 && unit + 1 < NSG_ARRAY_SIZE(units)) {
		bytes /= 1000;
		unit++;
	}
	if (json_is_integer(packets))
		(void)snprintf(out, CELL_BYTES, "%lld %.0f %s",
			       (long long)json_integer_value(packets), bytes, units[unit]);
	else
		(void)snprintf(out, CELL_BYTES, "-");
}

#define DECISIONS (NSG_ROWS_BATCH | NSG_ROWS_REPLAY | NSG_ROWS_TRACE)
#define ALL_KINDS (DECISIONS | NSG_ROWS_FLOWS)

static const struct nsg_rows_column columns[] = {
    {"ID", "id", put_value, NSG_ROWS_BATCH, 8, 8, false},
    {"PACKET", "packet", put_value, NSG_ROWS_REPLAY, 6, 0, false},
    {"TIME", "time", put_time, NSG_ROWS_REPLAY | NSG_ROWS_TRACE, 12, 0, false},
    {"DIR", "direction", put_value, NSG_ROWS_REPLAY, 7, 0, true},
    {"AGE", "ageSeconds", put_age, NSG_ROWS_FLOWS, 4, 0, false},
    {"PROTO", "protocol", put_value, ALL_KINDS, 5, 0, false},
    {"SOURCE", "src", put_end, ALL_KINDS, 21, 0, false},
    {"DESTINATION", "dst", put_end, ALL_KINDS, 21, 0, false},
    {"VERDICT", "verdict", put_value, DECISIONS, 7, 0, false},
    {"REASON", "reason", put_value, DECISIONS, 17, 0, false},
    {"STATE", "state", put_state, NSG_ROWS_FLOWS, 13, 0, false},
    {"OUT", "Out", put_volume, NSG_ROWS_FLOWS, 14, 0, false},
    {"IN", "In", put_volume, NSG_ROWS_FLOWS, 14, 0, false},
    {"HOST SOURCE", "hostSrc", put_value, NSG_ROWS_TRACE, 15, 0, true},
    {"USER", "uid", put_user, NSG_ROWS_TRACE, 8, 6, true},
    {"COMMAND", "command", put_value, NSG_ROWS_TRACE, 15, 7, true},
    {"GATE", "gate", put_value, DECISIONS, 16, 0, true},
    {"RULE", "nsg.rule", put_rule, ALL_KINDS, 40, 20, false},
    {"ROUTE", "route.prefix", put_route, ALL_KINDS, 64, 28, false},
};

void nsg_rows_begin(struct nsg_rows *rows, enum nsg_rows_kind kind, const struct nsg_term *term,
		    FILE *out)
{
	struct nsg_layout_cell cells[NSG_ROWS_COLUMNS] = {0};
	size_t n = 0;

	*rows = (struct nsg_rows){.out = out, .term = term, .day = -1};
	for (size_t i = 0; i < NSG_ARRAY_SIZE(columns); i++) {
		const struct nsg_rows_column *c = &columns[i];

		if (!(c->kinds & kind) ||
		    (c->wide && term->columns && term->columns < WIDE_COLUMNS))
			continue;
		cells[n].text = c->title;
		rows->columns[n] = c;
		rows->fields[n++] =
		    (struct nsg_field){.width = c->width, .least = c->least, .whole = !c->least};
	}
	rows->layout = (struct nsg_layout){.fields = rows->fields, .n = n, .gap = 1, .hang = 4};
	nsg_layout_fit(&rows->layout, term->columns);
	/* Output that is not for a terminal has whole names. */
	for (size_t i = 0; !term->columns && i < n; i++)
		rows->fields[i].whole = true;
	nsg_layout_put(&rows->layout, cells, false, out);
}

static void put_date(struct nsg_rows *rows, const json_t *item)
{
	char fraction[5], text[64];
	struct tm tm;

	if (!read_time(item, &tm, fraction) ||
	    (tm.tm_year == rows->year && tm.tm_yday == rows->day))
		return;
	rows->year = tm.tm_year;
	rows->day = tm.tm_yday;
	if (strftime(text, sizeof(text), "%A %-d %B %Y, %Z", &tm))
		fprintf(rows->out, "%s\n", text);
}

void nsg_rows_put(struct nsg_rows *rows, const json_t *item)
{
	char text[NSG_ROWS_COLUMNS][CELL_BYTES];
	struct nsg_layout_cell cells[NSG_ROWS_COLUMNS] = {0};
	const char *error = json_string_value(json_object_get(item, "error"));
	size_t n = rows->layout.n;

	put_date(rows, item);
	if (error) {
		put_value(item, "id", text[0]);
		nsg_text(rows->out, text[0], rows->fields[0].width + 1);
		nsg_color(rows->out, rows->term->color, NSG_COLOR_BAD);
		nsg_text(rows->out, error, 0);
		nsg_color(rows->out, rows->term->color, NSG_COLOR_NONE);
		fputc('\n', rows->out);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct nsg_rows_column *c = rows->columns[i];

		c->put(item, c->path, text[i]);
		cells[i].text = text[i];
		if (strcmp(c->path, "verdict") == 0)
			cells[i].color =
			    strcmp(text[i], "accept") == 0 ? NSG_COLOR_GOOD : NSG_COLOR_BAD;
		if (c->put == put_state && !json_is_true(json_object_get(item, "answered")))
			cells[i].color = NSG_COLOR_BAD;
	}
	nsg_layout_put(&rows->layout, cells, rows->term->color, rows->out);
}
