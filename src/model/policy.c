/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource ids, and the end of a policy. */
#include "model/policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A full id starts at the root; anything else is a tail of one. */
static bool is_full(const char *id)
{
	return id[0] == '/';
}

/* The start of the last n segments of an id, or NULL when it has fewer. */
static const char *tail(const char *id, unsigned int n)
{
	const char *p = id + strlen(id);

	while (n && p > id) {
		p--;
		if (*p == '/' && !--n)
			return p + 1;
	}
	return n == 1 && *id && *id != '/' ? id : NULL;
}

bool nsg_id_equal(const char *a, const char *b)
{
	const char *ta, *tb;

	if (!*a || !*b)
		return false;
	if (is_full(a) && is_full(b))
		return !strcasecmp(a, b);
	ta = tail(a, 2);
	tb = tail(b, 2);
	if (ta && tb)
		return !strcasecmp(ta, tb);
	/* One of them is a bare name: nothing but the name is known of it. */
	return !strcasecmp(nsg_id_name(a), nsg_id_name(b));
}

const char *nsg_id_name(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash ? slash + 1 : id;
}

const char *nsg_id_subscription(const char *id, size_t *ret_len)
{
	static const char head[] = "/subscriptions/";
	const char *s;

	*ret_len = 0;
	if (strncasecmp(id, head, sizeof(head) - 1))
		return "";
	s = id + sizeof(head) - 1;
	*ret_len = strcspn(s, "/");
	return s;
}

void nsg_policy_forget_sources(struct nsg_policy *p)
{
	nsg_sources_done(&p->sources);
}

struct nsg_policy *nsg_policy_free(struct nsg_policy *p)
{
	if (!p)
		return NULL;
	nsg_sources_done(&p->sources);
	nsg_arena_done(&p->arena);
	free(p);
	return NULL;
}
