/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service tags by name: those of the document and those built in. */
#ifndef NSG_MODEL_TAGS_H
#define NSG_MODEL_TAGS_H

#include "model/effective.h"

enum nsg_tag_kind {
	NSG_TAG_VIRTUAL_NETWORK,
	NSG_TAG_INTERNET,
	NSG_TAG_LOAD_BALANCER,
	NSG_TAG_PLATFORM_DNS,
	NSG_TAG_PLATFORM_IMDS,
	NSG_TAG_PLATFORM_LKM,
	NSG_TAG_OF_DOCUMENT, /* any other name, known or not */
};

enum nsg_tag_kind nsg_tag_kind_of(const char *name);
/* The tag's canonical name; NULL for NSG_TAG_OF_DOCUMENT. */
const char *nsg_tag_kind_name(enum nsg_tag_kind k);

#endif
