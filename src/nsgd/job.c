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
#define TIMEOUT_USEC 1000000u
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

/* Authentication has no time limit of its own. */
static int wait_until_ready(sd_bus *bus)
{
	const uint64_t end_ns = nsg_clock_ns(CLOCK_MONOTONIC) + TIMEOUT_USEC * 1000u;
	int r = 0;

	while (r >= 0 && sd_bus_is_ready(bus) <= 0) {
		const uint64_t now_ns = nsg_clock_ns(CLOCK_MONOTONIC);

		if (now_ns >= end_ns)
			return -ETIMEDOUT;
		r = sd_bus_process(bus, NULL);
		if (!r)
			r = sd_bus_wait(bus, (end_ns - now_ns) / 1000u);
	}
	return r;
}

static int get(sd_bus *bus, const char *path, const char *interface, const char *property,
	       const char *type, sd_bus_message **ret)
{
	return sd_bus_get_property(bus, MANAGER, path, interface, property, NULL, ret, type);
}

static int ask(uint32_t *ret_stored, enum job *ret)
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
	r = sd_bus_set_method_call_timeout(bus, TIMEOUT_USEC);
	if (r < 0)
		return r;
	r = wait_until_ready(bus);
	if (r < 0)
		return r;
	r = sd_bus_call_method(bus, MANAGER, "/org/freedesktop/systemd1", MANAGER ".Manager",
			       "GetUnitByPID", NULL, &unit, "u", (uint32_t)getpid());
	if (r < 0)
		return r;
	r = sd_bus_message_read(unit, "o", &path);
	if (r < 0)
		return r;
	if (get(bus, path, MANAGER ".Service", "NFileDescriptorStore", "u", &stored) >= 0)
		(void)sd_bus_message_read(stored, "u", &n);
	r = get(bus, path, MANAGER ".Unit", "Job", "(uo)", &job);
	if (r < 0)
		return r;
	r = sd_bus_message_read(job, "(uo)", &id, &path);
	if (r < 0)
		return r;
	*ret_stored = n;
	*ret = JOB_NONE;
	if (!id)
		return 0;
	r = get(bus, path, MANAGER ".Job", "JobType", "s", &type);
	if (r < 0)
		return r;
	r = sd_bus_message_read(type, "s", &name);
	if (r < 0)
		return r;
	*ret = strcmp(name, "restart") == 0 ? JOB_RESTART : JOB_OTHER;
	return 0;
}

enum job job_ask(uint32_t *ret_stored)
{
	enum job job = JOB_UNKNOWN;

	*ret_stored = 0;
	return ask(ret_stored, &job) < 0 ? JOB_UNKNOWN : job;
}
