/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members that observe/line.h writes, appended to a JSON object. */
#ifndef NSG_OBSERVE_RECORD_H
#define NSG_OBSERVE_RECORD_H

#include <jansson.h>

#include "classify/classify.h"
#include "observe/ring.h"

/* Those of nsg_line_decision(). -ENOMEM. */
int nsg_record_put_decision(json_t *object, const struct nsg_image *image,
			    const struct nsg_key *key, const struct nsg_decision *decision);

#endif
