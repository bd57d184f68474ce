/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "explain/table.h"
#include "nsgctl/filter.h"
#include "util/cleanup.h"
#include "util/macro.h"

static const struct {
	const char *key, *path;
	bool is_address;
} keys[] = {
    {"verdict", "verdict", false},   {"reason", "reason", false},
    {"gate", "gate", false},	     {"direction", "direction", false},
    {"protocol", "protocol", false}, {"src", "src", true},
    {"srcPort", "srcPort", false},   {"dst", "dst", true},
    {"dstPort", "dstPort", false},   {"hostSrc", "hostSrc", true},
    {"rule", "nsg.rule", false},     {"admin", "admin.rule", false},
    {"route", "route.name", false},  {"nextHopType", "route.nextHopType", false},
};

static int parse_part(char *part, struct nsgctl_condition *ret, const char **ret_error)
{
	char *equals = strchr(part, '=');
	bool masked;

	if (!equals || equals == part) {
		*ret_error = "is not KEY=VALUE or KEY!=VALUE";
		return -EINVAL;
	}
	ret->is_not = equals[-1] == '!';
	equals[ret->is_not ? -1 : 0] = '\0';
	(void)snprintf(ret->value, sizeof(ret->value), "%s", equals + 1);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++) {
		if (strcasecmp(part, keys[i].key) != 0)
			continue;
		ret->path = keys[i].path;
		ret->is_prefix = keys[i].is_address;
		if (!ret->is_prefix ||
		    nsg_prefix_parse(ret->value, &ret->prefix, &masked) == NSG_PREFIX_IP4)
			return 0;
		*ret_error = "is not a valid IPv4 address or prefix";
		return -EINVAL;
	}
	*ret_error =
	    "is not a key: use verdict, reason, gate, direction, protocol, src, srcPort, dst, "
	    "dstPort, hostSrc, rule, admin, route or nextHopType";
	return -EINVAL;
}

int nsgctl_filter_parse(const char *text, struct nsgctl_filter *ret, const char **ret_error,
			char part[static 128])
{
	struct nsgctl_filter f = {0};

	while (*text) {
		size_t n = strcspn(text, ", ");

		(void)snprintf(part, 128, "%.*s", (int)(n < 128 ? n : 127), text);
		if (n >= 128) {
			*ret_error = "is too long";
			return -EINVAL;
		}
		text += n + (text[n] != '\0');
		if (!n)
			continue;
		if (f.n == NSGCTL_MAX_CONDITIONS) {
			*ret_error = "exceeds the limit of 16 conditions";
			return -EINVAL;
		}
		if (parse_part(part, &f.v[f.n++], ret_error) < 0)
			return -EINVAL;
	}
	*ret = f;
	return 0;
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
	return strcmp(c->path, "nsg.rule") == 0 && slash && strcasecmp(slash + 1, c->value) == 0;
}

bool nsgctl_filter_passes(const struct nsgctl_filter *f, const json_t *decision)
{
	for (size_t i = 0; i < f->n; i++)
		if (holds(&f->v[i], decision) == f->v[i].is_not)
			return false;
	return true;
}
