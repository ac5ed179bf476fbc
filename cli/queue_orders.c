/* SPDX-License-Identifier: ISC */
/*
 * cli/queue_orders.c - relais queue hold, release, flush, retry, delete, bounce, requeue.
 *
 * Many at once (a filter, --all) are confirmed at a terminal first, unless --yes; what arrives
 * after the order was given is never meant.
 *
 * Runs in:  relais.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"

static const struct order {
	const char *name, *done;
	enum queue_order_verb verb;
	bool careful;     /* asks before it does it to many */
	const char *busy; /* of those being delivered just now */
} orders[] = {
	{ "hold", "held", QUEUE_ORDER_HOLD, false,
		"being delivered just now: what is under way goes on, the rest is held" },
	{ "release", "released", QUEUE_ORDER_RELEASE, false, NULL },
	{ "flush", "flushed", QUEUE_ORDER_FLUSH, false, NULL },
	{ "retry", "tried again", QUEUE_ORDER_RETRY, false, NULL },
	{ "delete", "deleted", QUEUE_ORDER_DELETE, true,
		"being delivered just now: what is under way may arrive yet" },
	{ "bounce", "bounced", QUEUE_ORDER_BOUNCE, true,
		"being delivered just now: what is under way may arrive, the rest bounces" },
	{ "requeue", "requeued", QUEUE_ORDER_REQUEUE, false, NULL },
};

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Of a filter's, how many there are is not known without looking at all: only --all is counted. */
static bool
confirm(const struct order *o, const struct queue_words *w)
{
	char line[16];

	if (w->yes || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return true;
	fprintf(stderr, "%s %s? [y/N] ", o->name,
		w->filtered ? "all messages that this means" : "ALL messages of the queue");
	return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

static void
print_done(const struct order *o, const struct queue_order_answer *a)
{
	printf("%llu message%s %s\n", (unsigned long long)a->n, plural(a->n), o->done);
	if (a->n_busy > 0 && o->busy != NULL)
		printf("%llu of them %s %s\n", (unsigned long long)a->n_busy,
			a->n_busy == 1 ? "is" : "are", o->busy);
	if (a->n_held > 0)
		printf("%llu %s held and left alone: release %s first\n",
			(unsigned long long)a->n_held, a->n_held == 1 ? "is" : "are",
			a->n_held == 1 ? "it" : "them");
}

static bool
order_many(struct cli *cli, int fd, const struct order *o, const struct queue_words *w,
	struct queue_order_answer *sum)
{
	struct queue_order m = { .verb = o->verb, .filter = w->filter };

	if (o->careful && !confirm(o, w)) {
		fprintf(stderr, "nothing was done\n");
		return false;
	}
	if (m.filter.until_us == 0)
		m.filter.until_us = clock_wall_us();
	if (queue_order_all(cli, fd, &m, sum) < 0)
		return false;
	if (sum->err < 0)
		fprintf(stderr, "%s\n", err_text(sum->err));
	return sum->err == ERR_OK;
}

static const char *
why_not(int err)
{
	if (err == ERR_DENIED)
		return "is held: release it first";
	return err == ERR_NOT_FOUND ? "not in the queue (any more)" : err_text(err);
}

/* Those named by their ids. */
static bool
order_ids(struct cli *cli, int fd, const struct order *o, const struct queue_words *w,
	struct queue_order_answer *sum)
{
	bool ok = true;

	for (size_t i = 0; i < w->n_ids; i++) {
		const struct queue_order m = { .verb = o->verb, .queue_id = w->ids[i] };
		char id[QUEUE_ID_TEXT_SIZE];
		struct queue_order_answer a;

		if (queue_order_all(cli, fd, &m, &a) < 0)
			return false;
		if (a.err < 0)
			fprintf(stderr, "%s: %s\n", queue_id_text(w->ids[i], id), why_not(a.err));
		ok = ok && a.err == ERR_OK;
		sum->n += a.n;
		sum->n_busy += a.n_busy;
	}
	return ok;
}

static int
give(struct cli *cli, int fd, const struct order *o, struct queue_words *w)
{
	struct queue_order_answer sum = { 0 };
	bool ok;

	if (w->n_ids > 0 && (w->filtered || w->all)) {
		fprintf(stderr, "either ids or which ones\n");
		return CLI_USAGE;
	}
	/* "flush" alone means all; everything else must be said */
	if (w->n_ids == 0 && !w->filtered && !w->all && o->verb != QUEUE_ORDER_FLUSH) {
		fprintf(stderr, "%s which ones? ids, a filter, or --all\n", o->name);
		return CLI_USAGE;
	}
	ok = w->n_ids > 0 ? order_ids(cli, fd, o, w, &sum) : order_many(cli, fd, o, w, &sum);
	print_done(o, &sum);
	return ok ? CLI_OK : CLI_FAILED;
}

int
queue_give_order(struct cli *cli, int fd, int argc, char *argv[])
{
	struct queue_words w;

	for (size_t i = 0; i < NITEMS(orders); i++) {
		const struct order *o = &orders[i];
		int status = CLI_USAGE;

		if (strcmp(orders[i].name, argv[0]) != 0)
			continue;
		if (queue_words(&w,
			    WORD_IDS | WORD_FILTER | WORD_YES |
				    (o->verb == QUEUE_ORDER_FLUSH ? WORD_SITE : 0),
			    argc, argv))
			status = give(cli, fd, o, &w);
		free(w.ids);
		return status;
	}
	return -1;
}
