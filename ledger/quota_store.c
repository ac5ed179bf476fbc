/* SPDX-License-Identifier: ISC */
/* ledger/quota_store.c - the use of quotas in its table, see the header. */
#include "quota_store.h"

#include "err.h"

#define VALUE_SIZE 36

/* ---- values: reserved u32, four u64 ---- */

static void
value_encode(uint8_t out[VALUE_SIZE], const struct quota_use *u)
{
	set_u32(out, 0);
	set_u64(out + 4, u->octets);
	set_u64(out + 12, u->messages);
	set_u64(out + 20, u->limit_octets);
	set_u64(out + 28, u->limit_messages);
}

static int
value_decode(struct bytes v, struct quota_use *u)
{
	if (v.n != VALUE_SIZE)
		return ERR_CORRUPT;
	u->octets = get_u64(v.p + 4);
	u->messages = get_u64(v.p + 12);
	u->limit_octets = get_u64(v.p + 20);
	u->limit_messages = get_u64(v.p + 28);
	return ERR_OK;
}

static int
get_in(struct database *db, struct database_txn *txn, struct bytes account, struct quota_use *out)
{
	struct buf value = BUF_INIT;
	int r = database_get(db, txn, TABLE_QUOTA, account, &value);

	*out = (struct quota_use){ 0 };
	if (r == ERR_OK)
		r = value_decode(buf_bytes(&value), out);
	else if (r == ERR_NOT_FOUND)
		r = ERR_OK;
	buf_free(&value);
	return r;
}

int
quota_store_get(struct database *db, struct bytes account, struct quota_use *out)
{
	return get_in(db, NULL, account, out);
}

static int
put_in(struct database *db, struct database_txn *txn, struct bytes account,
	const struct quota_use *use)
{
	uint8_t value[VALUE_SIZE];
	int r;

	if (use == NULL) {
		r = database_del(db, txn, TABLE_QUOTA, account);
		return r == ERR_NOT_FOUND ? ERR_OK : r;
	}
	value_encode(value, use);
	return database_put(db, txn, TABLE_QUOTA, account, bytes_make(value, sizeof(value)));
}

/* use + delta, within zero and the largest number */
static uint64_t
moved(uint64_t use, int64_t delta)
{
	uint64_t d = delta < 0 ? 0 - (uint64_t)delta : (uint64_t)delta;

	if (delta < 0)
		return d > use ? 0 : use - d;
	return d > INT64_MAX - (use > INT64_MAX ? INT64_MAX : use) ? INT64_MAX : use + d;
}

static int
apply(struct database *db, struct database_txn *txn, struct quota_change *c)
{
	struct quota_use u;
	int r = get_in(db, txn, c->account, &u);

	if (r < 0)
		return r;
	c->before = u;
	u.octets = moved(c->set ? 0 : u.octets, c->octets);
	u.messages = moved(c->set ? 0 : u.messages, c->messages);
	if (c->limit_octets != UINT64_MAX)
		u.limit_octets = c->limit_octets;
	if (c->limit_messages != UINT64_MAX)
		u.limit_messages = c->limit_messages;
	if (c->forget)
		u = (struct quota_use){ 0 };
	c->after = u;
	return put_in(db, txn, c->account, c->forget ? NULL : &u);
}

int
quota_store_commit(struct database *db, struct quota_change *changes, size_t n)
{
	struct database_txn *txn;
	int r = database_begin(db, &txn);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == ERR_OK; i++)
		r = apply(db, txn, &changes[i]);
	return r < 0 ? database_abort(db, txn, r) : database_commit(db, txn);
}

struct walk {
	quota_row_fn *row;
	void *arg;
};

static int
walk_row(void *arg, struct bytes key, struct bytes value)
{
	const struct walk *w = arg;
	struct quota_use use;
	int r = value_decode(value, &use);

	if (r == ERR_OK)
		w->row(w->arg, key, &use);
	return r;
}

int
quota_store_list(
	struct database *db, struct bytes after, unsigned max, quota_row_fn *row, void *arg)
{
	struct walk w = { row, arg };

	return database_walk(db, TABLE_QUOTA, after, max, walk_row, &w);
}
