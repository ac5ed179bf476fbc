/* SPDX-License-Identifier: ISC */
/*
 * directory/passwords.c - a bounded pool of hashing threads and a cache of keyed digests.
 *
 * Runs in:  directory.
 * Trusts:   the tables' hashes; passwords may be any octets.
 */
#include "passwords.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "password_record.h"
#include "random.h"
#include "sasl_prep.h"
#include "siphash.h"

#define CACHE_WAYS   4
#define PASSWORD_MAX 1024
#define SLOW_NICE    15

struct digest {
	uint64_t half[2];
};

struct cached {
	struct digest digest;
	uint64_t until_ms; /* 0: empty */
	unsigned which;    /* number of the record in the line */
};

struct job {
	STAILQ_ENTRY(job) link;
	struct buf line;     /* empty: check the dummy, the answer is PASSWORD_WRONG */
	struct buf dummy;    /* a record as costly as others */
	struct buf password; /* as it came */
	struct buf prepared; /* another form of it, or empty */
	struct digest digest;
	unsigned which;
	struct password_answer answer;
	password_done_fn *done;
	void *arg;
};

STAILQ_HEAD(jobs, job);

struct passwords {
	struct passwords_options options;
	struct siphash_key keys[2];
	struct cached *cache;
	size_t cache_sets; /* a power of two, or 0 */
	char *dummy;       /* a hash as costly as the last one checked */
	int fd;
	pthread_t *threads;
	unsigned nthreads;
	pthread_t slow_thread;
	bool has_slow_thread;
	struct passwords_counters counters; /* the event loop's thread only */

	pthread_mutex_t lock;           /* guards what follows */
	pthread_cond_t work, slow_work; /* for the threads; for the slow one */
	struct jobs waiting[PASSWORD_PRIORITIES], finished;
	bool stop;
};

static void
job_free(struct job *j)
{
	buf_free(&j->line);
	buf_free(&j->dummy);
	buf_free(&j->password);
	buf_free(&j->prepared);
	free(j);
}

/* ---- in the threads ---- */

static bool
is_scram(struct bytes record)
{
	return bytes_starts_with_nocase(record, BYTES_LITERAL("{SCRAM-"));
}

/* Of the records with a name, the one that a password is checked against. */
static struct bytes
record_for(struct bytes line, struct bytes name)
{
	struct account_password p;
	struct bytes best = BYTES_NONE;

	while (account_next_password(&line, &p) > 0) {
		if (!bytes_equal(p.name, name))
			continue;
		if (!is_scram(p.record))
			return p.record;
		if (best.n == 0)
			best = p.record;
	}
	return best;
}

static bool
verify(const struct job *j, struct bytes record)
{
	if (j->prepared.len > 0 && password_record_verify(record, buf_bytes(&j->prepared)))
		return true;
	return password_record_verify(record, buf_bytes(&j->password));
}

static bool
is_right(struct job *j)
{
	struct bytes line = buf_bytes(&j->line), rest = line, main_record;
	struct account_password p;

	/* ours are cheap, so this shows nobody whether there are any */
	for (j->which = 1; account_next_password(&rest, &p) > 0; j->which++)
		if (p.name.n > 0 && p.record.p == record_for(line, p.name).p && verify(j, p.record))
			return true;
	main_record = record_for(line, BYTES_NONE);
	if (main_record.n == 0 || password_record_is_none(main_record)) {
		(void)verify(j, buf_bytes(&j->dummy));
		return false;
	}
	j->which = 0;
	return verify(j, main_record);
}

/* What a right password is good for; which: 0 the main one, else the number of its record. */
static void
describe(struct bytes line, unsigned which, struct password_answer *out)
{
	struct account_password p;

	*out = (struct password_answer){ .result = PASSWORD_RIGHT, .protocols = ACCOUNT_PROTOCOLS };
	if (which == 0)
		return;
	for (unsigned i = 0; i < which; i++)
		ASSERT(account_next_password(&line, &p) > 0);
	out->protocols = p.protocols;
	bytes_to_str(p.name, out->app, sizeof(out->app));
}

/* The next that waits, of these priorities; the lock is held. */
static struct job *
take(struct passwords *p, size_t first, size_t last)
{
	struct job *j;

	for (size_t i = first; i <= last; i++)
		if ((j = STAILQ_FIRST(&p->waiting[i])) != NULL) {
			STAILQ_REMOVE_HEAD(&p->waiting[i], link);
			return j;
		}
	return NULL;
}

