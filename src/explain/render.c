/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "explain/render.h"
#include "explain/table.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/macro.h"
#include "util/text.h"

#define LABEL_COLUMNS 10

static enum nsg_color verdict_color(const char *verdict)
{
	return strcmp(verdict, "accept") == 0 ? NSG_COLOR_GOOD : NSG_COLOR_BAD;
}

/* ---- explain: the story ------------------------------------------------------------------- */

static void put_label(FILE *out, bool color, const char *label)
{
	nsg_color(out, color, NSG_COLOR_STRONG);
	nsg_text(out, label, LABEL_COLUMNS);
	nsg_color(out, color, NSG_COLOR_NONE);
}

static void put_line(FILE *out, bool color, const char *label, const char *text)
{
	put_label(out, color, label);
	nsg_text(out, text, 0);
	fputc('\n', out);
}

static void put_end(FILE *out, const json_t *item, const char *addr_key, const char *port_key)
{
	const char *addr = nsg_string_at(item, addr_key);
	json_int_t port = json_integer_value(nsg_at(item, port_key));
	bool brackets = strchr(addr, ':') && port;

	fputs(brackets ? "[" : "", out);
	nsg_text(out, addr, 0);
	fputs(brackets ? "]" : "", out);
	if (port)
		fprintf(out, ":%" JSON_INTEGER_FORMAT, port);
}

static void put_flow(FILE *out, const json_t *item)
{
	cleanup_free char *protocol = nsg_cell(nsg_at(item, "protocol"));

	nsg_text(out, protocol ? protocol : "", 0);
	fputc(' ', out);
	put_end(out, item, "src", "srcPort");
	fputs(" -> ", out);
	put_end(out, item, "dst", "dstPort");
	fputc('\n', out);
}

static void put_tags(FILE *out, const json_t *tags, bool color)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		const char *origin = nsg_string_at(tag, "origin");

		put_label(out, color, i ? "" : "tags");
		nsg_text(out, nsg_string_at(tag, "tag"), 36);
		fputc(' ', out);
		nsg_text(out, nsg_string_at(tag, "prefix"), *origin ? 19 : 0);
		nsg_text(out, origin, 0);
		fputc('\n', out);
	}
}

/* "sourcePorts" becomes "source ports". */
static void put_failed(FILE *out, const json_t *fields)
{
	const json_t *field;
	size_t i;

	json_array_foreach(fields, i, field)
	{
		cleanup_free char *name = nsg_cell(field);
		char *ports = name ? strstr(name, "Ports") : NULL;

		fputs(i ? ", " : "", out);
		if (ports)
			*ports = '\0';
		nsg_text(out, name ? name : "", 0);
		fputs(ports ? " ports" : "", out);
	}
}

static void put_rule(FILE *out, const json_t *rule, bool color)
{
	bool matched = json_is_true(nsg_at(rule, "matched"));
	const char *access = nsg_string_at(rule, "access");

	fprintf(out, "%*s", LABEL_COLUMNS, "");
	nsg_color(out, color && matched,
		  strcmp(access, "Deny") == 0 ? NSG_COLOR_BAD : NSG_COLOR_GOOD);
	fprintf(out, "%s %5" JSON_INTEGER_FORMAT " ", matched ? ">" : " ",
		json_integer_value(nsg_at(rule, "priority")));
	nsg_text(out, access, 6);
	nsg_text(out, nsg_string_at(rule, "rule"), 44);
	nsg_color(out, color && matched, NSG_COLOR_NONE);
	fputc(' ', out);
	nsg_text(out, nsg_string_at(rule, "protocol"), 0);
	fputc(' ', out);
	nsg_text(out, nsg_string_at(rule, "source"), 0);
	fputc(':', out);
	nsg_text(out, nsg_string_at(rule, "sourcePorts"), 0);
	fputs(" -> ", out);
	nsg_text(out, nsg_string_at(rule, "destination"), 0);
	fputc(':', out);
	nsg_text(out, nsg_string_at(rule, "destinationPorts"), 0);
	nsg_color(out, color, NSG_COLOR_FAINT);
	fputs(matched ? "  matches" : "  no match: ", out);
	put_failed(out, nsg_at(rule, "failed"));
	nsg_color(out, color, NSG_COLOR_NONE);
	fputc('\n', out);
}

static void put_route(FILE *out, const json_t *route, bool color)
{
	bool selected = json_is_true(nsg_at(route, "selected"));
	cleanup_free char *hops = nsg_cell(nsg_at(route, "nextHopIpAddress"));
	const char *tag = nsg_string_at(route, "tag");

	fprintf(out, "%*s", LABEL_COLUMNS, "");
	nsg_color(out, color && selected, NSG_COLOR_STRONG);
	fputs(selected ? "> " : "  ", out);
	nsg_text(out, nsg_string_at(route, "prefix"), 19);
	nsg_text(out, nsg_string_at(route, "source"), 0);
	fputc(' ', out);
	nsg_text(out, nsg_string_at(route, "name"), 0);
	fputs(*nsg_string_at(route, "name") ? ": " : "", out);
	nsg_text(out, nsg_string_at(route, "nextHopType"), 0);
	if (hops && *hops) {
		fputc(' ', out);
		nsg_text(out, hops, 0);
	}
	nsg_color(out, color && selected, NSG_COLOR_NONE);
	if (*tag) {
		fputs(" (from ", out);
		nsg_text(out, tag, 0);
		fputc(')', out);
	}
	nsg_color(out, color, NSG_COLOR_FAINT);
	fputs("  ", out);
	nsg_text(out, nsg_string_at(route, "text"), 0);
	fputc('\n', out);
	nsg_color(out, color, NSG_COLOR_NONE);
}

