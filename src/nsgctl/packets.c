/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgctl/packets.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "explain/table.h"
#include "nsgctl/nsgctl.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/names.h"
#include "util/text.h"

#define HEADERS_BYTES 40
#define TCP 6

static int join(const char *const *words, size_t n, char **ret)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? " " : "", words[i]);
	return nsg_text_end(out, ret) ? 0 : -ENOMEM;
}

/* Whether it loads data about the packet that is not in the packet, as for "inbound". */
static bool needs_metadata(const struct bpf_program *program)
{
	for (u_int i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *n = &program->bf_insns[i];

		if (BPF_CLASS(n->code) == BPF_LD && BPF_MODE(n->code) == BPF_ABS &&
		    n->k > INT32_MAX)
			return true;
	}
	return false;
}

int nsgctl_packets_compile(struct nsgctl_packets *p, const char *const *words, size_t n)
{
	cleanup_free char *text = NULL;
	/* an expression that no IPv4 packet matches is an error */
	pcap_t *pcap = pcap_open_dead(DLT_IPV4, NSG_RECORD_PAYLOAD_BYTES);
	int status = 0;

	if (!pcap || join(words, n, &text) < 0)
		status = nsgctl_out_of_memory();
	else if (pcap_compile(pcap, &p->program, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		status = nsgctl_fail(NSG_EXIT_USAGE, "\"%s\": %s", text, pcap_geterr(pcap));
	else if (needs_metadata(&p->program))
		status = nsgctl_fail(NSG_EXIT_USAGE,
				     "\"%s\": only the bytes of the packet can be matched", text);
	if (pcap)
		pcap_close(pcap);
	return status;
}

/* Whether it loads only fields that make_headers() fills: the addresses, the protocol, the ports, the length,
 * and the fragment offset, which is 0. */
static bool loads_made_header(const struct bpf_insn *n)
{
	switch (n->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return n->k == 12 || n->k == 16;
	case BPF_LD | BPF_H | BPF_ABS:
		return n->k == 2 || n->k == 6;
	case BPF_LD | BPF_B | BPF_ABS:
		return n->k == 9;
	case BPF_LD | BPF_H | BPF_IND:
		return n->k == 0 || n->k == 2;
	default:
		return BPF_CLASS(n->code) != BPF_LD ||
		       (BPF_MODE(n->code) != BPF_ABS && BPF_MODE(n->code) != BPF_IND);
	}
}

bool nsgctl_packets_need_payload(const struct nsgctl_packets *p)
{
	for (u_int i = 0; i < p->program.bf_len; i++)
		if (!loads_made_header(&p->program.bf_insns[i]))
			return true;
	return false;
}

static bool loads_length(const struct bpf_insn *n)
{
	if (n->code == (BPF_LD | BPF_H | BPF_ABS))
		return n->k == 2;
	return BPF_CLASS(n->code) == BPF_LD && BPF_MODE(n->code) == BPF_LEN;
}

bool nsgctl_packets_need_length(const struct nsgctl_packets *p)
{
	for (u_int i = 0; i < p->program.bf_len; i++)
		if (loads_length(&p->program.bf_insns[i]))
			return true;
	return false;
}

bool nsgctl_packets_fit(const struct nsgctl_packets *p)
{
	return p->program.bf_len <= NSG_MAX_FILTER_PROGRAM;
}

json_t *nsgctl_packets_json(const struct nsgctl_packets *p)
{
	cleanup_json json_t *program = json_array();

	for (u_int i = 0; i < p->program.bf_len; i++) {
		const struct bpf_insn *n = &p->program.bf_insns[i];

		if (json_array_append_new(program, json_pack("[i,i,i,I]", n->code, n->jt, n->jf,
							     (json_int_t)n->k)) < 0)
			return NULL;
	}
	return TAKE_PTR(program);
}

static int from_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t nsgctl_packets_payload(const json_t *decision, uint8_t out[static NSG_RECORD_PAYLOAD_BYTES])
{
	const char *text = json_string_value(json_object_get(decision, "payload"));
	size_t n = 0;

	for (; text && text[0] && text[1] && n < NSG_RECORD_PAYLOAD_BYTES; text += 2, n++) {
		int high = from_hex(text[0]), low = from_hex(text[1]);

		if (high < 0 || low < 0)
			break;
		out[n] = (uint8_t)(high << 4 | low);
	}
	return n;
}

static void put16(uint8_t *out, json_int_t value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

static void make_headers(const json_t *decision, uint8_t out[static HEADERS_BYTES])
{
	cleanup_free char *protocol = nsg_cell(json_object_get(decision, "protocol"));

	memset(out, 0, HEADERS_BYTES);
	out[0] = 0x45;
	put16(out + 2, json_integer_value(json_object_get(decision, "length")));
	out[8] = 64;
	if (!protocol || nsg_protocol_parse(protocol, &out[9]) < 0)
		return;
	(void)inet_pton(AF_INET, nsg_string_at(decision, "hostSrc"), out + 12);
	(void)inet_pton(AF_INET, nsg_string_at(decision, "dst"), out + 16);
	put16(out + 20, json_integer_value(json_object_get(decision, "srcPort")));
	put16(out + 22, json_integer_value(json_object_get(decision, "dstPort")));
	if (out[9] == TCP)
		out[32] = 0x50; /* no options */
}

bool nsgctl_packets_match(const struct nsgctl_packets *p, const json_t *decision,
			  const uint8_t *payload, size_t n)
{
	json_int_t length = json_integer_value(json_object_get(decision, "length"));
	uint8_t headers[HEADERS_BYTES];
	struct pcap_pkthdr header = {.caplen = (bpf_u_int32)n, .len = (bpf_u_int32)length};

	if (!n) {
		make_headers(decision, headers);
		header.caplen = HEADERS_BYTES;
		payload = headers;
	}
	if (header.len < header.caplen)
		header.len = header.caplen;
	return pcap_offline_filter(&p->program, &header, payload);
}

void nsgctl_packets_done(struct nsgctl_packets *p)
{
	pcap_freecode(&p->program);
}
