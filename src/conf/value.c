/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/value_priv.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include <linux/rtnetlink.h>

#include "conf/marks.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

/* Leaves room for the rules of every next hop and of the goto tree below main's rule at 32766. */
#define MAX_RULE_PRIORITY 31000u
/* The kernel uses tables 253 to 255. */
#define MIN_TABLE_BASE 256u
#define MAX_TABLE_BASE 0x7fff0000u

#define FIELD(c, offset, type) ((type *)(void *)((char *)(c) + (offset)))

static const char out_of_memory[] = "out of memory";
static const char list_too_long[] = "exceeds the limit of 1024 list elements";

const char *nsg_conf_set_string(struct nsg_conf *c, const char *value, size_t offset)
{
	const char *copy = *value ? nsg_arena_strdup(&c->arena, value) : NULL;

	if (*value && !copy)
		return out_of_memory;
	*FIELD(c, offset, const char *) = copy;
	return NULL;
}

const char *nsg_conf_set_instance(struct nsg_conf *c, const char *value, size_t offset)
{
	if (!*value || strlen(value) > NSG_MAX_INSTANCE_LENGTH ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(value) ||
	    !islower((unsigned char)*value))
		return "is not a valid instance name: up to 15 lower-case letters, digits, _ and "
		       "-, "
		       "starting with a letter";
	return nsg_conf_set_string(c, value, offset);
}

const char *nsg_conf_set_path(struct nsg_conf *c, const char *value, size_t offset)
{
	return *value ? nsg_conf_set_string(c, value, offset) : "must not be empty";
}

static const char *set_word(struct nsg_conf *c, const char *value, size_t offset,
			    const char *false_word, const char *true_word, const char *complaint)
{
	bool is_true = !strcasecmp(value, true_word);

	if (!is_true && strcasecmp(value, false_word))
		return complaint;
	*FIELD(c, offset, bool) = is_true;
	return NULL;
}

const char *nsg_conf_set_directory(struct nsg_conf *c, const char *value, size_t offset)
{
	if (*value && *value != '/')
		return "must be an absolute path";
	return nsg_conf_set_string(c, value, offset);
}

const char *nsg_conf_set_flow_format(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_word(c, value, offset, "vnet", "nsg", "must be vnet or nsg");
}

/* node_exporter reads no other names. */
const char *nsg_conf_set_textfile(struct nsg_conf *c, const char *value, size_t offset)
{
	const char *end = strrchr(value, '.');

	if (*value && (*value != '/' || !end || strcmp(end, ".prom")))
		return "must be an absolute path that ends in .prom";
	return nsg_conf_set_string(c, value, offset);
}

const char *nsg_conf_set_bool(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_word(c, value, offset, "no", "yes", "must be yes or no");
}

const char *nsg_conf_set_mode(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_word(c, value, offset, "enforce", "audit", "must be enforce or audit");
}

const char *nsg_conf_set_fate(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_word(c, value, offset, "drop", "accept", "must be drop or accept");
}

const char *nsg_conf_set_precedence(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_word(c, value, offset, "doc", "lab", "must be doc or lab");
}

const char *nsg_conf_set_profile(struct nsg_conf *c, const char *value, size_t offset)
{
	if (strcmp(value, "2020-04") && strcasecmp(value, "current"))
		return "must be 2020-04 or current";
	return nsg_conf_set_string(c, value, offset);
}

const char *nsg_conf_set_platform(struct nsg_conf *c, const char *value, size_t offset)
{
	if (*value && strcasecmp(value, "windows") && strcasecmp(value, "linux"))
		return "must be windows or linux";
	return nsg_conf_set_string(c, value, offset);
}

