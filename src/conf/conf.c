/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table has every key, the reader of its value and whether a change needs a restart. inih
 * splits the lines. It does not pass line numbers to its handler, so the function that feeds it
 * counts the lines: the handler runs before the next line is read.
 */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include <linux/rtnetlink.h>

#include "conf/value_priv.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

struct parser {
	struct nsg_conf *conf;
	struct nsg_diag *diag;
	FILE *file;
	uint32_t line;
	bool indented;		      /* the current line starts with a blank */
	bool failed;		      /* -ENOMEM */
	bool refused;		      /* the current section is unknown, and that was reported */
	bool elsewhere;		      /* the current section names nothing in the kernel */
	bool names_failed;	      /* an error while `elsewhere` was false */
	struct nsg_conf_nexthop *hop; /* of the current section; NULL: none or invalid */
};

struct key {
	const char *section, *name;
	const char *(*set)(struct nsg_conf *c, const char *value, size_t offset); /* value_priv.h */
	size_t offset;
	bool is_list, restart;
};

#define CONF(field) offsetof(struct nsg_conf, field)

static const struct key keys[] = {
    {"nsgd", "instance", nsg_conf_set_instance, CONF(instance), .restart = true},
    {"nsgd", "mode", nsg_conf_set_mode, CONF(audit), .restart = true},
    {"subnet", "policy", nsg_conf_set_path, CONF(policy)},
    {"subnet", "subnet", nsg_conf_set_string, CONF(subnet)},
    {"subnet", "profile", nsg_conf_set_profile, CONF(profile)},
    {"subnet", "platform", nsg_conf_set_platform, CONF(platform)},
    {"subnet", "endpoint-precedence", nsg_conf_set_precedence, CONF(endpoint_lab)},
    {"subnet", "watch", nsg_conf_set_bool, CONF(watch), .restart = true},
    {"subnet", "address", nsg_conf_set_instance_address, CONF(address_host)},
    {"capture", "hook", nsg_conf_set_hook, 0, .restart = true},
    {"capture", "interfaces", nsg_conf_set_interfaces, CONF(interfaces), true, true},
    {"capture", "users", nsg_conf_set_strings, CONF(users), true, true},
    {"capture", "cgroups", nsg_conf_set_cgroups, CONF(cgroups), true, true},
    {"capture", "exclude", nsg_conf_set_prefixes, 0, true, true},
    {"capture", "ipv6", nsg_conf_set_ip6, CONF(ip6), .restart = true},
    {"queue", "first", nsg_conf_set_queue, CONF(queue_first), .restart = true},
    {"queue", "workers", nsg_conf_set_workers, CONF(workers), .restart = true},
    {"queue", "length", nsg_conf_set_length, CONF(queue_length), .restart = true},
    {"queue", "overflow", nsg_conf_set_fate, CONF(overflow_accept), .restart = true},
    {"queue", "daemon-down", nsg_conf_set_fate, CONF(down_accept), .restart = true},
    {"offload", "established", nsg_conf_set_bool, CONF(offload), .restart = true},
    {"offload", "answers", nsg_conf_set_bool, CONF(answers), .restart = true},
    {"offload", "answers-seconds", nsg_conf_set_answers_seconds, CONF(answers_seconds),
     .restart = true},
    {"offload", "denied-seconds", nsg_conf_set_denied_seconds, CONF(denied_seconds),
     .restart = true},
    {"route", "mark-mask", nsg_conf_set_mask, CONF(mark_mask), .restart = true},
    {"route", "table-base", nsg_conf_set_table_base, CONF(table_base), .restart = true},
    {"route", "rule-priority", nsg_conf_set_rule_priority, CONF(rule_priority), .restart = true},
    {"snat", "vnet", nsg_conf_set_snat_vnet, CONF(snat_vnet_host), .restart = true},
    {"snat", "internet", nsg_conf_set_snat_internet, CONF(snat_internet_host), .restart = true},
    {"bgp", "table", nsg_conf_set_bgp_table, CONF(bgp_table), .restart = true},
    {"bgp", "protocol", nsg_conf_set_bgp_protocols, 0, true, true},
    {"log", "level", nsg_conf_set_level, CONF(log_level)},
    {"log", "decisions", nsg_conf_set_decisions, CONF(log_decisions)},
    {"flow-log", "directory", nsg_conf_set_directory, CONF(flow_log_directory), .restart = true},
    {"flow-log", "format", nsg_conf_set_flow_format, CONF(flow_log_nsg), .restart = true},
    {"metrics", "textfile", nsg_conf_set_textfile, CONF(metrics_textfile), .restart = true},
};
_Static_assert(NSG_ARRAY_SIZE(keys) <= NSG_CONF_MAX_KEYS, "values[] holds every key");

