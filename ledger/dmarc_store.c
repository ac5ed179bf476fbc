/* SPDX-License-Identifier: ISC */
/* ledger/dmarc_store.c - data of aggregate reports in its tables, see the header. */
#include "dmarc_store.h"

#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "siphash.h"

#define PART_SIZE  8 /* octets of day and part in a key */
#define DROP_BATCH 256

/* Which row of two is the same is not left to the hash, so it needs no secret. */
static const struct siphash_key row_hash = { { 0x646d617263, 0x726f7773 } };

/* What a day's value has. */
struct day_value {
	uint64_t messages, unlisted, first_s, last_s;
	uint32_t rows;
	struct bytes record;
};

/* ---- keys and values ---- */

static void
put_be32(struct buf *out, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_put_u8(out, (uint8_t)(v >> shift));
}

static uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put_day_key(struct buf *out, struct dmarc_part part, struct bytes domain)
{
	buf_clear(out);
	put_be32(out, part.day);
	put_be32(out, part.part);
	buf_put_bytes(out, domain);
}

/* The front of a domain's rows; a domain has no NUL. */
static void
put_rows_key(struct buf *out, struct dmarc_part part, struct bytes domain)
{
	put_day_key(out, part, domain);
	buf_put_u8(out, 0);
}

static void
put_day_value(struct buf *out, const struct day_value *d)
{
	buf_clear(out);
	buf_put_u64(out, d->messages);
	buf_put_u64(out, d->unlisted);
	buf_put_u32(out, d->rows);
	buf_put_u64(out, d->first_s);
	buf_put_u64(out, d->last_s);
	ipc_put_bytes(out, d->record);
}

static int
get_day_value(struct bytes value, struct day_value *d)
{
	struct ipc_reader in = ipc_reader(value);

	d->messages = ipc_get_u64(&in);
	d->unlisted = ipc_get_u64(&in);
	d->rows = ipc_get_u32(&in);
	d->first_s = ipc_get_u64(&in);
	d->last_s = ipc_get_u64(&in);
	d->record = ipc_get_bytes(&in, DMARC_ROW_RECORD);
	return ipc_finish(&in) < 0 ? ERR_CORRUPT : ERR_OK;
}

/* A value that does not decode is as one that counts nothing: nobody wants its report, so that it
 * goes as any other. These are statistics; ledger has more to do. */
static struct day_value
day_value_of(struct bytes value, struct bytes domain)
{
	struct day_value d;

	if (get_day_value(value, &d) == ERR_OK)
		return d;
	log_warning("dmarc: what is stored on %.*s cannot be read, and does not count",
		(int)domain.n, (const char *)domain.p);
	return (struct day_value){ 0 };
}

/* ---- adding ---- */

/* The row without what may differ from message to message or is kept with the day. */
static void
put_row_body(struct buf *out, const struct dmarc_row *row)
{
	struct dmarc_row copy = *row;

	copy.record = BYTES_NONE;
	dmarc_row_encode(out, &copy);
}

/* Counts the message in its row. ERR_LIMIT: there is none, and none may be made. */
static int
add_row(struct database *db, struct database_txn *txn, struct bytes front, struct bytes body,
	bool may_make, bool *made)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	uint64_t messages = 0;
	int r;

	buf_put_bytes(&key, front);
	buf_put_u64(&key, siphash(&row_hash, body));
	r = database_get(db, txn, TABLE_DMARC_ROWS, buf_bytes(&key), &value);
	*made = r == ERR_NOT_FOUND;
	if (r == ERR_NOT_FOUND) {
		r = may_make ? ERR_OK : ERR_LIMIT;
	} else if (r == ERR_OK && value.len >= 8) { /* else it cannot be read, and begins anew */
		messages = get_u64(buf_bytes(&value).p);
		if (!bytes_equal(bytes_skip(buf_bytes(&value), 8), body))
			r = ERR_LIMIT; /* two of one hash: the second has no row */
	}
	if (r == ERR_OK) {
		buf_clear(&value);
		buf_put_u64(&value, messages + 1);
		buf_put_bytes(&value, body);
		r = database_put(db, txn, TABLE_DMARC_ROWS, buf_bytes(&key), buf_bytes(&value));
	}
	buf_free(&key);
	buf_free(&value);
	return r;
}

