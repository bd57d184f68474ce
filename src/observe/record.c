/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/record.h"

#include <errno.h>

#include "observe/line.h"
#include "util/cleanup.h"
#include "util/json.h"

#define cleanup_line __attribute__((cleanup(nsg_line_done)))

int nsg_record_put_decision(json_t *object, const struct nsg_image *image,
			    const struct nsg_key *key, const struct nsg_decision *decision)
{
	cleanup_line struct nsg_line l = {0};
	cleanup_json json_t *members = NULL;
	int r = nsg_line_decision(&l, image, key, decision);

	if (r < 0)
		return r;
	members = nsg_json_load(l.text.v, l.text.n, 0, NULL);
	return json_object_update(object, members) < 0 ? -ENOMEM : 0;
}
