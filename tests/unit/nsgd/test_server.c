/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients that misbehave: none may hold the socket, the event loop or memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "nsgd/server.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"

/* The reply is some 130 bytes. */
#define REQUEST "{\"version\":1,\"verb\":\"nope\"}\n"
#define N_REQUESTS 2000

struct fixture {
	sd_event *event;
	struct server *server;
	char directory[32], path[64];
};

static enum nsg_exit answer(void *closure, const char *verb, const json_t *args,
			    server_data_fn *data, void *data_closure, struct nsg_diag *diag)
{
	(void)closure;
	(void)args;
	(void)data;
	(void)data_closure;
	(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL, "there is no verb %s", verb);
	return NSG_EXIT_USAGE;
}

static void trace_changed(void *closure)
{
	(void)closure;
}

/* The filters that the kernel was last given. */
static struct nsg_packet_filters filters;

static int filters_changed(void *closure, struct nsg_diag *diag)
{
	const struct fixture *f = closure;

	(void)diag;
	server_packet_filters(f->server, &filters);
	return 0;
}

static const struct nsg_line_origin unknown;

static uint64_t n_reloads; /* that have ended */

/* Items without an end: a piece has 100. */
static unsigned int n_pieces, n_streams;

static int next_piece(struct server_stream *stream, server_data_fn *data, void *closure)
{
	json_t *item = json_pack("{si}", "packets", 1);
	int r = 0;

	(void)stream;
	for (int i = 0; r == 0 && i < 100; i++)
		r = data(closure, item);
	json_decref(item);
	n_pieces++;
	return r;
}

static void free_stream(struct server_stream *stream)
{
	(void)stream;
	n_streams--;
}

static struct server_stream endless = {.next = next_piece, .free = free_stream};

static int begin_stream(void *closure, const char *verb, struct nsg_diag *diag,
			struct server_stream **ret)
{
	(void)closure;
	(void)verb;
	(void)diag;
	n_streams++;
	*ret = &endless;
	return 0;
}

static uint64_t ask_for_reload(void *closure)
{
	(void)closure;
	return n_reloads + 1;
}

static struct server_ops ops = {
    .idle_usec = 60000000,
    .answer = answer,
    .stream = begin_stream,
    .reload = ask_for_reload,
    .trace_changed = trace_changed,
    .filters_changed = filters_changed,
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct nsg_diag diag = {0};

	strcpy(f->directory, "/tmp/nsgd-serve-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->path, sizeof(f->path), "%s/socket", f->directory);
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(server_new(f->event, f->path, &ops, f, &diag, &f->server), 0);
	assert_true(server_start(f->server) >= 0);
	nsg_diag_done(&diag);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	server_free(f->server);
	sd_event_unref(f->event);
	(void)rmdir(f->directory);
	free(f);
	return 0;
}

/* Turns until nothing happens any more; false: after `most` something still does. */
static bool settle(struct fixture *f, unsigned int most)
{
	for (unsigned int i = 0; i < most; i++)
		if (sd_event_run(f->event, 0) == 0)
			return true;
	return false;
}

static int client(const struct fixture *f)
{
	int fd = nsg_control_connect(f->path);

	assert_true(fd >= 0);
	return fd;
}

/* In one piece: one by one the socket takes only some hundred. */
static void pipeline(int fd)
{
	char bytes[N_REQUESTS * (sizeof(REQUEST) - 1)];

	for (size_t i = 0; i < N_REQUESTS; i++)
		memcpy(bytes + i * (sizeof(REQUEST) - 1), REQUEST, sizeof(REQUEST) - 1);
	assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
}

/* Whole lines that have come so far. */
static unsigned int count_replies(int fd)
{
	unsigned int n_lines = 0;
	char bytes[65536];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < n; i++)
			n_lines += bytes[i] == '\n';
	return n_lines;
}

static void start_trace_of(struct fixture *f, int fd)
{
	static const char request[] = "{\"version\":1,\"verb\":\"trace\",\"args\":{}}\n";

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	assert_true(settle(f, 20));
}

