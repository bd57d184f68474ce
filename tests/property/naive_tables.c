/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The profiles' two tables, copied from the captured lists for themselves: those of 2020-04 are the
 * first entries. */
#include "naive_priv.h"

#include "util/macro.h"

#define HOLES_2020 9

static const struct nsg_prefix none_rows[] = {
    {NSG_IP4(10, 0, 0, 0), 8},	   {NSG_IP4(192, 168, 0, 0), 16}, {NSG_IP4(100, 64, 0, 0), 10},
    {NSG_IP4(20, 35, 252, 0), 22}, {NSG_IP4(23, 103, 0, 0), 18},  {NSG_IP4(25, 4, 0, 0), 14},
    {NSG_IP4(25, 148, 0, 0), 15},  {NSG_IP4(25, 150, 0, 0), 16},  {NSG_IP4(25, 152, 0, 0), 14},
    {NSG_IP4(25, 156, 0, 0), 16},  {NSG_IP4(25, 159, 0, 0), 16},  {NSG_IP4(25, 176, 0, 0), 13},
    {NSG_IP4(25, 184, 0, 0), 14},  {NSG_IP4(40, 108, 0, 0), 17},  {NSG_IP4(40, 109, 0, 0), 16},
    {NSG_IP4(104, 146, 0, 0), 17}, {NSG_IP4(104, 147, 0, 0), 16}, {NSG_IP4(127, 0, 0, 0), 8},
    {NSG_IP4(157, 59, 0, 0), 16},  {NSG_IP4(172, 16, 0, 0), 12},  {NSG_IP4(198, 18, 0, 0), 15},
};

static const struct nsg_prefix internet_holes[] = {
    {NSG_IP4(0, 0, 0, 0), 8},	    {NSG_IP4(10, 0, 0, 0), 8},	   {NSG_IP4(100, 64, 0, 0), 10},
    {NSG_IP4(127, 0, 0, 0), 8},	    {NSG_IP4(169, 254, 0, 0), 16}, {NSG_IP4(172, 16, 0, 0), 12},
    {NSG_IP4(192, 168, 0, 0), 16},  {NSG_IP4(224, 0, 0, 0), 4},	   {NSG_IP4(240, 0, 0, 0), 4},
    {NSG_IP4(4, 128, 0, 0), 12},    {NSG_IP4(13, 96, 0, 0), 13},   {NSG_IP4(20, 35, 252, 0), 22},
    {NSG_IP4(20, 128, 0, 0), 16},   {NSG_IP4(20, 130, 0, 0), 16},  {NSG_IP4(20, 144, 0, 0), 14},
    {NSG_IP4(20, 176, 0, 0), 13},   {NSG_IP4(21, 0, 0, 0), 8},	   {NSG_IP4(22, 0, 0, 0), 8},
    {NSG_IP4(23, 103, 0, 0), 18},   {NSG_IP4(25, 0, 0, 0), 16},	   {NSG_IP4(25, 4, 0, 0), 14},
    {NSG_IP4(25, 64, 0, 0), 10},    {NSG_IP4(25, 142, 0, 0), 15},  {NSG_IP4(25, 144, 0, 0), 15},
    {NSG_IP4(25, 148, 0, 0), 15},   {NSG_IP4(25, 150, 0, 0), 16},  {NSG_IP4(25, 152, 0, 0), 14},
    {NSG_IP4(25, 156, 0, 0), 16},   {NSG_IP4(25, 159, 0, 0), 16},  {NSG_IP4(25, 160, 0, 0), 12},
    {NSG_IP4(25, 176, 0, 0), 13},   {NSG_IP4(25, 184, 0, 0), 14},  {NSG_IP4(25, 192, 0, 0), 15},
    {NSG_IP4(25, 248, 0, 0), 16},   {NSG_IP4(25, 250, 0, 0), 18},  {NSG_IP4(25, 250, 64, 0), 20},
    {NSG_IP4(25, 250, 84, 0), 23},  {NSG_IP4(25, 252, 0, 0), 16},  {NSG_IP4(25, 254, 0, 0), 21},
    {NSG_IP4(25, 254, 8, 0), 24},   {NSG_IP4(25, 254, 64, 0), 18}, {NSG_IP4(25, 254, 128, 0), 17},
    {NSG_IP4(40, 66, 128, 0), 17},  {NSG_IP4(40, 108, 0, 0), 17},  {NSG_IP4(40, 109, 0, 0), 16},
    {NSG_IP4(52, 132, 0, 0), 14},   {NSG_IP4(52, 145, 0, 0), 16},  {NSG_IP4(68, 18, 0, 0), 15},
    {NSG_IP4(104, 146, 0, 0), 17},  {NSG_IP4(104, 147, 0, 0), 16}, {NSG_IP4(104, 212, 36, 0), 22},
    {NSG_IP4(104, 212, 52, 0), 22}, {NSG_IP4(129, 75, 0, 0), 16},  {NSG_IP4(134, 177, 0, 0), 16},
    {NSG_IP4(138, 196, 0, 0), 16},  {NSG_IP4(141, 251, 0, 0), 16}, {NSG_IP4(146, 147, 0, 0), 16},
    {NSG_IP4(157, 59, 0, 0), 16},   {NSG_IP4(192, 0, 2, 0), 24},   {NSG_IP4(192, 32, 0, 0), 16},
    {NSG_IP4(198, 18, 0, 0), 15},
};

struct naive_table naive_none_rows(const struct naive *n)
{
	return (struct naive_table){none_rows, n->current && n->bug != BUG_NONE_ROWS_2020
						   ? NSG_ARRAY_SIZE(none_rows)
						   : NAIVE_NONE_2020};
}

bool naive_is_hole(const struct naive *n, uint32_t a, uint64_t *events)
{
	if (naive_in(internet_holes, HOLES_2020, a))
		return true;
	if (!n->current || n->bug == BUG_HOLES_2020 ||
	    !naive_in(internet_holes, NSG_ARRAY_SIZE(internet_holes), a))
		return false;
	events[EVENT_HOLE_OF_CURRENT]++;
	return true;
}