static void
hash(struct passwords *p, size_t first, size_t last, pthread_cond_t *work)
{
	const uint64_t one = 1;
	struct job *j;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->stop && (j = take(p, first, last)) == NULL)
			pthread_cond_wait(work, &p->lock);
		if (p->stop)
			break;
		pthread_mutex_unlock(&p->lock);

		if (is_right(j))
			describe(buf_bytes(&j->line), j->which, &j->answer);
		else
			j->answer = (struct password_answer){ .result = PASSWORD_WRONG };

		pthread_mutex_lock(&p->lock);
		STAILQ_INSERT_TAIL(&p->finished, j, link);
		if (write(p->fd, &one, sizeof(one)) < 0)
			ASSERT(errno == EAGAIN); /* full: readable all the same */
	}
	pthread_mutex_unlock(&p->lock);
}

static void *
hash_thread(void *arg)
{
	struct passwords *p = arg;

	hash(p, PASSWORD_FIRST, PASSWORD_NORMAL, &p->work);
	return NULL;
}

/* Suspects are checked by one thread alone, with what time the processors have left. */
static void *
slow_thread(void *arg)
{
	struct passwords *p = arg;

	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), SLOW_NICE);
	hash(p, PASSWORD_LAST, PASSWORD_LAST, &p->slow_work);
	return NULL;
}

/* ---- in the event loop's ---- */

struct passwords *
passwords_new(const struct passwords_options *options)
{
	struct passwords *p = xcalloc(1, sizeof(*p));
	char salt[32], made[CRYPT_GENSALT_OUTPUT_SIZE];

	p->options = *options;
	p->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->fd < 0) {
		free(p);
		return NULL;
	}
	random_fill(p->keys, sizeof(p->keys));
	random_fill(salt, sizeof(salt));
	ASSERT(crypt_gensalt_rn("$y$", 0, salt, sizeof(salt), made, sizeof(made)) != NULL);
	p->dummy = xstrdup(made);
	if (options->cache_max > 0) {
		for (p->cache_sets = 1; p->cache_sets * CACHE_WAYS < options->cache_max;)
			p->cache_sets *= 2;
		p->cache = xcalloc(p->cache_sets * CACHE_WAYS, sizeof(*p->cache));
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->slow_work, NULL);
	for (size_t i = 0; i < PASSWORD_PRIORITIES; i++)
		STAILQ_INIT(&p->waiting[i]);
	STAILQ_INIT(&p->finished);
	return p;
}

int
passwords_start(struct passwords *p)
{
	p->threads = xcalloc(p->options.threads, sizeof(*p->threads));
	for (; p->nthreads < p->options.threads; p->nthreads++)
		if (pthread_create(&p->threads[p->nthreads], NULL, hash_thread, p) != 0)
			return ERR_RESOURCE;
	if (pthread_create(&p->slow_thread, NULL, slow_thread, p) != 0)
		return ERR_RESOURCE;
	p->has_slow_thread = true;
	return ERR_OK;
}

