/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture file through the reader, the link layer and the tracker, without a policy. Packets are
 * numbered from 1, lie within the file's bytes, and are the same when the reader is asked for what it
 * has in its buffer.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flow/capture.h"
#include "flow/track.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sums {
	uint64_t packets, bytes, roles;
	int end;
};

static uint64_t ended_packets;

static void add_up(void *closure, const struct nsg_track_flow *flow)
{
	(void)closure;
	ended_packets += flow->data->packets;
}

static int open_bytes(const uint8_t *data, size_t size, struct nsg_capture **ret)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return nsg_capture_open(fd, ret);
}

/* Returns whether the packet was counted on a flow. */
static int track(struct nsg_tracker *t, const struct nsg_frame *f)
{
	enum nsg_link_direction direction = f->direction;
	struct nsg_track_data *flow;
	struct nsg_track_view v;
	size_t offset;
	int role;

	if (!nsg_link_ip(f->link_type, f->data, f->captured, &offset, &direction))
		return -1;
	if (offset >= f->captured)
		abort();
	if (nsg_track_view(f->data + offset, f->captured - offset, f->length - offset, &v) ==
	    NSG_KEY_MALFORMED)
		return -1;
	nsg_tracker_prefetch(t, &v);
	nsg_tracker_prefetch_entry(t, &v);
	role = nsg_tracker_see(t, &v, f->time_ns, &flow);
	if (role < 0 || (role == NSG_TRACK_ORPHAN) != !flow)
		abort();
	if (role == NSG_TRACK_FRAGMENT || role == NSG_TRACK_ORPHAN)
		return role;
	flow->packets++;
	if (v.first_fragment && nsg_tracker_remember_fragment(t, &v, f->time_ns, flow) < 0)
		abort();
	return role;
}

static struct sums read_all(const uint8_t *data, size_t size, int buffered)
{
	struct nsg_tracker *t = nsg_tracker_new(4, 64, add_up, NULL);
	struct nsg_capture *c = NULL;
	struct nsg_frame f;
	struct sums s = {.end = open_bytes(data, size, &c)};
	uint64_t counted = 0;
	int role;

	if (!t || !c)
		abort();
	ended_packets = 0;
	while (s.end >= 0) {
		s.end = buffered ? nsg_capture_next_buffered(c, &f) : -EAGAIN;
		if (s.end == -EAGAIN)
			s.end = nsg_capture_next(c, &f);
		if (s.end != 1)
			break;
		if (f.number != ++s.packets || f.captured > f.length ||
		    (f.comment_n && !f.comment) || nsg_capture_position(c) > size ||
		    strlen(nsg_capture_interface(c, f.interface)->name) >= NSG_MAX_INTERFACE_NAME)
			abort();
		for (uint32_t i = 0; i < f.captured; i++)
			s.bytes = s.bytes * 31 + f.data[i];
		for (size_t i = 0; i < f.comment_n; i++)
			s.bytes = s.bytes * 31 + (uint8_t)f.comment[i];
		role = track(t, &f);
		counted += role >= 0 && role != NSG_TRACK_FRAGMENT && role != NSG_TRACK_ORPHAN;
		s.roles = s.roles * 31 + (uint64_t)(role + 1);
	}
	if ((s.end < 0) != (*nsg_capture_error(c) != '\0'))
		abort();
	nsg_tracker_end(t);
	if (counted != ended_packets)
		abort();
	nsg_tracker_free(t);
	nsg_capture_free(c);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sums plain = read_all(data, size, 0), buffered = read_all(data, size, 1);

	if (plain.packets != buffered.packets || plain.bytes != buffered.bytes ||
	    plain.roles != buffered.roles || plain.end != buffered.end)
		abort();
	return 0;
}