static bool is_answered(struct fixture *f, unsigned int turns)
{
	cleanup_close int fd = client(f);
	char reply[512];
	ssize_t n;

	assert_int_equal(send(fd, REQUEST, strlen(REQUEST), 0), strlen(REQUEST));
	for (unsigned int i = 0; i < turns; i++)
		assert_true(sd_event_run(f->event, 0) >= 0);
	n = recv(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT);
	if (n <= 0)
		return false;
	reply[n] = '\0';
	return strstr(reply, "there is no verb nope");
}

static void clients_that_close_unread_replies_are_forgotten(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 2 * NSG_MAX_CONTROL_CLIENTS; i++) {
		cleanup_close int fd = client(f);

		pipeline(fd);
		/* until the replies fill the socket, in the midst of one */
		assert_true(settle(f, 10 * N_REQUESTS));
	}
	assert_true(settle(f, 10 * NSG_MAX_CONTROL_CLIENTS));
	assert_true(is_answered(f, 20));
}

static void a_client_with_many_requests_lets_others_in_between(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = client(f);
	unsigned int answered;

	pipeline(fd);
	assert_true(is_answered(f, 20));
	answered = count_replies(fd);
	assert_in_range(answered, 1, 20);
	for (unsigned int turn = 0; answered < N_REQUESTS && turn < 10 * N_REQUESTS; turn++) {
		assert_true(sd_event_run(f->event, 0) >= 0);
		if (turn % 64 == 0)
			answered += count_replies(fd);
	}
	assert_int_equal(answered, N_REQUESTS);
	assert_true(settle(f, 10));
}

