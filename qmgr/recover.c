/* SPDX-License-Identifier: ISC */
/*
 * qmgr/recover.c - the start: what the disk says is in the queue.
 *
 *	1. the names of all message files
 *	2. the journal, oldest record first; what is not finished in it becomes a file
 *	3. one sync for all of that
 *	4. a CHECKPOINT, flushed: the journal is empty
 *
 * Interrupted at any point, it begins again and comes to the same end. Then mail is taken.
 * What is in the files is read afterwards (scan.c): a million take minutes on a slow disk.
 *
 * Runs in:  qmgr, in the jail, before it serves. Trusts: nothing on the disk.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

#define PROGRESS_EVERY_US (UINT64_C(2) * 1000000)

/* What the journal says of one message. */
struct found {
	uint64_t id; /* 0: free slot */
	struct journal_place place;
	bool in_journal; /* a MESSAGE record with its content */
	bool moved;      /* its file is the truth */
	bool removed;
	struct buf events; /* u64 sequence number, u32 length, body; ... */
};

struct recovery {
	struct qmgr *q;
	struct found *table; /* open addressing */
	size_t cap, n;
	uint64_t names, damaged, told_us;
};

/* Now and then: the log is told, and master, which would lose its patience. */
static bool
is_time_to_tell(struct recovery *v)
{
	if (clock_mono_us() - v->told_us < PROGRESS_EVERY_US)
		return false;
	v->told_us = clock_mono_us();
	daemon_still_starting(v->q->d);
	return true;
}

/* ---- 1. files ---- */

static void
damaged_file(struct recovery *v, uint64_t id, int err)
{
	char text[QUEUE_ID_TEXT_SIZE];

	v->damaged++;
	log_error("%s: its file cannot be read (%s), set aside in queue/corrupt",
		queue_id_text(id, text), err_text(err));
	if (file_set_aside(&v->q->folders, id, err_text(err)) < 0)
		log_error("%s: cannot be set aside", text);
}

static int
take_name(struct recovery *v, int folder, const char *name)
{
	struct bytes text = bytes_from_str(name);
	struct entry *e;
	uint64_t id;

	if (text.n > 4 && bytes_is(bytes_skip(text, text.n - 4), ".new"))
		return sys_unlinkat(folder, name, 0); /* was not whole: never confirmed */
	if (queue_id_parse(text, &id) < 0) {
		log_warning("queue/message holds a file that is not a message: %s", name);
		return ERR_OK;
	}
	e = index_add_unsorted(&v->q->index, id);
	e->flags = ENTRY_IN_FILE | ENTRY_TRIED | ENTRY_UNREAD;
	index_enter(&v->q->index, e, ENTRY_DEFERRED);
	if ((++v->names & 1023) == 0 && is_time_to_tell(v)) {
		log_info("reading the queue: %llu message files so far",
			(unsigned long long)v->names);
		log_flush();
	}
	return ERR_OK;
}