const char *nsg_conf_set_hook(struct nsg_conf *c, const char *value, size_t offset)
{
	bool both = !strcasecmp(value, "both");

	(void)offset;
	c->hook_output = both || !strcasecmp(value, "output");
	c->hook_prerouting = both || !strcasecmp(value, "prerouting");
	return c->hook_output || c->hook_prerouting ? NULL : "must be output, prerouting or both";
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

const char *nsg_conf_set_queue(struct nsg_conf *c, const char *value, size_t offset)
{
	uint32_t n;

	/* Queue 65535 is never bound: packets sent there are dropped in silence. */
	if (parse_number(value, 0, 65534, &n))
		return "must be a queue number from 0 to 65534";
	*FIELD(c, offset, uint16_t) = (uint16_t)n;
	return NULL;
}

const char *nsg_conf_set_workers(struct nsg_conf *c, const char *value, size_t offset)
{
	if (!strcasecmp(value, "auto"))
		*FIELD(c, offset, uint32_t) = 0;
	else if (parse_number(value, 1, NSG_MAX_WORKERS, FIELD(c, offset, uint32_t)))
		return "must be auto or a number from 1 to 64";
	return NULL;
}

const char *nsg_conf_set_length(struct nsg_conf *c, const char *value, size_t offset)
{
	return parse_number(value, 64, 1u << 20, FIELD(c, offset, uint32_t))
		   ? "must be a number from 64 to 1048576"
		   : NULL;
}

const char *nsg_conf_set_answers_seconds(struct nsg_conf *c, const char *value, size_t offset)
{
	return parse_number(value, 1, 3600, FIELD(c, offset, uint32_t))
		   ? "must be a number of seconds from 1 to 3600"
		   : NULL;
}

const char *nsg_conf_set_denied_seconds(struct nsg_conf *c, const char *value, size_t offset)
{
	return parse_number(value, 0, 3600, FIELD(c, offset, uint32_t))
		   ? "must be a number of seconds from 0 to 3600"
		   : NULL;
}

const char *nsg_conf_set_mask(struct nsg_conf *c, const char *value, size_t offset)
{
	struct nsg_marks marks;
	uint32_t mask;

	if (parse_number(value, 1, UINT32_MAX, &mask) || nsg_marks_init(mask, &marks))
		return "must be 6 to 19 adjacent bits, such as 0x0fff0000";
	*FIELD(c, offset, uint32_t) = mask;
	return NULL;
}

const char *nsg_conf_set_table_base(struct nsg_conf *c, const char *value, size_t offset)
{
	return parse_number(value, MIN_TABLE_BASE, MAX_TABLE_BASE, FIELD(c, offset, uint32_t))
		   ? "must be a number from 256 to 2147418112"
		   : NULL;
}

const char *nsg_conf_set_rule_priority(struct nsg_conf *c, const char *value, size_t offset)
{
	return parse_number(value, 1, MAX_RULE_PRIORITY, FIELD(c, offset, uint32_t))
		   ? "must be a number from 1 to 31000"
		   : NULL;
}

const char *nsg_conf_set_address(struct nsg_conf *c, const char *value, size_t offset)
{
	return nsg_ip4_parse(value, FIELD(c, offset, uint32_t)) ? "is not a valid IPv4 address"
								: NULL;
}

static const char *set_optional_address(struct nsg_conf *c, const char *value, bool *has,
					size_t offset)
{
	if (!*value)
		return NULL;
	*has = true;
	return nsg_conf_set_address(c, value, offset);
}

const char *nsg_conf_set_instance_address(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_optional_address(c, value, &c->has_address, offset);
}

const char *nsg_conf_set_snat_vnet(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_optional_address(c, value, &c->has_snat_vnet, offset);
}

const char *nsg_conf_set_snat_internet(struct nsg_conf *c, const char *value, size_t offset)
{
	return set_optional_address(c, value, &c->has_snat_internet, offset);
}

/* Calls `element` for each word between commas and blanks. */
static const char *each_word(struct nsg_conf *c, const char *value, size_t offset,
			     const char *(*element)(struct nsg_conf *c, const char *word,
						    size_t offset))
{
	char words[NSG_MAX_CONF_LINE_BYTES + 2], *rest = words;
	const char *complaint = NULL, *word;

	if (strlen(value) >= sizeof(words))
		return "is too long";
	strcpy(words, value);
	while (!complaint && (word = strsep(&rest, ", \t")))
		if (*word)
			complaint = element(c, word, offset);
	return complaint;
}

/* A copy of the array with room for one element more; NULL: out of memory. */
static void *grown(struct nsg_conf *c, const void *v, size_t n, size_t size)
{
	void *copy = nsg_arena_array(&c->arena, n + 1, size);

	if (copy && n)
		memcpy(copy, v, n * size);
	return copy;
}

static const char *add_string(struct nsg_conf *c, const char *word, size_t offset)
{
	struct nsg_conf_strings *list = FIELD(c, offset, struct nsg_conf_strings);
	const char **v, *copy;

	if (list->n >= NSG_MAX_CONF_LIST)
		return list_too_long;
	v = grown(c, list->v, list->n, sizeof(*v));
	copy = nsg_arena_strdup(&c->arena, word);
	if (!v || !copy)
		return out_of_memory;
	v[list->n] = copy;
	*list = (struct nsg_conf_strings){.v = v, .n = list->n + 1};
	return NULL;
}

bool nsg_conf_is_interface(const char *name)
{
	/* Like dev_valid_name() in the kernel. */
	return *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "/: \t") && strcmp(name, ".") &&
	       strcmp(name, "..");
}

