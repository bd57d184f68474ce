/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "kernel/conntrack.h"
#include "kernel/kernel_priv.h"
#include "kernel/nft_table.h"
#include "kernel/routes.h"
#include "kernel/rules.h"
#include "util/cleanup.h"

#define GENERATIONS 4u
/* Rules from `main` (32766) on come after every packet has found its route. */
#define RULE_MAIN 32766u
/* Tables 253 to 255 are default, main and local. */
#define TABLE_LAST_RESERVED 255u

static int complain(struct nsg_diag *diag, int error, const char *what)
{
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "%s: %s", what, strerror(-error));
	return error;
}

/* --- opening --------------------------------------------------------------------------------- */

static int open_sockets(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct {
		struct nsg_nl *nl;
		int protocol;
		const char *what;
	} all[] = {
		{ &k->nft, NETLINK_NETFILTER, "cannot open a netfilter socket" },
		{ &k->ct_dump, NETLINK_NETFILTER, "cannot open a netfilter socket" },
		{ &k->ct_update, NETLINK_NETFILTER, "cannot open a netfilter socket" },
		{ &k->rt, NETLINK_ROUTE, "cannot open a routing socket" },
	};
	int r;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(all); i++) {
		r = nsg_nl_open(all[i].protocol, all[i].nl);
		if (r < 0)
			return complain(diag, r, all[i].what);
	}
	return nsg_kernel_watch_open(k, diag);
}

static int try_probe(struct nsg_kernel *k, bool native)
{
	struct nsg_nft_batch b;
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "nsgd_probe_%ld", (long)getpid());
	nsg_nft_batch_begin(&b, name);
	nsg_table_probe(&b, &k->marks, native);
	r = nsg_nft_batch_send(&b, &k->nft, "probing", NULL);
	nsg_nft_batch_done(&b);
	return r;
}

/* What the kernel has: nft's own queue expression, else the xt target. */
static int probe(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = try_probe(k, true);

	k->table.native_queue = r >= 0;
	if (r == -ENOENT)
		r = try_probe(k, false);
	switch (r) {
	case 0:
		return 0;
	case -EPERM:
		return complain(diag, r, "cannot change nf_tables (CAP_NET_ADMIN is missing)");
	case -ENOENT:
		return complain(diag, r,
				"the kernel has neither nft's queue expression (nft_queue) nor the "
				"NFQUEUE and CONNMARK targets (xt_NFQUEUE, xt_CONNMARK, nft_compat)");
	case -EINVAL:
	case -EOPNOTSUPP:
	case -ECONNREFUSED:
		return complain(diag, r, "the kernel has no nf_tables");
	default:
		return complain(diag, r, "cannot probe nf_tables");
	}
}

static int find_user(const struct nsg_conf *conf, const char *user, struct nsg_diag *diag,
		     uint32_t *ret)
{
	struct passwd entry, *found = NULL;
	cleanup_free char *buffer = NULL;
	const size_t size = 64 << 10;
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(user, &end, 10);
	if (user[0] >= '0' && user[0] <= '9' && !*end && !errno && number < UINT32_MAX) {
		*ret = (uint32_t)number;
		return 0;
	}
	buffer = malloc(size);
	if (!buffer)
		return -ENOMEM;
	if (getpwnam_r(user, &entry, buffer, size, &found) || !found)
		return nsg_diag_line(diag, NSG_ERROR, conf->path,
				     nsg_conf_line(conf, "capture", "users"), NULL,
				     "there is no user \"%s\"", user);
	*ret = entry.pw_uid;
	return 0;
}

static int find_users(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct nsg_conf_strings *users = &k->conf->users;
	int r;

	if (!users->n)
		return 0;
	k->users = calloc(users->n, sizeof(*k->users));
	if (!k->users)
		return -ENOMEM;
	for (size_t i = 0; i < users->n; i++) {
		uint32_t uid = 0;
		bool known = false;

		r = find_user(k->conf, users->v[i], diag, &uid);
		if (r < 0)
			return r;
		for (size_t j = 0; j < k->n_users; j++)
			known |= k->users[j] == uid;
		if (!known)
			k->users[k->n_users++] = uid;
	}
	return 0;
}