static int
read_folder(struct recovery *v, unsigned number)
{
	char name[4];
	struct dirent *d;
	DIR *dir;
	int fd, r = ERR_OK;

	snprintf(name, sizeof(name), "%02x", number & 0xff);
	fd = sys_openat(v->q->folders.message, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return ERR_RESOURCE;
	}
	while (r == ERR_OK && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			r = take_name(v, fd, d->d_name);
	closedir(dir);
	return r;
}

/* ---- 2. the journal ---- */

static struct found *
slot_of(struct recovery *v, uint64_t id)
{
	size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (v->cap - 1);

	while (v->table[at].id != 0 && v->table[at].id != id)
		at = (at + 1) & (v->cap - 1);
	return &v->table[at];
}

static struct found *
found_of(struct recovery *v, uint64_t id)
{
	struct found *f;

	if (v->n * 2 >= v->cap) {
		struct found *old = v->table;
		size_t old_cap = v->cap;

		v->cap = old_cap == 0 ? 4096 : old_cap * 2;
		v->table = xcalloc(v->cap, sizeof(*v->table));
		for (size_t i = 0; i < old_cap; i++)
			if (old[i].id != 0)
				*slot_of(v, old[i].id) = old[i];
		free(old);
	}
	f = slot_of(v, id);
	if (f->id == 0) {
		f->id = id;
		v->n++;
	}
	return f;
}

static int
take_event(struct recovery *v, const struct queue_record *r)
{
	struct arena a = ARENA_INIT;
	struct queue_event e;
	struct found *f;
	int result = queue_event_parse(r->body, &a, &e);

	if (result == ERR_OK) {
		f = found_of(v, e.queue_id);
		if (e.kind == QUEUE_EVENT_REMOVED) {
			f->removed = true;
			buf_free(&f->events);
		} else {
			buf_put_u64(&f->events, r->seq);
			buf_put_u32(&f->events, (uint32_t)r->body.n);
			buf_put_bytes(&f->events, r->body);
		}
	}
	arena_reset(&a);
	return result;
}

static int
take_record(void *ctx, const struct queue_record *r, struct journal_place place)
{
	struct recovery *v = ctx;
	struct queue_message m;
	struct found *f;
	int result = ERR_OK;

	switch ((enum queue_record_type)r->type) {
	case QUEUE_RECORD_MESSAGE:
		result = queue_message_parse(r->body, &m);
		if (result == ERR_OK && (m.flags & QUEUE_MESSAGE_IN_FILE) == 0) {
			f = found_of(v, m.queue_id);
			f->place = place;
			f->in_journal = true;
		}
		break;
	case QUEUE_RECORD_MOVED:
		if (r->body.n == 8)
			found_of(v, get_u64(r->body.p))->moved = true;
		break;
	case QUEUE_RECORD_EVENT:
		result = take_event(v, r);
		break;
	default:
		break;
	}
	if (result < 0) {
		v->damaged++;
		log_error("journal: record %llu has a good checksum and cannot be read",
			(unsigned long long)r->seq);
	}
	return ERR_OK;
}

static void
take_damage(void *ctx, const struct journal_damage *d)
{
	struct recovery *v = ctx;
	char name[64];

	v->damaged++;
	snprintf(name, sizeof(name), "journal-%llu-%llu", (unsigned long long)d->segment_number,
		(unsigned long long)d->offset);
	log_error("journal: %s; %zu octets set aside as queue/corrupt/%s", d->reason, d->octets.n,
		name);
	if (octets_set_aside(&v->q->folders, name, d->octets, d->reason) < 0)
		log_error("queue/corrupt/%s cannot be written", name);
}

static void
tell_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct recovery *v = ctx;

	if (!is_time_to_tell(v))
		return;
	log_info("reading the journal: %llu of %llu MiB", (unsigned long long)(done >> 20),
		(unsigned long long)(total >> 20));
	log_flush();
}

/* ---- both together ---- */

/* The events that the state does not have yet; as records for the file, too. */
static void
apply_found(const struct found *f, struct queue_state *s, struct buf *records)
{
	struct bytes in = buf_bytes(&f->events);
	struct arena a = ARENA_INIT;
	struct queue_event e;

	while (in.n > 0) {
		const uint64_t seq = get_u64(in.p);
		const struct bytes body = bytes_make(in.p + 12, get_u32(in.p + 8));
		const uint64_t last = s->last_seq;

		in = bytes_skip(in, 12 + body.n);
		if (seq <= last || queue_event_parse(body, &a, &e) < 0)
			continue;
		if (queue_state_apply(s, &e, seq) == ERR_OK && records != NULL) {
			size_t begin = queue_record_begin(records);

			buf_put_bytes(records, body);
			queue_record_end(records, begin, QUEUE_RECORD_EVENT, seq, 0);
		}
	}
	arena_reset(&a);
}

/* The journal has it: make it a file. Whatever file there is, is a half-made one, perhaps one
 * that cannot be read. */
static int
write_found(struct recovery *v, const struct found *f)
{
	struct qmgr *q = v->q;
	struct entry *e = index_find(&q->index, f->id);
	struct buf octets = BUF_INIT, events = BUF_INIT;
	struct queue_record record;
	struct queue_message m;
	struct queue_state s;
	int r = journal_fetch(&q->journal, f->place, &octets, &record);

	if (r == ERR_OK && (r = queue_message_parse(record.body, &m)) == ERR_OK &&
		(r = queue_state_init(&s, m.envelope)) == ERR_OK) {
		const struct file_source source = { .queue_id = f->id,
			.envelope = m.envelope,
			.content = bytes_skip(m.content, m.prefix_size),
			.prefix = bytes_head(m.content, m.prefix_size),
			.content_fd = -1 };
		struct file_source with_events = source;

		apply_found(f, &s, NULL);
		queue_state_write(&s, &events, s.last_seq);
		with_events.events = buf_bytes(&events);
		r = file_write(&q->folders, &with_events);
		if (r == ERR_OK) {
			if (e == NULL)
				e = index_add(&q->index, f->id);
			e->flags = ENTRY_IN_FILE | ENTRY_TRIED | ENTRY_UNREAD;
			index_enter(&q->index, e, ENTRY_DEFERRED);
			entry_learn(q, e, &s, m.content.n);
		}
		queue_state_free(&s);
	} else if (r == ERR_SYNTAX || r == ERR_LIMIT || r == ERR_CORRUPT || r == ERR_UNSUPPORTED) {
		char name[QUEUE_ID_TEXT_SIZE];

		v->damaged++;
		queue_id_text(f->id, name);
		log_error("%s: what the journal has of it cannot be read", name);
		r = octets_set_aside(&q->folders, name, buf_bytes(&octets), err_text(r));
	}
	buf_free(&octets);
	buf_free(&events);
	return r;
}

