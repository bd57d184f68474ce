/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/json_object.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

json_t *nsg_json_string(const char *s)
{
	json_t *value;
	cleanup_free char *escaped = NULL;
	char *out;

	if (!s)
		return json_null();
	value = json_string(s);
	if (value)
		return value;
	escaped = out = malloc(4 * strlen(s) + 1);
	if (!escaped)
		return NULL;
	for (; *s; s++)
		if (*s >= 0x20 && *s < 0x7f)
			*out++ = *s;
		else
			out += sprintf(out, "\\x%02x", (unsigned char)*s);
	*out = '\0';
	return json_string(escaped);
}

int nsg_json_add(json_t *object, const struct nsg_json_pair *pairs)
{
	int r = 0;

	/* All of them: a value that is not taken over here would leak. */
	for (; pairs->key; pairs++)
		if (json_object_set_new(object, pairs->key, pairs->value) < 0)
			r = -ENOMEM;
	return r;
}

json_t *nsg_json_object(const struct nsg_json_pair *pairs)
{
	cleanup_json json_t *object = json_object();

	return nsg_json_add(object, pairs) < 0 ? NULL : TAKE_PTR(object);
}
