/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [metrics] textfile, written in a thread of its own: the event loop never waits for a disk. */
#ifndef NSG_NSGD_METRICS_FILE_H
#define NSG_NSGD_METRICS_FILE_H

struct metrics_file;

/* -errno. */
int metrics_file_new(const char *path, struct metrics_file **ret);

/* Replaces the file, and a text that has not been written yet. A failure of an earlier text is logged
 * when it begins, and so is its end. Takes text, which is malloc'ed; NULL: there was no memory for
 * it. */
void metrics_file_put(struct metrics_file *f, char *text);

/* Removes the file, so that no scrape takes the values of a stopped instance for present ones. Waits
 * a second at most; a thread that is not done then has what it uses until the process exits. NULL is
 * fine; returns NULL. */
struct metrics_file *metrics_file_free(struct metrics_file *f);

#endif
