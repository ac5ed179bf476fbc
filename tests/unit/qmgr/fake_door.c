/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/fake_door.c - the doors: COMMIT, LEND. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "fake.h"

struct asked {
	struct fake *f;
	uint64_t id;
};

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct asked *a = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct queue_commit_answer m;

	if (answer->err == ERR_OK) {
		assert_int_equal(queue_commit_answer_decode(&in, &m), ERR_OK);
		a->f->answers++;
		a->f->last_err = m.err;
		if (m.err == ERR_OK)
			a->f->accepted++;
		else
			a->f->refused++;
		if (m.err == ERR_OK && a->f->on_accepted != NULL)
			a->f->on_accepted(a->id);
	}
	free(a);
}

static const char received[] = "Received: from client.example.net by mx.example.org;\r\n"
			       "\tSat, 21 Nov 2026 22:04:57 +0000\r\n";

/* Who has a login comes by submission, with a ticket. */
static struct ipc_channel *
door_of(struct fake *f)
{
	return f->login != NULL && f->login[0] != 0 ? f->users_door : f->door;
}

static void
send_commit(struct fake *f, const char *rcpts, struct queue_commit *m, int fd)
{
	struct asked *a = xcalloc(1, sizeof(*a));
	struct envelope_rcpt list[64] = { 0 };
	struct envelope e = { .queue_id = m->queue_id,
		.arrival_us = clock_wall_us(),
		.reverse_path =
			bytes_from_str(f->sender != NULL ? f->sender : "sender@example.net"),
		.flags = f->flags,
		.client_address = BYTES_LITERAL("192.0.2.1"),
		.protocol = BYTES_LITERAL("ESMTP"),
		.login = bytes_from_str(f->login),
		.rcpts = list };
	struct bytes rest = bytes_from_str(rcpts);
	struct buf envelope = BUF_INIT, ticket = BUF_INIT;
	struct ipc_channel *door = door_of(f);

	while (rest.n > 0)
		list[e.n_rcpts++] = (struct envelope_rcpt){ .forward_path = bytes_cut(&rest, ' '),
			.notify = f->notify };
	envelope_encode(&envelope, &e);
	m->envelope = buf_bytes(&envelope);
	m->prefix = bytes_from_str(received);
	if (f->ticket.n > 0) {
		m->ticket = f->ticket;
	} else if (door == f->users_door) {
		send_ticket_make(&f->key,
			&(struct send_ticket){ .login = e.login,
				.queue_id = e.queue_id,
				.reverse_path = e.reverse_path },
			now_s(), &ticket);
		m->ticket = buf_bytes(&ticket);
	}
	a->f = f;
	a->id = m->queue_id;
	f->asked++;
	queue_commit_encode(ipc_compose(door), m);
	ipc_request(door, fd < 0 ? QUEUE_COMMIT : QUEUE_COMMIT_FD, &fd, fd >= 0, 0, on_answer, a);
	buf_free(&envelope);
	buf_free(&ticket);
}

uint64_t
fake_commit(struct fake *f, const char *rcpts, struct bytes content)
{
	const uint64_t id = queue_id_make(&f->ids, clock_wall_us());

	fake_commit_at(f, id, rcpts, content);
	return id;
}

void
fake_commit_at(struct fake *f, uint64_t id, const char *rcpts, struct bytes content)
{
	struct queue_commit m = { .queue_id = id, .content = content_inline(content) };
	int fd = -1;

	if (content.n > CONTENT_INLINE_MAX / 2) { /* doors may, whatever the size */
		fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_int_equal(write(fd, content.p, content.n), (ssize_t)content.n);
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
		m.content = content_in_fd(0, content.n);
	}
	send_commit(f, rcpts, &m, fd);
}

static void
on_lent(void *arg, const struct ipc_answer *answer)
{
	struct fake *f = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct queue_lend_answer m;

	assert_int_equal(answer->err, ERR_OK);
	assert_int_equal(queue_lend_answer_decode(&in, &m), ERR_OK);
	assert_int_equal(m.err, ERR_OK);
	assert_int_equal(answer->nfds, 2);
	f->lent_offset = m.content_offset;
	f->lent_fd = answer->fds[0];
	answer->fds[0] = -1;
}

static bool
has_lent(struct fake *f)
{
	return f->lent_fd >= 0;
}

int
fake_lend(struct fake *f)
{
	f->lent_fd = -1;
	buf_clear(ipc_compose(door_of(f)));
	ipc_request(door_of(f), QUEUE_LEND, NULL, 0, 0, on_lent, f);
	assert_true(fake_until(f, has_lent));
	return f->lent_fd;
}

uint64_t
fake_commit_lent(struct fake *f, const char *rcpts, struct bytes content)
{
	struct queue_commit m = { .queue_id = queue_id_make(&f->ids, clock_wall_us()),
		.lent = true };

	fake_lend(f);
	m.content = content_in_fd(f->lent_offset, content.n);
	assert_int_equal(pwrite(f->lent_fd, content.p, content.n, (off_t)f->lent_offset),
		(ssize_t)content.n);
	if (f->keep_lent)
		f->kept_fd = fcntl(f->lent_fd, F_DUPFD_CLOEXEC, 0);
	send_commit(f, rcpts, &m, f->lent_fd);
	return m.queue_id;
}
