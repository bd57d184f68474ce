/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/job.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "util/cleanup.h"
#include "util/clock.h"

#define MANAGER "org.freedesktop.systemd1"
/* For all tries together, on a busy host; a stop has TimeoutStopSec=20s. */
#define TIMEOUT_NS UINT64_C(5000000000)
/* Without an answer, everything is removed from the kernel. */
#define TRIES 3
/* The manager itself, for hosts without a message bus; only root may connect. */
#define PRIVATE_ADDRESS "unix:path=/run/systemd/private"

static void bus_done(sd_bus **bus)
{
	sd_bus_close_unref(*bus);
}

static void message_done(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

static int connect_bus(sd_bus **ret)
{
	__attribute__((cleanup(bus_done))) sd_bus *bus = NULL;
	int r;

	if (sd_bus_open_system(ret) >= 0)
		return 0;
	r = sd_bus_new(&bus);
	if (r < 0)
		return r;
	r = sd_bus_set_address(bus, PRIVATE_ADDRESS);
	if (r < 0)
		return r;
	r = sd_bus_start(bus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bus);
	return 0;
}

static uint64_t left_usec(uint64_t end_ns)
{
	const uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

	return now_ns < end_ns ? (end_ns - now_ns) / 1000u : 0;
}

/* Authentication has no time limit of its own. */
static int wait_until_ready(sd_bus *bus, uint64_t end_ns)
{
	int r = 0;

	while (r >= 0 && sd_bus_is_ready(bus) <= 0) {
		const uint64_t left = left_usec(end_ns);

		if (!left)
			return -ETIMEDOUT;
		r = sd_bus_process(bus, NULL);
		if (!r)
			r = sd_bus_wait(bus, left);
	}
	/* 0 would be the default of the library */
	return r < 0 ? r : sd_bus_set_method_call_timeout(bus, left_usec(end_ns) / 4 + 1);
}

static int get(sd_bus *bus, const char *path, const char *interface, const char *property,
	       const char *type, sd_bus_message **ret)
{
	return sd_bus_get_property(bus, MANAGER, path, interface, property, NULL, ret, type);
}

static int ask(uint64_t end_ns, uint32_t *ret_stored, enum job *ret)
{
	__attribute__((cleanup(bus_done))) sd_bus *bus = NULL;
	__attribute__((cleanup(message_done))) sd_bus_message *unit = NULL, *job = NULL,
							      *type = NULL, *stored = NULL;
	const char *path, *name;
	uint32_t id, n = 0;
	int r;

	r = connect_bus(&bus);
	if (r < 0)
		return r;
	r = wait_until_ready(bus, end_ns);
	if (r < 0)
		return r;
	r = sd_bus_call_method(bus, MANAGER, "/org/freedesktop/systemd1", MANAGER ".Manager",
			       "GetUnitByPID", NULL, &unit, "u", (uint32_t)getpid());
	if (r < 0)
		return r;
	r = sd_bus_message_read(unit, "o", &path);
	if (r < 0)
		return r;
	r = get(bus, path, MANAGER ".Service", "NFileDescriptorStore", "u", &stored);
	if (r < 0)
		return r;
	r = sd_bus_message_read(stored, "u", &n);
	if (r < 0)
		return r;
	r = get(bus, path, MANAGER ".Unit", "Job", "(uo)", &job);
	if (r < 0)
		return r;
	r = sd_bus_message_read(job, "(uo)", &id, &path);
	if (r < 0)
		return r;
	if (!id) {
		*ret_stored = n;
		*ret = JOB_NONE;
		return 0;
	}
	r = get(bus, path, MANAGER ".Job", "JobType", "s", &type);
	if (r < 0)
		return r;
	r = sd_bus_message_read(type, "s", &name);
	if (r < 0)
		return r;
	*ret_stored = n;
	*ret = strcmp(name, "restart") == 0 ? JOB_RESTART
	       : strcmp(name, "stop") == 0  ? JOB_STOP
					    : JOB_OTHER;
	return 0;
}

enum job job_ask(uint32_t *ret_stored)
{
	const uint64_t end_ns = nsg_clock_ns(CLOCK_MONOTONIC) + TIMEOUT_NS;
	enum job job = JOB_UNKNOWN;

	*ret_stored = 0;
	for (int i = 0; i < TRIES; i++)
		if (ask(end_ns, ret_stored, &job) >= 0)
			break;
	return job;
}
