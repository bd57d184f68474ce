/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table names every key, how its value is read and whether a running daemon can take a new one.
 * inih cuts the lines; it gives its handler no line number, so the reader that feeds it counts them:
 * the handler is called before the next line is read.
 */
#include "conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>

#include "conf/marks.h"
#include "util/cleanup.h"
#include "util/limits.h"

/* Room above rule-priority for every hop's rule and the goto tree's, below main's rule at 32766. */
#define MAX_RULE_PRIORITY 31000u
/* Tables 253 to 255 are the kernel's. */
#define MIN_TABLE_BASE 256u
#define MAX_TABLE_BASE 0x7fff0000u

struct parser {
	struct nsg_conf *conf;
	struct nsg_diag *diag;
	FILE *file;
	uint32_t line;
	bool indented;        /* the line in hand starts with a blank */
	bool failed;          /* -ENOMEM */
	char *section;        /* as last seen, to notice a new one */
	const char *nexthop;  /* kind of the section in hand */
};

struct key {
	const char *section, *name;
	/* Reads value into the conf; a static text of what is wrong with it, or NULL. */
	const char *(*set)(struct parser *p, const char *value, size_t offset);
	size_t offset;
	bool is_list, restart;
};

#define CONF(field) offsetof(struct nsg_conf, field)
#define FIELD(p, offset, type) ((type *)(void *)((char *)(p)->conf + (offset)))

static const char out_of_memory[] = "out of memory";

static const char *set_string(struct parser *p, const char *value, size_t offset)
{
	const char *copy = *value ? nsg_arena_strdup(&p->conf->arena, value) : NULL;

	if (*value && !copy)
		return out_of_memory;
	*FIELD(p, offset, const char *) = copy;
	return NULL;
}

static const char *set_instance(struct parser *p, const char *value, size_t offset)
{
	if (!*value || strlen(value) > NSG_MAX_INSTANCE_LENGTH ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(value) ||
	    !islower((unsigned char)*value))
		return "is no instance name: a small letter, then small letters, digits, _ and -, at most 15";
	return set_string(p, value, offset);
}

static const char *set_path(struct parser *p, const char *value, size_t offset)
{
	return *value ? set_string(p, value, offset) : "is no path";
}

static const char *set_word(struct parser *p, const char *value, size_t offset, const char *false_word,
			    const char *true_word, const char *complaint)
{
	bool is_true = !strcasecmp(value, true_word);

	if (!is_true && strcasecmp(value, false_word))
		return complaint;
	*FIELD(p, offset, bool) = is_true;
	return NULL;
}

static const char *set_bool(struct parser *p, const char *value, size_t offset)
{
	return set_word(p, value, offset, "no", "yes", "is neither yes nor no");
}

static const char *set_mode(struct parser *p, const char *value, size_t offset)
{
	return set_word(p, value, offset, "enforce", "audit", "is neither enforce nor audit");
}

static const char *set_fate(struct parser *p, const char *value, size_t offset)
{
	return set_word(p, value, offset, "drop", "accept", "is neither drop nor accept");
}

static const char *set_precedence(struct parser *p, const char *value, size_t offset)
{
	return set_word(p, value, offset, "doc", "lab", "is neither doc nor lab");
}

static const char *set_profile(struct parser *p, const char *value, size_t offset)
{
	if (strcmp(value, "2020-04") && strcasecmp(value, "current"))
		return "is neither 2020-04 nor current";
	return set_string(p, value, offset);
}

static const char *set_platform(struct parser *p, const char *value, size_t offset)
{
	if (*value && strcasecmp(value, "windows") && strcasecmp(value, "linux"))
		return "is neither windows nor linux";
	return set_string(p, value, offset);
}

static const char *set_hook(struct parser *p, const char *value, size_t offset)
{
	bool both = !strcasecmp(value, "both");

	(void)offset;
	p->conf->hook_output = both || !strcasecmp(value, "output");
	p->conf->hook_prerouting = both || !strcasecmp(value, "prerouting");
	return p->conf->hook_output || p->conf->hook_prerouting ?
		       NULL :
		       "is neither output, prerouting nor both";
}

