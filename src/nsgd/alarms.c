/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/alarms.h"

#include <inttypes.h>
#include <stdio.h>

#include "nsgd/log.h"
#include "util/cleanup.h"
#include "util/macro.h"

static const struct {
	const char *code;
	const char *family, *key; /* of the kernel's status; family NULL: IPv4 */
	const char *text;
} counters[] = {
    {"Strayed", NULL, "strayed",
     "packets were routed past their next hop and dropped: another program changes ip rules or "
     "routes"},
    {"Vanished", NULL, "vanished",
     "packets lost the mark of their next hop and were dropped: another program changes packet "
     "marks"},
    {"Forged", NULL, "forged",
     "forged packets whose source is not an address of this host were dropped"},
    {"ForgedInterface", NULL, "forged interface",
     "packets from captured interfaces that are not the route back to their source were dropped"},
    {"SourceRouted", NULL, "source routed",
     "packets with a source route through this host were dropped"},
    {"ForgedIPv6", "ipv6", "forged",
     "forged IPv6 packets whose source is not an address of this host were dropped"},
    {"ForgedInterfaceIPv6", "ipv6", "forged interface",
     "IPv6 packets from captured interfaces that are not the route back to their source were "
     "dropped"},
};
_Static_assert(NSG_ARRAY_SIZE(counters) == ALARM_COUNTERS, "struct alarms has an element for each");

static uint64_t count_of(const json_t *kernel, size_t i)
{
	const json_t *table =
	    counters[i].family ? json_object_get(kernel, counters[i].family) : kernel;

	return (uint64_t)json_integer_value(
	    json_object_get(json_object_get(table, "packets"), counters[i].key));
}

static bool is_nearly_full(uint64_t used, uint64_t size)
{
	return size && used * 10 >= size * 8;
}

static uint64_t setting(const char *name)
{
	cleanup_fclose FILE *f = NULL;
	unsigned long long value = 0;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/netfilter/%s", name);
	f = fopen(path, "re");
	return f && fscanf(f, "%llu", &value) == 1 ? value : 0;
}

/* "" when there is enough room. */
static void describe_connections(const struct instance *in, const json_t *kernel, char *out,
				 size_t size)
{
	uint64_t used = setting("nf_conntrack_count"), most = setting("nf_conntrack_max");

	(void)in;
	(void)kernel;
	if (is_nearly_full(used, most))
		(void)snprintf(out, size,
			       "the connection table holds %" PRIu64 " of %" PRIu64
			       " entries; set net.netfilter.nf_conntrack_max to %" PRIu64
			       " or more",
			       used, most, 2 * most);
}

static void describe_queue(const struct instance *in, const json_t *kernel, char *out, size_t size)
{
	struct nsg_engine_stats stats;

	(void)kernel;
	nsg_engine_stats(in->engine, &stats);
	if (is_nearly_full(stats.queued_longest, in->conf_start->queue_length))
		(void)snprintf(out, size, "%" PRIu64 " packets wait in a queue of length %u",
			       stats.queued_longest, in->conf_start->queue_length);
}

static void describe_rules(const struct instance *in, const json_t *kernel, char *out, size_t size)
{
	json_int_t n = json_integer_value(json_object_get(kernel, "rulesBefore"));

	(void)in;
	if (n && json_array_size(json_object_get(kernel, "hops")))
		(void)snprintf(
		    out, size,
		    "%lld ip rules of other programs come before those of nsgd, the first with "
		    "priority %lld: they may route packets past their next hop",
		    (long long)n,
		    (long long)json_integer_value(json_object_get(kernel, "firstRuleBefore")));
}

static void describe_live(const struct instance *in, const json_t *kernel, char *out, size_t size)
{
	(void)kernel;
	(void)snprintf(out, size, "%s", live_alarm(in->live));
}

/* What is the case now, rather than counted. */
static const struct {
	const char *code;
	/* Leaves out as it is, "", when the alarm is off. */
	void (*describe)(const struct instance *in, const json_t *kernel, char *out, size_t size);
} states[] = {
    {"ConnectionTableNearlyFull", describe_connections},
    {"QueueNearlyFull", describe_queue},
    {"RulesBefore", describe_rules},
    {"LiveRoutesNotUsed", describe_live},
};
_Static_assert(NSG_ARRAY_SIZE(states) == ALARM_STATES, "struct alarms has an element for each");

#define HOP_DOWN "NextHopDown"

static const char *const others[] = {HOP_DOWN, ALARM_NOTHING_CAPTURED};

const char *alarms_code(size_t i)
{
	if (i < ALARM_COUNTERS)
		return counters[i].code;
	i -= ALARM_COUNTERS;
	if (i < ALARM_STATES)
		return states[i].code;
	i -= ALARM_STATES;
	return i < NSG_ARRAY_SIZE(others) ? others[i] : NULL;
}

void alarms_begin(struct instance *in, const json_t *kernel)
{
	for (size_t i = 0; i < ALARM_COUNTERS; i++)
		in->alarms.counts[i] = count_of(kernel, i);
}

void alarms_watch(struct instance *in, const json_t *kernel)
{
	struct alarms *a = &in->alarms;

	for (size_t i = 0; i < ALARM_COUNTERS; i++) {
		uint64_t n = count_of(kernel, i);

		if (n > a->counts[i])
			log_warning("%" PRIu64 " %s", n - a->counts[i], counters[i].text);
		a->counts[i] = n; /* those of a new table start from 0 */
	}
	for (size_t i = 0; i < ALARM_STATES; i++) {
		char text[192] = "";

		states[i].describe(in, kernel, text, sizeof(text));
		if (*text && !a->on[i])
			log_warning("%s", text);
		a->on[i] = *text;
	}
}

void alarms_report(const struct instance *in, const json_t *kernel, struct nsg_diag *diag)
{
	const json_t *hop;
	size_t i;

	if (in->reload_failed)
		(void)nsg_diag_add(diag, NSG_WARNING, NULL, NULL,
				   "the last reload failed, the previous policy is in force; run "
				   "nsgctl reload to print the errors");
	for (i = 0; i < ALARM_COUNTERS; i++)
		if (count_of(kernel, i))
			(void)nsg_diag_add(diag, NSG_WARNING, NULL, counters[i].code,
					   "%" PRIu64 " %s", count_of(kernel, i), counters[i].text);
	for (i = 0; i < ALARM_STATES; i++) {
		char text[192] = "";

		states[i].describe(in, kernel, text, sizeof(text));
		if (*text)
			(void)nsg_diag_add(diag, NSG_WARNING, NULL, states[i].code, "%s", text);
	}
	json_array_foreach(json_object_get(kernel, "hops"), i, hop)
	{
		const json_t *addresses = json_object_get(hop, "addresses");
		const char *first = json_string_value(json_array_get(addresses, 0));

		if (!json_is_true(json_object_get(hop, "up")))
			(void)nsg_diag_add(diag, NSG_WARNING, NULL, HOP_DOWN,
					   "next hop %s%s%s is down, its packets are dropped",
					   json_string_value(json_object_get(hop, "type")),
					   first ? " " : "", first ? first : "");
	}
}
