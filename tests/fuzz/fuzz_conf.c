/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nsgd.conf. What is taken keeps what its readers promise to the rest of the daemon. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/marks.h"
#include "model/profile.h"
#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_places(const struct nsg_diag *diag, const uint8_t *data, size_t size)
{
	uint32_t n_lines = 1;

	for (size_t i = 0; i < size; i++)
		n_lines += data[i] == '\n';
	for (size_t i = 0; i < diag->n; i++)
		if (diag->v[i].line > n_lines)
			abort();
}

static void check_conf(const struct nsg_conf *c, uint32_t n_sections)
{
	struct nsg_marks marks;
	char restart[64];

	if (nsg_marks_init(c->mark_mask, &marks) < 0 || !marks.max_hop ||
	    marks.max_hop > NSG_MAX_HOPS)
		abort();
	if (!*c->instance || strlen(c->instance) > NSG_MAX_INSTANCE_LENGTH ||
	    strchr(c->instance, '/') || !nsg_profile_find(c->profile))
		abort();
	if (c->workers > NSG_MAX_WORKERS || c->interfaces.n > NSG_MAX_CONF_LIST ||
	    c->users.n > NSG_MAX_CONF_LIST || c->cgroups.n > NSG_MAX_CONF_LIST ||
	    c->n_excludes > NSG_MAX_CONF_LIST || c->n_nexthops > n_sections)
		abort();
	for (size_t i = 0; i < c->n_nexthops; i++)
		if ((!c->nexthops[i].has_via && !c->nexthops[i].dev) || !c->nexthops[i].line)
			abort();
	nsg_conf_restart_keys(c, c, restart, sizeof(restart));
	if (restart[0])
		abort();
}

static uint32_t count(const uint8_t *data, size_t size, uint8_t c)
{
	uint32_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += data[i] == c;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nsg_diag diag = {0};
	struct nsg_conf *c = NULL;
	char path[64];
	int fd, r;

	fd = memfd_create("nsgd.conf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = nsg_conf_load(path, false, &diag, &c);
	(void)close(fd);
	if (r != -ENOMEM && ((r != 0) != (diag.n_errors != 0) || (r != 0) != !c))
		abort();
	check_places(&diag, data, size);
	if (c)
		check_conf(c, count(data, size, '['));
	(void)nsg_conf_free(c);
	nsg_diag_done(&diag);
	return 0;
}
