/* SPDX-License-Identifier: ISC */
/*
 * qmgr/ticket.c - whose message is it? Submission brings a ticket of directory's for each.
 *
 * A submission that was taken over holds tickets of the users who are sending now, each good for
 * one login, one queue id and one reverse-path, for a quarter of an hour. It can't make one,
 * change one, or use one twice: ids that came with a good ticket are remembered for as long
 * as the ticket could be.
 *
 * The key comes from master at the start, and from directory when the link comes up. When directory
 * has one that we have not, submission hears 4yz.
 *
 * Runs in:  qmgr. Trusts: directory.
 */
#include <stdlib.h>

#include <openssl/crypto.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"

#define KEY_TIMEOUT_MS 10000
#define ASK_AGAIN_MS   1000

/* ---- ids that were used ---- */

static uint64_t *
slot_of(const struct used_ids *u, uint64_t id)
{
	size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (u->cap - 1);

	while (u->ids[at] != 0 && u->ids[at] != id)
		at = (at + 1) & (u->cap - 1);
	return &u->ids[at];
}

static bool
has(const struct used_ids *u, uint64_t id)
{
	return u->n > 0 && *slot_of(u, id) == id;
}

static void
add(struct used_ids *u, uint64_t id)
{
	if (u->n * 2 >= u->cap) {
		struct used_ids more = { .cap = u->cap == 0 ? 1024 : u->cap * 2, .n = u->n };

		more.ids = xcalloc(more.cap, sizeof(*more.ids));
		for (size_t i = 0; i < u->cap; i++)
			if (u->ids[i] != 0)
				*slot_of(&more, u->ids[i]) = u->ids[i];
		free(u->ids);
		*u = more;
	}
	*slot_of(u, id) = id;
	u->n++;
}

static void
forget(struct used_ids *u)
{
	free(u->ids);
	*u = (struct used_ids){ 0 };
}

/* true: for the first time. Two generations, each as long as a ticket lives. */
static bool
use(struct tickets *t, uint64_t id, uint64_t now_s)
{
	if (now_s - t->since_s > SEND_TICKET_LIFE_S) {
		forget(&t->before);
		t->before = t->now;
		t->now = (struct used_ids){ 0 };
		t->since_s = now_s;
	}
	if (has(&t->now, id) || has(&t->before, id))
		return false;
	add(&t->now, id);
	return true;
}

/* ---- the key ---- */

static void
on_key(void *arg, const struct ipc_answer *answer)
{
	struct qmgr *q = arg;
	struct tickets *t = &q->tickets;
	struct ipc_reader in = ipc_reader(answer->body);
	struct directory_ticket_key m;

	t->asking = false;
	if (answer->err < 0 || answer->type != DIRECTORY_TICKET_KEY_ANSWER ||
		directory_ticket_key_decode(&in, &m) < 0 || m.key.n != sizeof(t->key.key))
		return; /* asked again when it is wanted */
	t->key.id = m.id;
	memcpy(t->key.key, m.key.p, sizeof(t->key.key));
}

static void
ask(struct qmgr *q)
{
	struct tickets *t = &q->tickets;
	const uint64_t now = clock_mono_ms();

	if (t->asking || (t->asked_ms != 0 && now - t->asked_ms < ASK_AGAIN_MS))
		return;
	t->asking = true;
	t->asked_ms = now;
	buf_clear(link_compose(q->directory));
	link_request(q->directory, DIRECTORY_TICKET_KEY, NULL, 0, KEY_TIMEOUT_MS, on_key, q);
}

static void
on_directory_up(void *arg, struct link *l)
{
	struct qmgr *q = arg;

	q->tickets.asked_ms = 0; /* a new process, a new key */
	ask(q);
}

/* ---- COMMIT ---- */

int
ticket_check(struct qmgr *q, enum service door, const struct envelope *e, struct bytes ticket)
{
	const struct send_ticket t = {
		.login = e->login, .queue_id = e->queue_id, .reverse_path = e->reverse_path
	};
	const uint64_t now = now_s();
	char id[QUEUE_ID_TEXT_SIZE];
	int r;

	if (door != SERVICE_SUBMISSION) /* nobody logs in there */
		return e->login.n > 0 ? ERR_DENIED : ERR_OK;
	r = e->login.n == 0 ? ERR_DENIED : send_ticket_check(&q->tickets.key, &t, now, ticket);
	if (r == ERR_BUSY)
		ask(q);
	if (r == ERR_OK && !use(&q->tickets, e->queue_id, now))
		r = ERR_DENIED;
	if (r == ERR_DENIED) {
		q->stats.forged++;
		log_error(
			"%s: submission brought a ticket that is not directory's for login=<%.*s> "
			"and from=<%.*s>",
			queue_id_text(e->queue_id, id), (int)e->login.n,
			e->login.n == 0 ? "" : (const char *)e->login.p, (int)e->reverse_path.n,
			e->reverse_path.n == 0 ? "" : (const char *)e->reverse_path.p);
	}
	return r;
}

void
ticket_init(struct qmgr *q)
{
	q->tickets.since_s = now_s();
	send_ticket_key_take(&q->tickets.key, q->d->secret);
	link_on_up(q->directory, on_directory_up, q);
}

void
ticket_stop(struct qmgr *q)
{
	forget(&q->tickets.now);
	forget(&q->tickets.before);
	OPENSSL_cleanse(&q->tickets.key, sizeof(q->tickets.key));
}