static void put_verdict(FILE *out, const json_t *item, bool color)
{
	const char *verdict = nsg_string_at(item, "verdict");

	put_label(out, color, "verdict");
	nsg_color(out, color, verdict_color(verdict));
	nsg_text(out, verdict, 0);
	nsg_color(out, color, NSG_COLOR_NONE);
	fputs(", ", out);
	nsg_text(out, nsg_string_at(item, "reason"), 0);
	fputc('\n', out);
}

static void put_far_end(FILE *out, const json_t *far_end, bool color)
{
	cleanup_free char *addresses = nsg_cell(nsg_at(far_end, "addresses"));

	put_label(out, color, "far end");
	if (addresses && *addresses) {
		nsg_text(out, addresses, 0);
		fputs(": ", out);
	}
	nsg_text(out, nsg_string_at(far_end, "text"), 0);
	fputc('\n', out);
}

static void put_note(FILE *out, const json_t *note, bool color)
{
	cleanup_free char *text = nsg_cell(note);

	put_line(out, color, "note", text ? text : "");
}

static void put_story(FILE *out, const json_t *item, bool color)
{
	const json_t *story = nsg_at(item, "story");
	const json_t *element;
	size_t i;

	put_flow(out, item);
	put_label(out, color, "gate");
	nsg_text(out, nsg_string_at(item, "gate"), 0);
	fputs(": ", out);
	nsg_text(out, nsg_string_at(story, "gate.text"), 0);
	fputc('\n', out);
	put_tags(out, nsg_at(story, "tags"), color);
	if (nsg_at(story, "admin"))
		put_line(out, color, "admin", nsg_string_at(story, "admin.text"));
	json_array_foreach(nsg_at(story, "admin.rules"), i, element) put_rule(out, element, color);
	put_line(out, color, "NSG", nsg_string_at(story, "nsg"));
	json_array_foreach(nsg_at(story, "rules"), i, element) put_rule(out, element, color);
	put_line(out, color, "routes",
		 json_array_size(nsg_at(story, "routes")) ? "that cover the destination"
							  : "not evaluated");
	json_array_foreach(nsg_at(story, "routes"), i, element) put_route(out, element, color);
	if (json_is_object(nsg_at(story, "nextHop")))
		put_line(out, color, "next hop", nsg_string_at(story, "nextHop.text"));
	put_verdict(out, item, color);
	put_far_end(out, nsg_at(story, "farEnd"), color);
	json_array_foreach(nsg_at(story, "notices"), i, element) put_note(out, element, color);
}

/* ---- az's tables ---------------------------------------------------------------------------- */

static void put_flow_test(FILE *out, const json_t *item, const struct nsg_term *term)
{
	static const struct nsg_column columns[] = {
	    {"Access", "access"},
	    {"RuleName", "ruleName"},
	    {"Gate", "gate"},
	};
	cleanup_json json_t *rows = json_pack("[O]", item);

	nsg_table(out, rows, columns, NSG_ARRAY_SIZE(columns), 0, term);
}

static void put_next_hop(FILE *out, const json_t *item, const struct nsg_term *term)
{
	static const struct nsg_column columns[] = {
	    {"NextHopIpAddress", "nextHopIpAddress"},
	    {"NextHopType", "nextHopType"},
	    {"RouteTableId", "routeTableId"},
	};
	cleanup_json json_t *rows = json_pack("[O]", item);

	nsg_table(out, rows, columns, NSG_ARRAY_SIZE(columns), 0, term);
}

static void put_effective_routes(FILE *out, const json_t *item, const struct nsg_term *term)
{
	static const struct nsg_column columns[] = {
	    {"Source", "source"},
	    {"State", "state"},
	    {"Address Prefix", "addressPrefix"},
	    {"Next Hop Type", "nextHopType"},
	    {"Next Hop IP", "nextHopIpAddress"},
	};

	nsg_table(out, nsg_at(item, "value"), columns, NSG_ARRAY_SIZE(columns), 0, term);
}

static const char *last_segment(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash ? slash + 1 : id;
}