/* -EINVAL for anything but a decimal or 0x number between the two. */
static int parse_number(const char *value, unsigned long min, unsigned long max, uint32_t *ret)
{
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	n = strtoul(value, &end, value[0] == '0' && (value[1] | 32) == 'x' ? 16 : 10);
	if (errno || *end || n < min || n > max)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

static const char *set_queue(struct parser *p, const char *value, size_t offset)
{
	uint32_t n;

	/* 65535 is the queue that nobody binds: packets sent there vanish in silence. */
	if (parse_number(value, 0, 65534, &n))
		return "is no queue number, 0 to 65534";
	*FIELD(p, offset, uint16_t) = (uint16_t)n;
	return NULL;
}

static const char *set_workers(struct parser *p, const char *value, size_t offset)
{
	if (!strcasecmp(value, "auto"))
		*FIELD(p, offset, uint32_t) = 0;
	else if (parse_number(value, 1, NSG_MAX_WORKERS, FIELD(p, offset, uint32_t)))
		return "is neither auto nor a number from 1 to 64";
	return NULL;
}

static const char *set_length(struct parser *p, const char *value, size_t offset)
{
	return parse_number(value, 64, 1u << 20, FIELD(p, offset, uint32_t)) ?
		       "is no queue length, 64 to 1048576" :
		       NULL;
}

static const char *set_denied_seconds(struct parser *p, const char *value, size_t offset)
{
	return parse_number(value, 0, 3600, FIELD(p, offset, uint32_t)) ?
		       "is no number of seconds, 0 to 3600" :
		       NULL;
}

static const char *set_mask(struct parser *p, const char *value, size_t offset)
{
	struct nsg_marks marks;
	uint32_t mask;

	if (parse_number(value, 1, UINT32_MAX, &mask) || nsg_marks_init(mask, &marks))
		return "is no mark mask: one run of 6 to 19 bits, as 0x0fff0000";
	*FIELD(p, offset, uint32_t) = mask;
	return NULL;
}

static const char *set_table_base(struct parser *p, const char *value, size_t offset)
{
	return parse_number(value, MIN_TABLE_BASE, MAX_TABLE_BASE, FIELD(p, offset, uint32_t)) ?
		       "is no base of routing tables, 256 to 2147418112" :
		       NULL;
}

static const char *set_rule_priority(struct parser *p, const char *value, size_t offset)
{
	return parse_number(value, 1, MAX_RULE_PRIORITY, FIELD(p, offset, uint32_t)) ?
		       "is no rule priority, 1 to 31000" :
		       NULL;
}

static const char *set_address(struct parser *p, const char *value, size_t offset)
{
	return nsg_ip4_parse(value, FIELD(p, offset, uint32_t)) ? "is no IPv4 address" : NULL;
}

static const char *set_optional_address(struct parser *p, const char *value, bool *has,
					size_t offset)
{
	if (!*value)
		return NULL;
	*has = true;
	return set_address(p, value, offset);
}

static const char *set_instance_address(struct parser *p, const char *value, size_t offset)
{
	return set_optional_address(p, value, &p->conf->has_address, offset);
}

static const char *set_snat_vnet(struct parser *p, const char *value, size_t offset)
{
	return set_optional_address(p, value, &p->conf->has_snat_vnet, offset);
}

static const char *set_snat_internet(struct parser *p, const char *value, size_t offset)
{
	return set_optional_address(p, value, &p->conf->has_snat_internet, offset);
}

/* Calls `element` for each word between commas and blanks. */
static const char *each_word(struct parser *p, const char *value, size_t offset,
			     const char *(*element)(struct parser *p, const char *word,
						    size_t offset))
{
	char words[NSG_MAX_CONF_LINE_BYTES + 2], *rest = words;
	const char *complaint = NULL, *word;

	if (strlen(value) >= sizeof(words))
		return "is too long";
	strcpy(words, value);
	while (!complaint && (word = strsep(&rest, ", \t")))
		if (*word)
			complaint = element(p, word, offset);
	return complaint;
}

static const char *add_string(struct parser *p, const char *word, size_t offset)
{
	struct nsg_conf_strings *list = FIELD(p, offset, struct nsg_conf_strings);
	const char **v, *copy;

	if (list->n >= NSG_MAX_CONF_LIST)
		return "makes the list longer than 1024";
	v = nsg_arena_array(&p->conf->arena, list->n + 1, sizeof(*v));
	copy = nsg_arena_strdup(&p->conf->arena, word);
	if (!v || !copy)
		return out_of_memory;
	if (list->n)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n] = copy;
	*list = (struct nsg_conf_strings){ .v = v, .n = list->n + 1 };
	return NULL;
}

