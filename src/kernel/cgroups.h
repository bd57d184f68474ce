/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The captured cgroups: paths of the version 2 hierarchy and their current ids. Restarting a
 * service creates a new cgroup with a new id, and a path may appear later: inotify watches every
 * directory along the paths.
 */
#ifndef NSG_KERNEL_CGROUPS_H
#define NSG_KERNEL_CGROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

struct nsg_cgroup {
	const char *path; /* as in conf */
	uint32_t level;	  /* components; 1 is below the root */
	uint64_t id;	  /* 0: does not exist */
	uint64_t was_id;  /* before the last update */
};

struct nsg_cgroups {
	struct nsg_cgroup *v;
	size_t n;
	char *root;	/* where the hierarchy is mounted */
	int inotify_fd; /* -1: no cgroups are captured */
};

/* Where the hierarchy is mounted, by `mounts`. -ENOENT, -errno. */
int nsg_cgroups_find_root(const char *mounts, char **ret);
/* Finds the hierarchy (`mounts`: /proc/self/mountinfo or a test's), and the ids. -ENOENT: no cgroup
 * v2 is mounted; -errno. `paths` must outlive it. */
int nsg_cgroups_open(const struct nsg_conf_strings *paths, const char *mounts,
		     struct nsg_cgroups *ret);
void nsg_cgroups_done(struct nsg_cgroups *c);

/* Reads the ids again; for when the descriptor is readable. True when an id has changed. */
bool nsg_cgroups_update(struct nsg_cgroups *c);

uint32_t nsg_cgroups_deepest(const struct nsg_cgroups *c);
bool nsg_cgroups_has_level(const struct nsg_cgroups *c, uint32_t level);
/* An earlier path has the same id: the path is configured twice. */
bool nsg_cgroups_is_repeated(const struct nsg_cgroups *c, size_t index);
/* A path has the id now, or had it before the last update. */
bool nsg_cgroups_has_id(const struct nsg_cgroups *c, uint64_t id);
bool nsg_cgroups_had_id(const struct nsg_cgroups *c, uint64_t id);

#endif
