/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/build_id.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES 32

static void read_notes(const uint8_t *p, size_t size, char *out)
{
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)p;
		const size_t name = (note->n_namesz + 3u) & ~3u,
			     description = (note->n_descsz + 3u) & ~3u,
			     used = sizeof(*note) + name + description;
		const uint8_t *id = p + sizeof(*note) + name;

		if (used > size)
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(note + 1, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) &&
		    note->n_descsz <= MAX_BYTES)
			for (uint32_t i = 0; i < note->n_descsz; i++)
				(void)snprintf(out + (size_t)i * 2, 3, "%02x", id[i]);
		p += used;
		size -= used;
	}
}

/* The program itself comes first. */
static int read_program(struct dl_phdr_info *info, size_t size, void *out)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			read_notes((const uint8_t *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr,
				   info->dlpi_phdr[i].p_memsz, out);
	return 1;
}

const char *nsg_build_id(void)
{
	static char text[2 * MAX_BYTES + 1];

	if (!*text)
		(void)dl_iterate_phdr(read_program, text);
	return text;
}
