/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times in nanoseconds. */
#ifndef NSG_UTIL_CLOCK_H
#define NSG_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSG_NS_PER_SEC 1000000000u
#define NSG_NS_PER_MSEC 1000000u

static inline uint64_t nsg_timespec_ns(struct timespec t)
{
	return (uint64_t)t.tv_sec * NSG_NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static inline struct timespec nsg_ns_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / NSG_NS_PER_SEC),
				 .tv_nsec = (long)(ns % NSG_NS_PER_SEC)};
}

/* The time of CLOCK_MONOTONIC, CLOCK_REALTIME or another clock that every kernel has. */
static inline uint64_t nsg_clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return nsg_timespec_ns(t);
}

#endif