static const char *add_interface(struct parser *p, const char *word, size_t offset)
{
	if (strlen(word) > 15 || strchr(word, '/') || !strcmp(word, ".") || !strcmp(word, ".."))
		return "is no interface name";
	return add_string(p, word, offset);
}

static const char *add_prefix(struct parser *p, const char *word, size_t offset)
{
	struct nsg_prefix prefix, *v;
	bool masked;

	(void)offset;
	if (nsg_prefix_parse(word, &prefix, &masked) != NSG_PREFIX_IP4 || masked)
		return "is no list of IPv4 prefixes";
	if (p->conf->n_excludes >= NSG_MAX_CONF_LIST)
		return "makes the list longer than 1024";
	v = nsg_arena_array(&p->conf->arena, p->conf->n_excludes + 1, sizeof(*v));
	if (!v)
		return out_of_memory;
	if (p->conf->n_excludes)
		memcpy(v, p->conf->excludes, p->conf->n_excludes * sizeof(*v));
	v[p->conf->n_excludes++] = prefix;
	p->conf->excludes = v;
	return NULL;
}

static const char *set_interfaces(struct parser *p, const char *value, size_t offset)
{
	return each_word(p, value, offset, add_interface);
}

static const char *set_strings(struct parser *p, const char *value, size_t offset)
{
	return each_word(p, value, offset, add_string);
}

static const char *set_prefixes(struct parser *p, const char *value, size_t offset)
{
	return each_word(p, value, offset, add_prefix);
}

static const char *set_level(struct parser *p, const char *value, size_t offset)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = { { "error", LOG_ERR },
		       { "warning", LOG_WARNING },
		       { "notice", LOG_NOTICE },
		       { "info", LOG_INFO },
		       { "debug", LOG_DEBUG } };

	for (size_t i = 0; i < NSG_ARRAY_SIZE(levels); i++)
		if (!strcasecmp(value, levels[i].name)) {
			*FIELD(p, offset, int) = levels[i].level;
			return NULL;
		}
	return "is none of error, warning, notice, info, debug";
}

static const char *set_decisions(struct parser *p, const char *value, size_t offset)
{
	static const char *const words[] = {
		[NSG_LOG_NONE] = "none", [NSG_LOG_DENIED] = "denied", [NSG_LOG_ALL] = "all"
	};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(words); i++)
		if (!strcasecmp(value, words[i])) {
			*FIELD(p, offset, enum nsg_conf_log_decisions) =
				(enum nsg_conf_log_decisions)i;
			return NULL;
		}
	return "is none of none, denied, all";
}

