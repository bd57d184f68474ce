/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "explain/table.h"
#include "nsgctl/filter.h"
#include "observe/line.h"
#include "util/cleanup.h"
#include "util/macro.h"
#include "util/names.h"

/* What a key's value may be: one of a list of names, or what a parser accepts. */
struct key {
	const char *key, *path;
	const char *(*name)(size_t i); /* NULL after the last one */
	const char *must_be;	       /* without a list */
	bool (*is_valid)(struct nsgctl_condition *c);
};

static const char *verdict_name(size_t i)
{
	return i <= NSG_VERDICT_ACCEPT ? nsg_verdict_name((enum nsg_verdict)i) : NULL;
}

/* The daemon decides neither replies nor packets of preexisting connections. */
static const char *reason_name(size_t i)
{
	const size_t skipped = NSG_REASON_FRAGMENT - NSG_REASON_REPLY;

	return nsg_reason_name((enum nsg_reason)(i < NSG_REASON_REPLY ? i : i + skipped));
}

/* NSG_GATE_NONE has no name. */
static const char *gate_name(size_t i)
{
	return nsg_gate_name((enum nsg_gate)(i + NSG_GATE_BYPASS));
}

static const char *hop_type_name(size_t i)
{
	return nsg_hop_type_name((enum nsg_hop_type)i);
}

static const char *direction_name(size_t i)
{
	return i == 0 ? nsg_direction_name(NSG_DIRECTION_EGRESS) : NULL;
}

/* Replaces a number by the name that decisions have for it. */
static bool is_protocol(struct nsgctl_condition *c)
{
	const char *name;
	uint8_t number;

	if (nsg_protocol_parse(c->value, &number) < 0)
		return false;
	name = nsg_protocol_name(number);
	if (name)
		(void)snprintf(c->value, sizeof(c->value), "%s", name);
	else
		(void)snprintf(c->value, sizeof(c->value), "%u", number);
	return true;
}

static bool is_port(struct nsgctl_condition *c)
{
	char *end;
	unsigned long port = strtoul(c->value, &end, 10);

	if (!isdigit((unsigned char)c->value[0]) || *end || port > 65535)
		return false;
	(void)snprintf(c->value, sizeof(c->value), "%lu", port);
	return true;
}

static bool is_uid(struct nsgctl_condition *c)
{
	char *end;
	unsigned long uid = strtoul(c->value, &end, 10);

	if (!isdigit((unsigned char)c->value[0]) || *end || uid > UINT32_MAX)
		return false;
	(void)snprintf(c->value, sizeof(c->value), "%lu", uid);
	return true;
}

static bool is_address(struct nsgctl_condition *c)
{
	bool masked;

	c->is_prefix = true;
	return nsg_prefix_parse(c->value, &c->prefix, &masked) == NSG_PREFIX_IP4;
}

static bool is_name(struct nsgctl_condition *c)
{
	return c->value[0] != '\0';
}

#define RULE_PATH "nsg.rule"
#define ADDRESS .must_be = "an IPv4 address or prefix", .is_valid = is_address
#define PORT .must_be = "a port from 0 to 65535", .is_valid = is_port

static const struct key keys[] = {
    {"verdict", "verdict", .name = verdict_name},
    {"reason", "reason", .name = reason_name},
    {"gate", "gate", .name = gate_name},
    {"direction", "direction", .name = direction_name},
    {"protocol", "protocol", .must_be = "TCP, UDP, ICMP, ESP, AH or a number from 0 to 255",
     .is_valid = is_protocol},
    {"src", "src", ADDRESS},
    {"srcPort", "srcPort", PORT},
    {"dst", "dst", ADDRESS},
    {"dstPort", "dstPort", PORT},
    {"hostSrc", "hostSrc", ADDRESS},
    {"interface", "interface", .must_be = "the name of an interface", .is_valid = is_name},
    {"uid", "uid", .must_be = "a user id", .is_valid = is_uid},
    {"cgroup", "cgroup", .must_be = "the path of a cgroup", .is_valid = is_name},
    {"command", "command", .must_be = "the name of a process", .is_valid = is_name},
    {"rule", RULE_PATH, .must_be = "the name of a security rule", .is_valid = is_name},
    {"admin", "admin.rule", .must_be = "the name of a security admin rule", .is_valid = is_name},
    {"route", "route.name", .must_be = "the name of a route", .is_valid = is_name},
    {"nextHopType", "route.nextHopType", .name = hop_type_name},
};

