/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the IP packet begins in a captured frame. */
#ifndef NSG_NSGCTL_LINK_H
#define NSG_NSGCTL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether frames of this libpcap data link type are supported; *ret_link_type is the type in files. */
bool nsgctl_link_known(int data_link, uint16_t *ret_link_type);
/* Whether the frame contains an IP packet, of either version; *ret_offset is where. */
bool nsgctl_link_ip(int data_link, const uint8_t *frame, size_t captured, size_t *ret_offset);

#endif
