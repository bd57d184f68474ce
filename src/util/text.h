/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NSG_UTIL_TEXT_H
#define NSG_UTIL_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The ending of a regular noun. */
static inline const char *nsg_text_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Closes a stream of open_memstream(). False when out of memory: fclose() of glibc may succeed then, with
 * *text NULL. *text is to be freed in any case. */
static inline bool nsg_text_end(FILE *stream, char *const *text)
{
	return fclose(stream) == 0 && *text;
}

#endif
