/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "explain/flow.h"
#include "model/gate.h"
#include "observe/record.h"
#include "util/cleanup.h"
#include "util/ip.h"
#include "util/json.h"
#include "util/json_object.h"
#include "util/limits.h"

static int bad(const char **ret_error, const char *why)
{
	*ret_error = why;
	return -EINVAL;
}

/* NULL unless it is a string without NUL characters. */
static const char *plain_string(const json_t *value)
{
	const char *s = json_string_value(value);

	return s && strlen(s) == json_string_length(value) ? s : NULL;
}

static int read_protocol(const json_t *object, uint8_t *ret, const char **ret_error)
{
	const json_t *value = json_object_get(object, "protocol");
	const char *s = plain_string(value);
	json_int_t n = json_integer_value(value);

	if (!value)
		return bad(ret_error, "protocol is missing");
	if (json_is_integer(value) && n >= 0 && n <= 255) {
		*ret = (uint8_t)n;
		return 0;
	}
	if (s && nsg_protocol_parse(s, ret) == 0)
		return 0;
	return bad(ret_error, "protocol must be TCP, UDP, ICMP, ESP, AH or a number from 0 to 255");
}

/* Returns 4 or 6, the family, with the address in ret_host or ret6; else -EINVAL. */
static int read_address(const json_t *value, uint32_t *ret_host, uint8_t ret6[16])
{
	const char *s = plain_string(value);

	if (!s)
		return -EINVAL;
	if (nsg_ip4_parse(s, ret_host) == 0)
		return 4;
	return inet_pton(AF_INET6, s, ret6) == 1 ? 6 : -EINVAL;
}

/* *ret is -1 when the port is absent. */
static int read_port(const json_t *value, int32_t *ret)
{
	json_int_t n = json_integer_value(value);

	if (!value) {
		*ret = -1;
		return 0;
	}
	if (!json_is_integer(value) || n < 0 || n > 65535)
		return -EINVAL;
	*ret = (int32_t)n;
	return 0;
}

static int read_ports(const json_t *object, struct nsg_key *key, const char **ret_error)
{
	int32_t src, dst;

	if (read_port(json_object_get(object, "srcPort"), &src) < 0)
		return bad(ret_error, "srcPort must be a number from 0 to 65535");
	if (read_port(json_object_get(object, "dstPort"), &dst) < 0)
		return bad(ret_error, "dstPort must be a number from 0 to 65535");
	if (nsg_protocol_has_ports(key->protocol)) {
		if (src < 0)
			return bad(ret_error, "srcPort is missing: TCP and UDP need both ports");
		if (dst < 0)
			return bad(ret_error, "dstPort is missing: TCP and UDP need both ports");
	} else if (src > 0 || dst > 0) {
		return bad(ret_error, "only TCP and UDP have ports");
	}
	key->sport_host = src > 0 ? (uint16_t)src : 0;
	key->dport_host = dst > 0 ? (uint16_t)dst : 0;
	return 0;
}

int nsg_flow_read(const json_t *object, struct nsg_flow *ret, const char **ret_error)
{
	struct nsg_flow flow = {0};
	int src, dst, r;

	if (!json_is_object(object))
		return bad(ret_error, "not a JSON object");
	r = read_protocol(object, &flow.key.protocol, ret_error);
	if (r < 0)
		return r;
	src = read_address(json_object_get(object, "src"), &flow.key.src_host, flow.src6);
	if (src < 0)
		return bad(ret_error, "src is missing or not a valid IP address");
	dst = read_address(json_object_get(object, "dst"), &flow.key.dst_host, flow.dst6);
	if (dst < 0)
		return bad(ret_error, "dst is missing or not a valid IP address");
	if (src != dst)
		return bad(ret_error, "src and dst are of different address families");
	flow.is_ip6 = src == 6;
	r = read_ports(object, &flow.key, ret_error);
	if (r < 0)
		return r;
	*ret = flow;
	return 0;
}

static json_t *address_json(const struct nsg_flow *flow, uint32_t addr_host,
			    const uint8_t addr6[16])
{
	char text[INET6_ADDRSTRLEN];

	if (!flow->is_ip6)
		nsg_ip4_format(addr_host, text);
	else if (!inet_ntop(AF_INET6, addr6, text, sizeof(text)))
		return NULL;
	return json_string(text);
}