static bool is_listed(const struct key *key, const char *value)
{
	const char *name;

	for (size_t i = 0; (name = key->name(i)); i++)
		if (strcasecmp(name, value) == 0)
			return true;
	return false;
}

/* "a, b or c" */
static void list_names(const struct key *key, char *out, size_t size)
{
	const char *name;
	size_t n = 0;

	for (size_t i = 0; (name = key->name(i)) && n < size; i++) {
		const char *before = i == 0 ? "" : key->name(i + 1) ? ", " : " or ";

		n += (size_t)snprintf(out + n, size - n, "%s%s", before, name);
	}
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++)
		if (strcasecmp(name, keys[i].key) == 0)
			return &keys[i];
	return NULL;
}

static int refuse_key(const char *name, char error[static NSGCTL_FILTER_ERROR])
{
	size_t n =
	    (size_t)snprintf(error, NSGCTL_FILTER_ERROR, "\"%s\" is not a key: must be ", name);

	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys) && n < NSGCTL_FILTER_ERROR; i++)
		n += (size_t)snprintf(error + n, NSGCTL_FILTER_ERROR - n, "%s%s",
				      i == 0			     ? ""
				      : i + 1 < NSG_ARRAY_SIZE(keys) ? ", "
								     : " or ",
				      keys[i].key);
	return -EINVAL;
}

static int parse_part(char *part, struct nsgctl_condition *ret,
		      char error[static NSGCTL_FILTER_ERROR])
{
	char *equals = strchr(part, '=');
	char names[256] = "";
	const struct key *key;

	if (!equals || equals == part) {
		(void)snprintf(error, NSGCTL_FILTER_ERROR, "\"%s\" is not KEY=VALUE or KEY!=VALUE",
			       part);
		return -EINVAL;
	}
	ret->is_not = equals[-1] == '!';
	equals[ret->is_not ? -1 : 0] = '\0';
	key = find_key(part);
	if (!key)
		return refuse_key(part, error);
	ret->key = key->key;
	ret->path = key->path;
	(void)snprintf(ret->value, sizeof(ret->value), "%s", equals + 1);
	if (key->name ? is_listed(key, ret->value) : key->is_valid(ret))
		return 0;
	if (key->name)
		list_names(key, names, sizeof(names));
	(void)snprintf(error, NSGCTL_FILTER_ERROR, "%s must be %s, not \"%s\"", key->key,
		       key->name ? names : key->must_be, equals + 1);
	return -EINVAL;
}

/* A rule's name without its collection: both name the same rule. */
static const char *plain_name(const struct nsgctl_condition *c)
{
	const char *slash = strcmp(c->path, RULE_PATH) == 0 ? strchr(c->value, '/') : NULL;

	return slash ? slash + 1 : c->value;
}

/* No decision meets both. */
static bool exclude_each_other(const struct nsgctl_condition *a, const struct nsgctl_condition *b)
{
	if (strcmp(a->path, b->path) != 0 || (a->is_not && b->is_not))
		return false;
	if (a->is_not)
		return exclude_each_other(b, a);
	if (a->is_prefix)
		return b->is_not ? nsg_prefix_covers(b->prefix, a->prefix)
				 : !nsg_prefix_covers(a->prefix, b->prefix) &&
				       !nsg_prefix_covers(b->prefix, a->prefix);
	return b->is_not ? strcasecmp(a->value, b->value) == 0
			 : strcasecmp(plain_name(a), plain_name(b)) != 0;
}

/* `added` is the last of `f`. */
static int check_others(const struct nsgctl_filter *f, const struct nsgctl_condition *added,
			char error[static NSGCTL_FILTER_ERROR])
{
	for (const struct nsgctl_condition *c = f->v; c < added; c++)
		if (exclude_each_other(c, added)) {
			(void)snprintf(error, NSGCTL_FILTER_ERROR,
				       "%s%s=%s excludes %s%s=%s: nothing can match both",
				       added->key, added->is_not ? "!" : "", added->value, c->key,
				       c->is_not ? "!" : "", c->value);
			return -EINVAL;
		}
	return 0;
}