static void
drop_jobs(struct jobs *jobs)
{
	struct job *j;

	while ((j = STAILQ_FIRST(jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(jobs, link);
		job_free(j);
	}
}

void
passwords_free(struct passwords **pp)
{
	struct passwords *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_cond_broadcast(&p->slow_work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	if (p->has_slow_thread)
		pthread_join(p->slow_thread, NULL);
	for (size_t i = 0; i < PASSWORD_PRIORITIES; i++)
		drop_jobs(&p->waiting[i]);
	drop_jobs(&p->finished);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->slow_work);
	pthread_mutex_destroy(&p->lock);
	close(p->fd);
	free(p->threads);
	free(p->cache);
	free(p->dummy);
	explicit_bzero(p->keys, sizeof(p->keys));
	free(p);
}

int
passwords_fd(const struct passwords *p)
{
	return p->fd;
}

static struct digest
digest_of(const struct passwords *p, const struct password_question *q)
{
	struct buf b = BUF_SECRET;
	struct digest d;

	/* lengths in front: no two triples are the same octets */
	buf_put_u64(&b, q->account.n);
	buf_put_bytes(&b, q->account);
	buf_put_u64(&b, q->line.n);
	buf_put_bytes(&b, q->line);
	buf_put_bytes(&b, q->password);
	d.half[0] = siphash(&p->keys[0], buf_bytes(&b));
	d.half[1] = siphash(&p->keys[1], buf_bytes(&b));
	buf_free(&b);
	return d;
}

static struct cached *
cache_set(struct passwords *p, const struct digest *d)
{
	return &p->cache[(d->half[0] & (p->cache_sets - 1)) * CACHE_WAYS];
}

static bool
cache_has(struct passwords *p, const struct digest *d, unsigned *which)
{
	struct cached *set;
	uint64_t now = clock_mono_ms();

	if (p->cache == NULL)
		return false;
	set = cache_set(p, d);
	for (size_t i = 0; i < CACHE_WAYS; i++)
		if (set[i].until_ms > now && set[i].digest.half[0] == d->half[0] &&
			set[i].digest.half[1] == d->half[1]) {
			*which = set[i].which;
			return true;
		}
	return false;
}

/* In place of the one that would go first. */
static void
cache_put(struct passwords *p, const struct digest *d, unsigned which)
{
	struct cached *set, *oldest;

	if (p->cache == NULL)
		return;
	set = oldest = cache_set(p, d);
	for (size_t i = 1; i < CACHE_WAYS; i++)
		if (set[i].until_ms < oldest->until_ms)
			oldest = &set[i];
	*oldest = (struct cached){ *d, clock_mono_ms() + p->options.cache_ms, which };
}

/* What a login that does not exist is checked against costs as much as one that does. */
static void
remember_cost(struct passwords *p, struct bytes record)
{
	if (record.n == 0 || record.n >= PASSWORD_RECORD_MAX || password_record_is_none(record) ||
		password_record_is_weak(record))
		return;
	if (bytes_is(record, p->dummy))
		return;
	free(p->dummy);
	p->dummy = xmalloc(record.n + 1);
	memcpy(p->dummy, record.p, record.n);
	p->dummy[record.n] = 0;
}

static bool
has_room(const struct passwords *p, enum password_priority priority)
{
	static const unsigned quarters[PASSWORD_PRIORITIES] = { 4, 3, 2 };
	unsigned room = p->options.queue_max * quarters[priority] / 4;

	return p->counters.waiting < (room == 0 ? 1 : room);
}

static struct job *
job_new(const struct passwords *p, const struct password_question *q)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->password = j->prepared = BUF_SECRET;
	buf_put_bytes(&j->line, q->line);
	buf_put_str(&j->dummy, p->dummy);
	if (q->password.n <= PASSWORD_MAX)
		buf_put_bytes(&j->password, q->password);
	if (sasl_prep(&j->prepared, q->password, SASL_PREP_QUERY) == ERR_OK &&
		bytes_equal(buf_bytes(&j->prepared), q->password))
		buf_clear(&j->prepared);
	return j;
}

enum password_result
passwords_check(struct passwords *p, const struct password_question *q, password_done_fn *done,
	void *arg, struct password_answer *now)
{
	struct digest digest = digest_of(p, q);
	struct job *j;
	unsigned which;

	if (q->line.n > 0 && cache_has(p, &digest, &which)) {
		p->counters.cached++;
		describe(q->line, which, now);
		now->cached = true;
		return PASSWORD_RIGHT;
	}
	if (!has_room(p, q->priority)) {
		p->counters.refused++;
		*now = (struct password_answer){ .result = PASSWORD_LATER };
		return PASSWORD_LATER;
	}
	remember_cost(p, record_for(q->line, BYTES_NONE));
	j = job_new(p, q);
	j->digest = digest;
	j->done = done;
	j->arg = arg;
	p->counters.waiting++;
	pthread_mutex_lock(&p->lock);
	STAILQ_INSERT_TAIL(&p->waiting[q->priority], j, link);
	pthread_cond_signal(q->priority == PASSWORD_LAST ? &p->slow_work : &p->work);
	pthread_mutex_unlock(&p->lock);
	return PASSWORD_PENDING;
}

void
passwords_collect(struct passwords *p)
{
	struct jobs finished = STAILQ_HEAD_INITIALIZER(finished);
	struct job *j;
	uint64_t n;

	if (read(p->fd, &n, sizeof(n)) < 0)
		ASSERT(errno == EAGAIN || errno == EINTR);
	pthread_mutex_lock(&p->lock);
	STAILQ_CONCAT(&finished, &p->finished);
	pthread_mutex_unlock(&p->lock);
	while ((j = STAILQ_FIRST(&finished)) != NULL) {
		STAILQ_REMOVE_HEAD(&finished, link);
		p->counters.waiting--;
		p->counters.checked++;
		if (j->answer.result == PASSWORD_RIGHT)
			cache_put(p, &j->digest, j->which);
		j->done(j->arg, &j->answer);
		job_free(j);
	}
}

struct passwords_counters
passwords_counters(const struct passwords *p)
{
	return p->counters;
}
