/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs with a single answer, from a directory or a daemon. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/flow.h"
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"
#include "util/json_object.h"
#include "util/macro.h"
#include "util/names.h"

#define SOURCE_PORT 50000

/* ---- flows of the command line -------------------------------------------------------------- */

/* "IP", "IP:PORT", "[IP6]:PORT" or an IPv6 address alone, into two members. 0 or NSG_EXIT_USAGE. */
static int put_end(json_t *flow, const char *option, const char *text, const char *addr_key,
		   const char *port_key)
{
	const char *colon = strrchr(text, ':');
	const char *addr = text;
	size_t n = strlen(text);
	unsigned long port;
	char *end;

	if (text[0] == '[') {
		const char *close = strchr(text, ']');

		if (!close || (close[1] && close[1] != ':'))
			return nsgctl_fail(NSG_EXIT_USAGE, "--%s: \"%s\" is not a valid address",
					   option, text);
		addr = text + 1;
		n = (size_t)(close - addr);
		colon = close[1] ? close + 1 : NULL;
	} else if (colon && colon == strchr(text, ':')) {
		n = (size_t)(colon - text);
	} else {
		colon = NULL; /* more than one: a bare IPv6 address */
	}
	if (json_object_set_new(flow, addr_key, json_stringn(addr, n)) < 0)
		return nsgctl_fail(NSG_EXIT_USAGE, "--%s: \"%s\" is not a valid address", option,
				   text);
	if (!colon)
		return 0;
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
		return nsgctl_fail(NSG_EXIT_USAGE, "--%s: \"%s\" is not a valid port", option,
				   colon + 1);
	if (json_object_set_new(flow, port_key, json_integer((json_int_t)port)) < 0)
		return nsgctl_out_of_memory();
	return 0;
}

static bool has_ports(const char *protocol)
{
	uint8_t number;

	return nsg_protocol_parse(protocol, &number) == 0 && nsg_protocol_has_ports(number);
}

/* An address that is not valid is left to check_flow(). */
static int require_port(const json_t *flow, const char *option, const char *text)
{
	const char *addr = json_string_value(json_object_get(flow, "dst"));
	bool is_ip6 = strchr(addr, ':') != NULL;
	struct in6_addr ignored;

	if (json_object_get(flow, "dstPort") ||
	    inet_pton(is_ip6 ? AF_INET6 : AF_INET, addr, &ignored) != 1)
		return 0;
	return nsgctl_fail(NSG_EXIT_USAGE, "--%s %s: the port is missing, for example %s%s%s:443",
			   option, text, is_ip6 ? "[" : "", addr, is_ip6 ? "]" : "");
}

static int check_flow(const json_t *flow)
{
	struct nsg_flow read;
	const char *why;

	if (nsg_flow_read(flow, &read, &why) < 0)
		return nsgctl_fail(NSG_EXIT_USAGE, "%s", why);
	return 0;
}

/* *ret is a new reference. */
static int make_flow(const char *protocol, const char *src_option, const char *src,
		     const char *dst_option, const char *dst, json_t **ret)
{
	cleanup_json json_t *flow = json_pack("{ss}", "protocol", protocol);
	int status;

	if (!flow)
		return nsgctl_fail(NSG_EXIT_USAGE, "--protocol: not UTF-8");
	status = put_end(flow, src_option, src, "src", "srcPort");
	if (status)
		return status;
	status = put_end(flow, dst_option, dst, "dst", "dstPort");
	if (status)
		return status;
	if (has_ports(protocol)) {
		status = require_port(flow, dst_option, dst);
		if (status)
			return status;
		/* Few rules depend on the source port: the default is a typical ephemeral one. */
		if (!json_object_get(flow, "srcPort") &&
		    json_object_set_new(flow, "srcPort", json_integer(SOURCE_PORT)) < 0)
			return nsgctl_out_of_memory();
	}
	status = check_flow(flow);
	if (status)
		return status;
	*ret = TAKE_PTR(flow);
	return 0;
}

/* ---- answers -------------------------------------------------------------------------------- */

static int print_item(void *closure, json_t *item)
{
	const struct nsgctl *ctl = closure;

	return nsgctl_print(ctl, ctl->verb->name, item);
}

/* Consumes args. */
static int ask(struct nsgctl *ctl, json_t *args, int (*data)(void *closure, json_t *item),
	       void *closure)
{
	cleanup_json json_t *owned = args;
	cleanup_session struct nsgctl_session session = {.fd = -1};
	int status;

	if (!owned)
		return nsgctl_out_of_memory();
	status = nsgctl_session_open(ctl, &session);
	if (status)
		return status;
	return nsgctl_session_ask(&session, ctl->verb->name, owned, data, closure);
}

static int missing(const struct nsgctl *ctl, const char *options)
{
	return nsgctl_fail(NSG_EXIT_USAGE, "%s requires %s", ctl->verb->name, options);
}