static const struct key *key_find(const char *section, const char *name, bool *ret_section_known)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].section, section))
			continue;
		*ret_section_known = true;
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	}
	return NULL;
}

static void complain(struct parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void complain(struct parser *p, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;

	p->names_failed |= !p->elsewhere;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	(void)nsg_diag_line(p->diag, NSG_ERROR, p->conf->path, p->line, NULL, "%s",
			    text ? text : "out of memory");
}

/* The text between the quotes of `nexthop "TEXT"`, malloc'ed; NULL for any other section. */
static char *nexthop_name(const char *section)
{
	const char *name = section + strlen("nexthop");
	size_t n;

	if (strncmp(section, "nexthop", strlen("nexthop")))
		return NULL;
	name += strspn(name, " \t");
	n = strlen(name);
	if (n < 3 || name[0] != '"' || name[n - 1] != '"')
		return NULL;
	return strndup(name + 1, n - 2);
}

static void nexthop_begin(struct parser *p, const char *name)
{
	struct nsg_conf *c = p->conf;
	struct nsg_conf_nexthop h = {.line = p->line}, *v;

	h.is_ip = !nsg_ip4_parse(name, &h.ip_host);
	if (!h.is_ip && (nsg_hop_type_parse(name, &h.type) || h.type == NSG_HOP_NONE)) {
		complain(p, "\"%s\" is not an IPv4 address or a next hop type", name);
		return;
	}
	for (size_t i = 0; i < c->n_nexthops; i++)
		if (c->nexthops[i].is_ip == h.is_ip &&
		    (h.is_ip ? c->nexthops[i].ip_host == h.ip_host : c->nexthops[i].type == h.type))
			complain(p, "duplicate section for next hop \"%s\"", name);
	v = nsg_arena_array(&c->arena, c->n_nexthops + 1, sizeof(*v));
	if (!v) {
		p->failed = true;
		return;
	}
	if (c->n_nexthops)
		memcpy(v, c->nexthops, c->n_nexthops * sizeof(*v));
	v[c->n_nexthops++] = h;
	c->nexthops = v;
	p->hop = &v[c->n_nexthops - 1];
}

static void nexthop_set(struct parser *p, const char *name, const char *value)
{
	struct nsg_conf_nexthop *h = p->hop;

	if (!h) /* its section is invalid */
		return;
	if (!strcmp(name, "via") && !h->has_via) {
		h->has_via = true;
		if (nsg_ip4_parse(value, &h->via_host))
			complain(p, "via: \"%s\" is not a valid IPv4 address", value);
	} else if (!strcmp(name, "dev") && !h->dev) {
		h->dev = nsg_arena_strdup(&p->conf->arena, value);
		if (!h->dev)
			p->failed = true;
		if (!nsg_conf_is_interface(value))
			complain(p, "dev: \"%s\" is not a valid interface name", value);
	} else if (!strcmp(name, "via") || !strcmp(name, "dev")) {
		complain(p, "%s is set twice in this section", name);
	} else {
		complain(p, "unknown key \"%s\" in a nexthop section (via, dev)", name);
	}
}

static void value_set(struct parser *p, const char *section, const char *name, const char *value)
{
	bool section_known = false;
	const struct key *k = key_find(section, name, &section_known);
	struct nsg_conf_value *seen;
	const char *complaint;

	if (!k) {
		if (section_known)
			complain(p, "unknown key \"%s\" in section [%s]", name, section);
		else if (!p->refused)
			complain(p, "unknown section [%s]", section);
		return;
	}
	seen = &p->conf->values[k - keys];
	if (seen->raw && !(p->indented && k->is_list)) {
		if (p->indented)
			complain(p, "indented line continues %s, which is not a list", name);
		else
			complain(p, "%s is set twice", name);
		return;
	}
	seen->line = p->line;
	seen->raw = nsg_arena_printf(&p->conf->arena, "%s %s", seen->raw ? seen->raw : "", value);
	if (!seen->raw)
		p->failed = true;
	complaint = k->set(p->conf, value, k->offset);
	if (complaint)
		complain(p, "%s: \"%s\" %s", name, value, complaint);
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	cleanup_free char *hop = nexthop_name(section);

	if (hop)
		nexthop_set(p, name, value);
	else
		value_set(p, section, name, value);
	return 1;
}

/*
 * inih ignores text after a section header, and does not call the handler for a section without
 * keys: both are checked here.
 */
static void section_begin(struct parser *p, const char *line)
{
	const char *end = strchr(line, ']');
	cleanup_free char *section = end ? strndup(line + 1, (size_t)(end - line - 1)) : NULL;
	cleanup_free char *hop = section ? nexthop_name(section) : NULL;
	bool known = false;

	p->hop = NULL;
	p->refused = false;
	p->elsewhere = false;
	if (!end) /* inih reports it */
		return;
	end += 1 + strspn(end + 1, " \t\r\n");
	if (*end && *end != ';' && *end != '#')
		complain(p, "unexpected text after section header");
	if (hop) {
		p->elsewhere = true;
		nexthop_begin(p, hop);
		return;
	}
	if (!section) {
		p->failed = true;
		return;
	}
	(void)key_find(section, "", &known);
	p->elsewhere = known && strcmp(section, "nsgd") != 0 && strcmp(section, "route") != 0;
	p->refused = !known;
	if (p->refused)
		complain(p, "unknown section [%s]", section);
}

/* The error in a line as a whole; NULL: none. */
static const char *line_complaint(const char *line, size_t n, int size)
{
	const char *first = line + strspn(line, " \t"), *cr = memchr(line, '\r', n);

	if (strlen(line) != n)
		return "the line contains a NUL byte";
	if (cr && strcmp(cr, "\r\n") && strcmp(cr, "\r"))
		return "the line contains a carriage return";
	if (n > NSG_MAX_CONF_LINE_BYTES || n >= (size_t)size)
		return "the line is longer than 198 bytes; continue a list on an indented line";
	if (first != line && *first == '[')
		return "indented section header";
	return NULL;
}

/* Copies a line to inih's buffer; an invalid one becomes an empty line. */
static char *read_line(char *buffer, int size, void *stream)
{
	struct parser *p = stream;
	cleanup_free char *line = NULL;
	const char *complaint;
	size_t room = 0;
	ssize_t n = getline(&line, &room, p->file);

	if (n < 0) {
		/* no memory for the line: the rest of the file must not be left out */
		p->failed |= !feof(p->file) && !ferror(p->file);
		return NULL;
	}
	p->line++;
	p->indented = *line == ' ' || *line == '\t';
	complaint = line_complaint(line, (size_t)n, size);
	if (complaint) {
		/* this may have been the header of [nsgd] or [route] */
		p->elsewhere &= line[strspn(line, " \t")] != '[';
		complain(p, "%s", complaint);
		return strcpy(buffer, "\n");
	}
	if (*line == '[')
		section_begin(p, line);
	return strcpy(buffer, line);
}

/* Routes of nsgd's own tables are not announced by anyone, and in table main the host's own routes
 * are told apart only by their protocol. */
static void check_bgp(struct parser *p)
{
	struct nsg_conf *c = p->conf;

	p->line = nsg_conf_line(c, "bgp", c->bgp_table ? "table" : "protocol");
	if (!c->bgp_table && !c->bgp_any_protocol)
		complain(p, "[bgp] protocol requires table");
	if (c->bgp_table == RT_TABLE_MAIN && c->bgp_any_protocol)
		complain(p, "[bgp] table = main requires protocol, e.g. protocol = bird");
	if (c->bgp_table >= c->table_base && c->bgp_table - c->table_base <= NSG_MAX_HOPS)
		complain(p, "[bgp] table = %u is used by nsgd itself, see [route] table-base",
			 c->bgp_table);
}

static void check_whole(struct parser *p)
{
	struct nsg_conf *c = p->conf;

	if (c->hook_prerouting && !c->interfaces.n) {
		p->line = nsg_conf_line(c, "capture", "hook");
		complain(p, "[capture] hook = prerouting requires interfaces");
	}
	if (!c->hook_prerouting && c->interfaces.n) {
		p->line = nsg_conf_line(c, "capture", "interfaces");
		complain(p, "[capture] interfaces requires hook = prerouting or both");
	}
	if (!c->hook_output && (c->users.n || c->cgroups.n)) {
		p->line = nsg_conf_line(c, "capture", c->users.n ? "users" : "cgroups");
		complain(p, "[capture] users and cgroups require hook = output or both");
	}
	for (size_t i = 0; i < c->n_nexthops; i++)
		if (!c->nexthops[i].has_via && !c->nexthops[i].dev) {
			p->line = c->nexthops[i].line;
			complain(p, "this next hop needs via or dev");
		}
	check_bgp(p);
	if (c->queue_first + c->workers > 65535) {
		p->line = nsg_conf_line(c, "queue", "first");
		complain(p, "[queue] first + workers exceeds queue number 65534");
	}
}

static struct nsg_conf *conf_new(const char *path)
{
	struct nsg_conf *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->path = nsg_arena_strdup(&c->arena, path);
	if (!c->path)
		return nsg_conf_free(c);
	c->instance = "nsgd";
	c->policy = NSG_SYSCONFDIR "/policy";
	c->profile = "2020-04";
	c->watch = true;
	c->hook_output = true;
	c->queue_length = 32768;
	c->offload = true;
	c->answers = true;
	c->answers_seconds = 60;
	c->denied_seconds = 2;
	c->mark_mask = 0x0fff0000;
	c->table_base = 21000;
	c->rule_priority = 21000;
	c->bgp_any_protocol = true;
	c->log_level = LOG_INFO;
	c->log_decisions = NSG_LOG_DENIED;
	return c;
}

static int load(const char *path, bool may_be_absent, bool names, struct nsg_diag *diag,
		struct nsg_conf **ret)
{
	struct nsg_conf *c = conf_new(path);
	struct parser p = {.conf = c, .diag = diag};
	const size_t errors = diag->n_errors;
	struct stat st;
	int status = 0, fd;

	if (!c)
		return -ENOMEM;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	p.file = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!p.file && !(errno == ENOENT && may_be_absent)) {
		status = -errno;
		(void)nsg_diag_line(diag, NSG_ERROR, path, 0, NULL,
				    errno == ENOENT ? "does not exist; create it (an empty file is "
						      "valid), see nsgd.conf(5)"
						    : "cannot be opened: %m");
	} else if (p.file && !fstat(fd, &st) && !S_ISREG(st.st_mode)) {
		status = nsg_diag_line(diag, NSG_ERROR, path, 0, NULL, "is not a regular file");
	} else if (p.file) {
		int line = ini_parse_stream(read_line, &p, on_value, &p);

		if (line > 0) {
			p.line = (uint32_t)line;
			p.elsewhere = false;
			complain(&p, "expected a section, KEY = VALUE or a comment");
		} else if (line < 0) {
			p.failed = true;
		}
		p.elsewhere = true;
		check_whole(&p);
		if (ferror(p.file))
			status = nsg_diag_line(diag, NSG_ERROR, path, 0, NULL, "cannot be read");
	}
	if (p.file)
		(void)fclose(p.file);
	if (!status && p.failed)
		status = -ENOMEM;
	if (!status && (names ? p.names_failed : diag->n_errors > errors))
		status = -EINVAL;
	if (status)
		(void)nsg_conf_free(c);
	else
		*ret = c;
	return status;
}

