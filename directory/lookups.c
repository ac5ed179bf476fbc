/* SPDX-License-Identifier: ISC */
/*
 * directory/lookups.c - the threads that ask the database, see the header.
 *
 * Runs in:  directory.
 */
#include "lookups.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "map_layers.h"
#include "map_postgresql.h"

#define LOG_EVERY_MS 10000
#define ERROR_MAX    300

struct job {
	STAILQ_ENTRY(job) link;
	lookup_work_fn *work;
	lookup_done_fn *done;
	void *arg;
};

STAILQ_HEAD(jobs, job);

struct thread {
	struct lookups *l;
	pthread_t id;
	struct pg *pg;
	struct directory_tables tables;
	struct arena config; /* what tables borrows */
	uint64_t generation;
};

struct lookups {
	struct lookups_options options; /* its strings are ours */
	struct thread *threads;
	unsigned nthreads; /* running */
	struct map_cache *cache;
	int fd;
	/* the event loop's */
	unsigned waiting;
	uint64_t done, refused, logged_ms;
	bool down;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct jobs asked, answered;
	struct directory_tables config; /* options only */
	struct arena config_arena;
	uint64_t generation;
	uint64_t failed, good; /* jobs with and without an error of the database */
	char error[ERROR_MAX];
	bool stop;
};

/* ---- in the threads ----------------------------------------------------------------------- */

static void
open_maps(struct thread *t)
{
	const struct lookups_options *o = &t->l->options;

	tables_open(&t->tables, o->folder);
	for (int kind = 0; kind < TABLE_KINDS; kind++) {
		struct map *m = &t->tables.maps[kind], database;

		if (o->queries[kind] == NULL || o->queries[kind][0] == 0)
			continue;
		database = map_open_postgresql(t->pg, (enum table_kind)kind, o->queries[kind]);
		if (t->l->cache != NULL)
			database = map_open_cached(database, t->l->cache, (unsigned)kind);
		*m = map_open_chain(database, *m);
	}
}

/* Called with the lock held. */
static void
take_config(struct thread *t)
{
	if (t->generation == t->l->generation)
		return;
	t->generation = t->l->generation;
	arena_reset(&t->config);
	tables_copy_options(&t->tables, &t->l->config, &t->config);
}

/* What became of the database in this job; with the lock held. */
static void
note_state(struct thread *t)
{
	const char *error = pg_take_error(t->pg);

	if (error[0] != 0) {
		t->l->failed++;
		snprintf(t->l->error, sizeof(t->l->error), "%s", error);
	} else if (pg_is_connected(t->pg))
		t->l->good++;
}

