/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers that the kernel has learned, and what switches them. */
#include <arpa/inet.h>
#include <string.h>

#include "kernel/kernel_priv.h"
#include "kernel/ruleset.h"
#include "kernel/set_elements.h"
#include "kernel/sets.h"
#include "kernel/table.h"

/* --- switches -------------------------------------------------------------------------------- */

static int apply_switches(struct nsg_kernel *k, struct nsg_diag *diag)
{
	int r;

	if (!k->running)
		return 0;
	r = nsg_table_change(k, "cannot switch the answers", nsg_sets_put_switches, NULL);
	/* another program has removed a part: what it should be is loaded */
	return r < 0 ? nsg_table_apply(k, false, diag) : 0;
}

int nsg_kernel_answer(struct nsg_kernel *k, enum nsg_answers answers, struct nsg_diag *diag)
{
	if (k->table.answers == answers)
		return 0;
	k->table.answers = answers;
	return apply_switches(k, diag);
}

bool nsg_kernel_is_settled(const struct nsg_kernel *k)
{
	return !k->table.unsettled;
}

int nsg_kernel_settled(struct nsg_kernel *k, struct nsg_diag *diag)
{
	k->table.unsettled = false;
	return apply_switches(k, diag);
}

enum nsg_answers nsg_kernel_answering(const struct nsg_kernel *k, const char **ret_why)
{
	*ret_why = NULL;
	if (k->conf->audit)
		*ret_why = "mode = audit";
	else if (!k->conf->offload)
		*ret_why = "[offload] established = no";
	else if (!k->conf->answers)
		*ret_why = "[offload] answers = no";
	else if (k->table.source_ports)
		*ret_why = "a rule of the policy names a source port";
	else if (k->table.answers == NSG_ANSWERS_NONE)
		*ret_why = "every decision is traced or logged";
	else if (k->table.answers == NSG_ANSWERS_ALLOWED)
		*ret_why = "every denial is reported with its flow";
	return nsg_ruleset_is_answering(k) ? k->table.answers : NSG_ANSWERS_NONE;
}

/* --- reading them ---------------------------------------------------------------------------- */

struct reading {
	const struct nsg_marks *marks;
	uint32_t generation; /* of a mark */
	NSG_VEC(struct nsg_answer) v;
};

static int take_answer(void *arg, const struct nsg_set_element *element)
{
	struct nsg_answer a = {.packets = element->packets};
	struct reading *r = arg;
	uint8_t field[3][4]; /* of the key: protocol, address, port */
	uint32_t mark;

	if (element->key.size < sizeof(field) || element->data.size < sizeof(mark))
		return 0;
	memcpy(field, element->key.data, sizeof(field));
	memcpy(&mark, element->data.data, sizeof(mark));
	if ((mark & r->marks->generation) != r->generation)
		return 0;
	a.protocol = field[0][0];
	memcpy(&a.dst_host, field[1], sizeof(a.dst_host));
	a.dst_host = ntohl(a.dst_host);
	memcpy(&a.dport_host, field[2], sizeof(a.dport_host));
	a.dport_host = ntohs(a.dport_host);
	a.allowed = mark & r->marks->decided;
	return nsg_vec_push(&r->v, a);
}

static void begin_again(void *arg)
{
	((struct reading *)arg)->v.n = 0;
}

int nsg_kernel_read_answers(struct nsg_kernel *k, struct nsg_answer **ret, size_t *ret_n)
{
	struct reading reading = {
	    .marks = &k->marks,
	    .generation = k->table.generation << k->marks.generation_shift,
	};
	int r = 0;

	if (k->running && nsg_ruleset_answers(k))
		r = nsg_set_elements_read(&k->nft, k->conf->instance, NSG_MAP_ANSWERS, take_answer,
					  begin_again, &reading);
	if (r < 0) {
		nsg_vec_done(&reading.v);
		return r;
	}
	*ret = reading.v.v;
	*ret_n = reading.v.n;
	return 0;
}
