/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgctl/trace_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explain/table.h"
#include "nsgctl/packets.h"
#include "observe/pcapng.h"
#include "util/clock.h"

int nsgctl_trace_file_open(struct nsgctl_trace_file *f, const struct nsgctl *ctl)
{
	return nsgctl_outfile_open(&f->file, ctl, -1);
}

static int begin_section(struct nsgctl_trace_file *f)
{
	f->n_interfaces = 0;
	return nsg_pcapng_section(f->file.out, nsgctl_application, f->comment);
}

int nsgctl_trace_file_section(struct nsgctl_trace_file *f, const char *comment)
{
	int r;

	if (strcmp(comment, f->comment) == 0)
		return 0;
	(void)snprintf(f->comment, sizeof(f->comment), "%s", comment);
	r = begin_section(f);
	return r < 0 ? nsgctl_outfile_fail(&f->file, r) : 0;
}

int nsgctl_trace_file_commit(struct nsgctl_trace_file *f)
{
	return nsgctl_outfile_commit(&f->file);
}

/* Finds or adds the interface in the current section. 0 or -errno. */
static int find_interface(struct nsgctl_trace_file *f, const char *name, uint32_t *ret)
{
	uint32_t i;
	int r;

	for (i = 0; i < f->n_interfaces; i++) {
		if (strcmp(f->interfaces[i], name) == 0) {
			*ret = i;
			return 0;
		}
	}
	r = i == NSGCTL_TRACE_INTERFACES ? begin_section(f) : 0;
	if (r == 0)
		r = nsg_pcapng_interface(f->file.out, NSG_PCAPNG_LINK_IPV4, name);
	if (r < 0)
		return r;
	*ret = f->n_interfaces++;
	(void)snprintf(f->interfaces[*ret], NSGCTL_TRACE_NAME, "%s", name);
	return 0;
}

/* Nanoseconds since the epoch of e.g. "2020-04-15T12:00:00.000000042Z"; 0 when it is invalid. */
static uint64_t read_time(const json_t *decision)
{
	const char *text = json_string_value(json_object_get(decision, "time"));
	struct tm tm = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	uint64_t ns = 0;

	if (!rest)
		return 0;
	if (*rest == '.')
		ns = strtoull(rest + 1, NULL, 10);
	return (uint64_t)timegm(&tm) * NSG_NS_PER_SEC + ns;
}

int nsgctl_trace_file_write(struct nsgctl_trace_file *f, const json_t *decision)
{
	uint8_t payload[NSG_RECORD_PAYLOAD_BYTES];
	char comment[2 * NSGCTL_COMMENT];
	struct nsg_pcapng_packet packet = {
	    .time_ns = read_time(decision),
	    .data = payload,
	    .captured = (uint32_t)nsgctl_packets_payload(decision, payload),
	    .length = (uint32_t)json_integer_value(json_object_get(decision, "length")),
	    .outbound = strcmp(nsg_string_at(decision, "direction"), "egress") == 0,
	    .verdict = strcmp(nsg_string_at(decision, "verdict"), "accept") == 0
			   ? NSG_VERDICT_ACCEPT
			   : NSG_VERDICT_DROP,
	    .comment = comment,
	};
	int r = find_interface(f, nsg_string_at(decision, "interface"), &packet.interface);

	nsgctl_comment(decision, comment, sizeof(comment));
	packet.comment_n = strlen(comment);
	if (r == 0)
		r = nsg_pcapng_write(f->file.out, &packet);
	/* at once: a reader never finds part of a packet */
	if (r == 0 && fflush(f->file.out) != 0)
		r = -errno;
	return r < 0 ? nsgctl_outfile_fail(&f->file, r) : 0;
}

/* libpcap refuses a file without an interface. */
int nsgctl_trace_file_end(struct nsgctl_trace_file *f)
{
	uint32_t ignored;
	int r = f->n_interfaces ? 0 : find_interface(f, "", &ignored);

	if (r == 0 && fflush(f->file.out) != 0)
		r = -errno;
	return r < 0 ? nsgctl_outfile_fail(&f->file, r) : 0;
}

void nsgctl_trace_file_done(struct nsgctl_trace_file *f)
{
	nsgctl_outfile_done(&f->file);
}
