/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "azure/load.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "azure/commands.h"
#include "azure/load_priv.h"
#include "azure/reader_priv.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/limits.h"

#define COMMANDS AZ_VNET " > vnet.json (nsgctl check lists all commands)"

/* ---- files ---------------------------------------------------------------------------------- */

/* A document of the directory. Its values are there from parsing until it has been read; those of a
 * parameters document until the end, for templates to come. */
struct file {
	char *name;
	const struct nsg_source *source; /* NULL: not opened yet, or not readable */
	const struct nsg_shared *kept;	 /* as the policy before has it: nothing to parse; NULL */
	size_t n_values;		 /* nsg_json_count() */
	bool parameters_used;
	json_t *values; /* NULL: not parsed yet, or not JSON */
	bool tried;
};

struct directory {
	const char *path;
	const struct nsg_policy *before; /* NULL: none */
	NSG_VEC(struct file) files;
	json_t *parameters;				   /* of --parameters; NULL: none */
	size_t n_templates, n_parameters, only_parameters; /* counted by count_templates */
	bool counted;
	size_t n_bytes, n_values; /* of the documents so far */
	bool given_up;		  /* a bound of the directory is exceeded */
};

static void directory_done(struct directory *d)
{
	for (size_t i = 0; i < d->files.n; i++) {
		free(d->files.v[i].name);
		json_decref(d->files.v[i].values);
	}
	nsg_vec_done(&d->files);
	json_decref(d->parameters);
}

#define cleanup_directory __attribute__((cleanup(directory_done)))

static bool ends_in_slash(const char *path)
{
	size_t n = strlen(path);

	return n && path[n - 1] == '/';
}

static int give_up(struct nsg_reader *r, struct directory *d, const char *why)
{
	d->given_up = true;
	return nsg_diag_add(r->sink.diag, NSG_ERROR, &r->policy->place, NULL, "%s", why);
}

/* Before anything is allocated for its values. The bounds are those of the directory as it is, not
 * of what has changed in it. */
static int check_bounds(struct nsg_reader *r, struct directory *d, size_t n_bytes, size_t n_values)
{
	d->n_bytes += n_bytes;
	d->n_values += n_values;
	if (d->n_bytes > NSG_MAX_DIRECTORY_BYTES)
		return give_up(r, d, "the documents have more than 256 MiB in total");
	if (d->n_values > NSG_MAX_JSON_VALUES)
		return give_up(r, d, "the documents have more than 8 million JSON values in total");
	return 0;
}

static int check_time(struct nsg_reader *r, struct directory *d)
{
	const _Atomic uint64_t *deadline_ns = r->options->deadline_ns;

	if (!deadline_ns ||
	    nsg_clock_ns(CLOCK_MONOTONIC) < atomic_load_explicit(deadline_ns, memory_order_relaxed))
		return 0;
	return give_up(r, d, "reading the documents took too long");
}

static int read_and_parse(struct nsg_reader *r, struct directory *d, struct file *f,
			  const char *path)
{
	size_t n_bytes;
	int result;

	result = check_time(r, d);
	if (result < 0)
		return result;
	result = nsg_json_read(&r->policy->sources, path, r->sink.diag, &f->source);
	if (result < 0)
		return result;
	n_bytes = f->source->size_bytes;
	f->kept = nsg_cache_find(r, d->before, f->source);
	f->n_values = f->kept ? nsg_cache_n_values(f->kept) : nsg_json_count(f->source);
	result = check_bounds(r, d, n_bytes, f->n_values);
	if (result < 0 || f->kept)
		return result;
	return nsg_json_parse(f->source, r->sink.diag, &f->values);
}

/* Failures are diagnostics; running out of memory is noted in the sink. */
static void parse_file(struct nsg_reader *r, struct directory *d, struct file *f)
{
	cleanup_free char *path = NULL;
	int result;

	if (f->tried || d->given_up)
		return;
	f->tried = true;
	if (asprintf(&path, "%s%s%s", d->path, ends_in_slash(d->path) ? "" : "/", f->name) < 0) {
		path = NULL;
		r->sink.no_memory = true;
		return;
	}
	result = read_and_parse(r, d, f, path);
	if (result == -ENOMEM)
		r->sink.no_memory = true;
	if (result) {
		r->policy->incomplete = true;
		r->counts.n_refused++;
	}
}

