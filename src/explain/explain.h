/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The story of a decision and of the policy, each as one JSON value that the writers (render.h)
 * turn into text and tables. The winner is always nsg_classify()'s: when the story, told from the
 * model, comes to another one, it is an internal error.
 */
#ifndef NSG_EXPLAIN_EXPLAIN_H
#define NSG_EXPLAIN_EXPLAIN_H

#include <stdbool.h>

#include <jansson.h>

#include "classify/classify.h"
#include "model/effective.h"
#include "util/diag.h"

/*
 * One decision told step by step: the contract's decision object, then "story": gate with its
 * reason, tags with prefixes, rules tried with what failed, routes compared, next hop, the source
 * the far end sees, notices. -EBADE when the story contradicts the classifier (diagnostic made).
 */
int nsg_explain_flow(const struct nsg_effective *e, const struct nsg_image *image,
		     const struct nsg_key *key, struct nsg_diag *diag, json_t **ret);

/* The same as Network Watcher's NSG diagnostics (`-o azure`). */
int nsg_explain_azure(const struct nsg_effective *e, const struct nsg_image *image,
		      const struct nsg_key *key, struct nsg_diag *diag, json_t **ret);

/* `az network watcher test-ip-flow` (plus gate), show-next-hop, list-effective-nsg,
 * show-effective-route-table. New reference in *ret. -ENOMEM. */
int nsg_explain_test_ip_flow(const struct nsg_image *image, const struct nsg_key *key,
			     json_t **ret);
int nsg_explain_next_hop(const struct nsg_effective *e, const struct nsg_image *image,
			 const struct nsg_key *key, json_t **ret);
int nsg_explain_effective_nsg(const struct nsg_effective *e, json_t **ret);
int nsg_explain_effective_routes(const struct nsg_effective *e, json_t **ret);

/*
 * Answers explain, test-ip-flow, show-next-hop, effective-nsg and effective-routes from their args
 * (control/control.h has the table): the daemon's socket and nsgctl offline both call this. `data`
 * gets each item (borrowed); a non-zero return of it ends the answer and is the call's. -ENOENT:
 * another verb; -EINVAL: bad args, -EBADE: see above, each with a diagnostic; -ENOMEM.
 */
int nsg_explain_answer(const struct nsg_effective *e, const struct nsg_image *image,
		       const char *verb, const json_t *args,
		       int (*data)(void *closure, json_t *item), void *closure,
		       struct nsg_diag *diag);

/* What was chosen and how large it is, for `check -v` and `status`: vnet, subnet, nsg, routeTable,
 * profile, platform, routeAll and which input set it, image. New reference or NULL. */
json_t *nsg_explain_policy(const struct nsg_effective *e, const struct nsg_image *image);

#endif
