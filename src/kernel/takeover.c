/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one process leaves to the next: the record of its numbers, and its sockets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel_priv.h"
#include "kernel/rules.h"
#include "util/cleanup.h"

/* Of the record's form. A later version that writes another one is not taken over. */
#define VERSION 1

int nsg_kernel_table_socket(const struct nsg_kernel *k)
{
	return k->nft.fd;
}

int nsg_kernel_silent_socket(const struct nsg_kernel *k)
{
	return k->silent.fd;
}

int nsg_kernel_take_table(struct nsg_kernel *k, int *fd)
{
	int r = nsg_nl_take_over(&k->nft, *fd);

	if (r >= 0)
		*fd = -1;
	return r;
}

/* ---- the record ------------------------------------------------------------------------------ */

static json_t *record_hop(uint32_t number, const struct nsg_hop *hop)
{
	cleanup_json json_t *addrs = json_array();

	for (uint32_t i = 0; i < hop->n_addrs; i++)
		if (json_array_append_new(addrs, json_integer(hop->addrs_host[i])) < 0)
			return NULL;
	return json_pack("{s:I, s:i, s:O}", "number", (json_int_t)number, "type", hop->type,
			 "addresses", addrs);
}

json_t *nsg_kernel_record(const struct nsg_kernel *k)
{
	const struct nsg_conf *c = k->conf;
	const struct nsg_table_state *t = &k->table;
	cleanup_json json_t *hops = json_array();

	for (uint32_t n = 1; n <= k->hops.max; n++)
		if (k->hops.v[n].used &&
		    json_array_append_new(hops, record_hop(n, &k->hops.v[n])) < 0)
			return NULL;
	/* the last three are for earlier versions, which require them: a downgrade takes over, too, if
	 * [queue] first is 0 */
	return json_pack(
	    "{s:i, s:s, s:b, s:I, s:I, s:I, s:i, s:i, s:i, s:b, s:b, s:I, s:I, s:I, s:O, s:i, "
	    "s:i, s:b, s:i, s:b}",
	    "version", VERSION, "instance", c->instance, "audit", c->audit, "markMask",
	    (json_int_t)c->mark_mask, "tableBase", (json_int_t)c->table_base, "rulePriority",
	    (json_int_t)c->rule_priority, "queues", t->n_queues, "silentQueue", t->silent_queue,
	    "generation", (int)t->generation, "routeAll", t->route_all, "refusesIpv6",
	    t->policy_refuses_ip6, "flowMinutes", (json_int_t)t->flow_minutes, "startedNs",
	    (json_int_t)t->started_ns, "lastHop", (json_int_t)k->hops.last, "hops", hops, "older",
	    k->generations.older, "forgotten", k->generations.forgotten, "downAccept",
	    c->down_accept, "queueFirst", c->queue_first, "gap", t->gap);
}

int nsg_kernel_read_names(json_t *record, struct nsg_conf *conf)
{
	struct nsg_marks marks;
	json_int_t mark_mask, table_base, rule_priority;
	const char *instance;

	if (!record ||
	    json_unpack(record, "{s:s, s:I, s:I, s:I}", "instance", &instance, "markMask",
			&mark_mask, "tableBase", &table_base, "rulePriority", &rule_priority) < 0 ||
	    strlen(instance) > NSG_MAX_INSTANCE_LENGTH ||
	    nsg_marks_init((uint32_t)mark_mask, &marks) < 0)
		return -EBADMSG;
	conf->instance = instance;
	conf->mark_mask = (uint32_t)mark_mask;
	conf->table_base = (uint32_t)table_base;
	conf->rule_priority = (uint32_t)rule_priority;
	return 0;
}

int nsg_kernel_set_former(struct nsg_kernel *k, json_t *record)
{
	cleanup_free struct nsg_former *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->conf = *k->conf;
	/* also those of a record that cannot be continued */
	if (nsg_kernel_read_names(record, &f->conf) < 0 ||
	    nsg_marks_init(f->conf.mark_mask, &f->marks) < 0)
		return 0;
	(void)snprintf(f->instance, sizeof(f->instance), "%s", f->conf.instance);
	f->conf.instance = f->instance;
	k->former = TAKE_PTR(f);
	return 0;
}

const char *nsg_kernel_former_instance(const struct nsg_kernel *k)
{
	return k->former ? k->former->instance : NULL;
}

int nsg_kernel_rename_files(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct nsg_preexisting preexisting = nsg_kernel_preexisting(k);

	return k->former ? nsg_preexisting_rename(&preexisting, k->former->instance, diag) : 0;
}

struct record {
	int audit, version, queues, silent_queue, generation, route_all, refuses_ip6, older,
	    forgotten;
	json_int_t flow_minutes, started_ns, last_hop;
	json_t *hops;
};

static int read_record(json_t *json, struct record *ret)
{
	/* earlier versions did not record these two: any generation may be in use */
	struct record r = {.older = NSG_ALL_GENERATIONS};

	if (json_unpack(json, "{s:i, s:b, s:i, s:i, s:i, s:b, s:b, s:I, s:I, s:I, s:o, s?i, s?i}",
			"version", &r.version, "audit", &r.audit, "queues", &r.queues,
			"silentQueue", &r.silent_queue, "generation", &r.generation, "routeAll",
			&r.route_all, "refusesIpv6", &r.refuses_ip6, "flowMinutes", &r.flow_minutes,
			"startedNs", &r.started_ns, "lastHop", &r.last_hop, "hops", &r.hops,
			"older", &r.older, "forgotten", &r.forgotten) < 0)
		return -EBADMSG;
	if (r.version != VERSION || !json_is_array(r.hops) || r.last_hop < 0 || r.queues < 1)
		return -EBADMSG;
	*ret = r;
	return 0;
}