/* ---- explain -------------------------------------------------------------------------------- */

static int print_explained(void *closure, json_t *item)
{
	const struct nsgctl *ctl = closure;
	const char *verdict = json_string_value(json_object_get(item, "verdict"));
	int status = nsgctl_print(ctl, "explain", item);

	if (status || !ctl->expect)
		return status;
	if (verdict && strcmp(verdict, ctl->expect) == 0)
		return 0;
	return nsgctl_fail(NSG_EXIT_FAILED, "expected %s, got %s", ctl->expect,
			   verdict ? verdict : "no decision");
}

int nsgctl_explain(struct nsgctl *ctl)
{
	bool azure = ctl->output && strcmp(ctl->output, "azure") == 0;
	json_t *flow = NULL;
	int status;

	if (azure && ctl->expect)
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "--expect needs the verdict, which -o azure does not show");
	if (ctl->n_operands && !ctl->packet)
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "explain %s requires --packet N: the number of a packet in it",
				   ctl->operands[0]);
	if (ctl->packet) {
		if (!ctl->n_operands || ctl->batch || ctl->protocol || ctl->dst || azure)
			return nsgctl_fail(NSG_EXIT_USAGE,
					   "--packet N requires a capture FILE, and cannot be used "
					   "with --batch, --protocol, --dst or -o azure");
		return nsgctl_explain_packet(ctl);
	}
	if (ctl->batch) {
		if (ctl->protocol || ctl->src || ctl->dst || azure)
			return nsgctl_fail(NSG_EXIT_USAGE,
					   "--batch cannot be used with --protocol, --src, "
					   "--dst or -o azure");
		return nsgctl_explain_batch(ctl);
	}
	if (!ctl->protocol || !ctl->src || !ctl->dst)
		return missing(ctl,
			       "--protocol P --src IP[:PORT] --dst IP[:PORT], or --batch FILE");
	status = make_flow(ctl->protocol, "src", ctl->src, "dst", ctl->dst, &flow);
	if (status)
		return status;
	return ask(ctl, json_pack("{soss*}", "flow", flow, "output", azure ? "azure" : NULL),
		   print_explained, ctl);
}

/* ---- Network Watcher ------------------------------------------------------------------------ */

int nsgctl_test_ip_flow(struct nsgctl *ctl)
{
	json_t *flow = NULL;
	int status;

	if (!ctl->direction || !ctl->protocol || !ctl->local || !ctl->remote)
		return missing(ctl, "--direction Outbound --protocol TCP|UDP --local IP:PORT "
				    "--remote IP:PORT");
	if (strcasecmp(ctl->direction, "Outbound") != 0)
		return nsgctl_fail(
		    NSG_EXIT_USAGE,
		    "--direction must be Outbound: inbound rules never apply to an app");
	if (strcasecmp(ctl->protocol, "TCP") != 0 && strcasecmp(ctl->protocol, "UDP") != 0)
		return nsgctl_fail(NSG_EXIT_USAGE,
				   "--protocol must be TCP or UDP; explain accepts others");
	status = make_flow(ctl->protocol, "local", ctl->local, "remote", ctl->remote, &flow);
	if (status)
		return status;
	return ask(ctl, NSG_JSON_OBJECT(PAIR_J("flow", flow)), print_item, ctl);
}

int nsgctl_show_next_hop(struct nsgctl *ctl)
{
	cleanup_json json_t *flow = NULL;
	int status;

	if (!ctl->source_ip || !ctl->dest_ip)
		return missing(ctl, "--source-ip IP --dest-ip IP");
	/* Routes depend on the address only: any protocol that is carried will do. */
	flow = NSG_JSON_OBJECT(PAIR_S("protocol", "TCP"), PAIR_S("src", ctl->source_ip),
			       PAIR_S("dst", ctl->dest_ip), PAIR_I("srcPort", 0),
			       PAIR_I("dstPort", 0));
	status = check_flow(flow);
	if (status)
		return status;
	return ask(ctl, NSG_JSON_OBJECT(PAIR_J("flow", TAKE_PTR(flow))), print_item, ctl);
}

int nsgctl_effective_nsg(struct nsgctl *ctl)
{
	return ask(ctl, json_object(), print_item, ctl);
}

/* Makes one page of all. */
static int join_page(void *closure, json_t *page)
{
	json_t **all = closure;

	if (!*all) {
		*all = json_incref(page);
		return 0;
	}
	return json_array_extend(json_object_get(*all, "value"), json_object_get(page, "value")) < 0
		   ? nsgctl_out_of_memory()
		   : 0;
}

int nsgctl_effective_routes(struct nsgctl *ctl)
{
	cleanup_json json_t *all = NULL;
	int status;

	if (ctl->form == NSGCTL_JSONL)
		return ask(ctl, json_object(), print_item, ctl);
	status = ask(ctl, json_object(), join_page, &all);
	return status || !all ? status : print_item(ctl, all);
}