static int check_numbers(const struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct nsg_conf *conf = k->conf;

	if (conf->rule_priority > RULE_MAIN - NSG_RULES_SPAN || !conf->rule_priority)
		return nsg_diag_line(diag, NSG_ERROR, conf->path,
				     nsg_conf_line(conf, "route", "rule-priority"), NULL,
				     "rule-priority must lie between 1 and %u: nsgd uses the %u "
				     "priorities from it on, all before the rule for table main",
				     RULE_MAIN - NSG_RULES_SPAN, NSG_RULES_SPAN);
	if (conf->table_base < TABLE_LAST_RESERVED || conf->table_base > UINT32_MAX - NSG_MAX_HOPS)
		return nsg_diag_line(diag, NSG_ERROR, conf->path,
				     nsg_conf_line(conf, "route", "table-base"), NULL,
				     "table-base must be at least %u: tables below are the kernel's",
				     TABLE_LAST_RESERVED);
	return 0;
}

/* A queue that nobody binds, from the top: /proc/net tells which are bound. */
static uint16_t choose_silent_queue(const struct nsg_conf *conf, uint32_t n_queues)
{
	uint32_t number = UINT16_MAX;
	cleanup_fclose FILE *f = NULL;
	unsigned int bound[256];
	size_t n = 0;

	f = fopen("/proc/self/net/netfilter/nfnetlink_queue", "re");
	while (f && n < NSG_ARRAY_SIZE(bound) && fscanf(f, "%u%*[^\n]", &bound[n]) == 1)
		n++;
	for (bool taken = true; taken && number; number -= taken) {
		taken = number >= conf->queue_first && number - conf->queue_first < n_queues;
		for (size_t i = 0; i < n; i++)
			taken |= bound[i] == number;
	}
	return (uint16_t)number;
}

static int open_parts(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r;

	r = nsg_marks_init(k->conf->mark_mask, &k->marks);
	if (r < 0)
		return nsg_diag_line(diag, NSG_ERROR, k->conf->path,
				     nsg_conf_line(k->conf, "route", "mark-mask"), NULL,
				     "mark-mask 0x%08x is not one run of 6 to 19 bits",
				     k->conf->mark_mask);
	r = check_numbers(k, diag);
	if (r < 0)
		return r;
	r = nsg_hops_init(&k->hops, k->conf, &k->marks);
	if (r < 0)
		return r;
	r = find_users(k, diag);
	if (r < 0)
		return r;
	r = nsg_cgroups_open(&k->conf->cgroups, "/proc/self/mountinfo", &k->cgroups);
	if (r < 0)
		return complain(diag, r, "cannot look for the captured cgroups (is cgroup version "
					 "2 mounted?)");
	r = open_sockets(k, diag);
	if (r < 0)
		return r;
	return probe(k, diag);
}

