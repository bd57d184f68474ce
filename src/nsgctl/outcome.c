/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgctl/outcome.h"

#include <errno.h>
#include <string.h>

#include "explain/table.h"
#include "observe/record.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_object.h"
#include "util/macro.h"

int nsgctl_outcomes_init(struct nsgctl_outcomes *o, struct nsgctl_session *session,
			 const json_t *policy)
{
	o->session = session;
	o->has_admin_rules = json_integer_value(json_object_get(policy, "adminRules")) > 0;
	o->by_text = json_object();
	return o->by_text ? 0 : nsgctl_out_of_memory();
}

void nsgctl_outcomes_done(struct nsgctl_outcomes *o)
{
	nsg_vec_done(&o->v);
	nsg_vec_done(&o->texts);
	json_decref(o->by_text);
	json_decref(o->answer);
}

/* ---- texts ---------------------------------------------------------------------------------- */

int nsgctl_outcome_keep(struct nsgctl_outcomes *o, const char *text, size_t n,
			struct nsgctl_text *ret)
{
	if (o->texts.n + n >= UINT32_MAX || nsg_vec_reserve(&o->texts, n + 1) < 0)
		return -ENOMEM;
	*ret = (struct nsgctl_text){(uint32_t)o->texts.n, (uint32_t)n};
	memcpy(o->texts.v + o->texts.n, text, n);
	o->texts.v[o->texts.n + n] = '\0';
	o->texts.n += n + 1;
	return 0;
}

/* The members of `object` with these keys, without braces. */
static int keep_members(struct nsgctl_outcomes *o, const json_t *object, const char *const *keys,
			size_t n, struct nsgctl_text *ret)
{
	cleanup_json json_t *part = json_object();
	cleanup_free char *line = NULL;

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(object, keys[i]);

		if (value && json_object_set(part, keys[i], value) < 0)
			return -ENOMEM;
	}
	line = nsg_json_line(part);
	return line ? nsgctl_outcome_keep(o, line + 1, strlen(line) - 2, ret) : -ENOMEM;
}

static int keep_rule(struct nsgctl_outcomes *o, const json_t *object, const char *reason,
		     struct nsgctl_text *ret)
{
	const char *nsg = nsg_string_at(object, "nsg.rule"),
		   *admin = nsg_string_at(object, "admin.rule");
	const char *prefix = nsg_string_at(object, "route.prefix");
	const char *slash = strchr(nsg, '/'); /* securityRules/NAME */
	char text[256];
	int n = 0;

	if (strncmp(reason, "route-", strlen("route-")) == 0)
		n = snprintf(text, sizeof(text), "route %s %s", prefix,
			     nsg_string_at(object, "route.nextHopType"));
	else if (*nsg)
		n = snprintf(text, sizeof(text), "%s (%d)", slash ? slash + 1 : nsg,
			     (int)json_integer_value(nsg_at(object, "nsg.priority")));
	else if (*admin)
		n = snprintf(text, sizeof(text), "admin rule %s (%d)", admin,
			     (int)json_integer_value(nsg_at(object, "admin.priority")));
	return nsgctl_outcome_keep(o, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1,
				   ret);
}

static const char *reason_of(const json_t *object)
{
	const char *reason = nsg_string_at(object, "reason");

	for (size_t i = 0; i < NSG_REASON_MAX; i++)
		if (strcmp(nsg_reason_name((enum nsg_reason)i), reason) == 0)
			return nsg_reason_name((enum nsg_reason)i);
	return nsg_reason_name(NSG_REASON_ALLOWED);
}

static int make(struct nsgctl_outcomes *o, const json_t *object, struct nsgctl_outcome *ret)
{
	static const char *const gate[] = {"gate", "admin", "nsg"}, *const route[] = {"route"};
	char comment[NSGCTL_COMMENT], comment_route[NSGCTL_COMMENT];
	struct nsgctl_outcome made = {
	    .verdict = strcmp(nsg_string_at(object, "verdict"), "accept") == 0 ? NSG_VERDICT_ACCEPT
									       : NSG_VERDICT_DROP,
	    .reason = reason_of(object),
	};
	int r;

	nsgctl_comment_parts(object, comment, comment_route);
	r = keep_members(o, object, gate, NSG_ARRAY_SIZE(gate), &made.gate);
	if (r < 0)
		return r;
	r = keep_members(o, object, route, NSG_ARRAY_SIZE(route), &made.route);
	if (r < 0)
		return r;
	r = nsgctl_outcome_keep(o, comment, strlen(comment), &made.comment);
	if (r < 0)
		return r;
	r = nsgctl_outcome_keep(o, comment_route, strlen(comment_route), &made.comment_route);
	if (r < 0)
		return r;
	r = keep_rule(o, object, made.reason, &made.rule);
	if (r < 0)
		return r;
	*ret = made;
	return 0;
}

/* The index of the outcome with this content. */
static int intern(struct nsgctl_outcomes *o, const json_t *object, uint32_t *ret)
{
	cleanup_free char *text = nsg_json_line(object);
	struct nsgctl_outcome made;
	json_t *known;

	if (!text)
		return nsgctl_out_of_memory();
	known = json_object_get(o->by_text, text);
	if (known) {
		*ret = (uint32_t)json_integer_value(known);
		return 0;
	}
	if (make(o, object, &made) < 0 || nsg_vec_push(&o->v, made) < 0 ||
	    json_object_set_new(o->by_text, text, json_integer((json_int_t)o->v.n - 1)) < 0)
		return nsgctl_out_of_memory();
	*ret = (uint32_t)o->v.n - 1;
	return 0;
}

