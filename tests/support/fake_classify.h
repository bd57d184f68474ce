/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A classifier that says what the test wrote down: decisions by destination. Link it instead of
 * libclassify. */
#ifndef NSG_TESTS_SUPPORT_FAKE_CLASSIFY_H
#define NSG_TESTS_SUPPORT_FAKE_CLASSIFY_H

#include "classify/classify.h"

struct fake_decision {
	uint32_t dst_host;
	struct nsg_decision decision;
};

/* An unknown destination is denied by rule 0 on route 0. */
struct nsg_image {
	struct nsg_image_info info;
	const struct fake_decision *decisions;
	size_t n_decisions;
	const struct nsg_image_route *routes;
	uint32_t src_host; /* when not 0: every other source is a mistake of the caller's */
};

#endif
