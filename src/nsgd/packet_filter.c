/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nsgd/packet_filter.h"

#include <errno.h>

#include "util/macro.h"

static int read_instruction(const json_t *value, struct sock_filter *ret)
{
	json_int_t n[4];

	if (json_array_size(value) != NSG_ARRAY_SIZE(n))
		return -EINVAL;
	for (size_t i = 0; i < NSG_ARRAY_SIZE(n); i++)
		n[i] = json_integer_value(json_array_get(value, i));
	if (n[0] < 0 || n[0] > UINT16_MAX || n[1] < 0 || n[1] > UINT8_MAX || n[2] < 0 ||
	    n[2] > UINT8_MAX || n[3] < 0 || n[3] > UINT32_MAX)
		return -EINVAL;
	*ret = (struct sock_filter){(uint16_t)n[0], (uint8_t)n[1], (uint8_t)n[2], (uint32_t)n[3]};
	return 0;
}

int packet_filter_read(const json_t *program, struct nsg_packet_filter *ret)
{
	size_t n = json_array_size(program);
	struct nsg_packet_filter f = {.n = (uint16_t)n};

	if (n > NSG_ARRAY_SIZE(f.program) || (program && !n))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (read_instruction(json_array_get(program, i), &f.program[i]) < 0)
			return -EINVAL;
	*ret = f;
	return 0;
}
