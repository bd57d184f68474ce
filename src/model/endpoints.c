/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service endpoints of the integration subnet: service and location to service tags. */
#include "model/effective_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "util/macro.h"
#include "util/vec.h"

/* Services from virtual-network-service-endpoints-overview, tags from service-tags-overview. */
static const struct {
	const char *service, *tag;
} services[] = {
    {"Microsoft.Storage", "Storage"},
    {"Microsoft.Storage.Global", "Storage"},
    {"Microsoft.Sql", "Sql"},
    {"Microsoft.AzureCosmosDB", "AzureCosmosDB"},
    {"Microsoft.KeyVault", "AzureKeyVault"},
    {"Microsoft.ServiceBus", "ServiceBus"},
    {"Microsoft.EventHub", "EventHub"},
    {"Microsoft.Web", "AppService"},
    {"Microsoft.CognitiveServices", "CognitiveServicesManagement"},
    {"Microsoft.ContainerRegistry", "AzureContainerRegistry"},
    {"Microsoft.AzureActiveDirectory", "AzureActiveDirectory"},
};

const char *nsg_service_tag_of(const char *resource_id)
{
	static const char key[] = "/providers/";
	const char *at = strcasestr(resource_id, key);

	for (size_t i = 0; at && i < NSG_ARRAY_SIZE(services); i++) {
		size_t n = strlen(services[i].service);

		if (!strncasecmp(at + strlen(key), services[i].service, n) &&
		    at[strlen(key) + n] == '/')
			return services[i].tag;
	}
	return NULL;
}

struct found {
	struct nsg_endpoint_tag *v;
	size_t n, room;
};

static void found_done(struct found *f)
{
	nsg_vec_done(f);
}

#define cleanup_found __attribute__((cleanup(found_done)))

static int note_tag(struct found *f, const struct nsg_tag *tag, const char *base,
		    const char *service)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].tag == tag)
			return 0;
	return nsg_vec_push(f, ((struct nsg_endpoint_tag){tag, base, service}));
}

static bool is_regional(const struct nsg_tag *t, const char *base)
{
	size_t n = strlen(base);

	return !strncasecmp(t->name, base, n) && t->name[n] == '.';
}

/* The tag `Base.location`, else the regional tag whose `region` it is (the public file gives
 * Storage.NorwayEast the region norwaye). NULL: neither. */
static const struct nsg_tag *tag_of_location(const struct nsg_effective *e, const char *base,
					     const char *location)
{
	size_t n = strlen(base);

	for (size_t i = 0; i < e->tags->n_tags; i++)
		if (is_regional(&e->tags->tags[i], base) &&
		    nsg_text_loosely_equal(e->tags->tags[i].name + n + 1, location))
			return nsg_effective_tag_find(e, e->tags->tags[i].name);
	for (size_t i = 0; i < e->tags->n_tags; i++)
		if (is_regional(&e->tags->tags[i], base) && *e->tags->tags[i].region &&
		    nsg_text_loosely_equal(e->tags->tags[i].region, location))
			return nsg_effective_tag_find(e, e->tags->tags[i].name);
	return NULL;
}

static bool is_everywhere(const struct nsg_service_endpoint *s)
{
	for (size_t i = 0; i < s->locations.n; i++)
		if (!strcmp(s->locations.v[i], "*"))
			return true;
	return !s->locations.n;
}

static int add_locations(struct nsg_build *b, const struct nsg_service_endpoint *s,
			 const struct nsg_tag *whole, const char *base, struct found *f)
{
	int r;

	if (is_everywhere(s))
		return note_tag(f, whole, base, s->service);
	for (size_t i = 0; i < s->locations.n; i++) {
		const struct nsg_tag *t = tag_of_location(b->e, base, s->locations.v[i]);

		if (!t)
			(void)nsg_diag_add(
			    b->diag, NSG_NOTICE, &s->place, NULL,
			    "service endpoint %s: there is no tag %s.%s, so all of %s is used",
			    s->service, base, s->locations.v[i], base);
		r = note_tag(f, t ? t : whole, base, s->service);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_service(struct nsg_build *b, const struct nsg_service_endpoint *s, struct found *f)
{
	const struct nsg_tag *whole;
	const char *base = NULL;

	for (size_t i = 0; i < NSG_ARRAY_SIZE(services) && !base; i++)
		if (!strcasecmp(s->service, services[i].service))
			base = services[i].tag;
	if (!base) {
		(void)nsg_diag_add(b->diag, NSG_WARNING, &s->place, NULL,
				   "service endpoint %s: no service tag is known for this service, "
				   "so it has no addresses",
				   s->service);
		return 0;
	}
	whole = nsg_effective_tag_find(b->e, base);
	/* A document that could not be read may hold the service tags. */
	if (!whole && b->policy->incomplete)
		return 0;
	if (!whole) {
		(void)nsg_diag_add(
		    b->diag, NSG_ERROR, &s->place, NULL,
		    "service endpoint %s needs the service tag %s, which is not in any document; "
		    "run: az network list-service-tags --location LOCATION > tags.json",
		    s->service, base);
		return 0;
	}
	return add_locations(b, s, whole, base, f);
}

/* The addresses that enter by a service endpoint. */
static int make_gate(struct nsg_build *b)
{
	struct nsg_effective *e = b->e;
	cleanup_ranges struct nsg_ranges all = {0};
	int r;

	if (e->is_linux && e->profile->linux_only_rfc1918)
		return 0;
	for (size_t i = 0; i < b->n_endpoint_tags; i++) {
		struct nsg_ranges sum;
		const struct nsg_ranges *more;

		r = nsg_tag_ranges(e, b->endpoint_tags[i].tag, &more);
		if (r < 0)
			return r;
		r = nsg_ranges_union(&all, more, &sum);
		if (r < 0)
			return r;
		nsg_ranges_done(&all);
		all = sum;
	}
	return nsg_ranges_take(&e->arena, &all, &e->endpoints);
}

/* Azure has some 20 services with endpoints and some 100 regions. */
#define MAX_ENDPOINTS 100u
#define MAX_LOCATIONS 500u

static bool is_plausible(struct nsg_build *b, const struct nsg_subnet *s)
{
	size_t most = 0;

	for (size_t i = 0; i < s->n_endpoints; i++)
		if (s->endpoints[i].locations.n > most)
			most = s->endpoints[i].locations.n;
	if (s->n_endpoints <= MAX_ENDPOINTS && most <= MAX_LOCATIONS)
		return true;
	(void)nsg_diag_add(b->diag, NSG_ERROR, &s->place, NULL,
			   "subnet %s has %zu service endpoints with up to %zu locations; nsgd "
			   "supports at most %u with %u",
			   s->name, s->n_endpoints, most, MAX_ENDPOINTS, MAX_LOCATIONS);
	return false;
}

int nsg_build_endpoints(struct nsg_build *b)
{
	const struct nsg_subnet *s = b->e->subnet;
	cleanup_found struct found f = {0};
	int r;

	if (!is_plausible(b, s))
		return 0;
	for (size_t i = 0; i < s->n_endpoints; i++) {
		r = add_service(b, &s->endpoints[i], &f);
		if (r < 0)
			return r;
	}
	b->endpoint_tags = nsg_arena_copy(&b->e->arena, f.v, f.n * sizeof(*f.v));
	if (!b->endpoint_tags && f.n)
		return -ENOMEM;
	b->n_endpoint_tags = f.n;
	return make_gate(b);
}
