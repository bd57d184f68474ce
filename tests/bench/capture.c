/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a capture for the rows of replay: capture FLOWS PACKETS >FILE. TCP of Ethernet frames from the
 * sample policy's subnet to eight destinations, in turn, every second packet a reply. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY 80

struct record {
	uint32_t second, microsecond, captured, length;
	uint8_t ethernet[14], ip[20], tcp[20], body[BODY];
} __attribute__((packed));

static void put_end(uint8_t *addr, uint8_t *port, const uint8_t from[4], uint32_t number)
{
	memcpy(addr, from, 4);
	port[0] = (uint8_t)(number >> 8);
	port[1] = (uint8_t)number;
}

int main(int argc, char **argv)
{
	static const uint8_t to[8][4] = {{10, 0, 2, 7}, {10, 0, 2, 9},	   {203, 0, 113, 10},
					 {10, 1, 0, 4}, {198, 51, 100, 9}, {8, 8, 8, 8},
					 {10, 0, 2, 8}, {192, 168, 7, 7}};
	static const uint32_t ports[8] = {5432, 22, 443, 443, 443, 53, 80, 514};
	const uint32_t header[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1};
	uint32_t flows = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	uint32_t packets = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct record r = {
	    .captured = 54 + BODY,
	    .length = 54 + BODY,
	    .ethernet = {2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0},
	    .ip = {0x45, 0, 0, 40 + BODY, [8] = 64, [9] = 6},
	    .tcp = {[12] = 0x50, [14] = 4},
	};

	if (!flows || !packets) {
		fputs("usage: capture FLOWS PACKETS >FILE\n", stderr);
		return 2;
	}
	(void)fwrite(header, sizeof(header), 1, stdout);
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t flow = i % flows, round = i / flows, back = round % 2;
		const uint8_t from[4] = {10, 0, 1, (uint8_t)(4 + flow / 60000)};
		uint8_t *src = r.ip + (back ? 16 : 12), *dst = r.ip + (back ? 12 : 16);

		r.second = 1586908800 + i / 100000;
		r.microsecond = i % 100000 * 10;
		put_end(src, r.tcp + (back ? 2 : 0), from, 1024 + flow % 60000);
		put_end(dst, r.tcp + (back ? 0 : 2), to[flow % 8], ports[flow % 8]);
		r.tcp[13] = round == 0 ? 2 : round == 1 ? 18 : 16;
		(void)fwrite(&r, sizeof(r), 1, stdout);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
