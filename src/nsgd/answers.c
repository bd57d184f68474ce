/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/answers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nsgd/instance.h"
#include "nsgd/decision_log.h"
#include "nsgd/log.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/macro.h"
#include "util/vec.h"

/* Denials of a destination are summed for so long. */
#define REPORT_NS 30000000000u
/* Between two looks at whether the workers have passed the line. */
#define SETTLE_USEC 20000u

/* A destination that the kernel answers for, or answered for. */
struct destination {
	struct nsg_answer answer; /* packets: as last read, 0 when the element is gone */
	uint64_t unreported;
};

struct destinations {
	NSG_VEC(struct destination) v;
	struct nsg_hash index;
};

struct answers {
	struct instance *in;
	struct destinations known;
	uint64_t size;
	struct answered sums;
	struct nsg_answer_counts last;		    /* the kernel's counters as last read */
	struct nsg_answer_counts total, attributed; /* since the start */
	struct nsg_engine_policy *policy;	    /* of the arrays of `sums` */
	uint64_t before_policy; /* answered before it took effect, and not attributed */
	uint64_t attributed_policy;
	uint64_t reported_denied, lost_denied;
	uint64_t reported_ns;
	bool line_drawn;
	sd_event_source *settle;
};

/* ---- destinations ---------------------------------------------------------------------------- */

static uint64_t hash_of(const struct nsg_answer *a)
{
	return nsg_hash_u64((uint64_t)a->dst_host << 24 | (uint64_t)a->dport_host << 8 |
			    a->protocol);
}

static bool is_destination(const void *array, uint32_t i, const void *key)
{
	const struct nsg_answer *a = &((const struct destination *)array)[i].answer, *b = key;

	return a->dst_host == b->dst_host && a->dport_host == b->dport_host &&
	       a->protocol == b->protocol;
}

static struct destination *find(const struct destinations *d, const struct nsg_answer *answer)
{
	uint32_t i = nsg_hash_find(&d->index, hash_of(answer), is_destination, d->v.v, answer);

	return i == NSG_HASH_NONE ? NULL : &d->v.v[i];
}

static int add(struct destinations *d, const struct destination *one)
{
	int r = nsg_vec_push(&d->v, *one);

	if (r < 0)
		return r;
	return nsg_hash_add(&d->index, hash_of(&one->answer), (uint32_t)d->v.n - 1);
}

static void destinations_done(struct destinations *d)
{
	nsg_vec_done(&d->v);
	nsg_hash_done(&d->index);
	*d = (struct destinations){0};
}

/* ---- attributing ----------------------------------------------------------------------------- */

static void forget_policy(struct answers *a)
{
	free(a->sums.rules);
	a->sums.rules = a->sums.routes = a->sums.admin_rules = NULL;
	a->sums.n_rules = a->sums.n_routes = a->sums.n_admin_rules = 0;
	a->policy = nsg_engine_policy_unref(a->policy);
}

/* The arrays are one block. Without memory nothing is attributed. */
static void take_policy(struct answers *a)
{
	struct nsg_engine_policy *policy = &a->in->policy->engine;
	const struct nsg_image *admin = nsg_image_admin(policy->image);
	struct nsg_image_info info = nsg_image_info(policy->image);
	struct answered *s = &a->sums;

	if (a->policy == policy)
		return;
	forget_policy(a);
	s->n_rules = info.n_rules + 2;
	s->n_routes = info.n_routes;
	s->n_admin_rules = admin ? nsg_image_info(admin).n_rules : 0;
	s->rules = calloc((size_t)s->n_rules + s->n_routes + s->n_admin_rules, sizeof(*s->rules));
	if (!s->rules) {
		s->n_rules = s->n_routes = s->n_admin_rules = 0;
		return;
	}
	s->routes = s->rules + s->n_rules;
	s->admin_rules = s->routes + s->n_routes;
	a->policy = nsg_engine_policy_ref(policy);
	a->before_policy = a->total.allowed + a->total.denied;
	a->attributed_policy = 0;
}

