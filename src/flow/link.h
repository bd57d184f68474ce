/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the IP packet begins in a captured frame. Link types are the LINKTYPE_ numbers of files
 * (tcpdump.org/linktypes.html), which are not always libpcap's DLT_ numbers. */
#ifndef NSG_FLOW_LINK_H
#define NSG_FLOW_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSG_LINK_RAW 101u

/* As the capturing host saw the frame. */
enum nsg_link_direction {
	NSG_LINK_UNKNOWN,
	NSG_LINK_IN,
	NSG_LINK_OUT,
};

bool nsg_link_is_supported(uint32_t link_type);
/* Whether the frame contains an IP packet, of either version; *ret_offset is where. *ret_direction
 * is set where the frame states it (Linux cooked captures), else untouched. */
bool nsg_link_ip(uint32_t link_type, const uint8_t *frame, size_t captured, size_t *ret_offset,
		 enum nsg_link_direction *ret_direction);

#endif
