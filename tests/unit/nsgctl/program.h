/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs nsgctl itself, in an empty directory of the test. */
#ifndef TESTS_UNIT_NSGCTL_PROGRAM_H
#define TESTS_UNIT_NSGCTL_PROGRAM_H

#include <stddef.h>

extern char output[1 << 20]; /* of the last run */

/* For cmocka_run_group_tests(): the directory is made and entered, and removed. */
int enter_directory(void **state);
int leave_directory(void **state);

void write_file(const char *name, const void *data, size_t n);

/* Runs `nsgctl words` by the shell; its exit status, and in `output` what it printed (and errors after
 * 2>&1). */
int run(const char *words);
/* The status, and a part of the output. */
void assert_run(const char *words, int status, const char *part);

#endif
