/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/deliver.c - a batch of jobs becomes messages in mailboxes.
 *
 * No event loop, no channel: jobs and descriptors go in, outcomes come out. The store writes
 * tmp/, renames and updates the index; it names the file by queue id and recipient, so that
 * a job done twice makes one message. Nothing is flushed here: qmgr keeps the message until
 * a SYNC has succeeded.
 *
 * Runs in:  local-delivery (user relais-mail, root: the mail root); the children of
 *           system-delivery (the user's own uid, root: the one mailbox).
 * Trusts:   the job after decoding; nothing of the content.
 * Sources:  RFC 3463 (status codes); RFC 5321 sec. 4.4, 6.3.
 */
#include "delivery.h"

#include <stdlib.h>
#include <unistd.h>

#include "home.h"
#include "queue_id.h"
#include "sys.h"

/* Content up to this size is read into memory once, for the header check and the store's
 * index; of larger ones the header check sees this much. */
#define IN_MEMORY_MAX (256u * 1024)

#define TEMPORARY(why, code, text)                                                                 \
	{                                                                                          \
		why, DELIVERY_TEMPORARY, code, text, 0                                             \
	}
#define PERMANENT(why, code, text)                                                                 \
	{                                                                                          \
		why, DELIVERY_PERMANENT, code, text, 0                                             \
	}

static const struct delivery_outcome outcomes[] = {
	/* RFC 3463 */
	{ ERR_OK, DELIVERY_WRITTEN, "2.0.0", "delivered to mailbox", 0 },
	TEMPORARY(ERR_NO_SPACE, "4.3.1", "no space left for mail"),
	TEMPORARY(ERR_IO, "4.3.0", "mailbox could not be written"),
	TEMPORARY(ERR_RESOURCE, "4.3.0", "out of system resources"),
	TEMPORARY(ERR_CORRUPT, "4.2.0", "mailbox is damaged"),
	{ ERR_BUSY, DELIVERY_BUSY, "4.2.0", "mailbox is locked", 0 },
	TEMPORARY(ERR_NOT_FOUND, "4.2.0", "mailbox is not there"),
	TEMPORARY(ERR_DENIED, "4.3.5", "mailbox may not be written"),
	TEMPORARY(ERR_TIMEOUT, "4.3.0", "delivery took too long"),
	TEMPORARY(ERR_PEER, "4.3.0", "delivery ended early"),
	TEMPORARY(DELIVERY_WHY_OWNER, "4.3.5", "mailbox has a forbidden owner"),
	TEMPORARY(DELIVERY_WHY_FULL_FOR_NOW, "4.2.2", "mailbox is full"),
	PERMANENT(DELIVERY_WHY_FULL, "5.2.2", "mailbox is full"),
	PERMANENT(DELIVERY_WHY_LOOP, "5.4.6", "mail loop: delivered to this mailbox before"),
};

struct delivery_outcome
delivery_outcome_for(int why)
{
	for (size_t i = 0; i < NITEMS(outcomes); i++)
		if (outcomes[i].why == why)
			return outcomes[i];
	/* an error nobody thought of must not lose mail */
	return (struct delivery_outcome)TEMPORARY(ERR_IO, "4.3.0", "delivery failed");
}

bool
delivery_within_quota(const struct quota *q, const struct local_delivery_conf *conf,
	const struct delivery_job *job, struct delivery_outcome *outcome)
{
	uint64_t octets = job->prefix.n + job->content.size;

	if (quota_has_room(q, job, octets, (unsigned)conf->quota_grace))
		return true;
	*outcome = delivery_outcome_for(
		conf->quota_full_tempfail ? DELIVERY_WHY_FULL_FOR_NOW : DELIVERY_WHY_FULL);
	return false;
}

/* ---- one job: what the store is to do ---------------------------------------------------- */

/* The beginning of the content, or all of it if *whole. */
static int
read_content(struct deliverer *d, const struct delivery_item *item, struct bytes *out, bool *whole)
{
	const struct content_source *c = &item->job.content;
	uint64_t size = c->size;
	uint8_t *p;
	ssize_t n;

	*whole = true;
	*out = c->octets;
	if (!c->in_fd)
		return ERR_OK;
	*whole = size <= IN_MEMORY_MAX;
	if (!*whole)
		size = IN_MEMORY_MAX;
	p = arena_alloc(&d->arena, size);
	n = sys_pread_full(item->content_fd, p, size, c->offset);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n != size)
		return ERR_IO; /* shorter than qmgr said: never deliver half a message */
	*out = bytes_make(p, size);
	return ERR_OK;
}

