/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/control.h"

struct talk {
	int r, status;
	size_t items;
	char request[256];
	struct nsg_diag diag;
};

static int count(void *closure, json_t *item)
{
	size_t *items = closure;

	assert_true(json_is_integer(item));
	return ++*items == 3 ? 77 : 0;
}

/* A daemon that says `reply` and closes. */
static struct talk talk(const char *reply, json_t *args)
{
	struct talk t = {.status = -1};
	ssize_t n;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(write(fd[1], reply, strlen(reply)), strlen(reply));
	assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
	t.r = nsg_control_call(fd[0], "status", args, count, &t.items, &t.diag, &t.status);
	n = read(fd[1], t.request, sizeof(t.request) - 1);
	t.request[n > 0 ? n : 0] = '\0';
	close(fd[0]);
	close(fd[1]);
	return t;
}

static void sends_version_verb_and_args(void **state)
{
	json_t *args = json_pack("{sb}", "payload", 1);
	struct talk t = talk("{\"exit\":0}\n", args);

	(void)state;
	assert_int_equal(t.r, 0);
	assert_int_equal(t.status, 0);
	assert_string_equal(t.request,
			    "{\"version\":1,\"verb\":\"status\",\"args\":{\"payload\":true}}\n");
	json_decref(args);

	t = talk("{\"exit\":0}\n", NULL);
	assert_string_equal(t.request, "{\"version\":1,\"verb\":\"status\"}\n");
}

static void gives_items_until_the_last_line(void **state)
{
	struct talk t = talk("{\"data\":1}\n{\"data\":2}\n{\"exit\":1,\"diagnostics\":[]}\n", NULL);

	(void)state;
	assert_int_equal(t.r, 0);
	assert_int_equal(t.status, 1);
	assert_int_equal(t.items, 2);
	assert_int_equal(t.diag.n, 0);
}

static void callback_ends_the_talk_with_its_value(void **state)
{
	struct talk t = talk("{\"data\":1}\n{\"data\":2}\n{\"data\":3}\n{\"data\":4}\n", NULL);

	(void)state;
	assert_int_equal(t.r, 77);
	assert_int_equal(t.items, 3);
	assert_int_equal(t.status, -1);
}

static void adds_diagnostics_as_they_were_made(void **state)
{
	struct talk t =
	    talk("{\"exit\":3,\"diagnostics\":["
		 "{\"severity\":\"error\",\"file\":\"p/a.json\",\"line\":4,\"column\":7,"
		 "\"pointer\":\"/x\",\"code\":\"RouteConflict\",\"text\":\"no\"},"
		 "{\"severity\":\"warning\",\"text\":\"hm\",\"lint\":true},"
		 "{\"severity\":\"warning\",\"file\":null,\"text\":\"hm\"}]}\n",
		 NULL);

	(void)state;
	assert_int_equal(t.r, 0);
	assert_int_equal(t.status, NSG_EXIT_POLICY);
	assert_int_equal(t.diag.n, 3);
	assert_int_equal(t.diag.n_errors, 1);
	assert_int_equal(t.diag.n_warnings, 1);
	assert_int_equal(t.diag.n_lint_warnings, 1);
	assert_int_equal(t.diag.v[0].severity, NSG_ERROR);
	assert_string_equal(t.diag.v[0].file, "p/a.json");
	assert_int_equal(t.diag.v[0].line, 4);
	assert_int_equal(t.diag.v[0].column, 7);
	assert_string_equal(t.diag.v[0].pointer, "/x");
	assert_string_equal(t.diag.v[0].code, "RouteConflict");
	assert_string_equal(t.diag.v[0].text, "no");
	assert_true(t.diag.v[1].lint);
	assert_null(t.diag.v[2].file);
	assert_null(t.diag.v[2].code);
	nsg_diag_done(&t.diag);
}

static void refuses_a_daemon_that_talks_nonsense(void **state)
{
	static const struct {
		const char *reply;
		int r;
	} cases[] = {
	    {"", -ECONNRESET},
	    {"{\"data\":1}\n", -ECONNRESET},
	    {"{\"exit\":0}", -ECONNRESET},
	    {"hello\n", -EBADMSG},
	    {"{}\n", -EBADMSG},
	    {"{\"exit\":\"0\"}\n", -EBADMSG},
	    {"{\"exit\":0,\"diagnostics\":[1]}\n", -EBADMSG},
	    {"{\"exit\":0,\"diagnostics\":[{\"severity\":\"odd\",\"text\":\"\"}]}\n", -EBADMSG},
	    {"{\"exit\":0,\"diagnostics\":[{\"severity\":\"error\"}]}\n", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk t = talk(cases[i].reply, NULL);

		assert_int_equal(t.r, cases[i].r);
		assert_int_equal(t.status, -1);
		nsg_diag_done(&t.diag);
	}
}

/* The daemon has closed before the request is sent. */
static void reads_why_it_was_refused(void **state)
{
	static const char reply[] =
	    "{\"exit\":1,\"diagnostics\":[{\"severity\":\"error\",\"text\":\"too many\"}]}\n";
	struct nsg_diag diag = {0};
	int fd[2], status = -1;
	size_t items = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(write(fd[1], reply, strlen(reply)), strlen(reply));
	close(fd[1]);
	assert_int_equal(nsg_control_call(fd[0], "status", NULL, count, &items, &diag, &status), 0);
	assert_int_equal(status, 1);
	assert_int_equal(diag.n, 1);
	assert_string_equal(diag.v[0].text, "too many");
	nsg_diag_done(&diag);
	close(fd[0]);
	/* and one that closes without a word */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	close(fd[1]);
	assert_int_equal(nsg_control_call(fd[0], "status", NULL, count, &items, &diag, &status),
			 -ECONNRESET);
	close(fd[0]);
}

static void says_that_no_daemon_is_there(void **state)
{
	char long_path[300];

	(void)state;
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(nsg_control_connect("/nonexistent/x.sock"), -ENOENT);
	assert_int_equal(nsg_control_connect(long_path), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sends_version_verb_and_args),
	    cmocka_unit_test(gives_items_until_the_last_line),
	    cmocka_unit_test(callback_ends_the_talk_with_its_value),
	    cmocka_unit_test(adds_diagnostics_as_they_were_made),
	    cmocka_unit_test(refuses_a_daemon_that_talks_nonsense),
	    cmocka_unit_test(reads_why_it_was_refused),
	    cmocka_unit_test(says_that_no_daemon_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