int nsg_kernel_open(const struct nsg_conf *conf, struct nsg_diag *diag, struct nsg_kernel **ret)
{
	struct nsg_kernel *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->conf = conf;
	k->nft.fd = k->rt.fd = k->ct_dump.fd = k->ct_update.fd = -1;
	k->rt_watch.fd = k->nft_watch.fd = k->epoll_fd = k->retry_fd = k->cgroups.inotify_fd = -1;
	r = open_parts(k, diag);
	if (r < 0) {
		nsg_kernel_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

struct nsg_kernel *nsg_kernel_free(struct nsg_kernel *k)
{
	struct nsg_nl *const all[] = { &k->nft,	      &k->rt,	    &k->ct_dump,
				       &k->ct_update, &k->rt_watch, &k->nft_watch };

	if (!k)
		return NULL;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(all); i++)
		nsg_nl_close(all[i]);
	if (k->epoll_fd >= 0)
		(void)close(k->epoll_fd);
	if (k->retry_fd >= 0)
		(void)close(k->retry_fd);
	nsg_cgroups_done(&k->cgroups);
	nsg_hops_done(&k->hops);
	nsg_links_done(&k->links);
	free(k->users);
	free(k);
	return NULL;
}

/* --- marks of connections -------------------------------------------------------------------- */

static int rewrite(struct nsg_kernel *k, uint32_t match_mask, uint32_t match, uint32_t mask,
		   uint32_t value, struct nsg_diag *diag)
{
	int r = nsg_conntrack_rewrite(&k->ct_dump, &k->ct_update, match_mask, match, mask, value,
				      NULL);

	return r < 0 ? complain(diag, r, "cannot rewrite the marks of connections") : 0;
}

/* Every bit of ours in every connection; what is not decided is only ever `preexisting`. */
static int clear_marks(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct nsg_marks *m = &k->marks;
	int r = rewrite(k, m->decided, m->decided, m->mask, 0, diag);

	if (r < 0)
		return r;
	return rewrite(k, m->mask, m->generation, m->mask, 0, diag);
}

/* What still holds the number of a generation to come becomes one that is neither it nor the
 * present one: `decided, of some other generation`. */
static int make_stale(struct nsg_kernel *k, uint32_t generation, struct nsg_diag *diag)
{
	const struct nsg_marks *m = &k->marks;
	uint32_t other = 0;

	while (other == generation || other == k->table.generation)
		other++;
	return rewrite(k, m->decided | m->generation, nsg_marks_accept(m, generation, 0),
		       m->generation, other << m->generation_shift, diag);
}

/* --- hops ------------------------------------------------------------------------------------ */

static int read_links(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = nsg_links_read(&k->rt, &k->links);

	return r < 0 ? complain(diag, r, "cannot read the host's links") : 0;
}

/* What a person wants to know of a hop that is not reached, as a diagnostic for each leg. */
static bool tell_unreachable(const struct nsg_hop *hop, enum nsg_severity severity,
			     struct nsg_diag *diag)
{
	char name[128], why[160];
	bool any = false;

	for (uint32_t i = 0; i < hop->n_legs; i++) {
		if (hop->legs[i].up)
			continue;
		any = true;
		nsg_kernel_name_hop(hop, name, sizeof(name));
		nsg_kernel_explain_leg(hop, &hop->legs[i], why, sizeof(why));
		(void)nsg_diag_add(diag, severity, NULL, NULL, "next hop %s cannot be reached: %s",
				   name, why);
	}
	return any;
}

/* The image's hops as this host reaches them. */
static int look_at_hops(struct nsg_kernel *k, const struct nsg_image *image, struct nsg_diag *diag,
			struct nsg_hop *hops, uint32_t n)
{
	int r;

	r = read_links(k, diag);
	for (uint32_t i = 1; r >= 0 && i < n; i++) {
		r = nsg_hop_of(k->conf, image, i, diag, &hops[i]);
		if (r >= 0)
			nsg_routes_resolve(&k->rt, &k->links, &hops[i]);
	}
	return r;
}

int nsg_kernel_plan(struct nsg_kernel *k, const struct nsg_image *image, bool strict,
		    struct nsg_diag *diag, struct nsg_hop_numbers *ret)
{
	const uint32_t n = nsg_image_info(image).n_hops;
	cleanup_free uint16_t *number = calloc((size_t)n + 1, sizeof(*number));
	cleanup_free struct nsg_hop *hops = calloc((size_t)n + 1, sizeof(*hops));
	bool unreachable = false;
	int r;

	if (!number || !hops)
		return -ENOMEM;
	r = nsg_hops_number(&k->hops, image, diag, number);
	if (r >= 0)
		r = look_at_hops(k, image, diag, hops, n);
	for (uint32_t i = 0; r >= 0 && i < n; i++)
		unreachable |= tell_unreachable(&hops[i], strict ? NSG_ERROR : NSG_WARNING, diag);
	if (r >= 0)
		nsg_kernel_check_host(k, hops, n, diag);
	for (uint32_t i = 0; i < n; i++)
		nsg_hop_done(&hops[i]);
	if (r < 0)
		return r;
	if (strict && unreachable)
		return -EINVAL;
	ret->number = TAKE_PTR(number);
	ret->n = n;
	return 0;
}

int nsg_kernel_resolve(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = read_links(k, diag);

	for (uint32_t n = 1; r >= 0 && n <= k->hops.max; n++)
		if (k->hops.v[n].used)
			nsg_routes_resolve(&k->rt, &k->links, &k->hops.v[n]);
	return r;
}

static int apply_rules(struct nsg_kernel *k, struct nsg_diag *diag)
{
	uint32_t changed;

	return nsg_rules_restore(&k->rt, &k->hops, diag, &changed);
}

/* Tables first: a rule never leads to one without its blackhole. */
static int apply_routes_and_rules(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = nsg_routes_apply(&k->rt, &k->hops, diag);

	return r < 0 ? r : apply_rules(k, diag);
}

static int clear_routes_and_rules(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct nsg_rules none = { 0 };
	uint32_t changed;
	int r, e;

	r = nsg_rules_apply(&k->rt, k->conf, &none, diag, &changed);
	e = nsg_routes_clear(&k->rt, k->conf, k->marks.max_hop, diag);
	return r < 0 ? r : e;
}

static int check_foreign(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_rules ours = { 0 }, foreign = { 0 };
	int r;

	r = nsg_rules_read(&k->rt, k->conf, &ours, &foreign);
	if (r < 0)
		return complain(diag, r, "cannot read the ip rules");
	if (foreign.rules.n) {
		r = -EEXIST;
		(void)nsg_diag_line(diag, NSG_ERROR, k->conf->path,
				    nsg_conf_line(k->conf, "route", "rule-priority"), NULL,
				    "the ip rule with priority %u is not nsgd's: choose another "
				    "rule-priority (%u priorities from it on are used)",
				    foreign.rules.v[0].pref, NSG_RULES_SPAN);
	}
	nsg_rules_done(&ours);
	nsg_rules_done(&foreign);
	return r < 0 ? r : nsg_routes_check_foreign(&k->rt, &k->hops, diag);
}

/* --- the table ------------------------------------------------------------------------------- */

static int delete_table(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	int r;

	nsg_nft_batch_begin(&b, k->conf->instance);
	nsg_table_delete(&b);
	r = nsg_nft_batch_send(&b, &k->nft, "cannot remove the rules", diag);
	nsg_nft_batch_done(&b);
	return r;
}

int nsg_kernel_cleanup(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int table, routes, marks;

	k->running = false;
	table = delete_table(k, diag);
	/* without the table nobody marks: routes and bits can go */
	routes = clear_routes_and_rules(k, diag);
	marks = clear_marks(k, diag);
	for (uint32_t n = 1; n <= k->hops.max; n++)
		nsg_hops_free_number(&k->hops, n);
	return table < 0 ? table : routes < 0 ? routes : marks;
}

static void describe_policy(struct nsg_kernel *k, const struct nsg_image *image)
{
	struct nsg_image_info info = nsg_image_info(image);

	k->table.route_all = info.route_all;
	k->table.flow_minutes = info.flow_timeout_minutes ? info.flow_timeout_minutes :
							    NSG_FLOW_TIMEOUT_MINUTES;
}

static int put_table(struct nsg_kernel *k, bool anew, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	int r;

	nsg_nft_batch_begin(&b, k->conf->instance);
	if (anew)
		nsg_table_put_anew(&b, k);
	else
		nsg_table_put(&b, k);
	r = nsg_nft_batch_send(&b, &k->nft, "cannot load the rules", diag);
	nsg_nft_batch_done(&b);
	return r;
}

int nsg_kernel_restore_table(struct nsg_kernel *k, struct nsg_diag *diag)
{
	/* One of its objects may have become something else: then only a new table helps, and
	 * what was queued is lost with the old one's chains. */
	return put_table(k, false, NULL) < 0 ? put_table(k, true, diag) : 0;
}

int nsg_kernel_put_ways(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	int r;

	nsg_nft_batch_begin(&b, k->conf->instance);
	nsg_table_put_ways(&b, k);
	r = nsg_nft_batch_send(&b, &k->nft, "cannot change the ways of next hops", diag);
	nsg_nft_batch_done(&b);
	return r;
}

static int start(struct nsg_kernel *k, const struct nsg_image *image,
		 const struct nsg_hop_numbers *numbers, struct nsg_diag *diag)
{
	int r;

	r = nsg_hops_commit(&k->hops, image, numbers->number, numbers->n);
	if (r < 0)
		return complain(diag, r, "cannot number the next hops");
	nsg_hops_swap(&k->hops);
	r = check_foreign(k, diag);
	if (r < 0)
		return r;
	r = nsg_kernel_resolve(k, diag);
	if (r < 0)
		return r;
	/* A dead predecessor's bits; its table still stands and is replaced in one step. */
	r = clear_marks(k, diag);
	if (r < 0)
		return r;
	if (!k->conf->audit)
		r = apply_routes_and_rules(k, diag);
	else
		r = clear_routes_and_rules(k, diag);
	return r < 0 ? r : put_table(k, true, diag);
}

int nsg_kernel_start(struct nsg_kernel *k, const struct nsg_image *image,
		     const struct nsg_hop_numbers *numbers, uint32_t generation,
		     uint32_t n_queues, struct nsg_diag *diag)
{
	struct timespec now;
	int r;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	k->table.started_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	k->table.generation = generation % GENERATIONS;
	k->table.n_queues = (uint16_t)n_queues;
	k->table.silent_queue = choose_silent_queue(k->conf, n_queues);
	describe_policy(k, image);
	r = start(k, image, numbers, diag);
	if (r < 0) {
		struct nsg_diag ignored = { 0 };

		(void)nsg_kernel_cleanup(k, &ignored);
		nsg_diag_done(&ignored);
		return r;
	}
	k->running = true;
	return 0;
}

/* --- reload ---------------------------------------------------------------------------------- */

/* Elements, tables and rules of numbers that neither image uses go away. */
static int drop_idle(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	bool any = false;
	int r;

	nsg_nft_batch_begin(&b, k->conf->instance);
	for (uint32_t n = 1; n <= k->hops.max; n++) {
		if (!nsg_hops_is_idle(&k->hops.v[n]))
			continue;
		any = true;
		nsg_table_remove_hop(&b, k, n);
		nsg_hops_free_number(&k->hops, n);
	}
	r = nsg_nft_batch_send(&b, &k->nft, "cannot remove next hops", NULL);
	nsg_nft_batch_done(&b);
	/* not all of it was there: whole again, without it */
	if (r < 0)
		r = nsg_kernel_restore_table(k, diag);
	if (!any || r < 0 || k->conf->audit)
		return r;
	r = nsg_kernel_put_ways(k, diag);
	if (r < 0)
		return r;
	/* rules first: a table without routes would let its packets through */
	r = apply_rules(k, diag);
	return r < 0 ? r : nsg_routes_apply(&k->rt, &k->hops, diag);
}

static int add_hops(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	int r;

	r = nsg_kernel_resolve(k, diag);
	if (r < 0)
		return r;
	nsg_nft_batch_begin(&b, k->conf->instance);
	for (uint32_t n = 1; n <= k->hops.max; n++)
		if (k->hops.v[n].next && !k->hops.v[n].live)
			nsg_table_put_hop(&b, k, n);
	nsg_table_put_ways(&b, k);
	r = nsg_nft_batch_send(&b, &k->nft, "cannot add next hops", diag);
	nsg_nft_batch_done(&b);
	if (r < 0 || k->conf->audit)
		return r;
	r = nsg_routes_check_foreign(&k->rt, &k->hops, diag);
	return r < 0 ? r : apply_routes_and_rules(k, diag);
}

int nsg_kernel_prepare(struct nsg_kernel *k, const struct nsg_image *image,
		       const struct nsg_hop_numbers *numbers, uint32_t generation,
		       struct nsg_diag *diag)
{
	struct nsg_diag ignored = { 0 };
	int r;

	r = nsg_hops_commit(&k->hops, image, numbers->number, numbers->n);
	if (r < 0)
		return complain(diag, r, "cannot number the next hops");
	r = make_stale(k, generation % GENERATIONS, diag);
	if (r >= 0)
		r = add_hops(k, diag);
	if (r < 0) {
		for (uint32_t n = 1; n <= k->hops.max; n++)
			k->hops.v[n].next = false;
		(void)drop_idle(k, &ignored);
		nsg_diag_done(&ignored);
		return r;
	}
	/* route-all and the flow timeout take effect with the swap */
	k->coming = nsg_image_info(image);
	k->prepared = true;
	return 0;
}

int nsg_kernel_swap(struct nsg_kernel *k, uint32_t generation, enum nsg_forget forget,
		    struct nsg_diag *diag)
{
	const struct nsg_marks *m = &k->marks;
	struct nsg_table_state before = k->table;
	struct nsg_nft_batch b;
	int r;

	if (!k->prepared)
		return -EINVAL;
	/* Before the new generation counts: what is decided now must not look decided then. */
	if (forget == NSG_FORGET_DECISIONS)
		for (uint32_t g = 0; g < GENERATIONS; g++) {
			if (g == generation % GENERATIONS)
				continue;
			r = rewrite(k, m->decided | m->generation, nsg_marks_accept(m, g, 0),
				    m->mask, 0, diag);
			if (r < 0)
				return r;
		}
	k->table.generation = generation % GENERATIONS;
	k->table.route_all = k->coming.route_all;
	k->table.flow_minutes = k->coming.flow_timeout_minutes ? k->coming.flow_timeout_minutes :
								 NSG_FLOW_TIMEOUT_MINUTES;
	nsg_nft_batch_begin(&b, k->conf->instance);
	nsg_table_put_policy(&b, k, before.flow_minutes);
	r = nsg_nft_batch_send(&b, &k->nft, "cannot change the generation", diag);
	nsg_nft_batch_done(&b);
	if (r < 0) {
		k->table = before;
		return r;
	}
	nsg_hops_swap(&k->hops);
	k->prepared = false;
	return 0;
}

int nsg_kernel_retire(struct nsg_kernel *k, struct nsg_diag *diag)
{
	if (k->prepared)
		for (uint32_t n = 1; n <= k->hops.max; n++)
			k->hops.v[n].next = false;
	k->prepared = false;
	return drop_idle(k, diag);
}

int nsg_kernel_neutralise(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_nft_batch b;
	int r;

	k->running = false;
	nsg_nft_batch_begin(&b, k->conf->instance);
	nsg_table_neutralise(&b, k);
	r = nsg_nft_batch_send(&b, &k->nft, "cannot stop capturing", NULL);
	nsg_nft_batch_done(&b);
	/* somebody has removed the table: nothing is captured */
	if (r == -ENOENT)
		return 0;
	return r < 0 ? complain(diag, r, "cannot stop capturing") : 0;
}

int nsg_kernel_fd(const struct nsg_kernel *k)
{
	return k->epoll_fd;
}

int nsg_kernel_host_address(struct nsg_kernel *k, const struct nsg_prefix *prefixes, size_t n,
			    uint32_t *ret_host)
{
	return nsg_links_address(&k->rt, prefixes, n, ret_host);
}