int
dmarc_store_add(struct database *db, struct database_txn *txn, struct dmarc_part part,
	const struct dmarc_row *row, uint64_t now_s, const struct dmarc_limits *limits,
	uint64_t *total)
{
	struct buf key = BUF_INIT, front = BUF_INIT, value = BUF_INIT, body = BUF_INIT;
	struct day_value d = { 0 };
	bool made = false, new_day;
	int r;

	put_day_key(&key, part, row->policy_domain);
	put_rows_key(&front, part, row->policy_domain);
	put_row_body(&body, row);
	r = database_get(db, txn, TABLE_DMARC_DAYS, buf_bytes(&key), &value);
	new_day = r == ERR_NOT_FOUND;
	if (new_day)
		r = *total < limits->total ? ERR_OK : ERR_LIMIT;
	else if (r == ERR_OK)
		d = day_value_of(buf_bytes(&value), row->policy_domain);
	if (d.messages == 0)
		d.first_s = now_s;
	if (r == ERR_OK) {
		r = add_row(db, txn, buf_bytes(&front), buf_bytes(&body),
			d.rows < limits->rows && *total + new_day < limits->total, &made);
		d.unlisted += r == ERR_LIMIT;
		d.rows += r == ERR_OK && made;
		made = r == ERR_OK && made;
		r = r == ERR_LIMIT ? ERR_OK : r;
	}
	if (r == ERR_OK) {
		d.messages++;
		d.last_s = now_s;
		d.record = bytes_head(row->record, DMARC_ROW_RECORD); /* the last one counts */
		buf_clear(&body);
		put_day_value(&body, &d);
		r = database_put(db, txn, TABLE_DMARC_DAYS, buf_bytes(&key), buf_bytes(&body));
	}
	if (r == ERR_OK)
		*total += (uint64_t)new_day + made;
	buf_free(&key);
	buf_free(&front);
	buf_free(&value);
	buf_free(&body);
	return r;
}

/* ---- reading ---- */

struct walk {
	struct bytes front; /* of the rows that are wanted */
	dmarc_day_fn *day;
	dmarc_row_fn *row;
	void *arg;
	unsigned max, count;
	bool ended;
};

/* Ends a walk that is no failure. */
static int
end(struct walk *w)
{
	w->ended = true;
	return ERR_NOT_FOUND;
}

static int
on_day(void *arg, struct bytes key, struct bytes value)
{
	struct walk *w = arg;
	struct day_value v;
	struct dmarc_day d = { .cursor = key };
	int r;

	if (key.n <= PART_SIZE) /* that of dmarc_store_open() */
		return ERR_OK;
	if (w->count == w->max)
		return end(w);
	v = day_value_of(value, bytes_skip(key, PART_SIZE));
	d.day = get_be32(key.p);
	d.part = get_be32(key.p + 4);
	d.policy_domain = bytes_skip(key, PART_SIZE);
	d.record = v.record;
	d.messages = v.messages;
	d.unlisted = v.unlisted;
	d.rows = v.rows;
	d.first_s = v.first_s;
	d.last_s = v.last_s;
	if ((r = w->day(w->arg, &d)) == ERR_OK)
		w->count++;
	return r;
}

int
dmarc_store_days(struct database *db, struct bytes after, unsigned max, dmarc_day_fn *fn, void *arg)
{
	struct walk w = { .day = fn, .arg = arg, .max = max < INT32_MAX ? max : INT32_MAX };
	int r = database_walk(db, TABLE_DMARC_DAYS, after, UINT32_MAX, on_day, &w);

	return r < 0 && !w.ended ? r : (int)w.count;
}

static int
on_row(void *arg, struct bytes key, struct bytes value)
{
	struct walk *w = arg;
	struct dmarc_rows_row row = { .cursor = key };
	int r;

	if (!bytes_starts_with(key, w->front))
		return end(w);
	row.messages = value.n < 8 ? 0 : get_u64(value.p);
	row.row = bytes_skip(value, 8);
	if ((r = w->row(w->arg, &row)) == ERR_OK)
		w->count++;
	return r;
}

int
dmarc_store_rows(struct database *db, const struct dmarc_rows *which, unsigned max,
	dmarc_row_fn *fn, void *arg)
{
	struct buf front = BUF_INIT;
	struct walk w = { .row = fn, .arg = arg };
	int r;

	put_rows_key(&front, (struct dmarc_part){ which->day, which->part }, which->policy_domain);
	w.front = buf_bytes(&front);
	r = database_walk(
		db, TABLE_DMARC_ROWS, which->after.n > 0 ? which->after : w.front, max, on_row, &w);
	buf_free(&front);
	return r < 0 && !w.ended ? r : (int)w.count;
}