/* ---- decisions ------------------------------------------------------------------------------ */

int nsgctl_outcome_undecided(struct nsgctl_outcomes *o, enum nsg_gate gate, enum nsg_reason reason,
			     uint32_t *ret)
{
	uint32_t *known = &o->undecided[gate][reason];
	cleanup_json json_t *object = NULL;
	uint32_t index = 0;
	int status, r = 0;

	if (*known) {
		*ret = *known - 1;
		return 0;
	}
	object = NSG_JSON_OBJECT(PAIR_S("gate", nsg_gate_name(gate)));
	if (o->has_admin_rules)
		r = NSG_JSON_ADD(object, PAIR_N("admin"));
	if (r < 0 || NSG_JSON_ADD(object, PAIR_N("nsg"), PAIR_N("route"),
				  PAIR_S("verdict", nsg_verdict_name(nsg_reason_verdict(reason))),
				  PAIR_S("reason", nsg_reason_name(reason))) < 0)
		return nsgctl_out_of_memory();
	status = intern(o, object, &index);
	if (status)
		return status;
	*known = index + 1;
	*ret = index;
	return 0;
}

static int keep_answer(void *closure, json_t *item)
{
	struct nsgctl_outcomes *o = closure;

	json_decref(o->answer);
	o->answer = json_incref(item);
	return 0;
}

static enum nsg_gate gate_of(const json_t *object)
{
	const char *name = nsg_string_at(object, "gate");

	for (size_t i = NSG_GATE_BYPASS; i < NSG_GATE_MAX; i++)
		if (strcmp(nsg_gate_name((enum nsg_gate)i), name) == 0)
			return (enum nsg_gate)i;
	return NSG_GATE_NONE;
}

/* By the verb explain, whose answer begins with the flow. */
static int ask(struct nsgctl_outcomes *o, const struct nsg_flow *flow, uint32_t *ret,
	       enum nsg_gate *ret_gate)
{
	static const char *const members[] = {"gate", "admin", "nsg", "route", "verdict", "reason"};
	cleanup_json json_t *object = json_object();
	cleanup_json json_t *outcome = json_object();
	cleanup_json json_t *args = NULL;
	int status;

	if (!object || nsg_flow_put(object, flow) < 0)
		return nsgctl_out_of_memory();
	args = json_pack("{s[O]}", "flows", object);
	if (!args)
		return nsgctl_out_of_memory();
	status = nsgctl_session_ask(o->session, "explain", args, keep_answer, o);
	if (status)
		return status;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(members); i++) {
		/* a policy without security admin rules has no key admin */
		if (!o->has_admin_rules && strcmp(members[i], "admin") == 0)
			continue;
		if (json_object_set(outcome, members[i], json_object_get(o->answer, members[i])) <
		    0)
			return nsgctl_fail(NSG_EXIT_FAILED, "a flow was not decided");
	}
	status = intern(o, outcome, ret);
	if (!status && ret_gate)
		*ret_gate = gate_of(outcome);
	return status;
}

static size_t hash(const struct nsg_decision *d)
{
	uint64_t words[2];

	_Static_assert(sizeof(*d) <= sizeof(words), "all of a decision is hashed");
	memset(words, 0, sizeof(words));
	memcpy(words, d, sizeof(*d));
	return (words[0] * 0x9e3779b97f4a7c15u ^ words[1] * 0xff51afd7ed558ccdu) >> 32;
}

static int intern_decision(struct nsgctl_outcomes *o, const struct nsg_key *key,
			   const struct nsg_decision *d, uint32_t *ret)
{
	static const char *const flow[] = {"protocol", "src", "srcPort", "dst", "dstPort"};
	cleanup_json json_t *object = json_object();

	if (!object || nsg_record_put_decision(object, o->session->snapshot->image, key, d) < 0)
		return nsgctl_out_of_memory();
	for (size_t i = 0; i < NSG_ARRAY_SIZE(flow); i++)
		(void)json_object_del(object, flow[i]);
	return intern(o, object, ret);
}

int nsgctl_outcome_decide(struct nsgctl_outcomes *o, const struct nsg_flow *flow, uint32_t *ret,
			  enum nsg_gate *ret_gate)
{
	struct nsg_decision d;
	size_t at;
	int status;

	if (o->session->live || flow->is_ip6)
		return ask(o, flow, ret, ret_gate);
	d = nsg_classify(o->session->snapshot->image, &flow->key);
	at = hash(&d) % NSG_ARRAY_SIZE(o->recent);
	if (!o->recent[at].index || memcmp(&o->recent[at].decision, &d, sizeof(d)) != 0) {
		uint32_t index = 0;

		status = intern_decision(o, &flow->key, &d, &index);
		if (status)
			return status;
		o->recent[at].decision = d;
		o->recent[at].index = index + 1;
	}
	*ret = o->recent[at].index - 1;
	if (ret_gate)
		*ret_gate = (enum nsg_gate)d.gate;
	return 0;
}
