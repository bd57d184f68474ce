/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nsgd.conf's defaults, as far as the kernel layer looks at them. */
#ifndef NSG_TESTS_SUPPORT_KERNEL_CONF_H
#define NSG_TESTS_SUPPORT_KERNEL_CONF_H

#include "conf/conf.h"

#define KERNEL_CONF                                                                                \
	{                                                                                          \
		.path = "nsgd.conf", .instance = "unit", .hook_output = true, .offload = true,     \
		.answers = true, .answers_seconds = 60, .denied_seconds = 2,                       \
		.mark_mask = 0x0fff0000, .table_base = 21000, .rule_priority = 21000,              \
		.queue_length = 1024                                                               \
	}

#endif