static void *
look_up_thread(void *arg)
{
	struct thread *t = arg;
	struct lookups *l = t->l;
	const uint64_t one = 1;
	struct job *j;

	pthread_mutex_lock(&l->lock);
	for (;;) {
		while (!l->stop && STAILQ_EMPTY(&l->asked))
			pthread_cond_wait(&l->work, &l->lock);
		if (l->stop)
			break;
		j = STAILQ_FIRST(&l->asked);
		STAILQ_REMOVE_HEAD(&l->asked, link);
		take_config(t);
		pthread_mutex_unlock(&l->lock);

		tables_refresh(&t->tables);
		j->work(&t->tables, j->arg);

		pthread_mutex_lock(&l->lock);
		note_state(t);
		STAILQ_INSERT_TAIL(&l->answered, j, link);
		if (write(l->fd, &one, sizeof(one)) < 0)
			ASSERT(errno == EAGAIN); /* full: readable all the same */
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* ---- in the event loop's thread ------------------------------------------------------------ */

struct lookups *
lookups_new(const struct lookups_options *options)
{
	struct lookups *l = xcalloc(1, sizeof(*l));

	l->options = *options;
	l->options.folder = xstrdup(options->folder);
	l->options.conninfo = xstrdup(options->conninfo);
	for (int kind = 0; kind < TABLE_KINDS; kind++)
		l->options.queries[kind] =
			options->queries[kind] == NULL ? NULL : xstrdup(options->queries[kind]);
	if (options->cache_entries > 0 && options->cache_ms > 0)
		l->cache = map_cache_new(options->cache_entries, options->cache_ms);
	l->config_arena = ARENA_INIT;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	STAILQ_INIT(&l->asked);
	STAILQ_INIT(&l->answered);
	l->threads = xcalloc(options->threads, sizeof(*l->threads));
	l->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->fd < 0)
		lookups_free(&l);
	return l;
}

int
lookups_start(struct lookups *l)
{
	const struct pg_options pg = { .conninfo = l->options.conninfo,
		.connect_timeout_ms = l->options.connect_timeout_ms,
		.query_timeout_ms = l->options.query_timeout_ms };

	for (; l->nthreads < l->options.threads; l->nthreads++) {
		struct thread *t = &l->threads[l->nthreads];

		t->l = l;
		t->pg = pg_new(&pg);
		open_maps(t);
		if (pthread_create(&t->id, NULL, look_up_thread, t) != 0) {
			tables_close(&t->tables);
			pg_free(&t->pg);
			return ERR_RESOURCE;
		}
	}
	return ERR_OK;
}

static void
drop_jobs(struct jobs *jobs)
{
	struct job *j;

	while ((j = STAILQ_FIRST(jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(jobs, link);
		free(j);
	}
}

static void
free_options(struct lookups_options *o)
{
	char *conninfo = (char *)(uintptr_t)o->conninfo;

	explicit_bzero(conninfo, strlen(conninfo)); /* has the password */
	free(conninfo);
	free((void *)(uintptr_t)o->folder);
	for (int kind = 0; kind < TABLE_KINDS; kind++)
		free((void *)(uintptr_t)o->queries[kind]);
}

void
lookups_free(struct lookups **lp)
{
	struct lookups *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
	for (unsigned i = 0; i < l->nthreads; i++) {
		struct thread *t = &l->threads[i];

		pthread_join(t->id, NULL);
		tables_close(&t->tables);
		pg_free(&t->pg);
		arena_reset(&t->config);
	}
	drop_jobs(&l->asked);
	drop_jobs(&l->answered);
	map_cache_free(&l->cache);
	pthread_cond_destroy(&l->work);
	pthread_mutex_destroy(&l->lock);
	if (l->fd >= 0)
		close(l->fd);
	arena_reset(&l->config_arena);
	free_options(&l->options);
	free(l->threads);
	free(l);
}

void
lookups_configure(struct lookups *l, const struct directory_tables *t)
{
	pthread_mutex_lock(&l->lock);
	arena_reset(&l->config_arena);
	tables_copy_options(&l->config, t, &l->config_arena);
	l->generation++;
	pthread_mutex_unlock(&l->lock);
}

int
lookups_run(struct lookups *l, lookup_work_fn *work, lookup_done_fn *done, void *arg)
{
	struct job *j;

	if (l->waiting >= l->options.queue_max) {
		l->refused++;
		return ERR_BUSY;
	}
	j = xcalloc(1, sizeof(*j));
	j->work = work;
	j->done = done;
	j->arg = arg;
	l->waiting++;
	pthread_mutex_lock(&l->lock);
	STAILQ_INSERT_TAIL(&l->asked, j, link);
	pthread_cond_signal(&l->work);
	pthread_mutex_unlock(&l->lock);
	return ERR_OK;
}

int
lookups_fd(const struct lookups *l)
{
	return l->fd;
}

/* Said once when it goes and once when it comes; while it is away now and then. */
static void
log_state(struct lookups *l, const char *error, bool failed, bool good)
{
	uint64_t now = clock_mono_ms();

	if (failed && (!l->down || now - l->logged_ms >= LOG_EVERY_MS)) {
		log_error("database: %s", error);
		l->logged_ms = now;
		l->down = true;
	} else if (l->down && good && !failed) {
		log_info("database: it answers again");
		l->down = false;
	}
}

void
lookups_collect(struct lookups *l)
{
	struct jobs answered = STAILQ_HEAD_INITIALIZER(answered);
	char error[ERROR_MAX];
	bool failed, good;
	struct job *j;
	uint64_t n;

	if (read(l->fd, &n, sizeof(n)) < 0)
		ASSERT(errno == EAGAIN || errno == EINTR);
	pthread_mutex_lock(&l->lock);
	STAILQ_CONCAT(&answered, &l->answered);
	failed = l->error[0] != 0;
	good = l->good > 0;
	memcpy(error, l->error, sizeof(error));
	l->error[0] = 0;
	l->good = 0;
	pthread_mutex_unlock(&l->lock);
	log_state(l, error, failed, good);
	while ((j = STAILQ_FIRST(&answered)) != NULL) {
		STAILQ_REMOVE_HEAD(&answered, link);
		l->waiting--;
		l->done++;
		j->done(j->arg);
		free(j);
	}
}

struct lookups_counters
lookups_counters(const struct lookups *l)
{
	struct lookups *locked = (struct lookups *)(uintptr_t)l;
	struct lookups_counters c = {
		.done = l->done, .refused = l->refused, .waiting = l->waiting
	};

	pthread_mutex_lock(&locked->lock);
	c.failed = l->failed;
	pthread_mutex_unlock(&locked->lock);
	return c;
}
