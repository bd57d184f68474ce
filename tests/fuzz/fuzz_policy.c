/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader over the bytes of one document: every reader, the join, the counts, and each place
 * located. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "azure/load_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nsg_load_counts counts = {.n_read = {0}};
	struct nsg_load_options options = {.partial = true, .counts = &counts};
	struct nsg_policy *policy = NULL;
	struct nsg_diag diag = {0};
	int r;

	r = nsg_policy_load_bytes("document.json", data, size, &options, &diag, &policy);
	/* what is refused has a diagnostic, and what has one of an error is refused */
	if (r != -ENOMEM &&
	    ((r != 0) != (diag.n_errors != 0) || (policy && policy->incomplete && !r)))
		abort();
	free(nsg_load_counts_text(&counts));
	if (policy)
		nsg_policy_forget_sources(policy);
	nsg_policy_free(policy);
	nsg_diag_done(&diag);
	return 0;
}
