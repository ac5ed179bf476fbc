/* SPDX-License-Identifier: ISC */
/* cli/status.h - what relais status and relais top share. */
#ifndef RELAIS_CLI_STATUS_H
#define RELAIS_CLI_STATUS_H

#include "cli.h"
#include "status_text.h"

/* What master told at one time. */
struct snapshot {
	struct buf text;
	struct status status; /* borrows from text */
	uint64_t taken_ms;
};

/* Ask master, on a connection that is kept. CLI_OK, or the exit status after printing the reason;
 * *s is to be freed in either case. */
MUST_USE int snapshot_take(struct cli *cli, int fd, struct snapshot *s);
/* What metrics kept of about a minute ago. false: it has nothing, or does not run. */
bool snapshot_before(struct cli *cli, const struct snapshot *now, struct snapshot *s);
void snapshot_free(struct snapshot *s);

/* Two of them, some time apart. before may have no text: then there are no rates. */
struct view {
	const struct snapshot *now, *before;
	double seconds; /* between them; 0: no rates */
	unsigned columns, rows;
};

/* ---- status_sum.c: all processes of a service together ---- */

#define SUM_PIDS 96

struct service_sum {
	struct bytes name, state; /* state: of one that is not ready */
	unsigned n, ready;
	uint64_t uptime_s; /* of the youngest */
	uint64_t restarts, rss;
	double memory, files; /* percent of their limits: the worst */
	double cpu;           /* percent of one core; < 0: not known */
	char pids[SUM_PIDS];
};

/* An array to be freed, in master's order. */
struct service_sum *service_sums(const struct view *v, size_t *n);

/* ---- status_show.c: for people, appended to out ---- */

/* Is it healthy? Reasons why not: a line each. */
bool is_healthy(struct cli *cli, const struct view *v, struct buf *reasons);
void put_health(const struct view *v, bool healthy, struct bytes reasons, struct buf *out);
void put_services(const struct view *v, struct buf *out); /* in columns */
void put_doors(const struct view *v, struct buf *out);
void put_queue(const struct view *v, struct buf *out);
void put_destinations(const struct view *v, struct buf *out, unsigned most);
void put_resources(const struct view *v, struct buf *out);

/* A rate, or "-" if none is known. */
const char *rate_text(const struct view *v, const char *service, const char *name, char out[16]);

/* ---- status_json.c ---- */
void print_status_json(const struct view *v, bool healthy, struct bytes reasons);

/* "45 s", "12 m", "3 h 05", "8 d": at most six columns */
#define SHORT_TIME 24
const char *short_time(uint64_t seconds, char out[SHORT_TIME]);

#endif
