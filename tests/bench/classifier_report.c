/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/classifier_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct spread spread_of(const double *samples, unsigned int n)
{
	double sorted[REPORT_MAX_SAMPLES];

	memcpy(sorted, samples, n * sizeof(*samples));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return (struct spread){(sorted[n / 2] + sorted[(n - 1) / 2]) / 2, sorted[0], sorted[n - 1]};
}

struct report report_new(void)
{
	return (struct report){json_array(), json_array()};
}

void report_row(struct report *r, const char *where, const char *what, const char *unit,
		struct spread s, struct spread ratio)
{
	(void)json_array_append_new(
	    r->rows, json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "bench",
			       "classifier", "case", where, "what", what, "unit", unit, "median",
			       s.median, "min", s.min, "max", s.max, "ratio", ratio.median,
			       "ratioMin", ratio.min, "ratioMax", ratio.max));
	printf("%-34s %-32s %9.2f %-3s (%.2f - %.2f)", where, what, s.median, unit, s.min, s.max);
	if (ratio.median > 0)
		printf("   x %.2f (%.2f - %.2f)", ratio.median, ratio.min, ratio.max);
	printf("\n");
	(void)fflush(stdout);
}

void report_value(struct report *r, const char *where, const char *what, const char *unit,
		  double value)
{
	report_row(r, where, what, unit, (struct spread){value, value, value}, (struct spread){0});
}

void report_goal(struct report *r, const char *where, const char *what, double ratio, double goal,
		 bool at_least)
{
	bool met = at_least ? ratio >= goal : ratio <= goal;
	char name[160];

	(void)snprintf(name, sizeof(name), "%s: %s", where, what);
	(void)json_array_append_new(r->goals,
				    json_pack("{s:s, s:s, s:f, s:f, s:b, s:b}", "bench",
					      "classifier", "name", name, "ratio", ratio, "goal",
					      goal, "atLeast", at_least, "met", met));
}

void report_join(struct report *r, const char *path)
{
	json_t *other = json_load_file(path, 0, NULL);

	(void)json_array_extend(r->rows, json_object_get(other, "rows"));
	(void)json_array_extend(r->goals, json_object_get(other, "goals"));
	json_decref(other);
}

bool report_end(struct report *r, const char *path)
{
	json_t *all, *goal;
	bool written;
	size_t i;

	printf("\n");
	json_array_foreach(r->goals, i, goal)
	    printf("%-72s %9.4g %s %-6.3g %s\n", json_string_value(json_object_get(goal, "name")),
		   json_real_value(json_object_get(goal, "ratio")),
		   json_is_true(json_object_get(goal, "atLeast")) ? ">=" : "<=",
		   json_real_value(json_object_get(goal, "goal")),
		   json_is_true(json_object_get(goal, "met")) ? "met" : "NOT MET");
	all = json_pack("{s:o, s:o}", "rows", r->rows, "goals", r->goals);
	written = all && !json_dump_file(all, path, JSON_INDENT(1));
	json_decref(all);
	return written;
}
