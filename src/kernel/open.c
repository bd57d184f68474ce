/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening: sockets, features of the kernel, users and cgroups of conf. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "kernel/kernel_priv.h"
#include "kernel/rules.h"
#include "kernel/table.h"
#include "util/cleanup.h"
#include "util/macro.h"

/* The rule for table main routes every packet: ours must come before it. */
#define RULE_MAIN 32766u
/* Tables 253 to 255 are default, main and local. */
#define TABLE_LAST_RESERVED 255u

static int open_sockets(struct nsg_kernel *k, struct nsg_diag *diag)
{
	const struct {
		struct nsg_nl *nl;
		int protocol;
		const char *what;
	} all[] = {
	    {&k->nft, NETLINK_NETFILTER, "cannot open a netfilter socket"},
	    {&k->ct_dump, NETLINK_NETFILTER, "cannot open a netfilter socket"},
	    {&k->ct_update, NETLINK_NETFILTER, "cannot open a netfilter socket"},
	    {&k->rt, NETLINK_ROUTE, "cannot open a routing socket"},
	};
	int r;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(all); i++) {
		r = nsg_nl_open(all[i].protocol, all[i].nl);
		if (r < 0)
			return nsg_kernel_complain(diag, r, all[i].what);
	}
	return 0;
}

/* The native queue expression, else the xt target. */
static int probe(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r = nsg_table_probe(k, true);

	k->table.native_queue = r >= 0;
	if (r == -ENOENT)
		r = nsg_table_probe(k, false);
	switch (r) {
	case 0:
		return 0;
	case -EPERM:
		return nsg_kernel_complain(diag, r,
					   "cannot change nf_tables (CAP_NET_ADMIN is missing)");
	case -ENOENT:
		return nsg_kernel_complain(
		    diag, r,
		    "the kernel has neither nft's queue expression (nft_queue) nor the "
		    "NFQUEUE and CONNMARK targets (xt_NFQUEUE, xt_CONNMARK, nft_compat)");
	case -EINVAL:
	case -EOPNOTSUPP:
	case -ECONNREFUSED:
		return nsg_kernel_complain(diag, -EOPNOTSUPP, "the kernel has no nf_tables");
	default:
		return nsg_kernel_complain(diag, r, "cannot probe nf_tables");
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
				     "unknown user \"%s\"", user);
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
				     "rule-priority must be between 1 and %u: nsgd uses %u "
				     "priorities from it on, all before the rule for table main",
				     RULE_MAIN - NSG_RULES_SPAN, NSG_RULES_SPAN);
	if (conf->table_base < TABLE_LAST_RESERVED || conf->table_base > UINT32_MAX - NSG_MAX_HOPS)
		return nsg_diag_line(diag, NSG_ERROR, conf->path,
				     nsg_conf_line(conf, "route", "table-base"), NULL,
				     "table-base must be at least %u: lower tables are reserved",
				     TABLE_LAST_RESERVED);
	return 0;
}

static int open_parts(struct nsg_kernel *k, struct nsg_diag *diag)
{
	struct nsg_preexisting preexisting;
	int r;

	r = nsg_marks_init(k->conf->mark_mask, &k->marks);
	if (r < 0)
		return nsg_diag_line(
		    diag, NSG_ERROR, k->conf->path, nsg_conf_line(k->conf, "route", "mark-mask"),
		    NULL, "mark-mask 0x%08x must be 6 to 19 contiguous bits", k->conf->mark_mask);
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
		return nsg_kernel_complain(diag, r,
					   "cannot find the captured cgroups (is cgroup version 2 "
					   "mounted?)");
	r = open_sockets(k, diag);
	if (r < 0)
		return r;
	/* before anything else that needs CAP_NET_ADMIN: its message is the clearest */
	r = probe(k, diag);
	if (r < 0)
		return r;
	preexisting = nsg_kernel_preexisting(k);
	k->table.gap = nsg_preexisting_is_gap(&preexisting);
	k->table.kernel_sockets = nsg_table_probe_sockets(k) >= 0;
	k->table.has_ip6 = nsg_table_probe_ip6(k, false) >= 0;
	k->table.ip6_reject = nsg_table_probe_ip6(k, true) >= 0;
	if (!k->table.has_ip6 && access("/proc/self/net/if_inet6", F_OK) == 0 &&
	    k->conf->ip6 != NSG_IP6_PASS)
		return nsg_kernel_complain(
		    diag, -EOPNOTSUPP,
		    "the kernel has IPv6 but cannot refuse it (nf_tables_ipv6, nft_fib_ipv6); "
		    "set [capture] ipv6 = pass to let it pass");
	return nsg_kernel_watch_open(k, diag);
}

int nsg_kernel_open(const struct nsg_conf *conf, struct nsg_diag *diag, struct nsg_kernel **ret)
{
	struct nsg_kernel *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->conf = conf;
	k->nft.fd = k->rt.fd = k->ct_dump.fd = k->ct_update.fd = k->silent.fd = -1;
	k->rt_watch.fd = k->nft_watch.fd = k->epoll_fd = k->retry_fd = k->cgroups.inotify_fd = -1;
	k->sweep.fd = k->sweep.hurry_fd = -1;
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
	if (!k)
		return NULL;
	nsg_generations_stop(k);
	nsg_nl_close(&k->nft);
	nsg_nl_close(&k->rt);
	nsg_nl_close(&k->ct_dump);
	nsg_nl_close(&k->ct_update);
	nsg_nl_close(&k->rt_watch);
	nsg_nl_close(&k->nft_watch);
	nsg_nl_close(&k->silent);
	nsg_gateways_done(&k->gateways);
	if (k->epoll_fd >= 0)
		(void)close(k->epoll_fd);
	if (k->retry_fd >= 0)
		(void)close(k->retry_fd);
	if (k->sweep.fd >= 0)
		(void)close(k->sweep.fd);
	if (k->sweep.hurry_fd >= 0)
		(void)close(k->sweep.hurry_fd);
	nsg_cgroups_done(&k->cgroups);
	nsg_hops_done(&k->hops);
	nsg_links_done(&k->links);
	nsg_vec_done(&k->live_links);
	free(k->users);
	nsg_vec_done(&k->preexisting);
	free(k->former);
	free(k);
	return NULL;
}
