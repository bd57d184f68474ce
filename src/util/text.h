/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_UTIL_TEXT_H
#define NSG_UTIL_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Closes a stream of open_memstream(). False: out of memory; *text may be NULL, and is to be freed. fclose() of
 * glibc succeeds without memory for the text. */
static inline bool nsg_text_end(FILE *stream, char *const *text)
{
	return fclose(stream) == 0 && *text;
}

#endif
