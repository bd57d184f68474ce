/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows and goals of the classifier's bench: a table for people, JSON for programs. */
#ifndef NSG_BENCH_CLASSIFIER_REPORT_H
#define NSG_BENCH_CLASSIFIER_REPORT_H

#include <stdbool.h>

#include <jansson.h>

#define REPORT_MAX_SAMPLES 64

struct spread {
	double median, min, max;
};

/* n at most REPORT_MAX_SAMPLES. */
struct spread spread_of(const double *samples, unsigned int n);

struct report {
	json_t *rows, *goals;
};

struct report report_new(void);
/* Prints a row at once. A ratio of 0 is none. */
void report_row(struct report *r, const char *where, const char *what, const char *unit,
		struct spread s, struct spread ratio);
void report_value(struct report *r, const char *where, const char *what, const char *unit,
		  double value);
/* at_least: the ratio must reach the goal; else it must not pass it. */
void report_goal(struct report *r, const char *where, const char *what, double ratio, double goal,
		 bool at_least);
/* Takes over another program's report; a missing file is none. */
void report_join(struct report *r, const char *path);
/* Prints the goals, writes all of it. False when the file cannot be written. */
bool report_end(struct report *r, const char *path);

#endif
