/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/sign_link.c - a message for the signer, asked again if that one goes away or has no
 * keys yet.
 *
 * Runs in:  submission, qmgr, dmarc-reporter.
 * Trusts:   the signer's answers, after decoding.
 */
#include "sign_link.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"

#define TIMES       3   /* a message that kills signers without a word kills so many at most */
#define BUSY_MS     250 /* until a signer that has just been born is asked again */
#define BUSY_MAX_MS 5000

struct ask {
	struct link *link;
	uint64_t until_ms, busy_until_ms;
	sign_answer_fn *done;
	void *arg;
	struct buf body;
	int fd; /* of the content, or -1 */
	unsigned times;
	int err; /* answered after a moment */
};

static void on_answer(void *arg, const struct ipc_answer *answer);
static void later(struct ask *a, unsigned ms);

static void
finish(struct ask *a, const struct signer_signed *m)
{
	a->done(a->arg, m);
	if (a->fd >= 0)
		close(a->fd);
	buf_free(&a->body);
	free(a);
}

static void
send_question(struct ask *a)
{
	const uint64_t now = clock_mono_ms();
	int fd = -1;

	if (a->err < 0) {
		finish(a, &(struct signer_signed){ .err = a->err });
		return;
	}
	if (a->fd >= 0 && (fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0)) < 0) {
		a->err = ERR_RESOURCE;
		later(a, 0);
		return;
	}
	a->times++;
	buf_put_bytes(link_compose(a->link), buf_bytes(&a->body));
	link_request(a->link, fd >= 0 ? SIGNER_SIGN_FD : SIGNER_SIGN, fd >= 0 ? &fd : NULL, fd >= 0,
		a->until_ms > now ? (unsigned)(a->until_ms - now) : 1, on_answer, a);
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd);
	UNUSED(what);
	send_question(arg);
}

static void
later(struct ask *a, unsigned ms)
{
	const struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	event_base_once(link_daemon(a->link)->base, -1, EV_TIMEOUT, on_later, a, &tv);
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct ask *a = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct signer_signed m = { .err = answer->err };
	const uint64_t now = clock_mono_ms();

	if (answer->err == ERR_OK && answer->type == SIGNER_DIED)
		m = (struct signer_signed){ .err = ERR_IO,
			.words = BYTES_LITERAL("the signer crashed on it or hung") };
	else if (answer->err == ERR_OK &&
		 (answer->type != SIGNER_SIGNED || signer_signed_decode(&in, &m) < 0))
		m = (struct signer_signed){ .err = ERR_PEER };
	if (answer->err == ERR_PEER && a->times < TIMES && now < a->until_ms) {
		later(a, 0); /* when the link has let go of the peer that died */
	} else if (m.err == ERR_BUSY && now < a->busy_until_ms) {
		a->times--;
		later(a, BUSY_MS);
	} else {
		finish(a, &m);
	}
}

void
sign_link_ask(struct link *l, const struct signer_sign *m, int content_fd, unsigned timeout_ms,
	sign_answer_fn *done, void *arg)
{
	struct ask *a = xcalloc(1, sizeof(*a));
	const uint64_t now = clock_mono_ms();

	a->link = l;
	a->until_ms = now + (timeout_ms == 0 ? SIGNER_TIMEOUT_MS : timeout_ms);
	a->busy_until_ms = now + BUSY_MAX_MS;
	a->done = done;
	a->arg = arg;
	a->fd = content_fd;
	/* what no message may carry is no message that can be signed */
	if (m->domain.n > SIGNER_DOMAIN_MAX || m->login.n > IPC_ACCOUNT_MAX ||
		m->reverse_path.n > SIGNER_PATH_MAX || m->ticket.n > SIGNER_TICKET_MAX ||
		m->prefix.n > SIGNER_PREFIX_MAX || m->content.size > SIGNER_CONTENT_MAX ||
		(!m->content.in_fd && m->content.octets.n > CONTENT_INLINE_MAX)) {
		a->err = ERR_LIMIT;
		later(a, 0);
		return;
	}
	signer_sign_encode(&a->body, m);
	send_question(a);
}