/* A missing home is made, a strange one refused. */
static int
check_home(struct deliverer *d, const struct delivery_job *job, const char *home)
{
	int fd;

	if (d->is_home || store_deliverer_holds(d->store, home))
		return ERR_OK; /* nothing else can be reached from here; or it was looked for before
				*/
	fd = home_open(d->root_fd, job->home, true);
	if (fd < 0)
		return fd;
	close(fd);
	return ERR_OK;
}

/* "<queue id>_<recipient>": the same for each try. */
static struct bytes
unique_name(const struct delivery_job *job, struct arena *a)
{
	char id[QUEUE_ID_TEXT_SIZE];

	return bytes_from_str(
		arena_printf(a, "%s_%u", queue_id_text(job->queue_id, id), job->recipient));
}

static struct bytes
folder_of(struct deliverer *d, const struct delivery_job *job)
{
	if ((job->flags & DELIVERY_JUNK) != 0)
		return BYTES_LITERAL("Junk");
	return d->conf->detail_folder ? delivery_folder(job->detail, &d->arena) : BYTES_NONE;
}

/* Fills *out, or the item's outcome and returns false. */
static bool
prepare(struct deliverer *d, struct delivery_item *item, struct store_delivery *out)
{
	const struct delivery_job *job = &item->job;
	const char *home = d->is_home ? "." : arena_str(&d->arena, job->home);
	struct bytes content;
	bool whole;
	int r;

	if (d->quota != NULL && !delivery_within_quota(d->quota, d->conf, job, &item->outcome))
		return false;
	if ((r = check_home(d, job, home)) < 0 ||
		(r = read_content(d, item, &content, &whole)) < 0) {
		item->outcome = delivery_outcome_for(r);
		return false;
	}
	if (d->conf->delivered_to && delivery_loops(content, job->account)) {
		item->outcome = delivery_outcome_for(DELIVERY_WHY_LOOP);
		return false;
	}
	*out = (struct store_delivery){
		.home = home,
		.folder = folder_of(d, job),
		.create_folder = (job->flags & DELIVERY_JUNK) != 0,
		.unique = unique_name(job, &d->arena),
		.arrival = (int64_t)(job->arrival_us / 1000000),
		.repeated = (job->flags & DELIVERY_FIRST_TRY) == 0,
		.prefix = delivery_fields(job, d->conf->delivered_to, &d->arena),
		.content = whole ? content : BYTES_NONE,
		.content_fd = whole ? -1 : item->content_fd,
		.content_offset = job->content.offset,
		.content_length = job->content.size,
	};
	return true;
}

/* ---- a batch ------------------------------------------------------------------------------ */

static int
by_folder(const void *a, const void *b)
{
	const struct delivery_item *x = *(struct delivery_item *const *)a;
	const struct delivery_item *y = *(struct delivery_item *const *)b;
	int r = bytes_compare(x->job.home, y->job.home);

	if (r == 0)
		r = bytes_compare(x->job.detail, y->job.detail);
	if (r == 0)
		r = x < y ? -1 : x > y; /* in the order they came */
	return r;
}

static void
finish(struct deliverer *d, struct delivery_item *item, const struct store_delivered *done)
{
	item->outcome = delivery_outcome_for(done->result);
	if (done->result != ERR_OK || done->was_there)
		return;
	item->outcome.octets = done->octets;
	if (d->quota != NULL)
		quota_delivered(d->quota, &item->job, done->octets);
}

void
deliver_batch(struct deliverer *d, struct delivery_item *items, size_t n)
{
	struct delivery_item *order[DELIVERY_BATCH_MAX];
	struct store_delivery *todo;
	struct store_delivered *done;
	size_t m = 0;

	ASSERT(n <= DELIVERY_BATCH_MAX);
	todo = arena_zalloc(&d->arena, n * sizeof(*todo));
	done = arena_zalloc(&d->arena, n * sizeof(*done));
	for (size_t i = 0; i < n; i++)
		order[i] = &items[i];
	qsort(order, n, sizeof(order[0]), by_folder);
	for (size_t i = 0; i < n; i++) {
		if (!prepare(d, order[i], &todo[m]))
			continue;
		order[m++] = order[i];
	}
	store_deliver_many(d->store, todo, m, done);
	for (size_t i = 0; i < m; i++)
		finish(d, order[i], &done[i]);
	arena_reset(&d->arena);
}