static struct nsg_trace_record decide(const struct answers *a, const struct nsg_answer *answer)
{
	struct nsg_trace_record r = {
	    .key = {.src_host = a->policy->src_host,
		    .dst_host = answer->dst_host,
		    .dport_host = answer->dport_host,
		    .protocol = answer->protocol},
	    .image = a->policy->image,
	    .enforced = true,
	};

	r.decision = nsg_classify(r.image, &r.key);
	return r;
}

static uint32_t rule_index(const struct answered *s, uint16_t rule)
{
	if (rule == NSG_RULE_NO_NSG)
		return s->n_rules - 2;
	return rule == NSG_RULE_NONE ? s->n_rules - 1 : rule;
}

static void attribute(struct answers *a, const struct nsg_answer *answer, uint64_t n)
{
	const struct nsg_trace_record record = decide(a, answer);
	const struct nsg_decision *d = &record.decision;
	struct answered *s = &a->sums;

	s->reasons[d->reason] += n;
	s->gates[d->gate] += n;
	s->rules[rule_index(s, d->rule)] += n;
	if (d->route != NSG_ROUTE_NONE)
		s->routes[d->route] += n;
	if (d->admin)
		s->admin_rules[d->admin - 1] += n;
	a->attributed_policy += n;
	if (answer->allowed)
		a->attributed.allowed += n;
	else
		a->attributed.denied += n;
}

static bool reports(const struct answers *a)
{
	return a->in->conf->log_decisions == NSG_LOG_DENIED;
}

/* The element's counter has the packet that it was learned from too, which a worker decided. */
static int take_answer(struct answers *a, const struct nsg_answer *answer, struct destinations *now)
{
	struct destination *before = find(&a->known, answer);
	struct destination d = {.answer = *answer};
	uint64_t n = answer->packets ? answer->packets - 1 : 0;

	if (before) {
		d.unreported = before->unreported;
		before->unreported = 0;
		/* fewer than before: it expired and was learned again */
		if (before->answer.packets && before->answer.packets <= answer->packets)
			n = answer->packets - before->answer.packets;
	}
	if (n)
		attribute(a, answer, n);
	if (!answer->allowed && reports(a))
		d.unreported += n;
	return add(now, &d);
}

static int take_answers(struct answers *a, const struct nsg_answer *v, size_t n)
{
	struct destinations now = {0};
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = take_answer(a, &v[i], &now);
	/* those that are gone, for the log */
	for (size_t i = 0; i < a->known.v.n && r >= 0; i++) {
		struct destination *d = &a->known.v.v[i];

		if (!d->unreported)
			continue;
		d->answer.packets = 0;
		r = add(&now, d);
	}
	destinations_done(&a->known);
	a->known = now;
	a->size = n;
	return r;
}

