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
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "random.h"
#include "siphash.h"

#define CACHE_WAYS   4
#define HASH_MAX     384 /* CRYPT_OUTPUT_SIZE */
#define PASSWORD_MAX 512 /* CRYPT_MAX_PASSPHRASE_SIZE */

struct digest {
	uint64_t half[2];
};

struct cached {
	struct digest digest;
	uint64_t until_ms; /* 0: empty */
};

struct job {
	STAILQ_ENTRY(job) link;
	char *hash, *password;
	struct digest digest;
	bool impossible; /* hash something, but the answer is PASSWORD_WRONG */
	enum password_result result;
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
	struct passwords_counters counters; /* the event loop's thread only */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct jobs waiting, finished;
	bool stop;
};

/* The password goes from memory before the memory goes. */
static void
job_free(struct job *j)
{
	explicit_bzero(j->password, strlen(j->password));
	free(j->password);
	free(j->hash);
	free(j);
}

static bool
same_text(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned differ = 0;

	if (n != strlen(b))
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned)(unsigned char)a[i] ^ (unsigned char)b[i];
	return differ == 0;
}

static void *
hash_thread(void *arg)
{
	struct passwords *p = arg;
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	const uint64_t one = 1;
	struct job *j;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->stop && STAILQ_EMPTY(&p->waiting))
			pthread_cond_wait(&p->work, &p->lock);
		if (p->stop)
			break;
		j = STAILQ_FIRST(&p->waiting);
		STAILQ_REMOVE_HEAD(&p->waiting, link);
		pthread_mutex_unlock(&p->lock);

		const char *out = crypt_rn(j->password, j->hash, data, sizeof(*data));

		j->result = out != NULL && same_text(out, j->hash) && !j->impossible
				    ? PASSWORD_RIGHT
				    : PASSWORD_WRONG;
		explicit_bzero(data, sizeof(*data));

		pthread_mutex_lock(&p->lock);
		STAILQ_INSERT_TAIL(&p->finished, j, link);
		if (write(p->fd, &one, sizeof(one)) < 0)
			ASSERT(errno == EAGAIN); /* full: readable all the same */
	}
	pthread_mutex_unlock(&p->lock);
	free(data);
	return NULL;
}

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
	STAILQ_INIT(&p->waiting);
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
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	drop_jobs(&p->waiting);
	drop_jobs(&p->finished);
	pthread_cond_destroy(&p->work);
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
digest_of(const struct passwords *p, struct bytes account, struct bytes hash, struct bytes password)
{
	struct buf b = BUF_INIT;
	struct digest d;

	/* lengths in front: no two triples are the same octets */
	buf_put_u64(&b, account.n);
	buf_put_bytes(&b, account);
	buf_put_u64(&b, hash.n);
	buf_put_bytes(&b, hash);
	buf_put_bytes(&b, password);
	d.half[0] = siphash(&p->keys[0], buf_bytes(&b));
	d.half[1] = siphash(&p->keys[1], buf_bytes(&b));
	explicit_bzero(b.data, b.cap);
	buf_free(&b);
	return d;
}

static struct cached *
cache_set(struct passwords *p, const struct digest *d)
{
	return &p->cache[(d->half[0] & (p->cache_sets - 1)) * CACHE_WAYS];
}

static bool
cache_has(struct passwords *p, const struct digest *d)
{
	struct cached *set;
	uint64_t now = clock_mono_ms();

	if (p->cache == NULL)
		return false;
	set = cache_set(p, d);
	for (size_t i = 0; i < CACHE_WAYS; i++)
		if (set[i].until_ms > now && set[i].digest.half[0] == d->half[0] &&
			set[i].digest.half[1] == d->half[1])
			return true;
	return false;
}

/* In place of the one that would go first. */
static void
cache_put(struct passwords *p, const struct digest *d)
{
	struct cached *set, *oldest;

	if (p->cache == NULL)
		return;
	set = oldest = cache_set(p, d);
	for (size_t i = 1; i < CACHE_WAYS; i++)
		if (set[i].until_ms < oldest->until_ms)
			oldest = &set[i];
	*oldest = (struct cached){ *d, clock_mono_ms() + p->options.cache_ms };
}

static char *
to_str(struct bytes b)
{
	char *s = xmalloc(b.n + 1);

	if (b.n > 0)
		memcpy(s, b.p, b.n);
	s[b.n] = 0;
	return s;
}

static void
remember_cost(struct passwords *p, struct bytes hash)
{
	free(p->dummy);
	p->dummy = to_str(hash);
}

enum password_result
passwords_check(struct passwords *p, struct bytes account, struct bytes hash, struct bytes password,
	password_done_fn *done, void *arg)
{
	bool usable = hash.n > 1 && hash.n < HASH_MAX && hash.p[0] == '$' &&
		      bytes_find(hash, 0) == BYTES_NOT_FOUND;
	/* a NUL would end the password early for crypt(3) */
	bool sayable = password.n < PASSWORD_MAX && bytes_find(password, 0) == BYTES_NOT_FOUND;
	struct digest digest = digest_of(p, account, hash, password);
	struct job *j;

	if (usable && sayable && cache_has(p, &digest)) {
		p->counters.cached++;
		return PASSWORD_RIGHT;
	}
	if (p->counters.waiting >= p->options.queue_max) {
		p->counters.refused++;
		return PASSWORD_LATER;
	}
	if (usable)
		remember_cost(p, hash);
	j = xcalloc(1, sizeof(*j));
	j->hash = usable ? to_str(hash) : xstrdup(p->dummy);
	j->password = sayable ? to_str(password) : xstrdup("x");
	j->digest = digest;
	j->impossible = !usable || !sayable;
	j->done = done;
	j->arg = arg;
	p->counters.waiting++;
	pthread_mutex_lock(&p->lock);
	STAILQ_INSERT_TAIL(&p->waiting, j, link);
	pthread_cond_signal(&p->work);
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
		if (j->result == PASSWORD_RIGHT)
			cache_put(p, &j->digest);
		j->done(j->arg, j->result);
		job_free(j);
	}
}

struct passwords_counters
passwords_counters(const struct passwords *p)
{
	return p->counters;
}
