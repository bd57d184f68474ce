/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's fate, read off semantics.md line by line over the policy's meaning: no tables, nothing
 * shared with the compiler or with model/select.c. The independent answer of tests and benches.
 */
#ifndef NSG_TESTS_NAIVE_H
#define NSG_TESTS_NAIVE_H

#include "classify/classify.h"
#include "model/effective.h"
#include "packet/key.h"

/* As nsg_classify, but route is an index into e->rows and hop is 0. */
struct nsg_decision naive_classify(const struct nsg_effective *e, const struct nsg_key *key);

/* Whether the image's decision says the same: route and hop by what they are. */
bool naive_agrees(const struct nsg_effective *e, const struct nsg_image *image,
		  const struct nsg_decision *naive, const struct nsg_decision *decision);

#endif
