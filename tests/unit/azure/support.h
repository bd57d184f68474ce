/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents in, policy and diagnostics out. JSON is written with ' in place of ". */
#ifndef NSG_TESTS_UNIT_AZURE_SUPPORT_H
#define NSG_TESTS_UNIT_AZURE_SUPPORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "azure/load.h"
#include "azure/load_priv.h"
#include "util/cleanup.h"

#define ID_HEAD "/subscriptions/s/resourceGroups/g/providers/"
#define NETWORK_ID ID_HEAD "Microsoft.Network/"

struct loaded {
	int result;
	struct nsg_policy *policy; /* also where there are errors */
	struct nsg_diag diag;
};

static inline char *to_json(const char *text)
{
	char *json = strdup(text);

	assert_non_null(json);
	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return json;
}

static inline struct loaded load_with(const char *text, const struct nsg_load_options *options)
{
	struct nsg_load_options all = options ? *options : (struct nsg_load_options){0};
	cleanup_free char *json = to_json(text);
	struct loaded l = {0};

	all.partial = true;
	l.result = nsg_policy_load_bytes("d.json", json, strlen(json), &all, &l.diag, &l.policy);
	assert_int_equal(l.result, l.diag.n_errors ? -EINVAL : 0);
	return l;
}

static inline struct loaded load(const char *text)
{
	return load_with(text, NULL);
}

static inline void unload(struct loaded *l)
{
	l->policy = nsg_policy_free(l->policy);
	nsg_diag_done(&l->diag);
}

#define cleanup_loaded __attribute__((cleanup(unload)))

/* All diagnostics, a line each, without the file's name. malloc'ed. */
static inline char *said(const struct nsg_diag *d)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < d->n; i++) {
		const struct nsg_diag_record *r = &d->v[i];

		fprintf(out, "%s%u:%u: %s: %s", i ? "\n" : "", r->line, r->column,
			nsg_severity_name(r->severity), r->text);
		if (r->code)
			fprintf(out, " [%s]", r->code);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

/* That the diagnostics are these lines and no others. */
static inline void assert_said(const char *fact, const struct nsg_diag *d, const char *want)
{
	cleanup_free char *text = said(d);

	if (strcmp(text, want))
		fail_msg("%s:\n%s\n-- instead of\n%s", fact, text, want);
}

/* One document and what is said of it. */
struct saying {
	const char *fact, *text, *want;
};

static inline void check_sayings(const struct saying *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_loaded struct loaded l = load(v[i].text);

		assert_said(v[i].fact, &l.diag, v[i].want);
	}
}

#endif
