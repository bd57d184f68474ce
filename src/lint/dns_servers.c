/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DNS servers that app settings name: the app's queries are decided like other packets. */
#include "lint/lint_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "model/decide.h"
#include "model/gate.h"

#define PORT_DNS 53
#define PORT_CLIENT 50000 /* any that the integration carries */

/* A policy may be hostile: further servers are not checked. */
#define MAX_SERVERS 64

/* The first address of the subnet that Azure gives to an instance. */
static uint32_t first_instance(const struct nsg_effective *e)
{
	const struct nsg_prefixes *p = &e->subnet->prefixes;

	return p->n ? p->v[0].addr_host + (p->v[0].len <= 29 ? 4 : 0) : 0;
}

static void report(const struct nsg_effective *e, const struct nsg_app_setting *s,
		   const struct nsg_trial *t, struct nsg_diag *diag)
{
	const struct nsg_place *place = nsg_place_of(e->policy, &s->place);
	bool is_admin = t->reason == NSG_REASON_ADMIN_DENY;
	const struct nsg_effective_rule *rule = is_admin ? t->admin : t->rule;

	if (rule && (is_admin || t->reason == NSG_REASON_NSG_DENY))
		(void)nsg_diag_lint(diag, NSG_WARNING, place, "DnsServerUnreachable",
				    "the app cannot query DNS server %s (%s): %srule %s (%u) "
				    "denies UDP port 53",
				    s->server, s->name, is_admin ? "security admin " : "",
				    rule->rule->name, rule->rule->priority);
	else
		(void)nsg_diag_lint(diag, NSG_WARNING, place, "DnsServerUnreachable",
				    "the app cannot query DNS server %s (%s): %s", s->server,
				    s->name, nsg_reason_name(t->reason));
}

static int check_server(const struct nsg_effective *e, const struct nsg_app_setting *s,
			struct nsg_diag *diag)
{
	struct nsg_key key = {
	    .src_host = first_instance(e),
	    .sport_host = PORT_CLIENT,
	    .dport_host = PORT_DNS,
	    .protocol = IPPROTO_UDP,
	};
	cleanup_trial struct nsg_trial trial = {0};
	uint8_t addr6[16];
	int r;

	if (inet_pton(AF_INET6, s->server, addr6) == 1) {
		if (nsg_gate_of_ip6(e, addr6) != NSG_GATE_NOT_CARRIED)
			return 0;
		trial.reason = NSG_REASON_NOT_CARRIED;
		report(e, s, &trial, diag);
		return 0;
	}
	if (nsg_ip4_parse(s->server, &key.dst_host) < 0)
		return 0;
	r = nsg_trial_run(e, &key, &trial);
	if (r < 0)
		return r;
	if (trial.verdict == NSG_VERDICT_DROP)
		report(e, s, &trial, diag);
	return 0;
}

int nsg_lint_dns_servers(const struct nsg_effective *e, struct nsg_diag *diag)
{
	for (size_t i = 0; i < e->n_dns_servers && i < MAX_SERVERS; i++) {
		const struct nsg_app_setting *s = e->dns_servers[i];
		int r;

		(void)nsg_diag_lint(diag, NSG_NOTICE, nsg_place_of(e->policy, &s->place), "Chosen",
				    "DNS server %s: %s; names are not resolved", s->server,
				    s->name);
		r = check_server(e, s, diag);
		if (r < 0)
			return r;
	}
	return 0;
}