static const char *add_interface(struct nsg_conf *c, const char *word, size_t offset)
{
	return nsg_conf_is_interface(word) ? add_string(c, word, offset)
					   : "is not a valid interface name";
}

/* A path relative to the root of cgroup v2; the cgroup may not exist yet. */
static const char *add_cgroup(struct nsg_conf *c, const char *word, size_t offset)
{
	for (const char *p = word; *p; p += strcspn(p, "/")) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if ((n == 1 && *p == '.') || (n == 2 && !strncmp(p, "..", 2)))
			return "is not a valid cgroup path";
	}
	return word[strspn(word, "/")] ? add_string(c, word, offset) : "is not a valid cgroup path";
}

static const char *add_prefix(struct nsg_conf *c, const char *word, size_t offset)
{
	struct nsg_prefix prefix, *v;
	struct nsg_prefix6 prefix6, *v6;
	bool masked, is_ip4 = nsg_prefix_parse(word, &prefix, &masked) == NSG_PREFIX_IP4;

	(void)offset;
	if ((!is_ip4 && nsg_prefix6_parse(word, &prefix6, &masked) < 0) || masked)
		return "is not a valid prefix, or has host bits set";
	if (c->n_excludes + c->n_excludes6 >= NSG_MAX_CONF_LIST)
		return list_too_long;
	if (is_ip4) {
		v = grown(c, c->excludes, c->n_excludes, sizeof(*v));
		if (!v)
			return out_of_memory;
		v[c->n_excludes++] = prefix;
		c->excludes = v;
	} else {
		v6 = grown(c, c->excludes6, c->n_excludes6, sizeof(*v6));
		if (!v6)
			return out_of_memory;
		v6[c->n_excludes6++] = prefix6;
		c->excludes6 = v6;
	}
	return NULL;
}

const char *nsg_conf_set_interfaces(struct nsg_conf *c, const char *value, size_t offset)
{
	return each_word(c, value, offset, add_interface);
}

const char *nsg_conf_set_cgroups(struct nsg_conf *c, const char *value, size_t offset)
{
	return each_word(c, value, offset, add_cgroup);
}

const char *nsg_conf_set_strings(struct nsg_conf *c, const char *value, size_t offset)
{
	return each_word(c, value, offset, add_string);
}

const char *nsg_conf_set_prefixes(struct nsg_conf *c, const char *value, size_t offset)
{
	return each_word(c, value, offset, add_prefix);
}

const char *nsg_conf_set_bgp_table(struct nsg_conf *c, const char *value, size_t offset)
{
	uint32_t table = RT_TABLE_MAIN;

	if (!*value)
		return NULL;
	if (strcasecmp(value, "main") != 0 &&
	    (parse_number(value, 1, UINT32_MAX, &table) || table == RT_TABLE_LOCAL))
		return "must be main, or the number of a routing table other than local";
	*FIELD(c, offset, uint32_t) = table;
	return NULL;
}

