/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole load, from JSON text to an image: the real service tag file and 1,000 rules over its
 * tags, against jansson's bare parse of the same bytes.
 *
 * classifier_load SERVICE-TAGS OUT [ROUNDS]: OUT gets policy/ and load.json.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "azure/load.h"
#include "bench/classifier_report.h"
#include "compile/compile.h"
#include "model/effective.h"
#include "support/effective_build.h"

#define RULES 1000u
#define GOAL 2.0

static const char vnet_json[] =
    "{\"id\":\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v\","
    "\"name\":\"v\",\"type\":\"Microsoft.Network/virtualNetworks\",\"location\":\"westeurope\","
    "\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.0.0.0/"
    "16\"]},\"subnets\":[{\"name\":"
    "\"app\",\"id\":\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/"
    "virtualNetworks/"
    "v/subnets/app\",\"properties\":{\"addressPrefix\":\"10.0.1.0/"
    "24\",\"delegations\":[{\"name\":\"d\","
    "\"properties\":{\"serviceName\":\"Microsoft.Web/"
    "serverFarms\"}}],\"networkSecurityGroup\":{\"id\":"
    "\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/"
    "n\"}}}]}}";

static void fail(const char *what)
{
	(void)fprintf(stderr, "load bench: %s\n", what);
	exit(1);
}

static char *read_file(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	char *text;
	long size = -1;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		fail(path);
	text = malloc((size_t)size + 1);
	if (!text || fread(text, 1, (size_t)size, f) != (size_t)size)
		fail(path);
	(void)fclose(f);
	text[size] = 0;
	*ret_size = (size_t)size;
	return text;
}

static void write_file(const char *dir, const char *name, const char *text, size_t size)
{
	char path[4200];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(text, 1, size, f) != size || fclose(f))
		fail(path);
}

/* ---- the policy ---- */

static json_t *rule(unsigned int i, const char *tag, struct test_random *r)
{
	static const char *const ports[] = {"443", "80", "1433", "5671-5672", "8080", "*"};

	return json_pack("{s:o, s:{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s}}", "name",
			 json_sprintf("rule-%u", i), "properties", "direction", "Outbound",
			 "access", test_random_below(r, 2) ? "Allow" : "Deny", "priority",
			 (int)(100 + i), "protocol", test_random_below(r, 2) ? "Tcp" : "*",
			 "sourceAddressPrefix", "*", "sourcePortRange", "*",
			 "destinationAddressPrefix", tag, "destinationPortRange",
			 ports[test_random_below(r, 6)]);
}

static void write_nsg(const char *dir, const json_t *values)
{
	json_t *rules = json_array(), *document;
	struct test_random r = {4711};
	char *text;

	for (unsigned int i = 0; i < RULES; i++) {
		size_t at = test_random_below(&r, (uint32_t)json_array_size(values));
		const json_t *tag = json_array_get(values, at);

		(void)json_array_append_new(
		    rules, rule(i, json_string_value(json_object_get(tag, "name")), &r));
	}
	document = json_pack(
	    "{s:s, s:s, s:s, s:{s:o}}", "id",
	    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n",
	    "name", "n", "type", "Microsoft.Network/networkSecurityGroups", "properties",
	    "securityRules", rules);
	text = json_dumps(document, JSON_INDENT(2));
	if (!text)
		fail("out of memory");
	write_file(dir, "nsg.json", text, strlen(text));
	free(text);
	json_decref(document);
}

static void write_policy(const char *tags_path, const char *dir)
{
	size_t size;
	char *text = read_file(tags_path, &size);
	json_t *tags = json_loadb(text, size, 0, NULL);

	if (!tags)
		fail("the service tag file is not JSON");
	(void)mkdir(dir, 0777);
	write_file(dir, "ServiceTags_Public.json", text, size);
	write_file(dir, "vnet.json", vnet_json, strlen(vnet_json));
	write_nsg(dir, json_object_get(tags, "values"));
	json_decref(tags);
	free(text);
}

/* ---- time ---- */

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double bare_parse(const char *dir)
{
	static const char *const names[] = {"ServiceTags_Public.json", "nsg.json", "vnet.json"};
	double ms = 0;

	for (size_t i = 0; i < 3; i++) {
		char path[4200], *text;
		json_t *value;
		size_t size;
		double start;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		text = read_file(path, &size);
		start = now_ms();
		value = json_loadb(text, size, 0, NULL);
		ms += now_ms() - start;
		json_decref(value);
		free(text);
	}
	return ms;
}

static double whole_load(const char *dir)
{
	struct nsg_options options = {
	    .profile = nsg_profile_find("current"),
	    .platform = NSG_PLATFORM_WINDOWS,
	    .route_all = NSG_TRUE,
	};
	struct nsg_load_options load = {0};
	struct nsg_policy *policy = NULL;
	struct nsg_effective *effective = NULL;
	struct nsg_image *image = NULL;
	struct nsg_diag diag = {0};
	double start = now_ms();
	int r = nsg_policy_load(dir, &load, NULL, &diag, &policy);

	r = r ? r : nsg_effective_new(policy, &options, &diag, &effective);
	r = r ? r : nsg_compile(effective, NULL, &diag, &image);
	start = now_ms() - start;
	if (r) {
		for (size_t i = 0; i < diag.n && i < 5; i++) {
			nsg_diag_print(&diag.v[i], stderr);
			(void)fputc('\n', stderr);
		}
		fail("the policy does not load");
	}
	nsg_image_free(image);
	nsg_effective_free(effective);
	nsg_policy_free(policy);
	nsg_diag_done(&diag);
	return start;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 3 ? (unsigned int)strtoul(argv[3], NULL, 10) : 7;
	double bare[REPORT_MAX_SAMPLES], whole[REPORT_MAX_SAMPLES], ratio[REPORT_MAX_SAMPLES];
	char dir[4096], out[4096];
	struct report report = report_new();

	if (argc < 3 || !rounds || rounds > (unsigned int)REPORT_MAX_SAMPLES) {
		(void)fprintf(stderr, "usage: classifier_load SERVICE-TAGS OUT [ROUNDS]\n");
		return 2;
	}
	(void)snprintf(dir, sizeof(dir), "%s/policy", argv[2]);
	(void)snprintf(out, sizeof(out), "%s/load.json", argv[2]);
	write_policy(argv[1], dir);
	for (unsigned int i = 0; i < rounds; i++) {
		bare[i] = bare_parse(dir);
		whole[i] = whole_load(dir);
		ratio[i] = whole[i] / bare[i];
	}
	report_row(&report, "whole load", "jansson's bare parse", "ms", spread_of(bare, rounds),
		   (struct spread){0});
	report_row(&report, "whole load", "load, derive, compile", "ms", spread_of(whole, rounds),
		   spread_of(ratio, rounds));
	report_goal(&report, "whole load", "load / jansson's bare parse",
		    spread_of(ratio, rounds).median, GOAL, false);
	return report_end(&report, out) ? 0 : 1;
}
