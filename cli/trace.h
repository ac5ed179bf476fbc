/* SPDX-License-Identifier: ISC */
/* cli/trace.h - a message's story, as the log and the queue tell it. Private to trace*.c. */
#ifndef RELAIS_CLI_TRACE_H
#define RELAIS_CLI_TRACE_H

#include <jansson.h>

#include "log_line.h"
#include "queue.h"

#define STORIES_MAX      500  /* messages in one answer */
#define STORY_EVENTS_MAX 2000 /* lines of one of them; what is over is counted */
#define STORY_ID_MAX     24

struct story_event {
	uint64_t time_s;
	enum log_event kind;
	/* as in log_fields; text of LOG_OTHER and LOG_REJECT is in reply */
	struct bytes service, to, orig_to, relay, delay, delays, dsn, status, reply, child;
};

struct story {
	char id[STORY_ID_MAX];
	char parent[STORY_ID_MAX]; /* of which it is a report */
	struct bytes from, size, nrcpt, message_id;
	struct bytes service, client, method, login, session, tls;
	uint64_t first_s, accepted_s, removed_s;
	bool known_from; /* "queue active" was seen */
	size_t n, over;  /* events; not kept */
	struct story_event *events;
	/* in the queue now: its entry as text and as JSON */
	bool waiting;
	char *now_text;
	json_t *now;
};

struct trace {
	struct arena arena; /* all strings */
	size_t n;
	struct story *stories; /* in the order in which they were found */
	uint32_t *slots;       /* hash of the id to number + 1 */
	size_t n_refused;      /* lines of refused recipients that the question is about */
	struct story_event *refused;
	uint64_t since_s;
};

void trace_init(struct trace *t);
void trace_free(struct trace *t);
struct story *trace_find(struct trace *t, struct bytes id);
struct story *trace_add(struct trace *t, struct bytes id); /* NULL: too many */

/* A line's time, seconds since 1970; a log without years takes the file's. */
uint64_t trace_time(const struct log_time *t, uint64_t file_mtime_s);

/* A line into the stories that it belongs to. */
struct tls_seen; /* by process: the last connection that began TLS */
struct tls_seen *tls_seen_new(void);
void trace_take(struct trace *t, struct tls_seen *seen, const struct log_line *l, uint64_t mtime_s);
void trace_keep_refused(struct trace *t, const struct log_line *l, uint64_t mtime_s);

/* trace_show.c */
void trace_print(const struct trace *t);
void trace_print_json(const struct trace *t);

#endif
