/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/marks.h"
#include "nsgd/log.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* ---- the record ------------------------------------------------------------------------------ */

static json_t *record_policy(const struct policy *p)
{
	const struct policy_traits t = policy_traits(p);

	return json_pack("{s:I, s:I, s:I, s:s, s:b, s:b, s:b}", "gateHash", (json_int_t)t.gate_hash,
			 "nsgHash", (json_int_t)t.nsg_hash, "source", (json_int_t)t.src_host,
			 "profile", t.profile, "linux", t.is_linux, "routeAll", t.route_all,
			 "flushConnection", t.flush_connection);
}

static int read_policy(json_t *json, struct policy_traits *ret)
{
	json_int_t gate, nsg, source;
	int is_linux, route_all, flush;
	const char *profile;

	if (json_unpack(json, "{s:I, s:I, s:I, s:s, s:b, s:b, s:b}", "gateHash", &gate, "nsgHash",
			&nsg, "source", &source, "profile", &profile, "linux", &is_linux,
			"routeAll", &route_all, "flushConnection", &flush) < 0)
		return -EBADMSG;
	*ret = (struct policy_traits){
	    .gate_hash = (uint64_t)gate,
	    .nsg_hash = (uint64_t)nsg,
	    .src_host = (uint32_t)source,
	    .profile = profile,
	    .is_linux = is_linux,
	    .route_all = route_all,
	    .flush_connection = flush,
	};
	return 0;
}

void handover_save(struct instance *in, const struct policy *next)
{
	cleanup_json json_t *record = NULL;
	json_t *policies;
	uint8_t allowed_by = in->policy->engine.standing;
	int r;

	if (!in->store.on)
		return;
	policies = json_pack("[o]", record_policy(in->policy));
	if (next) {
		(void)json_array_append_new(policies, record_policy(next));
		allowed_by |= next->engine.standing;
	}
	record =
	    json_pack("{s:o, s:i, s:i, s:o}", "kernel", nsg_kernel_record(in->kernel), "generation",
		      (int)in->generation, "allowedBy", (int)allowed_by, "policies", policies);
	r = store_write(&in->store, record);
	if (r < 0)
		log_warning(
		    "cannot write the record for the next process, which will not be able to "
		    "take over: %s",
		    strerror(-r));
}

/* ---- the takeover ---------------------------------------------------------------------------- */

/* What the process before had in force, or had begun to publish. */
struct before {
	json_t *kernel;
	uint32_t generation, tried;
	uint8_t allowed_by;
	struct policy_traits policies[2];
	size_t n_policies;
};

static int read_record(json_t *record, struct before *ret)
{
	struct before before = {0};
	json_t *policies, *json;
	int generation, tried, allowed_by, r;
	size_t i;

	if (json_unpack(record, "{s:o, s:{s:i}, s:i, s:i, s:o}", "kernel", &before.kernel, "kernel",
			"generation", &generation, "generation", &tried, "allowedBy", &allowed_by,
			"policies", &policies) < 0 ||
	    !json_array_size(policies) ||
	    json_array_size(policies) > NSG_ARRAY_SIZE(before.policies))
		return -EBADMSG;
	json_array_foreach(policies, i, json)
	{
		r = read_policy(json, &before.policies[i]);
		if (r < 0)
			return r;
	}
	before.n_policies = json_array_size(policies);
	before.generation = (uint32_t)generation % NSG_GENERATIONS;
	before.tried = (uint32_t)tried % NSG_GENERATIONS;
	before.allowed_by = (uint8_t)allowed_by;
	*ret = before;
	return 0;
}

/* Numbers in->policy like the next one of a reload. */
static enum nsg_forget number(struct instance *in, const struct before *before)
{
	const struct policy_traits after = policy_traits(in->policy);
	enum nsg_forget forget = NSG_FORGET_NOTHING;

	for (size_t i = 0; i < before->n_policies; i++)
		if (policy_forget(&before->policies[i], &after) != NSG_FORGET_NOTHING)
			forget = NSG_FORGET_DECISIONS;
	in->generation = (before->tried + 1) % NSG_GENERATIONS;
	if (in->generation == before->generation)
		in->generation = (in->generation + 1) % NSG_GENERATIONS;
	(void)policy_number(in->policy, in->generation, NULL);
	if (forget == NSG_FORGET_NOTHING)
		in->policy->engine.standing |= before->allowed_by;
	return forget;
}

int handover_take_over(struct instance *in, uint32_t n_queues, handover_engine_fn *start_engine,
		       void *closure, struct nsg_diag *diag)
{
	struct before before = {0};
	enum nsg_forget forget;
	int r;

	/* of another version: kernel is NULL, and cannot be read either */
	(void)read_record(in->store.record, &before);
	r = nsg_kernel_take_over(in->kernel, before.kernel, n_queues, &in->store.silent, diag);
	if (r < 0)
		return r;
	r = policy_place(in->policy, in->conf, in->kernel, false, diag);
	if (r < 0)
		return r;
	forget = number(in, &before);
	r = nsg_kernel_prepare(in->kernel, in->policy->engine.image, &in->policy->numbers,
			       in->generation, diag);
	if (r < 0)
		return r;
	r = start_engine(closure, diag);
	if (r < 0)
		return r;
	handover_keep(in);
	handover_save(in, NULL);
	r = nsg_kernel_swap(in->kernel, in->generation, forget, diag);
	if (r < 0)
		return r;
	return nsg_kernel_retire(in->kernel, diag);
}

void handover_keep(struct instance *in)
{
	struct store *s = &in->store;
	char name[16];

	for (uint32_t i = 0; i < NSG_MAX_WORKERS; i++) {
		(void)snprintf(name, sizeof(name), "queue%u", i);
		store_drop(s, name, &s->queues[i]);
		if (i < nsg_engine_n_rings(in->engine))
			store_keep(s, name, nsg_engine_socket(in->engine, i));
	}
	store_drop(s, "silent", &s->silent);
	store_keep(s, "silent", nsg_kernel_silent_socket(in->kernel));
	store_drop(s, "table", &s->table);
	store_keep(s, "table", nsg_kernel_table_socket(in->kernel));
}