int nsg_flow_put(json_t *object, const struct nsg_flow *flow)
{
	const struct nsg_key *key = &flow->key;
	const char *name = nsg_protocol_name(key->protocol);

	return NSG_JSON_ADD(
	    object, PAIR_J("protocol", name ? json_string(name) : json_integer(key->protocol)),
	    PAIR_J("src", address_json(flow, key->src_host, flow->src6)),
	    PAIR_I("srcPort", key->sport_host),
	    PAIR_J("dst", address_json(flow, key->dst_host, flow->dst6)),
	    PAIR_I("dstPort", key->dport_host));
}

static int put_ip6_decision(json_t *object, const struct nsg_effective *e,
			    const struct nsg_flow *flow)
{
	bool refused = nsg_gate_of_ip6(e, flow->dst6) == NSG_GATE_NOT_CARRIED;
	int r = nsg_flow_put(object, flow);

	if (r < 0)
		return r;
	r = NSG_JSON_ADD(object, PAIR_S("gate", nsg_gate_name(refused ? NSG_GATE_NOT_CARRIED
								      : NSG_GATE_BYPASS)));
	if (r < 0)
		return r;
	if (e->n_admin_rules)
		r = NSG_JSON_ADD(object, PAIR_N("admin"));
	if (r < 0)
		return r;
	return NSG_JSON_ADD(
	    object, PAIR_N("nsg"), PAIR_N("route"),
	    PAIR_S("verdict", nsg_verdict_name(refused ? NSG_VERDICT_DROP : NSG_VERDICT_ACCEPT)),
	    PAIR_S("reason",
		   nsg_reason_name(refused ? NSG_REASON_NOT_CARRIED : NSG_REASON_BYPASS)));
}

int nsg_flow_decide(const struct nsg_effective *e, const struct nsg_image *image,
		    const struct nsg_flow *flow, json_t *id, json_t **ret)
{
	cleanup_json json_t *object = json_object();
	struct nsg_decision decision;
	int r;

	if (!object || (id && json_object_set(object, "id", id) < 0))
		return -ENOMEM;
	if (flow->is_ip6) {
		r = put_ip6_decision(object, e, flow);
	} else {
		decision = nsg_classify(image, &flow->key);
		r = nsg_record_put_decision(object, image, &flow->key, &decision);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(object);
	return 0;
}

static bool is_blank(const char *line, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

/* Takes id, which may be NULL. */
static int error_line(json_t *id, const char *why, json_t **ret)
{
	json_t *object = NSG_JSON_OBJECT(PAIR_J("id", id ? id : json_null()), PAIR_S("error", why));

	if (!object)
		return -ENOMEM;
	*ret = object;
	return -EINVAL;
}

static json_t *string_id(const json_t *value)
{
	return json_incref(
	    json_is_string(json_object_get(value, "id")) ? json_object_get(value, "id") : NULL);
}

/* The id of a line with a duplicate key is read nevertheless. */
static int not_json(const char *line, size_t size, const json_error_t *error, json_t **ret)
{
	cleanup_json json_t *value = NULL;

	if (json_error_code(error) != json_error_duplicate_key)
		return error_line(NULL, "not a JSON object", ret);
	value = nsg_json_load(line, size, JSON_ALLOW_NUL, NULL);
	return error_line(string_id(value), "duplicate key", ret);
}

int nsg_flow_line(const char *line, size_t size, json_t **ret)
{
	cleanup_json json_t *value = NULL;
	cleanup_json json_t *object = NULL;
	const char *why = NULL;
	struct nsg_flow flow;
	json_error_t error;
	json_t *id;

	if (size > NSG_MAX_FLOW_LINE_BYTES)
		return error_line(NULL, "the line is longer than 1 MiB", ret);
	if (is_blank(line, size)) {
		*ret = NULL;
		return 0;
	}
	value = nsg_json_load(line, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!value)
		return not_json(line, size, &error, ret);
	id = string_id(value);
	if (json_is_object(value) && !id)
		return error_line(NULL, "id is missing or not a string", ret);
	if (nsg_flow_read(value, &flow, &why) < 0)
		return error_line(id, why, ret);

	object = NSG_JSON_OBJECT(PAIR_J("id", id));
	if (nsg_flow_put(object, &flow) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(object);
	return 1;
}
