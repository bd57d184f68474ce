/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup attributes. A variable marked with one of these frees what it owns when its scope ends;
 * TAKE_PTR and TAKE_FD pass the ownership on. One function body is then enough to show that nothing
 * leaks and nothing is freed twice.
 */
#ifndef NSG_UTIL_CLEANUP_H
#define NSG_UTIL_CLEANUP_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#define cleanup_free __attribute__((cleanup(nsg_cleanup_free)))
#define cleanup_close __attribute__((cleanup(nsg_cleanup_close)))
#define cleanup_fclose __attribute__((cleanup(nsg_cleanup_fclose)))
#define cleanup_json __attribute__((cleanup(nsg_cleanup_json)))

/* The value of a pointer variable, which is NULL afterwards. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *nsg_take = &(p);                                                    \
		__typeof__(p) nsg_taken = *nsg_take;                                               \
		*nsg_take = NULL;                                                                  \
		nsg_taken;                                                                         \
	})

/* The value of a file descriptor variable, which is -1 afterwards. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *nsg_take = &(fd);                                                             \
		int nsg_taken = *nsg_take;                                                         \
		*nsg_take = -1;                                                                    \
		nsg_taken;                                                                         \
	})

static inline void nsg_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void nsg_cleanup_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void nsg_cleanup_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline void nsg_cleanup_json(json_t **j)
{
	json_decref(*j);
}

#endif
