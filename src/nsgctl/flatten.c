/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flatten: an ARM template with its parameters becomes documents that nsgd can read. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "nsgctl/nsgctl.h"
#include "template/template.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/json_object.h"

#define MAX_NAME 80

struct flatten {
	const struct nsgctl *ctl;
	struct nsg_sources sources;
	struct nsg_diag diag;
	struct nsg_flat_resource *resources;
	size_t n;
	json_t *written;
};

static void flatten_done(struct flatten *f)
{
	for (size_t i = 0; i < f->n; i++) {
		json_decref(f->resources[i].resource);
		free(f->resources[i].pointer);
	}
	free(f->resources);
	json_decref(f->written);
	nsg_sources_done(&f->sources);
	nsg_diag_done(&f->diag);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The file's first value; a new reference. */
static int read_document(struct flatten *f, const char *path, const struct nsg_source **ret_source,
			 json_t **ret)
{
	cleanup_json json_t *values = NULL;
	int r;

	r = nsg_json_read(&f->sources, path, &f->diag, ret_source);
	if (r < 0)
		return r;
	r = nsg_json_parse(*ret_source, &f->diag, &values);
	if (r < 0)
		return r;
	*ret = json_incref(json_array_get(values, 0));
	return 0;
}

/* X.parameters.json for X.json: a new reference, NULL when there is none. */
static int read_sibling(struct flatten *f, const char *path, json_t **ret)
{
	size_t n = strlen(path);
	size_t stem = n > 5 && strcmp(path + n - 5, ".json") == 0 ? n - 5 : n;
	cleanup_free char *sibling = NULL;
	const struct nsg_source *source;

	*ret = NULL;
	if (asprintf(&sibling, "%.*s.parameters.json", (int)stem, path) < 0) {
		sibling = NULL;
		return -ENOMEM;
	}
	return access(sibling, F_OK) < 0 ? 0 : read_document(f, sibling, &source, ret);
}

static json_t *inner(json_t *document)
{
	json_t *parameters = json_object_get(document, "parameters");

	return json_is_object(parameters) ? parameters : document;
}

/* Names of parameters are case-insensitive. */
static int set_all(json_t *all, json_t *from)
{
	const char *name, *old;
	json_t *value, *unused;
	void *next;

	json_object_foreach(from, name, value)
	{
		json_object_foreach_safe(all, next, old, unused)
		{
			if (strcasecmp(old, name) == 0)
				(void)json_object_del(all, old);
		}
		if (json_object_set(all, name, value) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Parameters of the sibling document, replaced by those of --parameters. A new reference, NULL: none.
 */
static int read_parameters(struct flatten *f, json_t **ret)
{
	cleanup_json json_t *sibling = NULL;
	cleanup_json json_t *option = NULL;
	cleanup_json json_t *all = json_object();
	const struct nsg_source *source;
	int r;

	r = read_sibling(f, f->ctl->operands[0], &sibling);
	if (r < 0)
		return r;
	if (f->ctl->parameters) {
		r = read_document(f, f->ctl->parameters, &source, &option);
		if (r < 0)
			return r;
	}
	r = set_all(all, inner(sibling));
	if (r < 0)
		return r;
	r = set_all(all, inner(option));
	if (r < 0)
		return r;
	*ret = sibling || option ? NSG_JSON_OBJECT(PAIR_J("parameters", TAKE_PTR(all))) : NULL;
	return 0;
}

/* Keys of a template are case-insensitive. */
static bool has_resources(json_t *template)
{
	const char *key;
	json_t *unused;

	json_object_foreach(template, key, unused)
	{
		if (strcasecmp(key, "resources") == 0)
			return true;
	}
	return false;
}

static int evaluate(struct flatten *f)
{
	cleanup_json json_t *template = NULL;
	cleanup_json json_t *parameters = NULL;
	struct nsg_place where = {0};
	int r;

	r = read_document(f, f->ctl->operands[0], &where.source, &template);
	if (r < 0)
		return r;
	r = read_parameters(f, &parameters);
	if (r < 0)
		return r;
	if (!has_resources(template))
		return nsg_diag_add(&f->diag, NSG_ERROR, &where, NULL,
				    "not an ARM template: it has no resources");
	return nsg_template_evaluate(template, parameters, &where, &f->diag, &f->resources, &f->n);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Creates the directory, or checks that it is empty: files are never overwritten. */
static int open_empty(const char *path, int *ret_fd)
{
	cleanup_close int fd = -1;
	struct dirent *entry;
	bool empty = true;
	DIR *directory;
	int copy;

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	copy = dup(fd);
	directory = copy < 0 ? NULL : fdopendir(copy);
	if (!directory)
		return -errno;
	while ((entry = readdir(directory)))
		empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	(void)closedir(directory);
	if (!empty)
		return -ENOTEMPTY;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void add_word(char *out, size_t size, const char *word)
{
	size_t n = strlen(out);

	for (; *word && n + 1 < size; word++)
		out[n++] =
		    isalnum((unsigned char)*word) || *word == '-' || *word == '_' ? *word : '-';
	out[n] = '\0';
}

/* E.g. "00003-networkSecurityGroups-nsg-int.json": names sort in document order. */
static void file_name(size_t number, const json_t *resource, char out[128])
{
	const char *type = json_string_value(json_object_get(resource, "type"));
	const char *name = json_string_value(json_object_get(resource, "name"));
	const char *slash = type ? strchr(type, '/') : NULL;
	char words[MAX_NAME + 1] = "";

	add_word(words, sizeof(words), slash ? slash + 1 : "resource");
	add_word(words, sizeof(words), "-");
	add_word(words, sizeof(words), name ? name : "");
	(void)snprintf(out, 128, "%05zu-%s.json", number, words);
}

static int write_one(int directory, const char *name, const json_t *resource)
{
	cleanup_close int fd =
	    openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	cleanup_fclose FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out)
		return -errno;
	(void)TAKE_FD(fd);
	if (json_dumpf(resource, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF ||
	    fflush(out) != 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int write_all(struct flatten *f)
{
	const char *directory = f->ctl->directory;
	cleanup_close int fd = -1;
	int r = open_empty(directory, &fd);

	if (r == -ENOTEMPTY)
		return nsgctl_fail(NSG_EXIT_FAILED, "%s is not empty; files are never overwritten",
				   directory);
	for (size_t i = 0; !r && i < f->n; i++) {
		const json_t *resource = f->resources[i].resource;
		char name[128];

		file_name(i + 1, resource, name);
		r = write_one(fd, name, resource);
		if (!r &&
		    json_array_append_new(f->written, json_sprintf("%s/%s", directory, name)) < 0)
			r = -ENOMEM;
	}
	if (r < 0)
		return nsgctl_fail((int)nsg_exit_from(r), "%s: %s", directory, strerror(-r));
	return 0;
}

static int print_written(const struct flatten *f)
{
	const json_t *path;
	size_t i;

	if (f->ctl->form != NSGCTL_TABLE)
		return nsgctl_print(f->ctl, "flatten", f->written);
	json_array_foreach(f->written, i, path) puts(json_string_value(path));
	return 0;
}

int nsgctl_flatten(struct nsgctl *ctl)
{
	__attribute__((cleanup(flatten_done))) struct flatten f = {
	    .ctl = ctl,
	    .written = json_array(),
	};
	int status;
	int r;

	if (!ctl->directory)
		return nsgctl_fail(NSG_EXIT_USAGE, "flatten requires -o DIR");
	r = evaluate(&f);
	nsgctl_print_diag(&f.diag, stderr);
	if (r == -ENOMEM || !f.written)
		return nsgctl_out_of_memory();
	if (r == -EACCES || r == -EPERM)
		return NSG_EXIT_NOT_PERMITTED;
	if (r < 0 || (ctl->strict && f.diag.n_warnings))
		return NSG_EXIT_POLICY;
	status = write_all(&f);
	return status ? status : print_written(&f);
}
