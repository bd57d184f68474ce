/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts a policy was read from, and places in them. A place is a file, one of its JSON values
 * (a file may hold several) and a JSON pointer; line and column are found by scanning the text,
 * only when a diagnostic is made.
 */
#ifndef NSG_UTIL_SOURCE_H
#define NSG_UTIL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which content of which file: equal ones that are settled have one content. */
struct nsg_file_identity {
	uint64_t dev, ino, size_bytes;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode;	 /* st_mode; 0: not from a file */
	bool is_settled; /* unchanged for so long when it was read that a change would show */
};

/* One file: its text is UTF-8 (converted when it was not), NUL-terminated, without BOM. */
struct nsg_source {
	char *path; /* as given, joined with the document's name */
	char *text; /* NULL for a directory */
	size_t size_bytes;
	struct nsg_file_identity file;
};

/* Zero-initialise to begin. An element's address is stable: places point at it. */
struct nsg_sources {
	struct nsg_source **v;
	size_t n, room;
};

/*
 * Where something stands. `pointer` is relative to the value-th JSON value of the file; it belongs
 * to an arena that lives as long as the place. A NULL source: nowhere. A NULL pointer with a text:
 * the value itself; a source without text: the directory, no line.
 */
struct nsg_place {
	const struct nsg_source *source;
	uint32_t value;
	/* Not 0: byte at - 1 of the text, whatever value and pointer say (a text that is not JSON).
	 */
	uint32_t at;
	const char *pointer;
};

/* Takes *text (NULL: a file that could not be read, or a directory) on success only. -ENOMEM. */
int nsg_sources_add(struct nsg_sources *s, const char *path, char **text, size_t size_bytes,
		    const struct nsg_source **ret);
/* Notes the file of the source that was added last. */
void nsg_sources_set_file(struct nsg_sources *s, struct nsg_file_identity file);
/* Moves the text to another source, which has none; *from may hold secrets no more. */
void nsg_source_move(struct nsg_source *to, const struct nsg_sources *s,
		     const struct nsg_source *from);
/* Wipes the text, frees it: its places have no line any more. */
void nsg_source_wipe(struct nsg_source *source);
/* The same for all of them. */
void nsg_sources_wipe(struct nsg_sources *s);
/* Wipes the texts before they are freed: they may hold secrets (app settings). Places die. */
void nsg_sources_done(struct nsg_sources *s);

/* Line and column, from 1 and in characters, of the place: of the deepest part of its pointer that
 * exists in the text. (A key's column is its value's.) Line 0 when there is no text. */
void nsg_place_locate(struct nsg_place p, uint32_t *ret_line, uint32_t *ret_column);

#endif