/* A new table counts from 0. */
static uint64_t more(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static uint64_t at_least(uint64_t n, uint64_t least)
{
	return n > least ? n : least;
}

/* What is answered while the counters are read is attributed already. */
static void sum_up(struct answers *a)
{
	struct answered *s = &a->sums;
	const uint64_t policy = a->total.allowed + a->total.denied - a->before_policy;

	s->allowed = at_least(a->total.allowed, a->attributed.allowed);
	s->denied = at_least(a->total.denied, a->attributed.denied);
	s->unread = s->allowed + s->denied - a->attributed.allowed - a->attributed.denied;
	s->unread_policy = at_least(policy, a->attributed_policy) - a->attributed_policy;
}

/* Of answers that expired before their counter was read. */
static uint64_t lost_denials(const struct answers *a)
{
	return at_least(a->total.denied, a->attributed.denied) - a->attributed.denied;
}

const struct answered *answers_read(struct answers *a)
{
	static const struct answered none;
	struct nsg_answer_counts counts;
	struct nsg_answer *v = NULL;
	size_t n = 0;

	if (!a)
		return &none;
	if (nsg_kernel_count_answers(a->in->kernel, &counts) < 0)
		return &a->sums;
	take_policy(a);
	a->total.allowed += more(counts.allowed, a->last.allowed);
	a->total.denied += more(counts.denied, a->last.denied);
	a->last = counts;
	if (a->policy && nsg_kernel_read_answers(a->in->kernel, &v, &n) >= 0)
		(void)take_answers(a, v, n);
	free(v);
	sum_up(a);
	if (!reports(a)) {
		a->lost_denied = lost_denials(a);
		a->reported_denied = a->total.denied;
	}
	return &a->sums;
}

uint64_t answers_size(const struct answers *a)
{
	return a ? a->size : 0;
}

/* ---- the log --------------------------------------------------------------------------------- */

static void report(struct answers *a)
{
	for (size_t i = 0; i < a->known.v.n && a->policy; i++) {
		struct destination *d = &a->known.v.v[i];
		struct nsg_trace_record record;

		if (!d->unreported)
			continue;
		record = decide(a, &d->answer);
		decision_log_repeats(&record, d->unreported);
		d->unreported = 0;
	}
	if (lost_denials(a) > a->lost_denied)
		log_info("drop: %" PRIu64 " more packets were answered by the kernel, for "
			 "destinations whose answers have expired",
			 lost_denials(a) - a->lost_denied);
	a->lost_denied = at_least(lost_denials(a), a->lost_denied);
	a->reported_denied = a->total.denied;
	a->reported_ns = nsg_clock_ns(CLOCK_MONOTONIC);
}

void answers_watch(struct answers *a)
{
	struct nsg_answer_counts counts;

	if (!reports(a) || nsg_clock_ns(CLOCK_MONOTONIC) - a->reported_ns < REPORT_NS ||
	    nsg_kernel_count_answers(a->in->kernel, &counts) < 0 ||
	    (counts.denied == a->last.denied && a->total.denied == a->reported_denied))
		return;
	(void)answers_read(a);
	report(a);
}

/* ---- reloads --------------------------------------------------------------------------------- */

void answers_before_reload(struct answers *a)
{
	(void)answers_read(a);
	/* by the policy that decided them */
	if (reports(a))
		report(a);
}

/* The line is drawn some time after the reload: another processor may still have been queueing a
 * packet by the old rules when it ended. */
static int on_settle(sd_event_source *source, uint64_t usec, void *data)
{
	struct answers *a = data;
	struct nsg_diag diag = {0};

	(void)usec;
	if (!a->line_drawn) {
		nsg_engine_line(a->in->engine);
		a->line_drawn = true;
	} else if (nsg_engine_passed_line(a->in->engine)) {
		(void)nsg_kernel_settled(a->in->kernel, &diag);
		log_diag(&diag);
		nsg_diag_done(&diag);
		return 0;
	}
	(void)sd_event_source_set_time_relative(source, SETTLE_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void answers_after_reload(struct answers *a)
{
	take_policy(a);
	/* the elements are gone */
	for (size_t i = 0; i < a->known.v.n; i++)
		a->known.v.v[i].answer.packets = 0;
	if (nsg_kernel_is_settled(a->in->kernel))
		return;
	a->line_drawn = false;
	(void)sd_event_source_set_time_relative(a->settle, SETTLE_USEC);
	(void)sd_event_source_set_enabled(a->settle, SD_EVENT_ONESHOT);
}

int answers_new(sd_event *event, struct instance *in, struct answers **ret)
{
	struct answers *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->in = in;
	r = sd_event_add_time(event, &a->settle, CLOCK_MONOTONIC, UINT64_MAX, 1, on_settle, a);
	if (r >= 0)
		r = sd_event_source_set_enabled(a->settle, SD_EVENT_OFF);
	if (r < 0) {
		answers_free(a);
		return r;
	}
	/* of a table that was taken over: what the process before has counted */
	(void)nsg_kernel_count_answers(in->kernel, &a->last);
	answers_after_reload(a);
	*ret = a;
	return 0;
}

struct answers *answers_free(struct answers *a)
{
	if (!a)
		return NULL;
	sd_event_source_disable_unref(a->settle);
	destinations_done(&a->known);
	forget_policy(a);
	free(a);
	return NULL;
}
