/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that sent a traced packet. nsgd is not permitted to look at other processes, nsgctl often
 * is. Best effort: the process may have ended, or be one of another user.
 */
#ifndef NSG_NSGCTL_COMMAND_H
#define NSG_NSGCTL_COMMAND_H

#include <jansson.h>

/* Adds `command`, the name of the process that has the socket, if it is found. 0 or -ENOMEM. */
int nsgctl_command_add(json_t *decision);

#endif
