/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target over its corpus without a fuzzer: argv, else $srcdir/tests/fuzz/corpus/NAME of
 * a program called fuzz_NAME. Part of every check. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_SAMPLE_BYTES (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t size = 0;
	uint8_t *data;

	if (!f) {
		perror(path);
		return -1;
	}
	data = malloc(MAX_SAMPLE_BYTES);
	if (data)
		size = fread(data, 1, MAX_SAMPLE_BYTES, f);
	(void)fclose(f);
	if (data) {
		/* Exactly as large as the sample, so that a sanitizer sees a read beyond it. */
		uint8_t *sample = malloc(size ? size : 1);

		if (sample) {
			memcpy(sample, data, size);
			(void)LLVMFuzzerTestOneInput(sample, size);
			free(sample);
		}
	}
	free(data);
	return 0;
}

static int replay(const char *path)
{
	struct dirent *entry;
	struct stat st;
	int n = 0;
	DIR *dir;

	if (stat(path, &st) < 0) {
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path) < 0 ? -1 : 1;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char file[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) >=
			sizeof(file) ||
		    replay_file(file) < 0) {
			(void)closedir(dir);
			return -1;
		}
		n++;
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/'), *srcdir = getenv("srcdir");
	char path[PATH_MAX];
	int n = 0;

	base = base ? base + 1 : argv[0];
	if (argc > 1) {
		for (int i = 1; i < argc; i++) {
			int r = replay(argv[i]);

			if (r < 0)
				return 1;
			n += r;
		}
	} else {
		if (strncmp(base, "lt-", 3) == 0)
			base += 3;
		if (strncmp(base, "fuzz_", 5) == 0)
			base += 5;
		if ((size_t)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
				     srcdir ? srcdir : ".", base) >= sizeof(path))
			return 1;
		n = replay(path);
	}
	if (n <= 0) {
		(void)fprintf(stderr, "no samples\n");
		return 1;
	}
	(void)printf("%d samples\n", n);
	return 0;
}
