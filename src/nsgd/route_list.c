/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/route_list.h"

#include <errno.h>
#include <stdlib.h>

#include "explain/explain.h"
#include "util/cleanup.h"
#include "util/limits.h"

/* A page takes about a millisecond. With all their next hops so many routes are below a frame. */
#define PAGE_ROUTES 500

struct route_list {
	struct server_stream stream; /* first: its address is the object's */
	struct instance *in;
	struct nsg_engine_policy *policy;
	struct nsg_route_cursor cursor;
};

static int next(struct server_stream *stream, server_data_fn *data, void *closure)
{
	struct route_list *l = (struct route_list *)stream;
	cleanup_json json_t *page = NULL;
	int r;

	r = nsg_explain_routes_next(&l->cursor, PAGE_ROUTES, &page);
	if (r < 0)
		return r;
	r = data(closure, page);
	return r < 0 ? r : nsg_explain_routes_ended(&l->cursor);
}

static void free_list(struct server_stream *stream)
{
	struct route_list *l = (struct route_list *)stream;

	nsg_route_cursor_done(&l->cursor);
	nsg_engine_policy_unref(l->policy);
	l->in->n_route_lists--;
	free(l);
}

int route_list_begin(struct instance *in, struct nsg_diag *diag, struct server_stream **ret)
{
	struct route_list *l;

	if (in->n_route_lists == NSG_MAX_ROUTE_LISTS) {
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "%u clients already list the routes: try again later",
				   NSG_MAX_ROUTE_LISTS);
		return -EBUSY;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct route_list){
	    .stream = {.next = next, .free = free_list},
	    .in = in,
	    .policy = nsg_engine_policy_ref(&in->policy->engine),
	    .cursor = {.e = in->policy->snapshot->effective},
	};
	in->n_route_lists++;
	*ret = &l->stream;
	return 0;
}