/* A file has it, the journal has later news. */
static int
update_file(struct recovery *v, const struct found *f, struct entry *e)
{
	struct qmgr *q = v->q;
	struct buf records = BUF_INIT;
	struct file_loaded l;
	int r = file_load(&q->folders, f->id, &l);

	if (r == ERR_CORRUPT || r == ERR_UNSUPPORTED || r == ERR_NOT_FOUND) {
		damaged_file(v, f->id, r);
		index_remove(&q->index, e);
		return ERR_OK;
	}
	if (r < 0)
		return r;
	apply_found(f, &l.state, &records);
	if (records.len > 0)
		r = file_append(&q->folders, f->id, &l.events_end, buf_bytes(&records));
	entry_learn(q, e, &l.state, l.head.content_size);
	queue_state_free(&l.state);
	buf_free(&records);
	return r;
}

static int
settle_found(struct recovery *v, const struct found *f)
{
	struct qmgr *q = v->q;
	struct entry *e = index_find(&q->index, f->id);
	int r;

	if (f->removed) {
		if (e == NULL)
			return ERR_OK;
		index_remove(&q->index, e);
		r = file_remove(&q->folders, f->id);
		return r == ERR_NOT_FOUND ? ERR_OK : r;
	}
	if (f->in_journal && !f->moved)
		return write_found(v, f);
	return e == NULL ? ERR_OK : update_file(v, f, e);
}

/* ---- 4. and an empty journal ---- */

static int
checkpoint(struct qmgr *q)
{
	struct journal_place place;
	struct journal_batch *b;
	struct buf *out;
	int r;

	journal_reset(&q->journal);
	if (journal_free_segments(&q->journal) == 0) {
		const uint64_t number = q->journal.next_number;
		int fd = journal_make_segment(q->folders.journal, number, q->journal.segment_size);

		if (fd < 0)
			return fd;
		journal_add_segment(&q->journal, number, fd);
	}
	r = journal_begin(&q->journal, QUEUE_RECORD_CHECKPOINT, 8, &out, &place);
	if (r < 0)
		return r;
	buf_put_u64(out, q->journal.next_seq);
	journal_end(&q->journal, QUEUE_RECORD_CHECKPOINT);
	b = journal_take(&q->journal);
	if ((r = journal_batch_write(b)) < 0)
		return r;
	journal_flushed(&q->journal);
	return ERR_OK;
}

static int
run(struct recovery *v)
{
	struct qmgr *q = v->q;
	const struct journal_scan scan = { v, take_record, take_damage, tell_progress };
	int r = ERR_OK;

	for (unsigned i = 0; r == ERR_OK && i < FILES_FOLDERS; i++)
		r = read_folder(v, i);
	if (r < 0)
		return r;
	index_sort(&q->index);
	r = journal_open(&q->journal, q->folders.journal, q->conf->segment_size,
		(unsigned)q->conf->segments);
	if (r == ERR_OK)
		r = journal_read(&q->journal, &scan);
	for (size_t i = 0; r == ERR_OK && i < v->cap; i++)
		if (v->table[i].id != 0) {
			r = settle_found(v, &v->table[i]);
			if (is_time_to_tell(v))
				log_info("writing what the journal has to files");
		}
	if (r == ERR_OK)
		r = sys_syncfs(q->folders.message);
	return r == ERR_OK ? checkpoint(q) : r;
}

int
recover(struct qmgr *q)
{
	struct recovery v = { .q = q, .told_us = clock_mono_us() };
	const uint64_t started = clock_mono_us();
	int r = run(&v);

	for (size_t i = 0; i < v.cap; i++)
		buf_free(&v.table[i].events);
	free(v.table);
	q->stats.corrupt += v.damaged;
	if (r < 0) {
		log_error("the queue cannot be read: %s", err_text(r));
		return r;
	}
	log_info("queue: %zu messages, found in %llu ms, %llu damaged parts set aside",
		q->index.live, (unsigned long long)((clock_mono_us() - started) / 1000),
		(unsigned long long)v.damaged);
	return ERR_OK;
}
