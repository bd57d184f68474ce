/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/netns.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_file(const char *path, const char *before, unsigned int id, const char *after)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return;
	(void)fprintf(f, "%s%u%s", before, id, after);
	(void)fclose(f);
}

/* Required before a group map is written (user_namespaces(7)). */
static void deny_setgroups(void)
{
	FILE *f = fopen("/proc/self/setgroups", "we");

	if (!f)
		return;
	(void)fputs("deny", f);
	(void)fclose(f);
}

bool netns_enter(void)
{
	unsigned int uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWNET) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			return false;
		deny_setgroups();
		write_file("/proc/self/uid_map", "0 ", uid, " 1");
		write_file("/proc/self/gid_map", "0 ", gid, " 1");
	}
	/* else links get IPv6 addresses and routes some time after they are up */
	return netns_run("for i in all default; do f=/proc/sys/net/ipv6/conf/$i/disable_ipv6;"
			 "[ ! -e $f ] || echo 1 >$f; done; ip link set lo up") == 0;
}

int netns_run(const char *format, ...)
{
	char command[2048];
	va_list args;
	int status;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *output_of(const char *command)
{
	FILE *f = popen(command, "re");
	size_t n = 0, room = 4 << 20;
	char *text = malloc(room);

	if (!f || !text)
		abort();
	n = fread(text, 1, room - 1, f);
	text[n] = '\0';
	if (pclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

char *netns_output(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return output_of(command);
}

bool netns_shows(const char *command, const char *text)
{
	char *output = output_of(command);
	bool found = output && strstr(output, text);

	free(output);
	return found;
}

char *netns_state(void)
{
	/* the kernel reports a link's carrier up to a second after the link is up */
	return output_of("ip rule; ip route show table all | sed 's/ linkdown//' | sort; "
			 "nft -s list ruleset 2>/dev/null");
}
