/* SPDX-License-Identifier: ISC */
/*
 * cli/trace.c - relais trace: the story of a message, by its queue id, or of those from and to an
 * address, or with a Message-ID: from the log and what it was rotated to, and from the queue.
 *
 * Runs in:  relais. Reads the log, asks qmgr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "trace.h"
#include "trace_files.h"

#define LIMIT_DEFAULT 20

const char trace_usage[] =
	"relais trace ID|ADDRESS|MESSAGE-ID [--since TIME] [--limit N]\n"
	"                    [--log FILE] [--json]\n"
	"\n"
	"What became of a message and of the reports about it: who brought it, each\n"
	"attempt with its answer, where it is now; of an address the last 20 messages.\n"
	"\n"
	"  --since 12h   no older lines (s, m, h, d, w)\n"
	"  --limit N     so many messages at most\n"
	"  --log FILE    instead of the option log";

struct asked {
	const char *word;
	struct bytes needle;
	bool is_id, is_message_id;
	bool json;
	uint64_t limit, since_s;
	const char *log;
	/* while lines are looked through for ids: a ring of the last `limit` */
	struct trace found;
	char (*ids)[STORY_ID_MAX];
	uint64_t n_ids;
};

/* ---- which messages ---- */

static void
remember(struct asked *a, struct bytes id)
{
	const uint64_t have = a->n_ids < a->limit ? a->n_ids : a->limit;

	if (id.n >= STORY_ID_MAX || a->limit == 0)
		return;
	for (uint64_t i = 0; i < have; i++) /* mostly the last one: a message's lines are near */
		if (bytes_is(id, a->ids[(a->n_ids - 1 - i) % a->limit]))
			return;
	bytes_to_str(id, a->ids[a->n_ids++ % a->limit], STORY_ID_MAX);
}

static bool
is_meant(const struct asked *a, const struct log_line *l)
{
	struct log_fields f;

	if (l->text.n < a->needle.n)
		return false;
	log_line_fields(l, &f);
	if (a->is_message_id)
		return f.event == LOG_MESSAGE_ID && bytes_equal(f.message_id, a->needle);
	switch (f.event) {
	case LOG_ACTIVE:
		return bytes_equal_nocase(f.from, a->needle);
	case LOG_RCPT:
		return bytes_equal_nocase(f.to, a->needle) ||
		       bytes_equal_nocase(f.orig_to, a->needle);
	case LOG_CLIENT:
		return bytes_equal_nocase(f.login, a->needle);
	default:
		return false;
	}
}

/* "<address>" of a line about a refused recipient, whatever the letters' case */
static bool
mentions(struct bytes text, struct bytes address)
{
	for (; text.n >= address.n + 2; text = bytes_skip(text, 1)) {
		const size_t at = bytes_find(text, '<');

		if (at == BYTES_NOT_FOUND || text.n - at < address.n + 2)
			return false;
		text = bytes_skip(text, at);
		if (text.p[address.n + 1] == '>' &&
			bytes_equal_nocase(bytes_make(text.p + 1, address.n), address))
			return true;
	}
	return false;
}

static void
look(void *ctx, const struct log_file *file, struct bytes line)
{
	struct asked *a = ctx;
	struct log_line l;

	if (!log_line_parse(line, &l))
		return;
	if (l.queue_id.n > 0 && is_meant(a, &l)) {
		if (a->since_s == 0 || trace_time(&l.time, file->mtime_s) >= a->since_s)
			remember(a, l.queue_id);
	} else if (l.queue_id.n == 0 && !a->is_message_id &&
		   bytes_starts_with(l.text, BYTES_LITERAL("NOQUEUE: reject: ")) &&
		   mentions(l.text, a->needle)) {
		if (trace_time(&l.time, file->mtime_s) >= a->since_s)
			trace_keep_refused(&a->found, &l, file->mtime_s);
	}
}

/* ---- their stories ---- */

struct gathering {
	struct trace *t;
	struct tls_seen *seen;
};

static void
gather(void *ctx, const struct log_file *file, struct bytes line)
{
	struct gathering *g = ctx;
	struct log_line l;

	if (log_line_parse(line, &l))
		trace_take(g->t, g->seen, &l, file->mtime_s);
}

static void
read_all(const struct log_files *files, log_line_fn *each, void *ctx)
{
	for (size_t i = 0; i < files->n; i++)
		(void)log_file_read(&files->files[i], each, ctx);
}

static void
read_log(struct asked *a, const struct log_files *files)
{
	struct gathering g = { &a->found, tls_seen_new() };
	uint64_t i;

	if (a->is_id) {
		(void)trace_add(&a->found, a->needle);
	} else {
		read_all(files, look, a);
		for (i = a->n_ids > a->limit ? a->n_ids - a->limit : 0; i < a->n_ids; i++)
			(void)trace_add(&a->found, bytes_from_str(a->ids[i % a->limit]));
	}
	if (a->found.n > 0)
		read_all(files, gather, &g);
	free(g.seen);
}