static const struct key keys[] = {
	{ "nsgd", "instance", set_instance, CONF(instance), .restart = true },
	{ "nsgd", "mode", set_mode, CONF(audit), .restart = true },
	{ "subnet", "policy", set_path, CONF(policy) },
	{ "subnet", "subnet", set_string, CONF(subnet) },
	{ "subnet", "profile", set_profile, CONF(profile) },
	{ "subnet", "platform", set_platform, CONF(platform) },
	{ "subnet", "endpoint-precedence", set_precedence, CONF(endpoint_lab) },
	{ "subnet", "watch", set_bool, CONF(watch), .restart = true },
	{ "subnet", "address", set_instance_address, CONF(address_host) },
	{ "capture", "hook", set_hook, 0, .restart = true },
	{ "capture", "interfaces", set_interfaces, CONF(interfaces), true, true },
	{ "capture", "users", set_strings, CONF(users), true, true },
	{ "capture", "cgroups", set_strings, CONF(cgroups), true, true },
	{ "capture", "exclude", set_prefixes, 0, true, true },
	{ "queue", "first", set_queue, CONF(queue_first), .restart = true },
	{ "queue", "workers", set_workers, CONF(workers), .restart = true },
	{ "queue", "length", set_length, CONF(queue_length), .restart = true },
	{ "queue", "overflow", set_fate, CONF(overflow_accept), .restart = true },
	{ "queue", "daemon-down", set_fate, CONF(down_accept), .restart = true },
	{ "offload", "established", set_bool, CONF(offload), .restart = true },
	{ "offload", "denied-seconds", set_denied_seconds, CONF(denied_seconds), .restart = true },
	{ "route", "mark-mask", set_mask, CONF(mark_mask), .restart = true },
	{ "route", "table-base", set_table_base, CONF(table_base), .restart = true },
	{ "route", "rule-priority", set_rule_priority, CONF(rule_priority), .restart = true },
	{ "snat", "vnet", set_snat_vnet, CONF(snat_vnet_host), .restart = true },
	{ "snat", "internet", set_snat_internet, CONF(snat_internet_host), .restart = true },
	{ "log", "level", set_level, CONF(log_level) },
	{ "log", "decisions", set_decisions, CONF(log_decisions) },
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

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	(void)nsg_diag_line(p->diag, NSG_ERROR, p->conf->path, p->line, NULL, "%s",
			    text ? text : out_of_memory);
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
	struct nsg_conf_nexthop h = { .line = p->line }, *v;

	h.is_ip = !nsg_ip4_parse(name, &h.ip_host);
	if (!h.is_ip && (nsg_hop_type_parse(name, &h.type) || h.type == NSG_HOP_NONE)) {
		complain(p, "\"%s\" is neither an IPv4 address nor a next hop type", name);
		return;
	}
	for (size_t i = 0; i < c->n_nexthops; i++)
		if (c->nexthops[i].is_ip == h.is_ip &&
		    (h.is_ip ? c->nexthops[i].ip_host == h.ip_host : c->nexthops[i].type == h.type))
			complain(p, "next hop \"%s\" has a section already", name);
	v = nsg_arena_array(&c->arena, c->n_nexthops + 1, sizeof(*v));
	if (!v) {
		p->failed = true;
		return;
	}
	if (c->n_nexthops)
		memcpy(v, c->nexthops, c->n_nexthops * sizeof(*v));
	v[c->n_nexthops++] = h;
	c->nexthops = v;
}

static void nexthop_set(struct parser *p, const char *name, const char *value)
{
	struct nsg_conf *c = p->conf;
	struct nsg_conf_nexthop *h = c->n_nexthops ? &c->nexthops[c->n_nexthops - 1] : NULL;

	if (!h) /* its section was refused */
		return;
	if (!strcmp(name, "via") && !h->has_via) {
		h->has_via = true;
		if (nsg_ip4_parse(value, &h->via_host))
			complain(p, "via: \"%s\" is no IPv4 address", value);
	} else if (!strcmp(name, "dev") && !h->dev) {
		h->dev = nsg_arena_strdup(&c->arena, value);
		if (!*value || strlen(value) > 15)
			complain(p, "dev: \"%s\" is no interface name", value);
	} else if (!strcmp(name, "via") || !strcmp(name, "dev")) {
		complain(p, "%s stands twice in this section", name);
	} else {
		complain(p, "unknown key \"%s\" in a next hop's section: via, dev", name);
	}
}

static void value_set(struct parser *p, const char *section, const char *name, const char *value)
{
	bool section_known = false;
	const struct key *k = key_find(section, name, &section_known);
	struct nsg_conf_value *seen;
	const char *complaint;

	if (!k) {
		if (!strcmp(section, "flow-log"))
			complain(p, "[flow-log] %s: flow logs are not part of this version", name);
		else if (section_known)
			complain(p, "unknown key \"%s\" in section [%s]", name, section);
		else
			complain(p, "unknown section [%s]", section);
		return;
	}
	seen = &p->conf->values[k - keys];
	if (seen->raw && !(p->indented && k->is_list)) {
		if (p->indented)
			complain(p, "this indented line goes on with %s, which is no list", name);
		else
			complain(p, "%s stands twice", name);
		return;
	}
	seen->line = p->line;
	seen->raw = nsg_arena_printf(&p->conf->arena, "%s %s", seen->raw ? seen->raw : "", value);
	if (!seen->raw)
		p->failed = true;
	complaint = k->set(p, value, k->offset);
	if (complaint)
		complain(p, "%s: \"%s\" %s", name, value, complaint);
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	cleanup_free char *hop = nexthop_name(section);

	if (!hop) {
		value_set(p, section, name, value);
	} else {
		if (!p->section || strcmp(p->section, section))
			nexthop_begin(p, hop);
		nexthop_set(p, name, value);
	}
	free(p->section);
	p->section = strdup(section);
	return 1;
}

