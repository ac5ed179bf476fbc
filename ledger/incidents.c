/* SPDX-License-Identifier: ISC */
/* ledger/incidents.c - records of send-blocked accounts, see the header. */
#include "incidents.h"

#include "err.h"

static int
decode(struct bytes value, struct incident *i)
{
	struct ipc_reader in = ipc_reader(value);
	struct bytes text;

	i->told = ipc_get_enum(&in, 2) != 0;
	i->since_s = ipc_get_u64(&in);
	i->messages = ipc_get_u64(&in);
	i->recipients = ipc_get_u64(&in);
	i->new_recipients = ipc_get_u64(&in);
	i->refused = ipc_get_u64(&in);
	text = ipc_get_bytes(&in, sizeof(i->text));
	if (ipc_finish(&in) < 0)
		return ERR_CORRUPT;
	i->text_len = text.n;
	if (text.n > 0)
		memcpy(i->text, text.p, text.n);
	return ERR_OK;
}

int
incident_get(struct database *db, struct bytes login, struct incident *out)
{
	struct buf value = BUF_INIT;
	int r = database_get(db, NULL, TABLE_INCIDENTS, login, &value);

	if (r == ERR_OK)
		r = decode(buf_bytes(&value), out);
	buf_free(&value);
	return r;
}

int
incident_put(struct database *db, struct bytes login, const struct incident *i)
{
	struct buf value = BUF_INIT;
	int r;

	buf_put_u8(&value, i->told);
	buf_put_u64(&value, i->since_s);
	buf_put_u64(&value, i->messages);
	buf_put_u64(&value, i->recipients);
	buf_put_u64(&value, i->new_recipients);
	buf_put_u64(&value, i->refused);
	ipc_put_bytes(&value, bytes_make(i->text, i->text_len));
	r = database_put(db, NULL, TABLE_INCIDENTS, login, buf_bytes(&value));
	buf_free(&value);
	return r;
}

int
incident_del(struct database *db, struct bytes login)
{
	return database_del(db, NULL, TABLE_INCIDENTS, login);
}

struct walk {
	incident_fn *row;
	void *arg;
};

static int
walk_row(void *arg, struct bytes key, struct bytes value)
{
	const struct walk *w = arg;
	struct incident i;
	int r = decode(value, &i);

	return r < 0 ? r : w->row(w->arg, key, &i);
}

int
incident_walk(struct database *db, struct bytes after, incident_fn *row, void *arg)
{
	struct walk w = { row, arg };

	return database_walk(db, TABLE_INCIDENTS, after, UINT32_MAX, walk_row, &w);
}
