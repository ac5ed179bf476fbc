/* SPDX-License-Identifier: ISC */
/*
 * lib/status/status_text.h - what master tells of the suite (CONTROL_STATUS), read.
 *
 *   master PID STATE KEY=VALUE...
 *   service NAME INSTANCE STATE PID UPTIME RESTARTS KEY=VALUE...
 *   stat SERVICE INSTANCE METRIC[{LABELS}] VALUE
 *   beside SERVICE INSTANCE METRIC[{LABELS}] VALUE	of a process that is leaving, or on trial
 *
 * METRIC begins with "relais_", or is for the command only.
 * VALUE is a whole number, one in milliseconds ("12ms") or microseconds ("12us"), or a histogram
 * (histogram.h). Lines and keys that are not known are passed over, so that command and suite may
 * be of different versions.
 *
 * Pure. Runs in: CLI, metrics. Trusts: nothing of the text but its length.
 */
#ifndef RELAIS_STATUS_TEXT_H
#define RELAIS_STATUS_TEXT_H

#include "bytes.h"
#include "histogram.h"

#define STATUS_LINES_MAX 400000

/* Numbers of which nothing was told are STATUS_UNKNOWN. */
#define STATUS_UNKNOWN UINT64_MAX

struct status_process {
	struct bytes service; /* "master" too */
	struct bytes state;   /* "ready" */
	struct bytes ended;   /* how the one before it ended: "signal:9"; empty: none did */
	struct bytes version; /* empty: as master's */
	uint64_t instance, pid, uptime_s, restarts;
	uint64_t ended_s;             /* so long ago */
	uint64_t started;             /* seconds since 1970 */
	uint64_t rss, data, data_max; /* octets: in memory; private; their limit */
	uint64_t files, files_max;    /* descriptors */
	uint64_t cpu_ms;
	bool beside; /* another one has its place, or has it still */
};

enum status_scale {
	SCALE_ONE,
	SCALE_MS,
	SCALE_US,
	SCALE_HISTOGRAM
};

struct status_sample {
	struct bytes service;
	uint64_t instance;
	struct bytes name, labels; /* labels: what stands between the braces */
	struct bytes text;         /* of the value, digits only */
	uint64_t value;
	enum status_scale scale;
	bool beside;
};

struct status {
	struct status_process master;
	struct bytes hostname;
	size_t n_processes, n_samples;
	struct status_process *processes; /* those of a service follow each other */
	struct status_sample *samples;
};

/* Borrows from text. false: there is no line of master, this is no such text; *s is to be freed
 * in either case. */
MUST_USE bool status_parse(struct bytes text, struct status *s);
void status_free(struct status *s);

/* A sample in its base unit (seconds). Of a histogram: how many were counted. */
double status_value(const struct status_sample *m);

/* All processes' together; service NULL: of all services; labels NULL: whatever they are. With
 * gauges, those beside count too (gauge). */
double status_sum(
	const struct status *s, const char *service, const char *name, const char *labels);
double status_gauge(
	const struct status *s, const char *service, const char *name, const char *labels);

/* What was counted a second between two of them: a process that started meanwhile began at 0. */
double status_rate(const struct status *before, const struct status *now, double seconds,
	const char *service, const char *name, const char *labels);

/* The value of one label, "mx" of 'name="mx",other="x"'; BYTES_NONE: it is not there. Backslashes
 * are left as they are. */
struct bytes status_label(struct bytes labels, const char *name);

#endif