static bool is_document(const char *name)
{
	size_t n = strlen(name);

	return *name != '.' && n > strlen(".json") && !strcmp(name + n - strlen(".json"), ".json");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

/* The documents' names in byte order. -errno with a diagnostic, -ENOMEM. */
static int list_files(struct nsg_reader *r, struct directory *d)
{
	DIR *dir = opendir(d->path);
	struct dirent *entry;
	int result;

	if (!dir) {
		result = -errno;
		(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &r->policy->place, NULL,
				   "the directory cannot be read: %s%s", strerror(-result),
				   result == -ENOENT ? "; create it and run: " COMMANDS : "");
		return result;
	}
	while ((errno = 0, entry = readdir(dir))) {
		struct file f = {0};

		if (!is_document(entry->d_name))
			continue;
		f.name = strdup(entry->d_name);
		if (!f.name || nsg_vec_push(&d->files, f)) {
			free(f.name);
			(void)closedir(dir);
			return -ENOMEM;
		}
	}
	result = -errno;
	(void)closedir(dir);
	if (d->files.n)
		qsort(d->files.v, d->files.n, sizeof(*d->files.v), by_name);
	return result;
}

/* ---- templates' parameters ------------------------------------------------------------------ */

static json_t *first_parameters(const struct file *f)
{
	json_t *value;
	size_t i;

	json_array_foreach(f->values, i, value)
	{
		if (nsg_template_is_parameters(value))
			return value;
	}
	return NULL;
}

/* How many templates and parameters documents the directory has: parses all that is left. */
static void count_templates(struct nsg_reader *r, struct directory *d)
{
	json_t *value;
	size_t j;

	if (d->counted)
		return;
	d->counted = true;
	for (size_t i = 0; i < d->files.n; i++) {
		struct file *f = &d->files.v[i];

		parse_file(r, d, f);
		json_array_foreach(f->values, j, value)
		{
			d->n_templates += nsg_template_is(value);
			if (!nsg_template_is_parameters(value))
				continue;
			d->n_parameters++;
			d->only_parameters = i;
		}
	}
}

static json_t *use_parameters(struct file *f)
{
	json_t *parameters = first_parameters(f);

	f->parameters_used |= parameters != NULL;
	return parameters;
}

/* When all templates have been read. */
static void report_unused_parameters(struct nsg_reader *r, struct directory *d)
{
	for (size_t i = 0; i < d->files.n; i++) {
		const struct file *f = &d->files.v[i];
		json_t *used = f->parameters_used ? first_parameters(f) : NULL, *value;
		size_t j;

		json_array_foreach(f->values, j, value)
		{
			struct nsg_place place = {
			    .source = f->source, .value = (uint32_t)j, .pointer = ""};

			if (!nsg_template_is_parameters(value))
				continue;
			if (value == used) {
				r->counts.n_parameters++;
				continue;
			}
			r->counts.n_skipped++;
			(void)nsg_diag_add(r->sink.diag, NSG_NOTICE, &place, NULL,
					   "no template uses these parameters: skipped");
		}
	}
}

/* X.parameters.json for X.json, else the only one for the only template. Borrowed; NULL: none. */
static json_t *find_parameters(struct nsg_reader *r, struct directory *d, const struct file *f)
{
	int stem = (int)(strlen(f->name) - strlen(".json"));
	cleanup_free char *wanted = NULL;

	if (asprintf(&wanted, "%.*s.parameters.json", stem, f->name) < 0) {
		wanted = NULL;
		r->sink.no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < d->files.n; i++) {
		if (strcmp(d->files.v[i].name, wanted))
			continue;
		parse_file(r, d, &d->files.v[i]);
		return use_parameters(&d->files.v[i]);
	}
	count_templates(r, d);
	if (d->n_templates != 1 || d->n_parameters != 1)
		return NULL;
	return use_parameters(&d->files.v[d->only_parameters]);
}

/* {"parameters": {...}}, or the inner object alone */
static json_t *inner_parameters(json_t *document)
{
	json_t *inner = nsg_member(document, "parameters");

	return json_is_object(inner) ? inner : document;
}

/* Sets each member of `from`. Parameter names are case-insensitive: a member with another spelling
 * is replaced. -1: no memory. */
static int update_parameters(json_t *all, json_t *from)
{
	const char *name, *old;
	json_t *value, *unused;
	void *next;

	json_object_foreach(from, name, value)
	{
		json_object_foreach_safe(all, next, old, unused)
		{
			if (!strcasecmp(old, name))
				(void)json_object_del(all, old);
		}
		if (json_object_set(all, name, value) < 0)
			return -1;
	}
	return 0;
}

/* Those of the document, over them those of --parameters. New reference; NULL: none, or no memory.
 */
static json_t *merge_parameters(struct nsg_reader *r, json_t *document, json_t *option)
{
	cleanup_json json_t *all = json_object();

	if (!document && !option)
		return NULL;
	if (!all || (document && update_parameters(all, inner_parameters(document)) < 0) ||
	    (option && update_parameters(all, inner_parameters(option)) < 0)) {
		r->sink.no_memory = true;
		return NULL;
	}
	return json_pack("{s:O}", "parameters", all);
}

static void read_parameters_option(struct nsg_reader *r, struct directory *d)
{
	const char *path = r->options->parameters_path;
	cleanup_json json_t *values = NULL;
	const struct nsg_source *source;
	int result;

	if (!path)
		return;
	result = nsg_json_read(&r->policy->sources, path, r->sink.diag, &source);
	if (!result)
		result = nsg_json_parse(source, r->sink.diag, &values);
	if (result == -ENOMEM)
		r->sink.no_memory = true;
	if (result)
		return;
	if (json_is_object(json_array_get(values, 0)))
		d->parameters = json_incref(json_array_get(values, 0));
	else
		(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &(struct nsg_place){.source = source},
				   NULL, "the parameters must be an object");
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool has_template(const struct file *f)
{
	json_t *value;
	size_t i;

	json_array_foreach(f->values, i, value)
	{
		if (nsg_template_is(value) || nsg_template_is_parameters(value))
			return true;
	}
	return false;
}

static void read_template(struct nsg_reader *r, struct directory *d, const struct file *f,
			  const struct nsg_root *root, json_t *value)
{
	cleanup_json json_t *parameters = NULL;
	json_t *own = find_parameters(r, d, f);

	if (r->options->flatten)
		parameters = merge_parameters(r, own, d->parameters);
	nsg_template_read(r, root, value, parameters);
}

static void read_file(struct nsg_reader *r, struct directory *d, struct file *f)
{
	struct nsg_shared *shared = NULL;
	bool keep = first_parameters(f);
	json_t *value;
	size_t i;

	if (f->kept)
		nsg_cache_give(r, f->kept);
	if (f->values && !has_template(f))
		shared = nsg_cache_begin(r, f->source, f->n_values);
	json_array_foreach(f->values, i, value)
	{
		struct nsg_root root = {.source = shared ? &shared->source : f->source,
					.value = (uint32_t)i,
					.pointer = ""};

		if (nsg_template_is(value))
			read_template(r, d, f, &root, value);
		else if (!nsg_template_is_parameters(value))
			nsg_reader_document(r, &root, value);
	}
	if (shared)
		nsg_cache_end(r, shared);
	if (keep)
		return;
	json_decref(f->values);
	f->values = NULL;
}

static void reader_done(struct nsg_reader *r)
{
	nsg_vec_done(&r->resources);
	nsg_vec_done(&r->bgp_routes);
	nsg_vec_done(&r->skipped);
	/* a document held together with the policy before has its text again */
	if (r->policy)
		nsg_policy_forget_sources(r->policy);
	nsg_policy_free(r->policy);
}

#define cleanup_reader __attribute__((cleanup(reader_done)))

/* A policy with nothing in it but its directory. -ENOMEM. */
static int reader_init(struct nsg_reader *r, const char *directory,
		       const struct nsg_load_options *options, struct nsg_diag *diag)
{
	static const struct nsg_load_options none;
	const struct nsg_source *source;
	char *no_text = NULL;
	int result;

	*r = (struct nsg_reader){.options = options ? options : &none};
	r->policy = calloc(1, sizeof(*r->policy));
	if (!r->policy)
		return -ENOMEM;
	r->sink.arena = &r->policy->arena;
	r->sink.diag = diag;
	r->policy->directory = nsg_sink_printf(&r->sink, "%s", directory);
	result = nsg_sources_add(&r->policy->sources, directory, &no_text, 0, &source);
	if (result)
		return result;
	r->policy->place.source = source;
	return 0;
}

/* Joins and returns the policy unless an error was added to the n_errors that there were before. */
static int finish(struct nsg_reader *r, size_t n_errors, struct nsg_policy **ret)
{
	bool wrong;

	if (!r->sink.no_memory)
		nsg_join(r);
	if (!r->sink.no_memory)
		nsg_hand_over(r);
	if (r->sink.no_memory)
		return -ENOMEM;
	if (r->options->counts)
		*r->options->counts = r->counts;
	wrong = r->sink.diag->n_errors > n_errors;
	if (!wrong || r->options->partial)
		*ret = TAKE_PTR(r->policy);
	return wrong ? -EINVAL : 0;
}

static bool has_vnet(const struct nsg_reader *r)
{
	for (size_t i = 0; i < r->resources.n; i++) {
		if (r->resources.v[i].kind->list == nsg_kind_vnet.list)
			return true;
	}
	return false;
}

static void check_missing(struct nsg_reader *r, const struct directory *d)
{
	/* of refused documents, one may be the virtual network's; if all are refused, the commands that
	 * wrote them failed */
	bool refused = d->files.n && r->policy->incomplete;

	if (has_vnet(r) || (refused && r->resources.n))
		return;
	r->counts.no_vnet = true;
	if (refused)
		return;
	(void)nsg_diag_add(r->sink.diag, NSG_ERROR, &r->policy->place, NULL,
			   "the directory has no %s; run: " COMMANDS,
			   d->files.n ? "document of a virtual network" : "*.json document");
}

int nsg_policy_load(const char *directory, const struct nsg_load_options *options,
		    const struct nsg_policy *before, struct nsg_diag *diag, struct nsg_policy **ret)
{
	cleanup_directory struct directory d = {.path = directory, .before = before};
	cleanup_reader struct nsg_reader r = {0};
	size_t n_errors = diag->n_errors;
	int result;

	result = reader_init(&r, directory, options, diag);
	if (!result)
		result = list_files(&r, &d);
	if (result)
		return result;
	if (d.files.n > NSG_MAX_FILES)
		return nsg_diag_add(diag, NSG_ERROR, &r.policy->place, NULL,
				    "%zu documents: at most %u are read", d.files.n, NSG_MAX_FILES);
	read_parameters_option(&r, &d);
	for (size_t i = 0; i < d.files.n && !r.sink.no_memory && !d.given_up; i++) {
		parse_file(&r, &d, &d.files.v[i]);
		read_file(&r, &d, &d.files.v[i]);
	}
	report_unused_parameters(&r, &d);
	check_missing(&r, &d);
	return finish(&r, n_errors, ret);
}

int nsg_policy_load_bytes(const char *path, const void *data, size_t size_bytes,
			  const struct nsg_load_options *options, struct nsg_diag *diag,
			  struct nsg_policy **ret)
{
	cleanup_directory struct directory d = {.path = path};
	cleanup_reader struct nsg_reader r = {0};
	size_t n_errors = diag->n_errors;
	struct file f = {.name = NULL, .tried = true};
	int result;

	result = reader_init(&r, path, options, diag);
	if (!result)
		result = nsg_json_text(&r.policy->sources, path, data, size_bytes, diag, &f.source);
	if (!result)
		result = nsg_json_parse(f.source, diag, &f.values);
	if (result)
		return result;
	f.name = strdup("document.json");
	if (!f.name || nsg_vec_push(&d.files, f)) {
		free(f.name);
		json_decref(f.values);
		return -ENOMEM;
	}
	read_file(&r, &d, &d.files.v[0]);
	return finish(&r, n_errors, ret);
}