static void what_is_no_request_ends_the_talk_after_those_before(void **state)
{
	static const char bytes[] = REQUEST REQUEST "no JSON\n" REQUEST;
	struct fixture *f = *state;
	cleanup_close int fd = client(f);
	char reply[2048];
	size_t n_lines = 0;
	ssize_t n;

	assert_int_equal(send(fd, bytes, strlen(bytes), 0), strlen(bytes));
	assert_true(settle(f, 20));
	n = recv(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	reply[n] = '\0';
	for (const char *p = reply; *p; p++)
		n_lines += *p == '\n';
	assert_int_equal(n_lines, 3);
	assert_non_null(strstr(reply, "a request must be one JSON object on a line"));
	assert_true(recv(fd, reply, sizeof(reply), MSG_DONTWAIT) <= 0);
}

static int reload_client(struct fixture *f)
{
	static const char requests[] = "{\"version\":1,\"verb\":\"reload\"}\n" REQUEST;
	int fd = client(f);

	assert_int_equal(send(fd, requests, strlen(requests), 0), strlen(requests));
	assert_true(settle(f, 20));
	return fd;
}

/* One request at a time: more than are answered would fill the socket. */
static void ask_when_answered(struct fixture *f, int fd, bool *asked, uint64_t usec)
{
	if (!*asked)
		assert_int_equal(send(fd, REQUEST, strlen(REQUEST), MSG_DONTWAIT | MSG_NOSIGNAL),
				 strlen(REQUEST));
	assert_true(sd_event_run(f->event, usec) >= 0);
	*asked = count_replies(fd) == 0;
}

/* Neither half a request nor an unread reply keeps a place. */
static void clients_that_do_nothing_are_disconnected(void **state)
{
	struct fixture *f = *state;
	cleanup_close int silent = client(f), half = client(f), asking = client(f);
	cleanup_close int tracer = client(f), full = client(f), waiting = -1;
	char byte, bytes[4096];
	bool asked = false;
	ssize_t n;

	/* more than a busy machine lets the test wait for its turn */
	ops.idle_usec = 400000;
	waiting = reload_client(f);
	start_trace_of(f, tracer);
	pipeline(full);
	assert_int_equal(send(half, REQUEST, strlen(REQUEST) - 1, 0), strlen(REQUEST) - 1);
	while (recv(silent, &byte, 1, MSG_DONTWAIT) != 0 || recv(half, &byte, 1, MSG_DONTWAIT) != 0)
		ask_when_answered(f, asking, &asked, 10000);
	/* One that does not read keeps what the socket holds, and gets no more. */
	do {
		n = recv(full, bytes, sizeof(bytes), MSG_DONTWAIT);
		ask_when_answered(f, asking, &asked, n < 0 ? 10000 : 0);
	} while (n != 0);
	assert_int_equal(recv(tracer, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(waiting, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(send(asking, REQUEST, strlen(REQUEST), MSG_NOSIGNAL), strlen(REQUEST));
	assert_true(settle(f, 100));
	assert_true(count_replies(asking) > 0);
	ops.idle_usec = 60000000;
}

/* What it is sent fails, and it is still there: who called may be its own request. */
static void a_trace_of_all_packets_filters_them_until_it_ends(void **state)
{
	static const struct {
		const char *args;
		size_t n, n_instructions; /* n 0: refused */
	} cases[] = {
	    {"{}", 0, 0},
	    {"{\"allPackets\":true}", 1, 0},
	    {"{\"allPackets\":true,\"program\":[[40,0,0,9],[6,0,0,4294967295]]}", 1, 2},
	    {"{\"allPackets\":true,\"program\":[]}", 0, 0},
	    {"{\"allPackets\":true,\"program\":{}}", 0, 0},
	    {"{\"allPackets\":true,\"program\":[[40,0,0]]}", 0, 0},
	    {"{\"allPackets\":true,\"program\":[[40,0,256,9]]}", 0, 0},
	    {"{\"allPackets\":true,\"program\":[[40,0,0,-1]]}", 0, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(cases); i++) {
		int fd = client(f);
		char request[256];

		filters.n = 0;
		(void)snprintf(request, sizeof(request),
			       "{\"version\":1,\"verb\":\"trace\",\"args\":%s}\n", cases[i].args);
		assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
		assert_true(settle(f, 20));
		assert_int_equal(filters.n, cases[i].n);
		if (cases[i].n)
			assert_int_equal(filters.v[0].n, cases[i].n_instructions);
		assert_int_equal(count_replies(fd), i && !cases[i].n ? 1 : 0);
		(void)close(fd);
		assert_true(settle(f, 20));
		assert_int_equal(filters.n, 0);
	}
}

static void a_tracer_that_is_gone_is_forgotten_by_its_own_event(void **state)
{
	static const struct nsg_trace_record record = {
	    .decision = {.route = NSG_ROUTE_NONE, .rule = NSG_RULE_NONE},
	};
	struct fixture *f = *state;
	struct server *s = f->server;
	int fd = client(f);

	start_trace_of(f, fd);
	assert_true(server_wants_trace(s));
	assert_false(server_wants_payload(s));
	server_trace(s, &record, &unknown);
	server_flush_trace(s);
	assert_int_equal(count_replies(fd), 1);
	(void)close(fd);
	server_trace(s, &record, &unknown);
	server_flush_trace(s);
	assert_true(server_wants_trace(s));
	server_trace(s, &record, &unknown);
	server_flush_trace(s);
	assert_true(settle(f, 20));
	assert_false(server_wants_trace(s));
}

/* A tracer that does not read costs so much memory and no more; what it misses is counted. */
static void a_tracer_that_does_not_read_misses_records(void **state)
{
	static const struct nsg_trace_record record = {
	    .decision = {.route = NSG_ROUTE_NONE, .rule = NSG_RULE_NONE},
	};
	struct fixture *f = *state;
	cleanup_close int fd = client(f);
	unsigned int n = 0, came = 0, before;

	start_trace_of(f, fd);
	for (; n < 100000 && !server_trace_lost(f->server); n++) {
		server_trace(f->server, &record, &unknown);
		server_flush_trace(f->server);
	}
	assert_int_equal(server_trace_lost(f->server), 1);
	do {
		before = came;
		came += count_replies(fd);
		assert_true(settle(f, 100));
	} while (came != before);
	assert_int_equal(came, n - 1);
}

static struct nsg_trace_record record_of(uint16_t port, enum nsg_verdict verdict)
{
	return (struct nsg_trace_record){
	    .key = {.protocol = 6, .dport_host = port},
	    .decision = {.route = NSG_ROUTE_NONE,
			 .rule = NSG_RULE_NONE,
			 .verdict = (uint8_t)verdict},
	};
}

static void decide(struct fixture *f, uint16_t port, enum nsg_verdict verdict)
{
	struct nsg_trace_record record = record_of(port, verdict);

	server_trace(f->server, &record, &unknown);
	server_flush_trace(f->server);
}

/* Everything that has come. */
static const char *received(int fd)
{
	static char text[1 << 22];
	size_t at = 0;
	ssize_t n;

	while (at < sizeof(text) - 1 &&
	       (n = recv(fd, text + at, sizeof(text) - 1 - at, MSG_DONTWAIT)) > 0)
		at += (size_t)n;
	text[at] = '\0';
	return text;
}

static int ask(struct fixture *f, const char *request)
{
	int fd = client(f);

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	assert_true(settle(f, 20));
	return fd;
}

static void a_tracer_of_denials_gets_no_others(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd =
	    ask(f, "{\"version\":1,\"verb\":\"trace\",\"args\":{\"dropped\":true}}\n");
	const char *text;

	decide(f, 1, NSG_VERDICT_ACCEPT);
	decide(f, 2, NSG_VERDICT_DROP);
	text = received(fd);
	assert_null(strstr(text, "\"dstPort\":1,"));
	assert_non_null(strstr(text, "\"dstPort\":2,"));
}

/* The second one reads a part of a line; the third sends what is no request. */
static void tracers_that_leave_or_misbehave_cost_nothing(void **state)
{
	static const char request[] = "{\"version\":1,\"verb\":\"trace\"}\n";
	struct fixture *f = *state;
	char part[40];

	for (unsigned int i = 0; i < 3 * NSG_MAX_CONTROL_CLIENTS; i++) {
		cleanup_close int fd = ask(f, request);

		for (unsigned int n = 0; n < 100; n++)
			decide(f, 2, NSG_VERDICT_DROP);
		if (i % 3 == 1)
			assert_int_equal(recv(fd, part, sizeof(part), 0), sizeof(part));
		if (i % 3 == 2)
			assert_int_equal(send(fd, "\0\n]\n", 4, 0), 4);
		(void)close(fd);
		fd = -1;
		decide(f, 2, NSG_VERDICT_DROP);
		assert_true(settle(f, 100));
	}
	assert_false(server_wants_trace(f->server));
	assert_true(is_answered(f, 20));
}

static void a_tracer_is_told_what_it_missed(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = ask(f, "{\"version\":1,\"verb\":\"trace\"}\n");
	const char *text;

	server_trace_missed(f->server, 3);
	decide(f, 2, NSG_VERDICT_DROP);
	text = received(fd);
	assert_ptr_equal(strstr(text, "{\"data\":{\"lost\":3}}\n"), text);
	assert_non_null(strstr(text, "\"dstPort\":2,"));
	decide(f, 3, NSG_VERDICT_DROP);
	assert_null(strstr(received(fd), "lost"));
	/* also when no other decision follows */
	server_trace_missed(f->server, 1);
	server_flush_trace(f->server);
	assert_non_null(strstr(received(fd), "{\"lost\":1}"));
}

#define HISTORY "{\"version\":1,\"verb\":\"history\",\"args\":{\"dropped\":%s}}\n"

static unsigned int count_history(struct fixture *f, const char *dropped, char *ret_first)
{
	char request[128];
	unsigned int n = 0, came;
	int fd;

	(void)snprintf(request, sizeof(request), HISTORY, dropped);
	fd = ask(f, request);
	ret_first[0] = '\0';
	do {
		const char *text = received(fd);

		came = 0;
		for (const char *c = text; *c; c++)
			came += *c == '\n';
		if (!n)
			(void)snprintf(ret_first, 512, "%.*s", (int)strcspn(text, "\n"), text);
		n += came;
		(void)settle(f, 50);
	} while (came);
	(void)close(fd);
	assert_true(settle(f, 20));
	return n;
}

static void the_last_decisions_are_remembered_and_denials_longer(void **state)
{
	struct fixture *f = *state;
	char first[512];

	assert_int_equal(count_history(f, "false", first), 1); /* the status */
	decide(f, 7, NSG_VERDICT_DROP);
	for (unsigned int i = 0; i < NSG_MAX_HISTORY + 100; i++)
		decide(f, 9, NSG_VERDICT_ACCEPT);
	assert_int_equal(count_history(f, "true", first), 2);
	assert_non_null(strstr(first, "\"dstPort\":7,"));
	assert_int_equal(count_history(f, "false", first), NSG_MAX_HISTORY + 2);
	assert_non_null(strstr(first, "\"dstPort\":7,"));
}

/* One that asks for the history and reads nothing, or leaves in the middle. */
static void a_reader_of_the_history_holds_nothing_up(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < NSG_MAX_HISTORY; i++)
		decide(f, 9, NSG_VERDICT_DROP);
	for (unsigned int i = 0; i < NSG_MAX_CONTROL_CLIENTS + 1; i++) {
		char request[128];
		int fd;

		(void)snprintf(request, sizeof(request), HISTORY, "false");
		fd = ask(f, request);
		decide(f, 9, NSG_VERDICT_DROP);
		assert_true(is_answered(f, 20));
		(void)close(fd);
		assert_true(settle(f, 20));
	}
}

/* It costs what the client takes, and one piece more. */
static void an_answer_in_pieces_is_made_as_it_is_read(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = ask(f, "{\"version\":1,\"verb\":\"flows\"}\n");
	unsigned int before;

	(void)settle(f, 10000);
	before = n_pieces;
	assert_true(settle(f, 10));
	assert_int_equal(n_pieces, before);
	assert_true(count_replies(fd) > 100);
	(void)settle(f, 10000);
	assert_true(n_pieces > before);
	assert_true(is_answered(f, 20));
	assert_int_equal(n_streams, 1);
	(void)close(fd);
	fd = -1;
	assert_true(settle(f, 100));
	assert_int_equal(n_streams, 0);
}

static void clients_that_wait_for_one_reload_are_answered_by_it(void **state)
{
	struct fixture *f = *state;
	cleanup_close int one = reload_client(f), two = reload_client(f), late = -1;
	json_t *done = json_pack("{si}", "microseconds", 1);

	n_reloads = 1;
	late = reload_client(f);
	assert_true(is_answered(f, 20));
	assert_int_equal(count_replies(one) + count_replies(two) + count_replies(late), 0);
	server_reloaded(f->server, 1, NSG_EXIT_DONE, done, &(struct nsg_diag){0});
	json_decref(done);
	assert_true(settle(f, 20));
	/* what it did, the status, and then what they had asked for next */
	assert_int_equal(count_replies(one), 3);
	assert_int_equal(count_replies(two), 3);
	assert_int_equal(count_replies(late), 0);
	server_reloaded(f->server, 2, NSG_EXIT_DONE, NULL, &(struct nsg_diag){0});
	assert_true(settle(f, 20));
	assert_int_equal(count_replies(late), 2);
	n_reloads = 0;
}

static void a_client_may_leave_while_it_waits_for_a_reload(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 2 * NSG_MAX_CONTROL_CLIENTS; i++) {
		int fd = reload_client(f);

		(void)close(fd);
		assert_true(settle(f, 20));
	}
	assert_true(is_answered(f, 20));
	server_reloaded(f->server, 1, NSG_EXIT_DONE, NULL, &(struct nsg_diag){0});
	assert_true(settle(f, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(clients_that_close_unread_replies_are_forgotten, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_client_with_many_requests_lets_others_in_between,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_no_request_ends_the_talk_after_those_before,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_answer_in_pieces_is_made_as_it_is_read, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_reader_of_the_history_holds_nothing_up, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(the_last_decisions_are_remembered_and_denials_longer,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_tracer_is_told_what_it_missed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(tracers_that_leave_or_misbehave_cost_nothing, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_tracer_of_denials_gets_no_others, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(clients_that_wait_for_one_reload_are_answered_by_it,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_client_may_leave_while_it_waits_for_a_reload, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(clients_that_do_nothing_are_disconnected, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_tracer_that_is_gone_is_forgotten_by_its_own_event,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_trace_of_all_packets_filters_them_until_it_ends,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_tracer_that_does_not_read_misses_records, set_up,
					    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