/* One row without a domain, which is no day: the part that was opened last. */
static void
put_open_key(struct buf *out)
{
	put_day_key(out, (struct dmarc_part){ 0, 0 }, BYTES_NONE);
}

int
dmarc_store_open(struct database *db, struct dmarc_part part)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	int r;

	put_open_key(&key);
	buf_put_u32(&value, part.day);
	buf_put_u32(&value, part.part);
	r = database_put(db, NULL, TABLE_DMARC_DAYS, buf_bytes(&key), buf_bytes(&value));
	buf_free(&key);
	buf_free(&value);
	return r;
}

/* 0: none of that day was opened. */
static int
get_open(struct database *db, uint32_t day, uint32_t *part)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	int r;

	*part = 0;
	put_open_key(&key);
	r = database_get(db, NULL, TABLE_DMARC_DAYS, buf_bytes(&key), &value);
	if (r == ERR_OK && value.len == 8 && get_u32(value.data) == day)
		*part = get_u32(value.data + 4);
	buf_free(&key);
	buf_free(&value);
	return r == ERR_NOT_FOUND ? ERR_OK : r;
}

struct count {
	uint32_t day, *last_part;
	uint64_t total;
};

static int
count_day(void *arg, const struct dmarc_day *d)
{
	struct count *c = arg;

	c->total += (uint64_t)d->rows + 1;
	if (d->day == c->day && d->part > *c->last_part)
		*c->last_part = d->part;
	return ERR_OK;
}

int
dmarc_store_count(struct database *db, uint32_t day, uint64_t *total, uint32_t *last_part)
{
	struct count c = { .day = day, .last_part = last_part };
	int r;

	r = get_open(db, day, last_part);
	if (r == ERR_OK)
		r = dmarc_store_days(db, BYTES_NONE, UINT32_MAX, count_day, &c);
	*total = c.total;
	return r < 0 ? r : ERR_OK;
}

/* ---- dropping ---- */

struct cursors {
	struct buf keys[DROP_BATCH];
	size_t n;
};

static int
keep_cursor(void *arg, const struct dmarc_rows_row *row)
{
	struct cursors *c = arg;

	buf_put_bytes(&c->keys[c->n++], row->cursor);
	return ERR_OK;
}

/* A batch of rows: how many went; 0: there are no more. */
static int
drop_rows(struct database *db, struct database_txn *txn, const struct dmarc_rows *which,
	struct buf *after)
{
	struct cursors *c = xcalloc(1, sizeof(*c));
	struct dmarc_rows from = *which;
	int n, r;

	from.after = buf_bytes(after);
	n = r = dmarc_store_rows(db, &from, DROP_BATCH, keep_cursor, c);
	for (size_t i = 0; i < c->n; i++) {
		if (r >= 0)
			r = database_del(db, txn, TABLE_DMARC_ROWS, buf_bytes(&c->keys[i]));
		buf_clear(after);
		buf_put_bytes(after, buf_bytes(&c->keys[i]));
		buf_free(&c->keys[i]);
	}
	free(c);
	return r < 0 ? r : n;
}

int
dmarc_store_drop(struct database *db, struct dmarc_part part, struct bytes domain,
	uint64_t messages, uint64_t *total)
{
	const struct dmarc_rows which = { part.day, part.part, domain, BYTES_NONE };
	struct buf key = BUF_INIT, value = BUF_INIT, after = BUF_INIT;
	struct database_txn *txn;
	struct day_value d = { 0 };
	int r, n;

	put_day_key(&key, part, domain);
	r = database_get(db, NULL, TABLE_DMARC_DAYS, buf_bytes(&key), &value);
	if (r == ERR_OK)
		d = day_value_of(buf_bytes(&value), domain);
	if (r == ERR_OK && messages != UINT64_MAX && messages != d.messages)
		r = ERR_BUSY;
	if (r == ERR_OK && (r = database_begin(db, &txn)) == ERR_OK) {
		do
			n = drop_rows(db, txn, &which, &after);
		while (n > 0);
		r = n < 0 ? n : database_del(db, txn, TABLE_DMARC_DAYS, buf_bytes(&key));
		r = r < 0 ? database_abort(db, txn, r) : database_commit(db, txn);
		if (r == ERR_OK)
			*total -= d.rows + 1 > *total ? *total : d.rows + 1;
	}
	buf_free(&key);
	buf_free(&value);
	buf_free(&after);
	return r;
}
