/* SPDX-License-Identifier: ISC */
/*
 * ledger/login_record.c - networks an account is known from, uses of passwords; see the header.
 *
 * A value of TABLE_KNOWN is a row of (family, prefix, address[16], day u32); one of
 * TABLE_LAST_USE is (when u64, protocol u8, client).
 */
#include "login_record.h"

#include "err.h"

#define ROW_SIZE  22
#define DAY_S     86400u
#define USE_EVERY 60u /* seconds */

static void
row_encode(uint8_t row[ROW_SIZE], const struct ip_block *b, uint64_t day)
{
	row[0] = b->family;
	row[1] = b->prefix;
	memcpy(row + 2, b->addr, sizeof(b->addr));
	set_u32(row + 18, (uint32_t)day);
}

static bool
row_is(const uint8_t *row, const struct ip_block *b)
{
	return row[0] == b->family && row[1] == b->prefix &&
	       memcmp(row + 2, b->addr, sizeof(b->addr)) == 0;
}

/* The row of a network; NULL if it has none. */
static uint8_t *
find_row(struct buf *value, const struct ip_block *b)
{
	for (size_t at = 0; at + ROW_SIZE <= value->len; at += ROW_SIZE)
		if (row_is(value->data + at, b))
			return value->data + at;
	return NULL;
}

int
logins_known(struct database *db, struct bytes login, const struct ip_block *network, bool *known)
{
	struct buf value = BUF_INIT;
	int r;

	*known = false;
	if (network->family == 0)
		return ERR_OK;
	r = database_get(db, NULL, TABLE_KNOWN, login, &value);
	if (r == ERR_OK)
		*known = find_row(&value, network) != NULL;
	buf_free(&value);
	return r == ERR_NOT_FOUND ? ERR_OK : r;
}

static uint8_t *
oldest_row(struct buf *value)
{
	uint8_t *oldest = value->data;

	for (size_t at = 0; at + ROW_SIZE <= value->len; at += ROW_SIZE)
		if (get_u32(value->data + at + 18) < get_u32(oldest + 18))
			oldest = value->data + at;
	return oldest;
}

static int
note_network(
	struct database *db, struct bytes login, const struct ip_block *network, uint64_t now_s)
{
	struct buf value = BUF_INIT;
	uint8_t row[ROW_SIZE], *there;
	int r = database_get(db, NULL, TABLE_KNOWN, login, &value);

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	row_encode(row, network, now_s / DAY_S);
	there = find_row(&value, network);
	if (there != NULL && memcmp(there, row, sizeof(row)) == 0) {
		buf_free(&value);
		return ERR_OK;
	}
	if (there == NULL && value.len >= LOGINS_NETWORKS * ROW_SIZE)
		there = oldest_row(&value);
	if (there != NULL)
		memcpy(there, row, sizeof(row));
	else
		buf_put(&value, row, sizeof(row));
	r = database_put(db, NULL, TABLE_KNOWN, login, buf_bytes(&value));
	buf_free(&value);
	return r;
}

static void
use_key(struct bytes account, struct bytes credential, struct buf *out)
{
	buf_put_bytes(out, account);
	buf_put_u8(out, 0);
	buf_put_bytes(out, credential);
}

static int
use_decode(struct bytes value, struct ledger_last_use_row *row)
{
	struct ipc_reader in = ipc_reader(value);

	row->when = ipc_get_u64(&in);
	row->protocol = (enum ledger_protocol)ipc_get_enum(&in, LEDGER_PROTOCOLS);
	row->client = ipc_get_bytes(&in, LEDGER_CLIENT_MAX);
	return ipc_finish(&in) < 0 ? ERR_CORRUPT : ERR_OK;
}

static int
note_use(struct database *db, const struct ledger_tried *m, uint64_t now_s)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	struct ledger_last_use_row row;
	int r;

	use_key(m->login, m->credential, &key);
	r = database_get(db, NULL, TABLE_LAST_USE, buf_bytes(&key), &value);
	if (r == ERR_OK)
		r = use_decode(buf_bytes(&value), &row);
	if (r == ERR_NOT_FOUND ||
		(r == ERR_OK && (now_s < row.when || now_s - row.when >= USE_EVERY))) {
		buf_clear(&value);
		buf_put_u64(&value, now_s);
		buf_put_u8(&value, (uint8_t)m->protocol);
		ipc_put_bytes(&value, m->client);
		r = database_put(db, NULL, TABLE_LAST_USE, buf_bytes(&key), buf_bytes(&value));
	}
	buf_free(&key);
	buf_free(&value);
	return r;
}

int
logins_right(struct database *db, const struct ledger_tried *m, const struct ip_block *network,
	uint64_t now_s)
{
	int r = network->family == 0 ? ERR_OK : note_network(db, m->login, network, now_s);

	return r < 0 ? r : note_use(db, m, now_s);
}

struct uses {
	struct bytes account;
	struct buf *room;
	struct ledger_last_use_answer *out;
};

/* Offsets first, for room may move; made into pointers when it is complete. */
static int
use_row(void *arg, struct bytes key, struct bytes value)
{
	struct uses *u = arg;
	struct ledger_last_use_row *row = &u->out->rows[u->out->count];
	struct bytes credential;
	int r;

	if (key.n <= u->account.n || key.p[u->account.n] != 0 ||
		!bytes_equal(bytes_head(key, u->account.n), u->account) ||
		u->out->count == LEDGER_LAST_USE_MAX)
		return ERR_LIMIT; /* the end */
	if ((r = use_decode(value, row)) < 0)
		return r;
	credential = bytes_skip(key, u->account.n + 1);
	row->credential.n = credential.n;
	buf_put_bytes(u->room, credential);
	buf_put_bytes(u->room, row->client);
	u->out->count++;
	return ERR_OK;
}

int
logins_last_use(struct database *db, struct bytes account, struct buf *room,
	struct ledger_last_use_answer *out)
{
	struct uses u = { account, room, out };
	const uint8_t *at;
	int r;

	out->count = 0;
	buf_clear(room);
	/* behind the account alone: its rows begin with it and a NUL */
	r = database_walk(db, TABLE_LAST_USE, account, UINT32_MAX, use_row, &u);
	at = room->data;
	for (uint32_t i = 0; i < out->count; i++) {
		out->rows[i].credential.p = at;
		at += out->rows[i].credential.n;
		out->rows[i].client.p = at;
		at += out->rows[i].client.n;
	}
	return r < 0 && r != ERR_LIMIT ? r : ERR_OK;
}