/* A line into inih's buffer; one that does not fit is an error and passed over. */
static char *read_line(char *buffer, int size, void *stream)
{
	struct parser *p = stream;
	cleanup_free char *line = NULL;
	size_t room = 0;
	ssize_t n = getline(&line, &room, p->file);

	if (n < 0)
		return NULL;
	p->line++;
	p->indented = *line == ' ' || *line == '\t';
	if (strlen(line) != (size_t)n) {
		complain(p, "the line holds a NUL byte");
		strcpy(line, "\n");
	} else if (n > (ssize_t)NSG_MAX_CONF_LINE_BYTES || n >= size) {
		complain(p, "the line is longer than 198 bytes; a list may go on in an indented line");
		strcpy(line, "\n");
	}
	return strcpy(buffer, line);
}

static void check_whole(struct parser *p)
{
	struct nsg_conf *c = p->conf;

	if (c->hook_prerouting && !c->interfaces.n) {
		p->line = nsg_conf_line(c, "capture", "hook");
		complain(p, "[capture] hook takes forwarded traffic: interfaces must say from where");
	}
	if (!c->hook_prerouting && c->interfaces.n) {
		p->line = nsg_conf_line(c, "capture", "interfaces");
		complain(p, "[capture] interfaces are for hook = prerouting or both");
	}
	if (!c->hook_output && (c->users.n || c->cgroups.n)) {
		p->line = nsg_conf_line(c, "capture", c->users.n ? "users" : "cgroups");
		complain(p, "[capture] users and cgroups are for hook = output or both");
	}
	for (size_t i = 0; i < c->n_nexthops; i++)
		if (!c->nexthops[i].has_via && !c->nexthops[i].dev) {
			p->line = c->nexthops[i].line;
			complain(p, "this next hop has neither via nor dev");
		}
	if (c->queue_first + c->workers > 65535) {
		p->line = nsg_conf_line(c, "queue", "first");
		complain(p, "[queue] first + workers passes queue 65534");
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
	c->denied_seconds = 2;
	c->mark_mask = 0x0fff0000;
	c->table_base = 21000;
	c->rule_priority = 21000;
	c->log_level = LOG_INFO;
	c->log_decisions = NSG_LOG_DENIED;
	return c;
}

int nsg_conf_load(const char *path, bool may_be_absent, struct nsg_diag *diag, struct nsg_conf **ret)
{
	struct nsg_conf *c = conf_new(path);
	struct parser p = { .conf = c, .diag = diag };
	const size_t errors = diag->n_errors;
	struct stat st;
	int status = 0;

	if (!c)
		return -ENOMEM;
	p.file = fopen(path, "re");
	if (!p.file && !(errno == ENOENT && may_be_absent)) {
		status = -errno;
		(void)nsg_diag_line(diag, NSG_ERROR, path, 0, NULL, "cannot be opened: %m");
	} else if (p.file && !fstat(fileno(p.file), &st) && !S_ISREG(st.st_mode)) {
		status = nsg_diag_line(diag, NSG_ERROR, path, 0, NULL, "is no regular file");
	} else if (p.file) {
		int line = ini_parse_stream(read_line, &p, on_value, &p);

		if (line > 0) {
			p.line = (uint32_t)line;
			complain(&p, "is neither a section, nor KEY = VALUE, nor a comment");
		} else if (line < 0) {
			p.failed = true;
		}
		check_whole(&p);
		if (ferror(p.file))
			status = nsg_diag_line(diag, NSG_ERROR, path, 0, NULL, "cannot be read");
	}
	if (p.file)
		(void)fclose(p.file);
	free(p.section);
	if (!status && p.failed)
		status = -ENOMEM;
	if (!status && diag->n_errors > errors)
		status = -EINVAL;
	if (status)
		(void)nsg_conf_free(c);
	else
		*ret = c;
	return status;
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

		if (x->is_ip != y->is_ip || (x->is_ip ? x->ip_host != y->ip_host : x->type != y->type) ||
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
