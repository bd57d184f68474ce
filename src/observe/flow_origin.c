/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/flow_origin.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/hash.h"

#define NO_SUBSCRIPTION "00000000-0000-0000-0000-000000000000"
#define UNKNOWN "UNKNOWN"
/* A file name has at most 255 bytes; three of these are in one. */
#define COMPONENT_BYTES 72

/* A name of Azure's as a component of a path: in capitals, as in Azure's own paths, and with nothing
 * that a policy could use to leave the folder. */
static void put_component(char out[COMPONENT_BYTES], const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < COMPONENT_BYTES - 1; i++) {
		char c = (char)toupper((unsigned char)s[i]);

		out[i] = isalnum((unsigned char)c) || strchr("-_.()", c) ? c : '_';
	}
	out[i] = '\0';
	if (!strcmp(out, ".") || !strcmp(out, "..") || !*out)
		(void)snprintf(out, COMPONENT_BYTES, UNKNOWN);
}

/* The part after "/key/" of a resource id. */
static void part_of_id(char out[COMPONENT_BYTES], const char *id, const char *key,
		       const char *fallback)
{
	const char *at = strcasestr(id, key);
	const char *value = at ? at + strlen(key) : fallback;

	put_component(out, value, strcspn(value, "/"));
}

/* A resource id in capitals, each of its parts a component. To be freed. */
static char *id_of(const char *resource, const char *id, const char *type, const char *name)
{
	char subscription[COMPONENT_BYTES], group[COMPONENT_BYTES], last[COMPONENT_BYTES];
	char *text;

	part_of_id(subscription, id, "/subscriptions/", NO_SUBSCRIPTION);
	part_of_id(group, id, "/resourceGroups/", resource);
	put_component(last, name, strlen(name));
	if (asprintf(&text, "/SUBSCRIPTIONS/%s/RESOURCEGROUPS/%s/PROVIDERS/MICROSOFT.NETWORK/%s/%s",
		     subscription, group, type, last) < 0)
		return NULL;
	return text;
}

static void set_guid(struct nsg_flow_names *names)
{
	uint64_t a = nsg_hash_u64(nsg_hash_name(names->log_id)), b = nsg_hash_u64(a);

	(void)snprintf(names->guid, sizeof(names->guid), "%08x-%04x-%04x-%04x-%012llx",
		       (unsigned int)(a >> 32), (unsigned int)(a >> 16 & 0xffff),
		       (unsigned int)(a & 0xffff), (unsigned int)(b >> 48),
		       (unsigned long long)(b & 0xffffffffffff));
}

/* Azure's name of the flow log of a network: NETWORK-GROUP-FLOWLOG. */
static int name_vnet_log(const struct nsg_flow_source *s, struct nsg_flow_names *names)
{
	char subscription[COMPONENT_BYTES], group[COMPONENT_BYTES], vnet[COMPONENT_BYTES],
	    region[COMPONENT_BYTES];

	part_of_id(subscription, s->vnet_id, "/subscriptions/", NO_SUBSCRIPTION);
	part_of_id(group, s->vnet_id, "/resourceGroups/", UNKNOWN);
	put_component(vnet, s->vnet_name, strlen(s->vnet_name));
	put_component(region, s->location, strlen(s->location));
	if (asprintf(&names->log_id,
		     "/SUBSCRIPTIONS/%s/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/"
		     "MICROSOFT.NETWORK/NETWORKWATCHERS/NETWORKWATCHER_%s/FLOWLOGS/%s-%s-FLOWLOG",
		     subscription, region, vnet, group) < 0) {
		names->log_id = NULL;
		return -ENOMEM;
	}
	if (asprintf(&names->folder,
		     "flowLogResourceID=/%s_NETWORKWATCHERRG/NETWORKWATCHER_%s_%s-%s-FLOWLOG",
		     subscription, region, vnet, group) < 0) {
		names->folder = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int name_nsg_log(struct nsg_flow_names *names)
{
	names->log_id = strdup(names->nsg_id);
	if (!names->log_id)
		return -ENOMEM;
	if (asprintf(&names->folder, "resourceId=%s", names->nsg_id) < 0) {
		names->folder = NULL;
		return -ENOMEM;
	}
	return 0;
}

int nsg_flow_names_init(const struct nsg_flow_source *s, struct nsg_flow_names *ret)
{
	struct nsg_flow_names names = {.log_id = NULL};
	int r = 0;

	names.nsg_id = *s->nsg_id || *s->nsg_name
			   ? id_of(UNKNOWN, s->nsg_id, "NETWORKSECURITYGROUPS", s->nsg_name)
			   : strdup("");
	if (!names.nsg_id)
		r = -ENOMEM;
	if (!r)
		r = s->nsg_format ? name_nsg_log(&names) : name_vnet_log(s, &names);
	if (r < 0) {
		nsg_flow_names_done(&names);
		return r;
	}
	set_guid(&names);
	/* locally administered, and different for each address */
	(void)snprintf(names.mac, sizeof(names.mac), "0200%08X", s->addr_host);
	*ret = names;
	ret->origin = (struct nsg_flow_origin){
	    .nsg_format = s->nsg_format,
	    .log_id = ret->log_id,
	    .log_guid = ret->guid,
	    .mac = ret->mac,
	    .vnet_id = s->vnet_id,
	    .nsg_id = ret->nsg_id,
	};
	return 0;
}

char *nsg_flow_names_path(const struct nsg_flow_names *names, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / NSG_NS_PER_SEC);
	char hour[48] = "", *text;
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || !strftime(hour, sizeof(hour), "y=%Y/m=%m/d=%d/h=%H", &utc))
		return NULL;
	if (asprintf(&text, "%s/%s/m=00/macAddress=%s/PT1H.json", names->folder, hour, names->mac) <
	    0)
		return NULL;
	return text;
}

void nsg_flow_names_done(struct nsg_flow_names *names)
{
	free(names->log_id);
	free(names->nsg_id);
	free(names->folder);
	*names = (struct nsg_flow_names){.log_id = NULL};
}
