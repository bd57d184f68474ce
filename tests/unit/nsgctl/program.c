/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/nsgctl/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/nsg-test-nsgctl-XXXXXX";
char output[1 << 20];

int enter_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? chdir(directory) : -1;
}

int leave_directory(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "cd / && rm -rf %s", directory);
	return system(command);
}

void write_file(const char *name, const void *data, size_t n)
{
	FILE *out = fopen(name, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
}

int run(const char *words)
{
	char command[2048];
	FILE *p;
	size_t n;
	int status;

	(void)snprintf(command, sizeof(command), "NO_COLOR= %s %s", NSGCTL, words);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(output, 1, sizeof(output) - 1, p);
	output[n] = '\0';
	status = pclose(p);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void assert_run(const char *words, int status, const char *part)
{
	int got = run(words);

	if (got != status || !strstr(output, part))
		fail_msg("nsgctl %s: exit status %d: %s", words, got, output);
}