/* One row per rule; az prints the columns of the group in its first row only. */
static json_t *effective_rule_rows(const json_t *groups)
{
	cleanup_json json_t *rows = json_array();
	const json_t *group;
	json_t *rule;
	size_t g, i;

	json_array_foreach(groups, g, group)
	{
		const char *subnet = last_segment(nsg_string_at(group, "association.subnet.id"));
		const char *nsg = last_segment(nsg_string_at(group, "networkSecurityGroup.id"));

		json_array_foreach(nsg_at(group, "effectiveSecurityRules"), i, rule)
		{
			json_t *row = NSG_JSON_OBJECT(
			    PAIR_S("nic", i ? " " : "-"), PAIR_S("subnet", i ? " " : subnet),
			    PAIR_S("nsg", i ? " " : nsg), PAIR_J("rule", json_incref(rule)));

			if (json_array_append_new(rows, row) < 0)
				return NULL;
		}
	}
	return TAKE_PTR(rows);
}

static void put_effective_nsg(FILE *out, const json_t *item, const struct nsg_term *term)
{
	static const struct nsg_column columns[] = {
	    {"NIC", "nic"},
	    {"Subnet", "subnet"},
	    {"NSG", "nsg"},
	    {"Rule Name", "rule.name"},
	    {"Protocol", "rule.protocol"},
	    {"Direction", "rule.direction"},
	    {"Access", "rule.access"},
	};
	cleanup_json json_t *rows = effective_rule_rows(nsg_at(item, "value"));

	nsg_table(out, rows, columns, NSG_ARRAY_SIZE(columns), 0, term);
}

/* ---- any value ------------------------------------------------------------------------------ */

static void put_tree(FILE *out, const json_t *value, size_t indent, const struct nsg_term *term);

static bool is_block(const json_t *value)
{
	if (json_is_object(value))
		return json_object_size(value) > 0;
	return json_is_object(json_array_get(value, 0));
}

/* Whether the members of every element fit table cells. */
static bool is_flat(const json_t *array)
{
	const json_t *row, *value;
	const char *key;
	size_t i;

	json_array_foreach(array, i, row)
	{
		json_object_foreach((json_t *)(uintptr_t)row, key, value)
		{
			if (is_block(value))
				return false;
		}
	}
	return true;
}

/* Objects as a table with the columns of the first one, or below one another. */
static void put_rows(FILE *out, const json_t *array, size_t indent, const struct nsg_term *term)
{
	struct nsg_column columns[NSG_MAX_COLUMNS];
	const json_t *row, *value;
	const char *key;
	size_t i, n = 0;

	if (!is_flat(array)) {
		json_array_foreach(array, i, row) put_tree(out, row, indent, term);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)json_array_get(array, 0), key, value)
	{
		if (n < NSG_MAX_COLUMNS && key)
			columns[n++] = (struct nsg_column){.title = key, .path = key};
	}
	nsg_table(out, array, columns, n, indent, term);
}

static void put_member(FILE *out, const char *key, const json_t *value, size_t width, size_t indent,
		       const struct nsg_term *term)
{
	cleanup_free char *cell = NULL;

	fprintf(out, "%*s", (int)indent, "");
	nsg_color(out, term->color, NSG_COLOR_STRONG);
	nsg_text(out, key, is_block(value) ? 0 : width);
	nsg_color(out, term->color, NSG_COLOR_NONE);
	if (is_block(value)) {
		fputc('\n', out);
		put_tree(out, value, indent + 2, term);
		return;
	}
	cell = nsg_cell(value);
	if (cell && *cell)
		fputs("  ", out);
	nsg_text(out, cell ? cell : "", 0);
	fputc('\n', out);
}

static void put_tree(FILE *out, const json_t *value, size_t indent, const struct nsg_term *term)
{
	cleanup_free char *cell = NULL;
	const json_t *member;
	const char *key;
	size_t width = 0;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, member)
		{
			if (!is_block(member) && strlen(key) > width)
				width = strlen(key);
		}
		json_object_foreach((json_t *)(uintptr_t)value, key, member)
		    put_member(out, key, member, width, indent, term);
	} else if (is_block(value)) {
		put_rows(out, value, indent, term);
	} else {
		cell = nsg_cell(value);
		fprintf(out, "%*s", (int)indent, "");
		nsg_text(out, cell ? cell : "", 0);
		fputc('\n', out);
	}
}

static void put_item(const char *verb, const json_t *item, const struct nsg_term *term, FILE *out)
{
	static const struct {
		const char *verb;
		void (*put)(FILE *out, const json_t *item, const struct nsg_term *term);
	} writers[] = {
	    {"test-ip-flow", put_flow_test},
	    {"show-next-hop", put_next_hop},
	    {"effective-nsg", put_effective_nsg},
	    {"effective-routes", put_effective_routes},
	};

	if (strcmp(verb, "explain") == 0 && nsg_at(item, "story")) {
		put_story(out, item, term->color);
		return;
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(writers); i++) {
		if (strcmp(writers[i].verb, verb) == 0) {
			writers[i].put(out, item, term);
			return;
		}
	}
	put_tree(out, item, 0, term);
}

void nsg_render(const char *verb, const json_t *item, const struct nsg_term *term, FILE *out)
{
	cleanup_free char *text = NULL;
	size_t size;
	FILE *whole = open_memstream(&text, &size);

	if (!whole)
		return;
	put_item(verb, item, term, whole);
	if (nsg_text_end(whole, &text))
		nsg_wrap(out, text, LABEL_COLUMNS, term->columns);
}
