/* SPDX-License-Identifier: ISC */
/*
 * directory/pam.c - questions for the helper, and its answers.
 *
 * Runs in:  directory. Is the helper gone, directory ends too: master starts both anew.
 */
#include "pam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "directory_conf.h"
#include "err.h"
#include "log.h"

#define WAITING_MAX 1000

struct check {
	TAILQ_ENTRY(check) link;
	struct pam *p;
	uint64_t number;
	pam_done_fn *done;
	void *arg;
	struct event *timer;
	struct buf packet; /* until it is sent */
};

TAILQ_HEAD(checks, check);

struct pam {
	struct daemon *daemon;
	int fd;
	struct event *readable;
	struct checks waiting, asked;
	unsigned n_waiting, n_asked;
	uint64_t number;
};

static void pump(struct pam *p);

int
pam_helper_start(struct daemon *d, struct pam **out)
{
	const struct directory_conf *conf = d->conf;
	int pair[2], pid;

	*out = NULL;
	if (conf->pam_service[0] == 0)
		return ERR_OK;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_from_errno(errno);
	log_flush();
	pid = (int)fork();
	if (pid == 0)
		pam_helper_live(pair[1], conf->pam_service, d->privileged, conf->pam_read_only);
	close(pair[1]);
	if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		close(pair[0]);
		return ERR_RESOURCE;
	}
	*out = xcalloc(1, sizeof(**out));
	(*out)->daemon = d;
	(*out)->fd = pair[0];
	TAILQ_INIT(&(*out)->waiting);
	TAILQ_INIT(&(*out)->asked);
	return ERR_OK;
}

static void
check_free(struct check *c)
{
	event_free(c->timer);
	buf_free(&c->packet);
	free(c);
}

/* Both lists are the caller's to keep. */
static void
finish(struct check *c, enum pam_verdict verdict)
{
	pam_done_fn *done = c->done;
	void *arg = c->arg;

	check_free(c);
	done(arg, verdict);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct check *c = arg;
	struct pam *p = c->p;

	UNUSED(fd), UNUSED(what);
	if (c->number == 0) { /* it did not even get to be asked */
		TAILQ_REMOVE(&p->waiting, c, link);
		p->n_waiting--;
	} else {
		TAILQ_REMOVE(&p->asked, c, link);
		p->n_asked--;
	}
	finish(c, PAM_SAYS_LATER);
	pump(p);
}

static void
pump(struct pam *p)
{
	const struct directory_conf *conf = p->daemon->conf;
	struct check *c;

	while (p->n_asked < conf->pam_children && (c = TAILQ_FIRST(&p->waiting)) != NULL) {
		set_u64(c->packet.data + c->packet.start, p->number + 1);
		if (send(p->fd, c->packet.data + c->packet.start, c->packet.len,
			    MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
			(errno == EAGAIN || errno == EINTR))
			return; /* an answer or a time-out comes first */
		c->number = ++p->number;
		buf_free(&c->packet);
		TAILQ_REMOVE(&p->waiting, c, link);
		p->n_waiting--;
		TAILQ_INSERT_TAIL(&p->asked, c, link);
		p->n_asked++;
	}
}

static void
on_answer(struct pam *p, const uint8_t answer[9])
{
	uint64_t number = get_u64(answer);
	struct check *c;

	TAILQ_FOREACH (c, &p->asked, link)
		if (c->number == number) /* NOLINT: TAILQ_REMOVE is too much for the analyser */
			break;
	if (c == NULL)
		return; /* too late */
	TAILQ_REMOVE(&p->asked, c, link);
	p->n_asked--;
	finish(c, answer[8] < PAM_VERDICTS ? (enum pam_verdict)answer[8] : PAM_SAYS_LATER);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pam *p = arg;
	uint8_t answer[9];
	ssize_t n;

	UNUSED(what);
	while ((n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) > 0)
		if (n == (ssize_t)sizeof(answer))
			on_answer(p, answer);
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		log_error("PAM: the helper has ended");
		log_flush();
		_exit(1);
	}
	pump(p);
}

void
pam_run(struct pam *p)
{
	if (p == NULL)
		return;
	p->readable = event_new(p->daemon->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	ASSERT(p->readable != NULL);
	event_add(p->readable, NULL);
}

void
pam_check(struct pam *p, struct bytes user, struct bytes password, struct bytes client,
	pam_done_fn *done, void *arg)
{
	const struct directory_conf *conf = p->daemon->conf;
	const struct timeval limit = { (time_t)(conf->pam_timeout / 1000),
		(suseconds_t)(conf->pam_timeout % 1000) * 1000 },
			     now = { 0, 0 };
	const struct pam_question q = { 0, user, password, bytes_head(client, PAM_NAME_MAX) };
	struct check *c = xcalloc(1, sizeof(*c));
	bool ok = p->n_waiting < WAITING_MAX && user.n <= PAM_NAME_MAX &&
		  password.n <= PAM_PASSWORD_MAX && bytes_find(user, 0) == BYTES_NOT_FOUND &&
		  bytes_find(password, 0) == BYTES_NOT_FOUND;

	c->p = p;
	c->done = done;
	c->arg = arg;
	c->packet = BUF_SECRET;
	pam_question_encode(&c->packet, &q);
	c->timer = evtimer_new(p->daemon->base, on_late, c);
	ASSERT(c->timer != NULL);
	event_add(c->timer, ok ? &limit : &now);
	if (ok) {
		TAILQ_INSERT_TAIL(&p->waiting, c, link);
		p->n_waiting++;
		pump(p);
	} else { /* as if it were asked: its time is over at once */
		c->number = ++p->number;
		TAILQ_INSERT_TAIL(&p->asked, c, link);
		p->n_asked++;
	}
}

void
pam_free(struct pam **pp)
{
	struct pam *p = *pp;
	struct check *c;

	*pp = NULL;
	if (p == NULL)
		return;
	if (p->readable != NULL)
		event_free(p->readable);
	while ((c = TAILQ_FIRST(&p->waiting)) != NULL || (c = TAILQ_FIRST(&p->asked)) != NULL) {
		TAILQ_REMOVE(c->number == 0 ? &p->waiting : &p->asked, c, link);
		check_free(c);
	}
	close(p->fd);
	free(p);
}