static const char *add_protocol(struct nsg_conf *c, const char *word, size_t offset)
{
	/* the names of iproute2's rt_protos */
	static const struct {
		const char *name;
		uint8_t number;
	} protocols[] = {
	    {"redirect", RTPROT_REDIRECT}, {"kernel", RTPROT_KERNEL},
	    {"boot", RTPROT_BOOT},	   {"static", RTPROT_STATIC},
	    {"gated", RTPROT_GATED},	   {"ra", RTPROT_RA},
	    {"mrt", RTPROT_MRT},	   {"zebra", RTPROT_ZEBRA},
	    {"bird", RTPROT_BIRD},	   {"dnrouted", RTPROT_DNROUTED},
	    {"xorp", RTPROT_XORP},	   {"ntk", RTPROT_NTK},
	    {"dhcp", RTPROT_DHCP},	   {"keepalived", 18},
	    {"babel", RTPROT_BABEL},	   {"openr", 99},
	    {"bgp", RTPROT_BGP},	   {"isis", RTPROT_ISIS},
	    {"ospf", RTPROT_OSPF},	   {"rip", RTPROT_RIP},
	    {"eigrp", RTPROT_EIGRP},
	};
	uint32_t number = 0;

	(void)offset;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(protocols); i++)
		if (!strcasecmp(word, protocols[i].name))
			number = protocols[i].number;
	if (!number && parse_number(word, 1, UINT8_MAX, &number))
		return "must be rtnetlink protocols, such as bird, zebra or bgp, or numbers from 1 "
		       "to 255";
	c->bgp_protocols[number] = true;
	c->bgp_any_protocol = false;
	return NULL;
}

const char *nsg_conf_set_bgp_protocols(struct nsg_conf *c, const char *value, size_t offset)
{
	return each_word(c, value, offset, add_protocol);
}

const char *nsg_conf_set_level(struct nsg_conf *c, const char *value, size_t offset)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = {{"error", LOG_ERR},
		      {"warning", LOG_WARNING},
		      {"notice", LOG_NOTICE},
		      {"info", LOG_INFO},
		      {"debug", LOG_DEBUG}};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(levels); i++)
		if (!strcasecmp(value, levels[i].name)) {
			*FIELD(c, offset, int) = levels[i].level;
			return NULL;
		}
	return "must be error, warning, notice, info or debug";
}

/* The index of a word; n if it is none of them. */
static size_t find_word(const char *const *words, size_t n, const char *value)
{
	size_t i = 0;

	while (i < n && strcasecmp(value, words[i]))
		i++;
	return i;
}

const char *nsg_conf_set_decisions(struct nsg_conf *c, const char *value, size_t offset)
{
	static const char *const words[] = {
	    [NSG_LOG_NONE] = "none", [NSG_LOG_DENIED] = "denied", [NSG_LOG_ALL] = "all"};
	size_t i = find_word(words, NSG_ARRAY_SIZE(words), value);

	if (i == NSG_ARRAY_SIZE(words))
		return "must be none, denied or all";
	*FIELD(c, offset, enum nsg_conf_log_decisions) = (enum nsg_conf_log_decisions)i;
	return NULL;
}

const char *nsg_conf_set_ip6(struct nsg_conf *c, const char *value, size_t offset)
{
	static const char *const words[] = {
	    [NSG_IP6_PROFILE] = "profile", [NSG_IP6_REFUSE] = "refuse", [NSG_IP6_PASS] = "pass"};
	size_t i = find_word(words, NSG_ARRAY_SIZE(words), value);

	if (i == NSG_ARRAY_SIZE(words))
		return "must be profile, refuse or pass";
	*FIELD(c, offset, enum nsg_conf_ip6) = (enum nsg_conf_ip6)i;
	return NULL;
}
