/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nsgd/log_writer.h"
#include "util/cleanup.h"
#include "util/limits.h"
#include "util/macro.h"
#include "util/text.h"

static struct {
	char instance[NSG_MAX_INSTANCE_LENGTH + 1];
	int level;
	bool journal;
} state = {.level = LOG_INFO};

/* $JOURNAL_STREAM names the file that was standard error when systemd started the service; it may
 * have been redirected since (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *instance, int level)
{
	(void)snprintf(state.instance, sizeof(state.instance), "%s", instance);
	state.level = level;
	state.journal = stderr_is_journal();
}

void log_close(void)
{
	log_writer_flush();
}

static void put_line(int level, const char *text, const char *fields, bool is_minor)
{
	const struct log_line line = {
	    .level = level,
	    .journal = state.journal,
	    .is_minor = is_minor,
	    .instance = state.instance,
	    .text = text,
	    .fields = fields,
	};

	if (level <= state.level)
		log_writer_put(&line);
}

static void put(int level, const char *text)
{
	put_line(level, text, "", false);
}

bool log_wants(int level)
{
	return level <= state.level;
}

void log_with_fields(int level, const char *text, const char *fields)
{
	put_line(level, text, fields, true);
}

void log_message(int level, const char *format, ...)
{
	static const char *const prefix[] = {
	    [LOG_ERR] = "error: ",
	    [LOG_WARNING] = "warning: ",
	    [LOG_NOTICE] = "notice: ",
	};
	cleanup_free char *text = NULL, *line = NULL;
	va_list args;

	if (level > state.level)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text)
		return;
	if (state.journal || level >= (int)NSG_ARRAY_SIZE(prefix) || !prefix[level])
		put(level, text);
	else if (asprintf(&line, "%s%s", prefix[level], text) >= 0)
		put(level, line);
}

void log_diag(const struct nsg_diag *diag)
{
	static const int levels[] = {
	    [NSG_NOTICE] = LOG_NOTICE,
	    [NSG_WARNING] = LOG_WARNING,
	    [NSG_ERROR] = LOG_ERR,
	};

	for (size_t i = 0; i < diag->n; i++) {
		cleanup_free char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		if (!f)
			continue;
		nsg_diag_print(&diag->v[i], f);
		if (nsg_text_end(f, &text))
			put(levels[diag->v[i].severity], text);
	}
	if (diag->n_dropped)
		log_warning("%zu more diagnostics are not shown", diag->n_dropped);
}