int nsg_conf_load(const char *path, bool may_be_absent, struct nsg_diag *diag,
		  struct nsg_conf **ret)
{
	return load(path, may_be_absent, false, diag, ret);
}

int nsg_conf_load_names(const char *path, bool may_be_absent, struct nsg_diag *diag,
			struct nsg_conf **ret)
{
	return load(path, may_be_absent, true, diag, ret);
}

uint32_t nsg_conf_line(const struct nsg_conf *c, const char *section, const char *key)
{
	bool known;
	const struct key *k = key_find(section, key, &known);

	return k ? c->values[k - keys].line : 0;
}

static bool nexthops_equal(const struct nsg_conf *a, const struct nsg_conf *b)
{
	if (a->n_nexthops != b->n_nexthops)
		return false;
	for (size_t i = 0; i < a->n_nexthops; i++) {
		const struct nsg_conf_nexthop *x = &a->nexthops[i], *y = &b->nexthops[i];

		if (x->is_ip != y->is_ip ||
		    (x->is_ip ? x->ip_host != y->ip_host : x->type != y->type) ||
		    x->has_via != y->has_via || x->via_host != y->via_host || !x->dev != !y->dev ||
		    (x->dev && strcmp(x->dev, y->dev)))
			return false;
	}
	return true;
}

void nsg_conf_restart_keys(const struct nsg_conf *before, const struct nsg_conf *after, char *out,
			   size_t size)
{
	FILE *f = fmemopen(out, size, "w");
	const char *comma = "";

	out[0] = '\0';
	if (!f)
		return;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++) {
		const char *a = before->values[i].raw, *b = after->values[i].raw;

		if (keys[i].restart && strcmp(a ? a : "", b ? b : "")) {
			fprintf(f, "%s%s.%s", comma, keys[i].section, keys[i].name);
			comma = ", ";
		}
	}
	if (!nexthops_equal(before, after))
		fprintf(f, "%snexthop", comma);
	(void)fclose(f);
	out[size - 1] = '\0';
}

struct nsg_conf *nsg_conf_free(struct nsg_conf *c)
{
	if (c) {
		nsg_arena_done(&c->arena);
		free(c);
	}
	return NULL;
}
