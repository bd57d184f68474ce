/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/flows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/control.h"
#include "kernel/flows.h"
#include "observe/record.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/ip.h"
#include "util/json_object.h"
#include "util/limits.h"
#include "util/macro.h"

struct flows {
	struct server_stream stream; /* first: its address is the object's */
	const struct instance *in;
	struct nsg_marks marks;
	struct nsg_flow_dump *dump;
	server_data_fn *data;
	void *closure;
};

/* What was decided is not stored: the policy in force is asked again. What it would deny now was
 * allowed by an earlier one, and its route alone is looked up, as the workers do. */
static struct nsg_decision decide(const struct flows *f, const struct nsg_key *key)
{
	const struct nsg_image *image = f->in->policy->engine.image;
	struct nsg_decision d;

	d = nsg_classify(image, key);
	if (d.reason != NSG_REASON_NSG_DENY && d.reason != NSG_REASON_ADMIN_DENY)
		return d;
	d = nsg_classify_route(image, key);
	if (d.verdict == NSG_VERDICT_ACCEPT)
		d.reason = NSG_REASON_ESTABLISHED;
	return d;
}

static json_t *counter(const struct nsg_kernel_flow *flow, uint64_t n)
{
	return flow->counted ? json_integer((json_int_t)n) : json_null();
}

static json_t *age(const struct nsg_kernel_flow *flow)
{
	uint64_t now_ns = nsg_clock_ns(CLOCK_REALTIME);

	if (!flow->start_ns)
		return json_null();
	return json_integer(
	    now_ns > flow->start_ns ? (json_int_t)((now_ns - flow->start_ns) / NSG_NS_PER_SEC) : 0);
}

static int put_flow(const struct nsg_kernel_flow *flow, void *closure)
{
	struct flows *f = closure;
	struct nsg_key key = {
	    .src_host = f->in->policy->engine.src_host,
	    .dst_host = flow->dst_host,
	    .sport_host = flow->sport_host,
	    .dport_host = flow->dport_host,
	    .protocol = flow->protocol,
	};
	struct nsg_decision decision = decide(f, &key);
	cleanup_json json_t *item = json_object();
	char host_src[NSG_IP4_TEXT];
	int r;

	nsg_ip4_format(flow->src_host, host_src);
	r = nsg_record_put_decision(item, f->in->policy->engine.image, &key, &decision);
	if (r < 0)
		return r;
	r = NSG_JSON_ADD(
	    item, PAIR_S("hostSrc", host_src), PAIR_I("mark", flow->mark & f->marks.hop),
	    PAIR_B("answered", flow->answered), PAIR_S("state", flow->state),
	    PAIR_J("ageSeconds", age(flow)), PAIR_I("expiresSeconds", flow->expires_seconds),
	    PAIR_J("packetsOut", counter(flow, flow->packets[0])),
	    PAIR_J("bytesOut", counter(flow, flow->bytes[0])),
	    PAIR_J("packetsIn", counter(flow, flow->packets[1])),
	    PAIR_J("bytesIn", counter(flow, flow->bytes[1])));
	return r < 0 ? r : f->data(f->closure, item);
}

static int next(struct server_stream *stream, server_data_fn *data, void *closure)
{
	struct flows *f = (struct flows *)stream;

	f->data = data;
	f->closure = closure;
	return nsg_flow_dump_next(f->dump, put_flow, f);
}

static void free_flows(struct server_stream *stream)
{
	struct flows *f = (struct flows *)stream;

	nsg_flow_dump_free(f->dump);
	free(f);
}

int flows_begin(const struct instance *in, struct nsg_diag *diag, struct server_stream **ret)
{
	struct flows *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	*f = (struct flows){.stream = {.next = next, .free = free_flows}, .in = in};
	r = nsg_marks_init(in->conf_start->mark_mask, &f->marks);
	if (r == 0)
		r = nsg_flow_dump_new(&f->marks, &f->dump);
	if (r < 0) {
		(void)nsg_diag_add(diag, NSG_ERROR, NULL, NULL,
				   "cannot read the kernel's connections: %s", strerror(-r));
		free(f);
		return r;
	}
	*ret = &f->stream;
	return 0;
}

/* ---- accounting ------------------------------------------------------------------------------ */

#define ACCOUNTING_SETTINGS 2
#define ACCOUNTING_PATH (sizeof(NSG_CONTROL_DIRECTORY) + NSG_MAX_INSTANCE_LENGTH + 16)

/* Those that were off before the start. In a file, which survives a crash. */
struct accounting {
	bool changed[ACCOUNTING_SETTINGS];
};

static const char *const settings[] = {
    "/proc/sys/net/netfilter/nf_conntrack_acct",
    "/proc/sys/net/netfilter/nf_conntrack_timestamp",
};
_Static_assert(NSG_ARRAY_SIZE(settings) == ACCOUNTING_SETTINGS, "an element for each");

/* Replaces one value by another; false when it had neither or cannot be written. */
static bool change(const char *path, char from, char to)
{
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
	char now;

	return fd >= 0 && pread(fd, &now, 1, 0) == 1 && now == from && pwrite(fd, &to, 1, 0) == 1;
}

static void name_file(const char *instance, char path[static ACCOUNTING_PATH])
{
	(void)snprintf(path, ACCOUNTING_PATH, NSG_CONTROL_DIRECTORY "/%s.accounting", instance);
}

/* What an earlier process has changed and not restored. */
static void read_changed(struct accounting *a, const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char flags[ACCOUNTING_SETTINGS] = {0};

	if (fd < 0 || read(fd, flags, sizeof(flags)) != sizeof(flags))
		return;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(settings); i++)
		a->changed[i] |= flags[i] == '1';
}

static void write_changed(const struct accounting *a, const char *path)
{
	cleanup_close int fd = -1;
	char flags[ACCOUNTING_SETTINGS];
	bool any = false;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(settings); i++) {
		flags[i] = a->changed[i] ? '1' : '0';
		any |= a->changed[i];
	}
	if (any)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		(void)!write(fd, flags, sizeof(flags));
}

void accounting_rename(const char *former, const char *instance)
{
	char from[ACCOUNTING_PATH], to[ACCOUNTING_PATH];
	struct accounting a = {0};

	if (strcmp(former, instance) == 0)
		return;
	name_file(former, from);
	name_file(instance, to);
	read_changed(&a, from);
	read_changed(&a, to);
	write_changed(&a, to);
	(void)unlink(from);
}

void accounting_begin(const char *instance)
{
	struct accounting a = {0};
	char path[ACCOUNTING_PATH];

	name_file(instance, path);
	read_changed(&a, path);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(settings); i++)
		a.changed[i] |= change(settings[i], '0', '1');
	write_changed(&a, path);
}

void accounting_end(const char *instance)
{
	struct accounting a = {0};
	char path[ACCOUNTING_PATH];

	name_file(instance, path);
	read_changed(&a, path);
	for (size_t i = 0; i < NSG_ARRAY_SIZE(settings); i++)
		if (a.changed[i])
			(void)change(settings[i], '1', '0');
	(void)unlink(path);
}
