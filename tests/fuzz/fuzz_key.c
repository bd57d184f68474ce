/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet's key and a tracker's view of it. The first two bytes are how much more of the packet
 * was on the wire than was captured. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flow/track.h"
#include "packet/key.h"
#include "util/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_known(enum nsg_key_status status)
{
	return status == NSG_KEY_OK || status == NSG_KEY_LATER_FRAGMENT;
}

static void check_key(const uint8_t *packet, size_t captured, enum nsg_key_status status,
		      const struct nsg_key *key)
{
	static const uint8_t zero[sizeof(key->reserved)];

	/* RFC 791's offsets, read once more */
	if (captured < 20 || packet[0] >> 4 != 4 || key->protocol != packet[9] ||
	    key->src_host >> 24 != packet[12] || (key->src_host & 0xff) != packet[15] ||
	    key->dst_host >> 24 != packet[16] || (key->dst_host & 0xff) != packet[19] ||
	    memcmp(key->reserved, zero, sizeof(zero)) != 0)
		abort();
	if ((status == NSG_KEY_LATER_FRAGMENT || !nsg_protocol_has_ports(key->protocol)) &&
	    (key->sport_host || key->dport_host))
		abort();
}

/* What was not captured is unknown, never different; each piece is as large as it says, so that a
 * sanitizer sees a read beyond it. */
static void check_pieces(const uint8_t *packet, size_t captured, size_t length,
			 enum nsg_key_status whole, const struct nsg_key *key)
{
	for (size_t n = captured < 96 ? captured : 96; n-- > 0;) {
		uint8_t *piece = malloc(n ? n : 1);
		struct nsg_key of_piece = {.src_host = 1};
		enum nsg_key_status status;

		if (!piece)
			return;
		memcpy(piece, packet, n);
		status = nsg_key_extract(piece, n, length, &of_piece);
		free(piece);
		if (status != NSG_KEY_MALFORMED && status != whole)
			abort();
		if (is_known(status) ? memcmp(&of_piece, key, sizeof(*key)) != 0
				     : of_piece.src_host != 1)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nsg_track_view view = {0};
	struct nsg_key key = {0};
	enum nsg_key_status status;
	size_t length;

	if (size < 2)
		return 0;
	length = size - 2 + ((size_t)data[0] << 8 | data[1]);
	data += 2;
	size -= 2;

	status = nsg_key_extract(data, size, length, &key);
	if (is_known(status))
		check_key(data, size, status, &key);
	check_pieces(data, size, length, status, &key);
	if (nsg_track_view(data, size, length, &view) != status ||
	    (is_known(status) && (memcmp(&view.key, &key, sizeof(key)) != 0 ||
				  view.later_fragment != (status == NSG_KEY_LATER_FRAGMENT))))
		abort();
	return 0;
}
