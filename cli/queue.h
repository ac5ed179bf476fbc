/* SPDX-License-Identifier: ISC */
/* cli/queue.h - what the verbs of relais queue share. */
#ifndef RELAIS_CLI_QUEUE_H
#define RELAIS_CLI_QUEUE_H

#include <jansson.h>
#include <stdio.h>

#include "cli.h"
#include "printed.h"
#include "queue_id.h"
#include "queue_msg.h"

/* What stands behind the verb. */
struct queue_words {
	struct queue_filter filter; /* strings borrow from argv */
	bool filtered;              /* one of its options was given */
	bool json, yes, all, content, senders, once;
	uint64_t limit;      /* 0: none */
	uint64_t interval_s; /* 0: not given */
	size_t n_ids;
	uint64_t *ids;    /* the caller's to free */
	const char *site; /* the one word that is no id; flush */
};

enum queue_word { /* which ones a verb knows */
	WORD_FILTER = 1,
	WORD_JSON = 2,
	WORD_LIMIT = 4,
	WORD_YES = 8, /* and --all */
	WORD_CONTENT = 16,
	WORD_IDS = 32,
	WORD_SENDERS = 64,
	WORD_INTERVAL = 128, /* and --once */
	WORD_SITE = 256
};

/* false after printing what is wrong. */
bool queue_words(struct queue_words *w, unsigned known, int argc, char *argv[]);

/* Every message that the filter lets through, a page after the other; recipients for which an
 * answer has no room follow in calls with entry->continued. show may return false: enough. ERR_OK,
 * or an error after printing it. */
struct queue_walk {
	struct queue_filter filter;
	uint64_t from_id;
	uint32_t max_rcpts; /* as in struct queue_list */
	uint64_t limit;     /* messages; 0: all */
	uint64_t total;     /* out: in the queue */
	bool more;          /* out: the limit ended it */
	bool (*show)(void *ctx, const struct queue_list_entry *e, const struct queue_list_rcpt *r);
	void *ctx;
};
MUST_USE int queue_walk(struct cli *cli, int fd, struct queue_walk *w);

/* One order, or one for many, which is asked on until all is done. *a: sums. ERR_OK or an error
 * after printing it, where the answer has none. */
MUST_USE int queue_order_all(
	struct cli *cli, int fd, const struct queue_order *m, struct queue_order_answer *a);

const char *queue_state_name(uint32_t state);
/* "12 s", "3 min", "5 h 2 min", "8 d 4 h"; "12.3 KiB" */
#define HUMAN_TEXT 32
const char *human_time(uint64_t seconds, char out[HUMAN_TEXT]);
const char *human_size(uint64_t octets, char out[HUMAN_TEXT]);

/* "90", "15m", "2d": seconds */
bool queue_parse_time(const char *text, uint64_t *seconds);

/* One message of a list: as JSON; and as lines of text for a person, to be freed. */
json_t *queue_entry_json(const struct queue_list_entry *e, const struct queue_list_rcpt *r);
char *queue_entry_text(const struct queue_list_entry *e, const struct queue_list_rcpt *r);

/* Who waits how long, by domain. The rows borrow from the answer: valid until the next question.
 * ERR_OK, or an error after printing it. */
MUST_USE int queue_ask_shape(
	struct cli *cli, int fd, const struct queue_shape *ask, struct queue_shape_answer *a);

/* Verbs. */
int queue_list(struct cli *cli, int fd, int argc, char *argv[]);
int queue_show(struct cli *cli, int fd, int argc, char *argv[]);
int queue_stats(struct cli *cli, int fd, int argc, char *argv[]);
int queue_watch(struct cli *cli, int fd, int argc, char *argv[]);
int queue_give_order(struct cli *cli, int fd, int argc, char *argv[]); /* argv[0]: which */

#endif
