/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over every prefix of documents: a download that broke off at any byte. argv names files
 * and directories, which are searched; none: $srcdir's own documents.
 */
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A larger document is cut at this many places, so that the whole takes seconds. */
#define MAX_CUTS 4096u
#define MAX_DOCUMENT_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_cuts;

static int cut(const uint8_t *data, size_t size)
{
	/* Exactly as large as the prefix, so that a sanitizer sees a read beyond it. */
	uint8_t *prefix = malloc(size ? size : 1);

	if (!prefix)
		return -1;
	memcpy(prefix, data, size);
	(void)LLVMFuzzerTestOneInput(prefix, size);
	free(prefix);
	n_cuts++;
	return 0;
}

static int truncate_document(const char *path)
{
	uint8_t *data = malloc(MAX_DOCUMENT_BYTES);
	FILE *f = fopen(path, "rb");
	size_t size = 0, step;
	int r = 0;

	if (!f || !data) {
		perror(path);
		free(data);
		if (f)
			(void)fclose(f);
		return -1;
	}
	size = fread(data, 1, MAX_DOCUMENT_BYTES, f);
	(void)fclose(f);
	step = size / MAX_CUTS + 1;
	for (size_t i = 0; i < size && !r; i += step)
		r = cut(data, i);
	free(data);
	return r;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	size_t n = strlen(path);

	(void)st;
	(void)at;
	if (type != FTW_F || n < strlen(".json") || strcmp(path + n - strlen(".json"), ".json"))
		return 0;
	return truncate_document(path);
}

int main(int argc, char **argv)
{
	static const char *const own[] = {"tests/fuzz/corpus/policy", "conf/policy",
					  "tests/recorded", "tests/unit/template/samples"};
	const char *srcdir = getenv("srcdir");
	char path[PATH_MAX];

	for (int i = 1; i < argc; i++) {
		if (nftw(argv[i], visit, 16, FTW_PHYS) != 0)
			return 1;
	}
	for (size_t i = 0; argc == 1 && i < sizeof(own) / sizeof(*own); i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", own[i]) >=
			sizeof(path) ||
		    nftw(path, visit, 16, FTW_PHYS) != 0)
			return 1;
	}
	(void)printf("%zu cuts\n", n_cuts);
	return n_cuts ? 0 : 1;
}
