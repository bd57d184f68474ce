/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nsgctl prints on a terminal: its width, and when there are colours. */
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_OUTPUT 65536
#define EXPLAIN "-p " NSG_POLICY " --route-all on explain "
#define FLOW EXPLAIN "--protocol tcp --src 10.0.1.4 --dst 198.51.100.7:443"

/* The output of `environment nsgctl words` on a terminal of that many columns. */
static char *shown(const char *environment, const char *words, unsigned short columns)
{
	const struct winsize size = {.ws_col = columns, .ws_row = 25};
	char command[1024];
	char *text = calloc(1, MAX_OUTPUT);
	size_t n = 0;
	ssize_t got;
	int fd, status;
	pid_t pid;

	assert_non_null(text);
	(void)snprintf(command, sizeof(command), "env -u NO_COLOR -u COLUMNS %s %s %s 2>/dev/null",
		       environment, NSGCTL, words);
	pid = forkpty(&fd, NULL, NULL, &size);
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	/* EIO when the other side is closed */
	while (n < MAX_OUTPUT - 1 && (got = read(fd, text + n, MAX_OUTPUT - 1 - n)) > 0)
		n += (size_t)got;
	(void)close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return text;
}

static size_t shown_columns(const char *line, size_t n)
{
	size_t columns = 0;

	for (size_t i = 0; i < n; i++) {
		if (line[i] == '\033')
			i += strcspn(line + i, "m");
		else
			columns += ((unsigned char)line[i] & 0xc0) != 0x80;
	}
	return columns;
}

static void tables_fit_terminals_of_80_and_200_columns(void **state)
{
	static const char *const words[] = {
	    FLOW,
	    EXPLAIN "--batch " NSG_FLOWS,
	    "-p " NSG_POLICY " effective-nsg",
	    "-p " NSG_POLICY " effective-routes",
	    "-p " NSG_POLICY " show-next-hop --source-ip 10.0.1.4 --dest-ip 8.8.8.8",
	};
	static const unsigned short widths[] = {80, 200};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (size_t w = 0; w < 2; w++) {
			char *text = shown("TERM=xterm", words[i], widths[w]);
			size_t n;

			assert_true(strlen(text) > 40);
			for (const char *line = text; *line; line += n + 1) {
				n = strcspn(line, "\n");
				assert_int_equal(line[n], '\n');
				assert_true(n && line[n - 1] == '\r');
				if (shown_columns(line, n - 1) > widths[w])
					fail_msg("%s: too wide: %.*s", words[i], (int)n, line);
				if (n > 1 && line[n - 2] == ' ')
					fail_msg("%s: trailing blank: %.*s", words[i], (int)n,
						 line);
			}
			free(text);
		}
	}
}

static void colours_are_for_terminals_that_have_them(void **state)
{
	static const struct {
		const char *environment, *words;
		bool colored;
	} cases[] = {
	    {"TERM=xterm", FLOW, true},
	    {"TERM=dumb", FLOW, false},
	    {"-u TERM", FLOW, false},
	    {"TERM=xterm NO_COLOR=1", FLOW, false},
	    {"TERM=xterm NO_COLOR=", FLOW, true},
	    {"TERM=xterm", FLOW " --color=never", false},
	    {"TERM=dumb NO_COLOR=1", FLOW " --color=always", true},
	    {"TERM=xterm", FLOW " --color=auto", true},
	    {"TERM=xterm", FLOW " -o table | cat", false},
	    {"TERM=xterm", FLOW " -o table --color=always | cat", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = shown(cases[i].environment, cases[i].words, 80);

		if ((strchr(text, 27) != NULL) != cases[i].colored)
			fail_msg("%s, %s: %s", cases[i].environment, cases[i].words, text);
		free(text);
	}
}

static void columns_win_over_the_terminal_and_a_pipe_has_no_width(void **state)
{
	char *narrow = shown("COLUMNS=60", FLOW " --color=never", 200);
	char *wide = shown("TERM=xterm", FLOW " -o table | cat", 60);

	(void)state;
	for (const char *line = narrow; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\r") <= 60);
	assert_true(strcspn(strstr(wide, "\ngate") + 1, "\r") > 60);
	free(narrow);
	free(wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables_fit_terminals_of_80_and_200_columns),
	    cmocka_unit_test(colours_are_for_terminals_that_have_them),
	    cmocka_unit_test(columns_win_over_the_terminal_and_a_pipe_has_no_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
