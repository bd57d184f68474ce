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

/* Identifies the content of a file: two equal identities that are settled have the same content. */
struct nsg_file_identity {
	uint64_t dev, ino, size_bytes;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode;	 /* st_mode; 0: not from a file */
	bool is_settled; /* a later change is certain to alter ctime_ns */
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
 * A place in a document. `pointer` is relative to the value-th JSON value of the file and belongs
 * to an arena that outlives the place. A NULL source: no place. A NULL pointer: the value itself. A
 * source without text: a directory, which has no lines.
 */
struct nsg_place {
	const struct nsg_source *source;
	uint32_t value;
	/* If not 0, the place is byte at - 1 of the text, which is not valid JSON. */
	uint32_t at;
	const char *pointer;
};

/* Takes *text on success only; NULL: a file that could not be read, or a directory. -ENOMEM. */
int nsg_sources_add(struct nsg_sources *s, const char *path, char **text, size_t size_bytes,
		    const struct nsg_source **ret);
/* Sets the identity of the source that was added last. */
void nsg_sources_set_file(struct nsg_sources *s, struct nsg_file_identity file);
/* Moves the text to a source that has none; *from then has no secrets. */
void nsg_source_move(struct nsg_source *to, const struct nsg_sources *s,
		     const struct nsg_source *from);
/* Overwrites and frees the text; its places have no line from then on. */
void nsg_source_wipe(struct nsg_source *source);
/* The same for all of them. */
void nsg_sources_wipe(struct nsg_sources *s);
/* Overwrites the texts, which may contain secrets (app settings), and frees all. Places into them
 * become invalid. */
void nsg_sources_done(struct nsg_sources *s);

/* Line and column of the place, from 1 and in characters: of the deepest part of its pointer that
 * exists in the text. For a member they are its value's. Line 0 without a text. */
void nsg_place_locate(struct nsg_place p, uint32_t *ret_line, uint32_t *ret_column);

#endif
