/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "control/control.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/limits.h"
#include "util/vec.h"

#define READ_BYTES 65536
/* Distinct diagnostic codes a daemon may send: twice as many as there are. */
#define MAX_CODES 256

int nsg_control_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int send_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		data += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int send_request(int fd, const char *verb, json_t *args)
{
	cleanup_json json_t *request = NULL;
	cleanup_free char *text = NULL;
	size_t n;

	request =
	    json_pack("{sisssO*}", "version", NSG_CONTROL_VERSION, "verb", verb, "args", args);
	text = request ? nsg_json_line(request) : NULL;
	if (!text)
		return -ENOMEM;
	n = strlen(text);
	if (n > NSG_MAX_CONTROL_FRAME_BYTES)
		return -EMSGSIZE;
	text[n] = '\n';
	return send_all(fd, text, n + 1);
}

/* A record's code must be static: received codes are kept until the process exits. */
static const char *static_code(const char *code)
{
	static char *codes[MAX_CODES];
	size_t i;

	for (i = 0; i < MAX_CODES && codes[i]; i++)
		if (strcmp(codes[i], code) == 0)
			return codes[i];
	if (i == MAX_CODES)
		return NULL;
	codes[i] = strdup(code);
	return codes[i];
}

static int copy_string(const json_t *object, const char *key, char **ret)
{
	const char *s = json_string_value(json_object_get(object, key));
	char *copy = s ? strdup(s) : NULL;

	if (s && !copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static uint32_t number(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static int read_severity(const json_t *json, enum nsg_severity *ret)
{
	const char *name = json_string_value(json_object_get(json, "severity"));

	for (int s = NSG_NOTICE; name && s <= NSG_ERROR; s++) {
		if (strcmp(name, nsg_severity_name((enum nsg_severity)s)) == 0) {
			*ret = (enum nsg_severity)s;
			return 0;
		}
	}
	return -EBADMSG;
}

static int read_texts(const json_t *json, struct nsg_diag_record *record)
{
	int r = copy_string(json, "file", &record->file);

	if (r < 0)
		return r;
	r = copy_string(json, "pointer", &record->pointer);
	if (r < 0)
		return r;
	r = copy_string(json, "text", &record->text);
	if (r < 0)
		return r;
	return record->text ? 0 : -EBADMSG;
}

static int add_diagnostic(struct nsg_diag *diag, const json_t *json)
{
	const char *code = json_string_value(json_object_get(json, "code"));
	struct nsg_diag_record record = {
	    .line = number(json, "line"),
	    .column = number(json, "column"),
	    .lint = json_is_true(json_object_get(json, "lint")),
	    .code = code ? static_code(code) : NULL,
	};
	int r;

	r = read_severity(json, &record.severity);
	if (r < 0)
		return r;
	r = read_texts(json, &record);
	if (!r)
		r = nsg_vec_push(diag, record);
	if (r < 0) {
		free(record.file);
		free(record.pointer);
		free(record.text);
		return r;
	}
	diag->n_errors += record.severity == NSG_ERROR;
	if (record.lint)
		diag->n_lint_warnings += record.severity == NSG_WARNING;
	else
		diag->n_warnings += record.severity == NSG_WARNING;
	return 0;
}

/* One reply line. Returns 0, -errno or what data() returned. */
static int take_reply(const json_t *reply, int (*data)(void *closure, json_t *item), void *closure,
		      struct nsg_diag *diag, int *ret_exit, bool *ret_last)
{
	json_t *item = json_object_get(reply, "data");
	const json_t *status = json_object_get(reply, "exit");
	const json_t *record;
	size_t i;
	int r;

	*ret_last = false;
	if (item)
		return data ? data(closure, item) : 0;
	if (!json_is_integer(status))
		return -EBADMSG;
	json_array_foreach(json_object_get(reply, "diagnostics"), i, record)
	{
		r = add_diagnostic(diag, record);
		if (r < 0)
			return r;
	}
	*ret_exit = (int)json_integer_value(status);
	*ret_last = true;
	return 0;
}

static void frames_done(struct nsg_frames *f)
{
	nsg_frames_done(f);
}

/* Receives the items, as values or as text. */
struct reader {
	int (*data)(void *closure, json_t *item);
	int (*text)(void *closure, const char *item, size_t n);
	void *closure;
};

/* An item's line is {"data":ITEM}, as the daemon writes it. */
static bool item_text(const char *line, size_t n, const char **ret, size_t *ret_n)
{
	static const char head[] = "{\"data\":";
	const size_t n_head = sizeof(head) - 1;

	if (n <= n_head + 1 || memcmp(line, head, n_head) != 0 || line[n - 1] != '}')
		return false;
	*ret = line + n_head;
	*ret_n = n - n_head - 1;
	return true;
}

/* Takes the next line, if one has arrived. A non-zero return of the reader ends the call. */
static int take_line(struct nsg_frames *frames, const struct reader *reader, struct nsg_diag *diag,
		     int *ret_exit, bool *ret_took, bool *ret_last)
{
	cleanup_json json_t *reply = NULL;
	const char *line;
	size_t n;

	*ret_took = nsg_frames_pop_text(frames, &line, &n);
	if (!*ret_took)
		return 0;
	if (reader->text && item_text(line, n, &line, &n))
		return reader->text(reader->closure, line, n);
	reply = nsg_json_load(line, n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(reply))
		return -EBADMSG;
	return take_reply(reply, reader->data, reader->closure, diag, ret_exit, ret_last);
}

static int converse(int fd, const char *verb, json_t *args, const struct reader *reader,
		    struct nsg_diag *diag, int *ret_exit)
{
	__attribute__((cleanup(frames_done))) struct nsg_frames frames = {0};
	cleanup_free char *piece = malloc(READ_BYTES);
	bool last = false;
	int r;

	if (!piece)
		return -ENOMEM;
	r = send_request(fd, verb, args);
	/* A daemon that refuses the client closes without reading: why has been sent. */
	if (r == -EPIPE)
		r = 0;
	while (r == 0 && !last) {
		bool took;
		ssize_t n;

		r = take_line(&frames, reader, diag, ret_exit, &took, &last);
		if (r || took)
			continue;
		if (reader->text)
			r = reader->text(reader->closure, NULL, 0);
		if (r)
			return r;
		n = recv(fd, piece, READ_BYTES, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		r = nsg_frames_push(&frames, piece, (size_t)n);
	}
	return r;
}

int nsg_control_call(int fd, const char *verb, json_t *args,
		     int (*data)(void *closure, json_t *item), void *closure, struct nsg_diag *diag,
		     int *ret_exit)
{
	const struct reader reader = {.data = data, .closure = closure};

	return converse(fd, verb, args, &reader, diag, ret_exit);
}

int nsg_control_pass(int fd, const char *verb, json_t *args,
		     int (*text)(void *closure, const char *item, size_t n), void *closure,
		     struct nsg_diag *diag, int *ret_exit)
{
	const struct reader reader = {.text = text, .closure = closure};

	return converse(fd, verb, args, &reader, diag, ret_exit);
}
