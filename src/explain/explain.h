/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The story of a decision, and the policy, each as one JSON value for render.h. The decision is
 * always nsg_classify()'s; a story that contradicts it is an internal error.
 */
#ifndef NSG_EXPLAIN_EXPLAIN_H
#define NSG_EXPLAIN_EXPLAIN_H

#include <stdbool.h>

#include <jansson.h>

#include "classify/classify.h"
#include "model/effective.h"
#include "util/diag.h"

/*
 * One decision step by step: the decision object, then "story" with the gate and its reason, tags
 * with prefixes, the rules tried and what did not match, the routes compared, the next hop, the
 * source that the destination sees, and notices. -EBADE, with a diagnostic, when the story
 * contradicts the classifier.
 */
int nsg_explain_flow(const struct nsg_effective *e, const struct nsg_image *image,
		     const struct nsg_key *key, struct nsg_diag *diag, json_t **ret);

/* The same in the form of Network Watcher's NSG diagnostics (`-o azure`). */
int nsg_explain_azure(const struct nsg_effective *e, const struct nsg_image *image,
		      const struct nsg_key *key, struct nsg_diag *diag, json_t **ret);

/* `az network watcher test-ip-flow` (plus gate), show-next-hop, list-effective-nsg. New reference in *ret. -ENOMEM. */
int nsg_explain_test_ip_flow(const struct nsg_image *image, const struct nsg_key *key,
			     json_t **ret);
int nsg_explain_next_hop(const struct nsg_effective *e, const struct nsg_image *image,
			 const struct nsg_key *key, json_t **ret);
int nsg_explain_effective_nsg(const struct nsg_effective *e, json_t **ret);

/* show-effective-route-table in pages, like Azure's, since there may be a million routes: begin with
 * {.e = ...}, which must outlive it. */
struct nsg_route_cursor {
	const struct nsg_effective *e;
	size_t type, at;
	/* of the routes of one type of next hop */
	enum { NSG_ROUTES_OTHER, NSG_ROUTES_LIVE, NSG_ROUTES_USER, NSG_ROUTES_PARTS } part;
	enum nsg_row_state *live_states;
};

/* The next page, of at most so many rows and what else belongs to the last entry. -ENOMEM. */
int nsg_explain_routes_next(struct nsg_route_cursor *c, size_t most, json_t **ret);
bool nsg_explain_routes_ended(const struct nsg_route_cursor *c);
void nsg_route_cursor_done(struct nsg_route_cursor *c);

static inline void cleanup_route_cursor_p(struct nsg_route_cursor *c)
{
	nsg_route_cursor_done(c);
}
#define cleanup_route_cursor __attribute__((cleanup(cleanup_route_cursor_p)))

/*
 * Answers explain, test-ip-flow, show-next-hop, effective-nsg and effective-routes from their
 * arguments (see control/control.h), for the daemon's socket and for nsgctl offline. `data` gets
 * each item (borrowed); when it returns non-zero, the answer ends with that value. -ENOENT for
 * another verb; -EINVAL for invalid arguments and -EBADE as above, each with a diagnostic; -ENOMEM.
 */
int nsg_explain_answer(const struct nsg_effective *e, const struct nsg_image *image,
		       const char *verb, const json_t *args,
		       int (*data)(void *closure, json_t *item), void *closure,
		       struct nsg_diag *diag);

/* A summary of the policy for `check -v` and `status`: vnet, subnet, nsg, routeTable, profile,
 * platform, routeAll, what set each, and the size of the image. New reference or NULL. */
json_t *nsg_explain_policy(const struct nsg_effective *e, const struct nsg_image *image);

#endif
