/* SPDX-License-Identifier: ISC */
/*
 * smtpd/store.c - where the content of a message waits for its COMMIT: up to
 * CONTENT_INLINE_MAX in our memory; above it a memfd; above QUEUE_MEMFD_MAX a file that qmgr
 * lends.
 *
 * Runs in:  smtpd; it can't open files.
 * Trusts:   qmgr's answers after decoding.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "queue_msg.h"
#include "smtpd.h"
#include "sys.h"

#define LEND_TIMEOUT_MS 60000

void
store_reset(struct store *st)
{
	if (st->fd >= 0)
		close(st->fd);
	if (st->read_fd >= 0)
		close(st->read_fd);
	buf_free(&st->held);
	*st = (struct store){ .fd = -1, .read_fd = -1 };
}

static int
append(struct store *st, struct bytes b)
{
	int r = sys_pwrite_all(st->fd, b, st->offset + st->size);
	if (r == ERR_OK)
		st->size += b.n;
	return r;
}

/* What was kept in memory so far goes to a descriptor of its own. */
static int
move_to_memfd(struct store *st)
{
	struct bytes kept = buf_bytes(&st->held);
	int r;

	if ((st->fd = sys_memfd("content")) < 0)
		return st->fd;
	if ((r = sys_pwrite_all(st->fd, kept, 0)) == ERR_OK)
		buf_free(&st->held);
	return r;
}

static int
append_where_it_fits(struct store *st, struct bytes b)
{
	int r;

	if (st->fd < 0 && st->size + b.n <= CONTENT_INLINE_MAX) {
		buf_put_bytes(&st->held, b);
		st->size += b.n;
		return ERR_OK;
	}
	if (st->fd < 0 && (r = move_to_memfd(st)) < 0)
		return r;
	return append(st, b);
}

/* Change from the memfd to the lent file: what is there already is copied. */
static int
move_to(struct store *st, int fd, uint64_t offset)
{
	struct buf copy = BUF_INIT;
	int old = st->fd, r = ERR_OK;

	st->fd = fd;
	st->offset = offset;
	st->lent = true;
	if (old < 0) /* all of it is in held */
		return ERR_OK;
	ssize_t n = sys_pread_full(old, buf_room(&copy, st->size), st->size, 0);
	close(old);
	if (n < 0 || (uint64_t)n != st->size) {
		r = n < 0 ? (int)n : ERR_IO;
	} else {
		buf_added(&copy, st->size);
		r = sys_pwrite_all(fd, buf_bytes(&copy), offset);
	}
	buf_free(&copy);
	return r;
}

static int
take_lent(struct client *c, const struct ipc_answer *answer)
{
	struct store *st = &c->store;
	struct ipc_reader in = ipc_reader(answer->body);
	struct queue_lend_answer lend;
	int r;

	if (answer->err < 0)
		return answer->err;
	if (answer->type != QUEUE_LEND_ANSWER || queue_lend_answer_decode(&in, &lend) < 0)
		return ERR_PEER;
	if (lend.err < 0)
		return lend.err;
	if (answer->nfds != 2)
		return ERR_PEER;
	r = move_to(st, answer->fds[0], lend.content_offset);
	st->read_fd = answer->fds[1];
	answer->fds[0] = answer->fds[1] = -1;
	return r < 0 ? r : append(st, buf_bytes(&st->held));
}

static void
on_lent(void *arg, const struct ipc_answer *answer)
{
	struct client *c = arg;

	c->store.asked = false;
	if (!client_answered(c))
		return;
	int r = take_lent(c, answer);
	buf_free(&c->store.held);
	if (r < 0) {
		struct smtp_out out = client_out(c);
		log_warning("no file for the content of a large message: %s", err_text(r));
		smtp_session_store_failed(&c->session, r, &out);
		smtpd_log(c);
		store_reset(&c->store);
	}
	client_turn(c);
}

static bool
ask_for_file(struct client *c, struct bytes held)
{
	c->asking = c->store.asked = true;
	if (c->store.fd < 0)
		c->store.size = 0; /* what was kept so far is put there together with the rest */
	buf_put_bytes(&c->store.held, held);
	UNUSED(link_compose(c->smtpd->qmgr));
	link_request(c->smtpd->qmgr, QUEUE_LEND, NULL, 0, LEND_TIMEOUT_MS, on_lent, c);
	return false;
}

bool
store_content(struct client *c)
{
	struct smtpd *s = c->smtpd;
	struct store *st = &c->store;
	struct bytes b = buf_bytes(&s->content);
	int r = ERR_OK;
	bool stored = true;

	if (b.n == 0)
		return true;
	if (c->session.txn == NULL || c->session.txn->store_error < 0) {
		buf_clear(&s->content);
		return true;
	}
	if (!st->lent && st->size + b.n > QUEUE_MEMFD_MAX)
		stored = ask_for_file(c, b);
	else
		r = append_where_it_fits(st, b);
	buf_clear(&s->content);
	if (r < 0) {
		struct smtp_out out = client_out(c);
		log_warning("content of a message can't be stored: %m");
		smtp_session_store_failed(&c->session, r, &out);
		store_reset(st);
	}
	return stored;
}

int
store_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0
		       ? ERR_IO
		       : ERR_OK;
}

static int
seal_once(struct store *st)
{
	const int r = st->sealed ? ERR_OK : store_seal(st->fd);

	st->sealed = r == ERR_OK;
	return r;
}

int
store_show(struct store *st, struct content_source *source, int *fd)
{
	int r;

	*fd = -1;
	if (st->fd < 0) {
		*source = content_inline(buf_bytes(&st->held));
		return ERR_OK;
	}
	if (!st->lent && (r = seal_once(st)) < 0)
		return r;
	*fd = fcntl(st->lent ? st->read_fd : st->fd, F_DUPFD_CLOEXEC, 3);
	*source = content_in_fd(st->offset, st->size);
	return *fd < 0 ? err_from_errno(errno) : ERR_OK;
}

int
store_take(struct store *st, bool in_fd, struct content_source *source, int *fd)
{
	int r;

	*fd = -1;
	if (st->fd < 0 && !in_fd) {
		*source = content_inline(buf_bytes(&st->held));
		return ERR_OK;
	}
	if (st->fd < 0 && (r = move_to_memfd(st)) < 0)
		return r;
	if (!st->lent && (r = seal_once(st)) < 0)
		return r;
	*source = content_in_fd(st->offset, st->size);
	*fd = st->fd;
	st->fd = -1;
	return ERR_OK;
}