int nsgctl_filter_parse(const char *text, struct nsgctl_filter *ret,
			char error[static NSGCTL_FILTER_ERROR])
{
	struct nsgctl_filter f = {0};

	while (*text) {
		size_t n = strcspn(text, ", ");
		char part[128];

		(void)snprintf(part, sizeof(part), "%.*s", (int)(n < 128 ? n : 127), text);
		if (n >= sizeof(part)) {
			(void)snprintf(error, NSGCTL_FILTER_ERROR, "\"%s...\" is too long", part);
			return -EINVAL;
		}
		text += n + (text[n] != '\0');
		if (!n)
			continue;
		if (f.n == NSGCTL_MAX_CONDITIONS) {
			(void)snprintf(error, NSGCTL_FILTER_ERROR,
				       "\"%s\" exceeds the limit of %d conditions", part,
				       NSGCTL_MAX_CONDITIONS);
			return -EINVAL;
		}
		if (parse_part(part, &f.v[f.n], error) < 0 ||
		    check_others(&f, &f.v[f.n], error) < 0)
			return -EINVAL;
		f.n++;
	}
	*ret = f;
	return 0;
}

/* One without a primitive, such as a rule's name, is left to nsgctl_filter_passes(). */
static void put_condition(const struct nsgctl_condition *c, FILE *words)
{
	static const struct {
		const char *path, *primitive;
	} primitives[] = {
	    {"hostSrc", "src net"},
	    {"srcPort", "src port"},
	    {"dst", "dst net"},
	    {"dstPort", "dst port"},
	};
	const char *not = c->is_not ? "not " : "";
	char address[NSG_IP4_TEXT];
	uint8_t protocol;

	if (strcmp(c->path, "protocol") == 0 && nsg_protocol_parse(c->value, &protocol) == 0) {
		fprintf(words, " and %sip proto %u", not, protocol);
		return;
	}
	for (size_t i = 0; i < NSG_ARRAY_SIZE(primitives); i++) {
		if (strcmp(c->path, primitives[i].path) != 0)
			continue;
		fprintf(words, " and %s%s ", not, primitives[i].primitive);
		nsg_ip4_format(c->prefix.addr_host, address);
		if (c->is_prefix)
			fprintf(words, "%s/%u", address, c->prefix.len);
		else
			fputs(c->value, words);
	}
}

void nsgctl_filter_put_expression(const struct nsgctl_filter *f, FILE *words)
{
	for (size_t i = 0; i < f->n; i++)
		put_condition(&f->v[i], words);
}

static bool holds(const struct nsgctl_condition *c, const json_t *decision)
{
	const json_t *value = nsg_at(decision, c->path);
	cleanup_free char *text = nsg_cell(value);
	uint32_t addr_host;
	const char *slash;

	if (!text)
		return false;
	if (c->is_prefix)
		return nsg_ip4_parse(text, &addr_host) == 0 &&
		       nsg_prefix_contains(c->prefix, addr_host);
	if (strcasecmp(text, c->value) == 0)
		return true;
	/* a rule matches without its collection, too */
	slash = strchr(text, '/');
	return strcmp(c->path, RULE_PATH) == 0 && slash && strcasecmp(slash + 1, c->value) == 0;
}

const char *nsgctl_filter_packet_key(const struct nsgctl_filter *f)
{
	static const char *const keys_of_packets[] = {"interface", "uid", "cgroup", "command"};

	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < NSG_ARRAY_SIZE(keys_of_packets); k++)
			if (strcmp(f->v[i].path, keys_of_packets[k]) == 0)
				return keys_of_packets[k];
	return NULL;
}

bool nsgctl_filter_passes(const struct nsgctl_filter *f, const json_t *decision)
{
	for (size_t i = 0; i < f->n; i++)
		if (holds(&f->v[i], decision) == f->v[i].is_not)
			return false;
	return true;
}
