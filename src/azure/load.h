/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a directory of Azure's JSON documents as a policy. */
#ifndef NSG_AZURE_LOAD_H
#define NSG_AZURE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "model/policy.h"
#include "util/diag.h"
#include "util/flat_resource.h"
#include "util/json.h"

#define NSG_COUNTED_KINDS 63

/* What a directory holds, by resources; a list whose elements have no ids (rules, app settings) is
 * one. Arrays are by kind, in the order of the registry; their last element is of any other kind. */
struct nsg_load_counts {
	size_t n_read[NSG_COUNTED_KINDS + 1], n_lists[NSG_COUNTED_KINDS + 1];
	size_t n_parameters; /* documents that a template uses */
	size_t n_skipped;    /* of no use: with a notice */
	size_t n_refused;    /* with an error */
	bool no_vnet;	     /* no document of a virtual network: nsg_commands help */
};

/* "read 3 NSGs, 1 route table; 6 resources of no use skipped; 1 refused". To be freed; NULL: out of
 * memory. */
char *nsg_load_counts_text(const struct nsg_load_counts *c);

struct nsg_load_options {
	/*
	 * Evaluates an ARM template that has expressions (src/template; only nsgctl sets it).
	 * `parameters` is a parameters document's value or NULL, `where` the template's value.
	 * *ret is malloc'ed. Problems are diagnostics: -EINVAL. NULL: such a template is an error
	 * that names `nsgctl flatten`.
	 */
	int (*flatten)(json_t *template, json_t *parameters, const struct nsg_place *where,
		       struct nsg_diag *diag, struct nsg_flat_resource **ret, size_t *ret_n);
	const char *parameters_path; /* --parameters FILE; NULL: none */
	/* -EINVAL still gives what could be read, so that nsg_effective_new can
	 * find the other errors. It must never be enforced. */
	bool partial;
	struct nsg_load_counts *counts; /* filled, with and without errors; NULL: not wanted */
	/* CLOCK_MONOTONIC: no document is begun after it, which is an error. May change while a load
	 * runs. NULL: none. */
	const _Atomic uint64_t *deadline_ns;
};

/*
 * Reads every *.json of the directory, recognises its kind, joins the copies and the parts of
 * resources. Every problem becomes a diagnostic; -EINVAL when one is an error, -ENOMEM, or -errno
 * when the directory cannot be read (a diagnostic too). An unchanged file may be taken from `before`
 * (a policy loaded earlier from the same directory, or NULL) instead of being parsed again.
 */
int nsg_policy_load(const char *directory, const struct nsg_load_options *options,
		    const struct nsg_policy *before, struct nsg_diag *diag,
		    struct nsg_policy **ret);

#endif