/* ---- the queue ---- */

struct waiting {
	struct story *story;
	uint64_t id;
};

static bool
take_entry(void *ctx, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	struct waiting *w = ctx;

	if (e->queue_id == w->id && !e->continued) {
		w->story->waiting = true;
		w->story->now = queue_entry_json(e, r);
		w->story->now_text = queue_entry_text(e, r);
	}
	return false;
}

/* Those whose end is not in the log. */
static void
ask_queue(struct cli *cli, struct trace *t)
{
	int fd = -1;

	for (size_t i = 0; i < t->n; i++) {
		struct story *s = &t->stories[i];
		struct waiting w = { .story = s };
		struct queue_walk walk = {
			.max_rcpts = 20, .limit = 1, .show = take_entry, .ctx = &w
		};

		if (s->removed_s != 0 || queue_id_parse(bytes_from_str(s->id), &w.id) < 0)
			continue;
		walk.from_id = w.id;
		if (fd < 0 && (!cli_is_running(cli) || (fd = cli_connect(cli, SERVICE_QMGR)) < 0))
			return;
		if (queue_walk(cli, fd, &walk) < 0)
			break;
	}
	if (fd >= 0)
		close(fd);
}

/* ---- the command ---- */

static bool
take_words(struct asked *a, int argc, char *argv[])
{
	struct queue_words w;
	uint64_t id;
	int left = 0;
	bool ok;

	/* the word itself and --log, --since are ours; the rest is as elsewhere */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--log") == 0 && i + 1 < argc)
			a->log = argv[++i];
		else if (strcmp(argv[i], "--since") == 0 && i + 1 < argc) {
			const uint64_t now = clock_wall_us() / 1000000;
			uint64_t s;

			if (!queue_parse_time(argv[++i], &s))
				return false;
			a->since_s = s < now ? now - s : 0;
		} else if (argv[i][0] != '-' && a->word == NULL &&
			   (i == 1 || strcmp(argv[i - 1], "--limit") != 0))
			a->word = argv[i];
		else
			argv[++left] = argv[i];
	}
	ok = queue_words(&w, WORD_JSON | WORD_LIMIT, left + 1, argv);
	free(w.ids);
	a->json = w.json;
	a->limit = w.limit == 0 ? LIMIT_DEFAULT : w.limit < STORIES_MAX ? w.limit : STORIES_MAX;
	if (!ok || a->word == NULL)
		return false;
	a->needle = bytes_from_str(a->word);
	a->is_id = queue_id_parse(a->needle, &id) == ERR_OK;
	a->is_message_id = a->word[0] == '<';
	return a->needle.n > 0;
}

static bool
has_stories(const struct trace *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->stories[i].first_s != 0 || t->stories[i].waiting)
			return true;
	return t->n_refused > 0;
}

/* A Message-ID may be given without its brackets: then it looks like an address. */
static void
find(struct asked *a, const struct log_files *files)
{
	char with_brackets[320];

	read_log(a, files);
	if (a->is_id || a->is_message_id || a->found.n > 0 || a->found.n_refused > 0 ||
		a->needle.n + 3 > sizeof(with_brackets))
		return;
	snprintf(with_brackets, sizeof(with_brackets), "<%s>", a->word);
	a->needle = bytes_from_str(with_brackets);
	a->is_message_id = true;
	read_log(a, files);
	a->needle = BYTES_NONE;
}

static int
run(struct cli *cli, struct asked *a)
{
	struct log_files files;
	bool found;

	if (!cli_load(cli))
		return CLI_FAILED;
	if (a->log == NULL)
		a->log = cli_common(cli)->log;
	if (strcmp(a->log, "syslog") == 0)
		a->log = "/var/log/mail.log";
	if (a->log[0] != '/' && strcmp(a->log, "stderr") == 0) {
		fprintf(stderr, "the log goes to stderr: name the file with --log\n");
		return CLI_FAILED;
	}
	trace_init(&a->found);
	a->found.since_s = a->since_s;
	a->ids = xcalloc(a->limit, sizeof(*a->ids));
	log_files_find(&files, a->log, a->since_s);
	find(a, &files);
	log_files_free(&files);
	ask_queue(cli, &a->found);
	found = has_stories(&a->found);
	if (found && a->json)
		trace_print_json(&a->found);
	else if (found)
		trace_print(&a->found);
	else
		fprintf(stderr, "%s: neither the log (%s) nor the queue knows of it\n", a->word,
			a->log);
	trace_free(&a->found);
	free(a->ids);
	return found ? CLI_OK : CLI_FAILED;
}

int
cmd_trace(struct cli *cli, int argc, char *argv[])
{
	struct asked a = { 0 };

	if (!take_words(&a, argc, argv))
		return cli_usage(trace_usage, NULL);
	return run(cli, &a);
}
