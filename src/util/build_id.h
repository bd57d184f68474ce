/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_UTIL_BUILD_ID_H
#define NSG_UTIL_BUILD_ID_H

/* The identity that the linker gave to this program, in hexadecimal (a hash of its content); "" if it gave
 * none. */
const char *nsg_build_id(void);

#endif
