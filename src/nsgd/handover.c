/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/marks.h"
#include "nsgd/flows.h"
#include "nsgd/log.h"
#include "util/build_id.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* ---- the record ------------------------------------------------------------------------------ */

static json_t *record_policy(const struct policy *p)
{
	const struct policy_traits t = policy_traits(p);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:b, s:b}", "gateHash",
			 (json_int_t)t.gate_hash, "nsgHash", (json_int_t)t.nsg_hash, "adminHash",
			 (json_int_t)t.admin_hash, "routeHash", (json_int_t)t.route_hash, "source",
			 (json_int_t)t.src_host, "profile", t.profile, "linux", t.is_linux,
			 "routeAll", t.route_all, "flushConnection", t.flush_connection);
}

static int read_policy(json_t *json, struct policy_traits *ret)
{
	json_int_t gate, nsg, source, admin = 0, routes = 0;
	int is_linux, route_all, flush;
	const char *profile;

	if (json_unpack(json, "{s:I, s:I, s:I, s:s, s:b, s:b, s:b, s?I, s?I}", "gateHash", &gate,
			"nsgHash", &nsg, "source", &source, "profile", &profile, "linux", &is_linux,
			"routeAll", &route_all, "flushConnection", &flush, "adminHash", &admin,
			"routeHash", &routes) < 0)
		return -EBADMSG;
	*ret = (struct policy_traits){
	    .gate_hash = (uint64_t)gate,
	    .nsg_hash = (uint64_t)nsg,
	    .admin_hash = (uint64_t)admin,
	    .route_hash = (uint64_t)routes,
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
	if (next) {
		policies = json_pack("[o, o]", record_policy(in->policy), record_policy(next));
		allowed_by |= next->engine.standing;
	} else {
		policies = json_pack("[o]", record_policy(in->policy));
	}
	record = json_pack("{s:o, s:i, s:i, s:s, s:o}", "kernel", nsg_kernel_record(in->kernel),
			   "generation", (int)in->generation, "allowedBy", (int)allowed_by, "build",
			   nsg_build_id(), "policies", policies);
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
	uint32_t generation;
	uint8_t allowed_by;
	bool same_program;
	struct policy_traits policies[2];
	size_t n_policies;
};

static int read_record(json_t *record, struct before *ret)
{
	struct before before = {0};
	json_t *policies, *json;
	const char *build = "";
	int generation, allowed_by, r;
	size_t i;

	if (json_unpack(record, "{s:o, s:{s:i}, s:i, s:o, s?s}", "kernel", &before.kernel, "kernel",
			"generation", &generation, "allowedBy", &allowed_by, "policies", &policies,
			"build", &build) < 0 ||
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
	before.allowed_by = (uint8_t)allowed_by;
	before.same_program = *build && !strcmp(build, nsg_build_id());
	*ret = before;
	return 0;
}

/* Whether the marks of the generation in force are what this process would decide. */
static bool decides_the_same(const struct before *before, const struct policy_traits *after)
{
	return before->same_program && before->n_policies == 1 &&
	       policy_decides_the_same(&before->policies[0], after);
}

/* Numbers in->policy like the next one of a reload, but for a policy that decides the same. */
static int number(struct instance *in, const struct before *before, struct nsg_diag *diag,
		  enum nsg_forget *ret)
{
	const struct policy_traits after = policy_traits(in->policy);
	uint8_t standing = nsg_kernel_standing(in->kernel) & before->allowed_by;
	int r = 0;

	*ret = NSG_FORGET_NOTHING;
	for (size_t i = 0; i < before->n_policies; i++)
		if (policy_forget(&before->policies[i], &after) != NSG_FORGET_NOTHING)
			*ret = NSG_FORGET_DECISIONS;
	if (*ret == NSG_FORGET_DECISIONS)
		standing = 0;
	in->generation = before->generation;
	if (!decides_the_same(before, &after))
		r = nsg_kernel_new_generation(in->kernel, standing, true, diag, &in->generation);
	(void)policy_number(in->policy, in->generation, standing, NULL);
	return r;
}

int handover_use_names(struct instance *in)
{
	return nsg_kernel_read_names(json_object_get(in->store.record, "kernel"), in->conf_start);
}

int handover_set_former(struct instance *in)
{
	return nsg_kernel_set_former(in->kernel, json_object_get(in->store.record, "kernel"));
}

int handover_rename_files(struct instance *in, struct nsg_diag *diag)
{
	const char *former = nsg_kernel_former_instance(in->kernel);

	if (!former)
		return 0;
	accounting_rename(former, in->conf_start->instance);
	return nsg_kernel_rename_files(in->kernel, diag);
}

int handover_restore(struct instance *in, uint32_t n_queues, struct nsg_diag *diag)
{
	struct before before = {0};

	/* of another version: kernel is NULL, and cannot be read either */
	(void)read_record(in->store.record, &before);
	return nsg_kernel_take_over(in->kernel, before.kernel, n_queues, &in->store.silent, diag);
}

int handover_continue(struct instance *in, struct nsg_diag *diag)
{
	struct before before;
	enum nsg_forget forget;
	int r;

	r = read_record(in->store.record, &before);
	if (r < 0)
		return r;
	r = number(in, &before, diag, &forget);
	if (r < 0)
		return r;
	r = nsg_kernel_prepare(in->kernel, in->policy->engine.image, &in->policy->numbers,
			       in->generation, diag);
	if (r < 0)
		return r;
	r = nsg_kernel_swap(in->kernel, in->generation, forget, diag);
	if (r < 0)
		return r;
	/* before a mark has the new generation */
	handover_save(in, NULL);
	r = nsg_engine_start(in->engine, diag);
	if (r < 0)
		return r;
	r = nsg_kernel_retire(in->kernel, diag);
	nsg_kernel_sweep(in->kernel);
	return r;
}

void handover_keep(struct instance *in)
{
	struct store *s = &in->store;
	char name[16];

	for (uint32_t i = 0; i < nsg_engine_n_rings(in->engine); i++) {
		(void)snprintf(name, sizeof(name), "queue%u", in->conf_start->queue_first + i);
		store_keep(s, name, nsg_engine_queue_socket(in->engine, i));
	}
	store_drop(s, "silent", &s->silent);
	store_keep(s, "silent", nsg_kernel_silent_socket(in->kernel));
	store_drop(s, "table", &s->table);
	store_keep(s, "table", nsg_kernel_table_socket(in->kernel));
}