/* ---- the takeover ---------------------------------------------------------------------------- */

/* Names what keeps the record from being continued; NULL: nothing. */
static const char *difference(const struct nsg_kernel *k, const struct record *r)
{
	const struct nsg_conf *c = k->conf, *former = &k->former->conf;

	if (strcmp(former->instance, c->instance) != 0)
		return "nsgd.instance has changed";
	if (r->audit != c->audit)
		return "nsgd.mode has changed";
	if (former->mark_mask != c->mark_mask)
		return "route.mark-mask has changed";
	if (former->table_base != c->table_base)
		return "route.table-base has changed";
	return former->rule_priority != c->rule_priority ? "route.rule-priority has changed" : NULL;
}

static int restore_hop(struct nsg_hops *hops, json_t *json)
{
	cleanup_free uint32_t *addrs = NULL;
	json_t *list;
	json_int_t number;
	int type;

	if (json_unpack(json, "{s:I, s:i, s:o}", "number", &number, "type", &type, "addresses",
			&list) < 0 ||
	    number < 1 || number > UINT16_MAX || type < 0 || type > UINT8_MAX)
		return -EBADMSG;
	addrs = calloc(json_array_size(list) + 1, sizeof(*addrs));
	if (!addrs)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(list); i++)
		addrs[i] = (uint32_t)json_integer_value(json_array_get(list, i));
	return nsg_hops_restore(hops, (uint32_t)number, (uint8_t)type, addrs,
				(uint32_t)json_array_size(list));
}

static int restore(struct nsg_kernel *k, const struct record *record, uint32_t n_queues)
{
	struct nsg_table_state *t = &k->table;
	int r;

	for (size_t i = 0; i < json_array_size(record->hops); i++) {
		r = restore_hop(&k->hops, json_array_get(record->hops, i));
		if (r < 0)
			return r;
	}
	k->hops.last = (uint32_t)record->last_hop % (k->hops.max + 1);
	t->n_queues = (uint16_t)n_queues;
	t->generation = (uint32_t)record->generation % NSG_GENERATIONS;
	k->generations.older = record->older & NSG_ALL_GENERATIONS & ~(1 << t->generation);
	k->generations.forgotten =
	    record->forgotten & NSG_ALL_GENERATIONS & ~(1 << t->generation | k->generations.older);
	t->route_all = record->route_all;
	t->policy_refuses_ip6 = record->refuses_ip6;
	t->flow_minutes = (uint32_t)record->flow_minutes;
	t->started_ns = (uint64_t)record->started_ns;
	return 0;
}

static int take_silent(struct nsg_kernel *k, const struct record *record, int *silent,
		       struct nsg_diag *diag)
{
	int r;

	if (*silent < 0)
		return nsg_kernel_bind_silent(k, diag);
	r = nsg_nl_open(NETLINK_NETFILTER, &k->silent);
	if (r < 0)
		return r;
	r = nsg_nl_take_over(&k->silent, *silent);
	if (r < 0)
		return r;
	*silent = -1;
	k->table.silent_queue = (uint16_t)record->silent_queue;
	return 0;
}

/* The record cannot be continued. Its table is left until that of this process replaces it, unless
 * packets pass without nsgd, or did so far. */
static int start_over(struct nsg_kernel *k, const struct record *other, struct nsg_diag *diag,
		      const char *why)
{
	const bool accepts = k->conf->audit || k->conf->down_accept || (other && other->audit);
	int r;

	(void)nsg_diag_add(diag, NSG_NOTICE, NULL, NULL,
			   "%s: nsgd starts anew, and until it is ready captured packets are %s",
			   why, accepts ? "accepted" : "dropped");
	for (uint32_t n = 1; n <= k->hops.max; n++)
		nsg_hops_free_number(&k->hops, n);
	/* connections of a gap are recorded under the other name */
	k->table.gap |= other && !other->audit;
	r = accepts ? nsg_kernel_cleanup(k, diag) : nsg_kernel_silence(k, diag);
	/* no packet has such a mark any more: an ip rule that is missing sends none along the host's routes */
	if (r >= 0)
		r = nsg_kernel_clear_former(k, diag);
	return r < 0 ? r : -ESTALE;
}

int nsg_kernel_take_over(struct nsg_kernel *k, json_t *json, uint32_t n_queues, int *silent,
			 struct nsg_diag *diag)
{
	struct record record;
	const char *key;
	int r;

	r = read_record(json, &record);
	if (r < 0 || !k->former)
		return start_over(k, NULL, diag, "the record of the previous nsgd cannot be read");
	r = take_silent(k, &record, silent, diag);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot take over the queue for silent drops");
	key = difference(k, &record);
	if (key)
		return start_over(k, &record, diag, key);
	r = restore(k, &record, n_queues);
	if (r < 0)
		return start_over(k, NULL, diag,
				  "the next hops of the previous nsgd cannot be restored");
	r = nsg_routes_gateways(&k->rt, &k->gateways);
	if (r < 0)
		return nsg_kernel_complain(diag, r, "cannot read the host's default routes");
	k->inherited = true;
	return 0;
}
