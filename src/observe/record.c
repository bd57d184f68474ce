/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "observe/record.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/ip.h"
#include "util/macro.h"

/* Takes value; NULL is out of memory. */
static int put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

static json_t *string_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *address_json(uint32_t addr_host)
{
	char text[NSG_IP4_TEXT];

	nsg_ip4_format(addr_host, text);
	return json_string(text);
}

static json_t *protocol_json(unsigned int protocol)
{
	const char *name = nsg_protocol_name(protocol);

	return name ? json_string(name) : json_integer(protocol);
}

static int put_flow(json_t *object, const struct nsg_key *key)
{
	if (put(object, "protocol", protocol_json(key->protocol)) < 0 ||
	    put(object, "src", address_json(key->src_host)) < 0 ||
	    put(object, "srcPort", json_integer(key->sport_host)) < 0 ||
	    put(object, "dst", address_json(key->dst_host)) < 0)
		return -ENOMEM;
	return put(object, "dstPort", json_integer(key->dport_host));
}

static int put_unknown_flow(json_t *object)
{
	static const char *const keys[] = {"protocol", "src", "srcPort", "dst", "dstPort"};

	for (size_t i = 0; i < NSG_ARRAY_SIZE(keys); i++)
		if (put(object, keys[i], json_null()) < 0)
			return -ENOMEM;
	return 0;
}

static json_t *nsg_json(const struct nsg_image *image, uint16_t index)
{
	struct nsg_image_rule rule;
	json_t *name;

	if (index == NSG_RULE_NONE)
		return json_null();
	if (index == NSG_RULE_NO_NSG)
		return json_pack("{sssnsn}", "access", nsg_access_name(NSG_ALLOW), "rule",
				 "priority");
	rule = nsg_image_rule(image, index);
	name = json_sprintf("%s/%s", rule.is_default ? "defaultSecurityRules" : "securityRules",
			    rule.name);
	return json_pack("{sssosi}", "access", nsg_access_name((enum nsg_access)rule.access),
			 "rule", name, "priority", (int)rule.priority);
}

static json_t *hops_json(const uint32_t *hops_host, uint32_t n)
{
	cleanup_json json_t *array = json_array();

	for (uint32_t i = 0; i < n; i++)
		if (json_array_append_new(array, address_json(hops_host[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *route_json(const struct nsg_image *image, uint32_t index)
{
	cleanup_json json_t *object = NULL;
	char prefix[NSG_PREFIX_TEXT];
	struct nsg_image_route route;

	if (index == NSG_ROUTE_NONE)
		return json_null();
	route = nsg_image_route(image, index);
	nsg_prefix_format(route.prefix, prefix);
	object = json_pack("{ssss}", "prefix", prefix, "source",
			   nsg_route_source_name((enum nsg_route_source)route.source));
	if (put(object, "name", string_or_null(route.name)) < 0 ||
	    put(object, "nextHopType",
		json_string(nsg_hop_type_name((enum nsg_hop_type)route.hop_type))) < 0 ||
	    put(object, "nextHopIpAddress", hops_json(route.hops_host, route.n_hops)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

int nsg_record_put_decision(json_t *object, const struct nsg_image *image,
			    const struct nsg_key *key, const struct nsg_decision *decision)
{
	enum nsg_gate gate = (enum nsg_gate)decision->gate;
	enum nsg_verdict verdict = (enum nsg_verdict)decision->verdict;
	enum nsg_reason reason = (enum nsg_reason)decision->reason;
	int r = reason == NSG_REASON_MALFORMED ? put_unknown_flow(object) : put_flow(object, key);

	if (r < 0 || put(object, "gate", string_or_null(nsg_gate_name(gate))) < 0 ||
	    put(object, "nsg", nsg_json(image, decision->rule)) < 0 ||
	    put(object, "route", route_json(image, decision->route)) < 0 ||
	    put(object, "verdict", json_string(nsg_verdict_name(verdict))) < 0)
		return -ENOMEM;
	return put(object, "reason", json_string(nsg_reason_name(reason)));
}

static json_t *time_json(uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / NSG_NS_PER_SEC);
	char text[64];
	struct tm tm;
	size_t n;

	if (!gmtime_r(&seconds, &tm))
		return json_null();
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + n, sizeof(text) - n, ".%09uZ",
		       (unsigned int)(time_ns % NSG_NS_PER_SEC));
	return json_string(text);
}

static const char *direction_name(enum nsg_direction d)
{
	static const char *const names[] = {
	    [NSG_DIRECTION_EGRESS] = "egress",
	    [NSG_DIRECTION_REPLY] = "reply",
	    [NSG_DIRECTION_INBOUND] = "inbound",
	};

	return names[d];
}

int nsg_record_put_packet(json_t *object, uint64_t packet, uint64_t time_ns, uint32_t length,
			  enum nsg_direction direction)
{
	if (put(object, "packet", json_integer((json_int_t)packet)) < 0 ||
	    put(object, "time", time_json(time_ns)) < 0 ||
	    put(object, "length", json_integer(length)) < 0)
		return -ENOMEM;
	return put(object, "direction", json_string(direction_name(direction)));
}

int nsg_record_put_payload(json_t *object, const struct nsg_trace_record *record)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * NSG_RECORD_PAYLOAD_BYTES + 1];
	size_t n = record->captured;

	if (n > NSG_RECORD_PAYLOAD_BYTES)
		n = NSG_RECORD_PAYLOAD_BYTES;
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[record->payload[i] >> 4];
		text[2 * i + 1] = digits[record->payload[i] & 15];
	}
	return put(object, "payload", json_stringn(text, 2 * n));
}

json_t *nsg_record_json(const struct nsg_image *image, const struct nsg_trace_record *record)
{
	cleanup_json json_t *object = json_object();

	if (nsg_record_put_packet(object, record->packet, record->time_ns, record->length,
				  (enum nsg_direction)record->direction) < 0 ||
	    nsg_record_put_decision(object, image, &record->key, &record->decision) < 0 ||
	    put(object, "hostSrc", address_json(record->host_src)) < 0 ||
	    put(object, "mark", json_integer(record->mark)) < 0 ||
	    put(object, "enforced", json_boolean(record->enforced)) < 0)
		return NULL;
	return TAKE_PTR(object);
}
