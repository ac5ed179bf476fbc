/* SPDX-License-Identifier: ISC */
/* tests/unit/smtpd/fake_suite.c - links that answer by rules, and clients on socket pairs. */
#include "fake_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "directory_msg.h"
#include "dmarc_report_msg.h"
#include "err.h"
#include "queue_msg.h"
#include "signer_msg.h"
#include "sys.h"

struct link {
	struct fake *fake;
	enum service service;
	struct buf body;
};

struct question {
	struct fake *fake;
	ipc_answer_fn *done;
	void *arg;
	int err;
	uint16_t type;
	struct buf body;
	int fds[2]; /* lent, or -1 */
};

static struct fake *
fake_of(struct daemon *d)
{
	union {
		struct daemon *d;
		struct fake *f; /* d is its first member */
	} u = { d };
	return u.f;
}

struct link *
daemon_link(struct daemon *d, enum service service, uint32_t instance,
	const struct ipc_route *routes, size_t nroutes)
{
	struct link *l = xcalloc(1, sizeof(*l));
	ASSERT((instance == CONTROL_ANY || service == SERVICE_VERIFIER) && routes == NULL &&
		nroutes == 0);
	l->fake = fake_of(d);
	l->service = service;
	ASSERT(l->fake->nlinks < NITEMS(l->fake->links));
	l->fake->links[l->fake->nlinks++] = l;
	return l;
}

bool
link_is_up(const struct link *l)
{
	UNUSED(l);
	return true;
}

size_t
link_backlog(const struct link *l)
{
	UNUSED(l);
	return 0;
}

void
link_open(struct link *l)
{
	UNUSED(l);
}

struct daemon *
link_daemon(const struct link *l)
{
	return &l->fake->d;
}

struct buf *
link_compose(struct link *l)
{
	buf_clear(&l->body);
	return &l->body;
}

void
daemon_finished(struct daemon *d)
{
	fake_of(d)->finished = true;
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;
	struct ipc_answer answer = { .err = q->err,
		.type = q->type,
		.body = buf_bytes(&q->body),
		.nfds = q->fds[0] >= 0 ? 2 : 0,
		.fds = q->fds };

	UNUSED(fd);
	UNUSED(what);
	q->done(q->arg, &answer);
	for (size_t i = 0; i < NITEMS(q->fds); i++)
		if (q->fds[i] >= 0)
			close(q->fds[i]);
	buf_free(&q->body);
	free(q);
}

static void
judge(struct fake *f, struct ipc_reader *in, struct question *q)
{
	struct directory_rcpt m;
	struct directory_rcpt_answer a = { .verdict = DIRECTORY_OK };

	ASSERT(directory_rcpt_decode(in, &m) == ERR_OK);
	if (bytes_search(m.address, BYTES_LITERAL("@example.org")) == BYTES_NOT_FOUND)
		a.verdict = DIRECTORY_NO_RELAY;
	else if (bytes_starts_with(m.address, BYTES_LITERAL("unknown@")))
		a.verdict = DIRECTORY_UNKNOWN;
	f->rcpts++;
	q->type = DIRECTORY_RCPT_ANSWER;
	q->err = f->directory_err;
	directory_rcpt_answer_encode(&q->body, &a);
}

/* SASL_START and STEP */
static void
login(struct fake *f, struct bytes response, bool has_response, struct question *q)
{
	static const uint8_t handle[DIRECTORY_HANDLE_SIZE] = "0123456789abcdef";
	struct directory_auth_answer a = { .status = DIRECTORY_AUTH_FAILED };

	if (!has_response || bytes_is(response, "more")) {
		a.status = DIRECTORY_AUTH_CHALLENGE;
		a.exchange = 77;
		a.challenge = BYTES_LITERAL("?");
	} else if (bytes_is(response, "good")) {
		a.status = DIRECTORY_AUTH_OK;
		a.account = BYTES_LITERAL("joe@example.org");
		a.handle = bytes_make(handle, sizeof(handle));
		f->logins++;
	}
	q->type = DIRECTORY_AUTH_ANSWER;
	directory_auth_answer_encode(&q->body, &a);
}

static void
local(struct fake *f, struct ipc_reader *in, unsigned nfds, struct question *q)
{
	static const uint8_t handle[DIRECTORY_HANDLE_SIZE] = "0123456789abcdef";
	struct directory_local m;
	struct directory_local_answer a = { .status = f->local_status };

	ASSERT(directory_local_decode(in, &m) == ERR_OK && nfds == 1 && m.name.n > 0);
	if (a.status == DIRECTORY_AUTH_OK) {
		a.account = BYTES_LITERAL("joe@localhost");
		a.address = BYTES_LITERAL("joe@example.org");
		a.handle = bytes_make(handle, sizeof(handle));
	}
	q->type = DIRECTORY_LOCAL_ANSWER;
	directory_local_answer_encode(&q->body, &a);
}

static void
may_send(struct fake *f, struct ipc_reader *in, struct question *q)
{
	struct directory_send m;
	struct directory_send_answer a = { 0 };

	ASSERT(directory_send_decode(in, &m) == ERR_OK);
	ASSERT(bytes_is(m.handle, "0123456789abcdef"));
	f->sends++;
	a.verdict = m.queue_id == 0 ? f->reverse_path_verdict : f->message_verdict;
	if (a.verdict == DIRECTORY_SEND_NOT_OWNED)
		a.address = m.queue_id == 0 ? m.reverse_path : m.senders[0];
	if (a.verdict == DIRECTORY_SEND_OK && m.queue_id != 0) {
		a.ticket = BYTES_LITERAL("ticket");
		a.sign_ticket = m.author < m.nsenders ? BYTES_LITERAL("sign-ticket") : BYTES_NONE;
	}
	q->type = DIRECTORY_SEND_ANSWER;
	directory_send_answer_encode(&q->body, &a);
}

static void
ask_directory(
	struct fake *f, uint16_t type, struct ipc_reader *in, unsigned nfds, struct question *q)
{
	struct directory_sasl_start start;
	struct directory_sasl_step step;

	if (type == DIRECTORY_RCPT) {
		judge(f, in, q);
	} else if (type == DIRECTORY_SASL_START) {
		ASSERT(directory_sasl_start_decode(in, &start) == ERR_OK);
		login(f, start.initial, start.has_initial, q);
	} else if (type == DIRECTORY_SASL_STEP) {
		ASSERT(directory_sasl_step_decode(in, &step) == ERR_OK && step.exchange == 77);
		login(f, step.response, true, q);
	} else if (type == DIRECTORY_LOCAL) {
		local(f, in, nfds, q);
	} else {
		ASSERT(type == DIRECTORY_SEND);
		may_send(f, in, q);
	}
	q->err = f->directory_err;
}

void
link_send(struct link *l, uint16_t type, const int *fds, unsigned nfds)
{
	ASSERT(fds == NULL && nfds == 0);
	if (type == DMARC_ROW) {
		ASSERT(l->service == SERVICE_LEDGER);
		l->fake->rows++;
		return;
	}
	ASSERT(l->service == SERVICE_DIRECTORY);
	ASSERT(type == DIRECTORY_SASL_CANCEL || type == DIRECTORY_LOGOUT);
	if (type == DIRECTORY_LOGOUT)
		l->fake->logouts++;
	else
		l->fake->cancels++;
}

static void
commit(struct fake *f, struct ipc_reader *in, const int *fds, unsigned nfds, struct question *q)
{
	struct queue_commit m;
	struct queue_commit_answer a = { .err = f->commit_answer, .text = BYTES_LITERAL("x") };

	buf_clear(&f->content);
	if (nfds == 0) {
		ASSERT(queue_commit_decode(in, &m) == ERR_OK);
		buf_put_bytes(&f->content, m.content.octets);
	} else {
		ASSERT(queue_commit_fd_decode(in, &m) == ERR_OK);
		uint8_t *to = buf_room(&f->content, m.content.size + 1);
		ssize_t n = sys_pread_full(fds[0], to, m.content.size + 1, m.content.offset);
		ASSERT(n >= 0 && (uint64_t)n == m.content.size); /* nothing more behind it */
		buf_added(&f->content, m.content.size);
		int seals = fcntl(fds[0], F_GET_SEALS);
		ASSERT(m.lent ||
			(seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) == (F_SEAL_WRITE | F_SEAL_SHRINK));
	}
	f->last_lent = m.lent;
	f->commits++;
	buf_clear(&f->prefix);
	buf_put_bytes(&f->prefix, m.prefix);
	if (m.envelope.n > 0) {
		struct arena arena = ARENA_INIT;
		struct envelope e;

		ASSERT(envelope_decode(m.envelope, &arena, &e) == ERR_OK);
		f->flags = e.flags;
		arena_reset(&arena);
	}
	buf_clear(&f->ticket);
	buf_put_bytes(&f->ticket, m.ticket);
	q->type = QUEUE_COMMIT_ANSWER;
	q->err = f->commit_err;
	queue_commit_answer_encode(&q->body, &a);
}

static void
lend(struct fake *f, struct question *q)
{
	struct queue_lend_answer a = { .content_offset = 4096 };
	char path[40];

	f->lends++;
	q->type = QUEUE_LEND_ANSWER;
	q->err = f->lend_err == ERR_PEER ? ERR_PEER : ERR_OK;
	a.err = q->err == ERR_OK ? f->lend_err : ERR_OK;
	if (f->lend_err == ERR_OK) {
		ASSERT((q->fds[0] = open("/tmp", O_TMPFILE | O_RDWR, 0600)) >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", q->fds[0]);
		ASSERT((q->fds[1] = open(path, O_RDONLY)) >= 0);
	}
	queue_lend_answer_encode(&q->body, &a);
}

/* mailauth-verify, as the plan wants it */
static void
verify(struct fake *f, uint16_t type, struct ipc_reader *in, const int *fds, struct question *q)
{
	const int err = f->plan[f->planned];
	struct mailauth_verify m;

	f->planned += f->planned + 1 < NITEMS(f->plan);
	ASSERT((type == MAILAUTH_VERIFY ? mailauth_verify_decode(in, &m)
					: mailauth_verify_fd_decode(in, &m)) == ERR_OK);
	ASSERT(m.ask_spf);
	f->verifies++;
	f->verified_octets = m.content.size;
	f->verified_writable = m.content.in_fd && write(fds[0], "x", 1) == 1;
	mailauth_verified_encode(&q->body, &f->verified);
	q->err = err == FAKE_DIED ? ERR_OK : err;
	q->type = err == FAKE_DIED ? MAILAUTH_DIED : MAILAUTH_VERIFIED;
}

/* mailauth-sign: a plan's error is the answer's, or there is none */
static void
sign(struct fake *f, uint16_t type, struct ipc_reader *in, const int *fds, struct question *q)
{
	const int err = f->plan[f->planned];
	struct signer_signed a = { .err = err };
	struct signer_sign m;

	f->planned += f->planned + 1 < NITEMS(f->plan);
	ASSERT((type == SIGNER_SIGN ? signer_sign_decode(in, &m) : signer_sign_fd_decode(in, &m)) ==
		ERR_OK);
	ASSERT(!m.content.in_fd || write(fds[0], "x", 1) < 0);
	f->signs++;
	f->sign_octets = m.prefix.n + m.content.size;
	buf_clear(&f->sign_asked);
	buf_put_bytes(&f->sign_asked, m.domain);
	buf_put_u8(&f->sign_asked, ' ');
	buf_put_bytes(&f->sign_asked, m.login);
	buf_put_u8(&f->sign_asked, ' ');
	buf_put_bytes(&f->sign_asked, m.ticket);
	if (err == ERR_OK)
		a.fields = BYTES_LITERAL("DKIM-Signature: fake\r\n");
	signer_signed_encode(&q->body, &a);
	q->type = SIGNER_SIGNED;
	q->err = err == ERR_PEER || err == ERR_TIMEOUT ? err : ERR_OK;
}

void
link_request(struct link *l, uint16_t type, const int *fds, unsigned nfds, unsigned timeout_ms,
	ipc_answer_fn *done, void *arg)
{
	struct fake *f = l->fake;
	struct question *q = xcalloc(1, sizeof(*q));
	struct ipc_reader in = ipc_reader(buf_bytes(&l->body));
	const struct timeval wait = { 0, (suseconds_t)f->answer_ms * 1000 };

	ASSERT(timeout_ms > 0);
	*q = (struct question){ .fake = f, .done = done, .arg = arg, .fds = { -1, -1 } };
	if (l->service == SERVICE_DIRECTORY)
		ask_directory(f, type, &in, nfds, q);
	else if (l->service == SERVICE_VERIFIER)
		verify(f, type, &in, fds, q);
	else if (l->service == SERVICE_SIGNER)
		sign(f, type, &in, fds, q);
	else if (type == QUEUE_LEND)
		lend(f, q);
	else
		commit(f, &in, fds, nfds, q);
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
	event_base_once(f->d.base, -1, EV_TIMEOUT, on_answer, q, &wait);
}

void
fake_conf(struct fake *f)
{
	*f = (struct fake){ .spec = &smtpd_spec,
		.common = { .hostname = "mx.example.org", .plaintext_auth = "never" },
		.mailauth = { .spf_fail = "score",
			.dmarc = "enforce",
			.temperror = "accept",
			.authserv_id = "" },
		.conf = { .message_size_limit = 1 << 20,
			.recipient_limit = 100,
			.connection_limit = 100,
			.client_connection_limit = 0,
			.command_timeout = 300000,
			.data_timeout = 300000,
			.error_limit = 20,
			.junk_limit = 1000000,
			.hop_limit = 50 } };
}

void
fake_start(struct fake *f)
{
	struct event_config *config = event_config_new();

	ASSERT(config != NULL);
	event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
	f->d = (struct daemon){ .spec = f->spec,
		.base = event_base_new_with_config(config),
		.common = &f->common,
		.conf = &f->conf,
		.mailauth = &f->mailauth,
		.birth = 7 };
	event_config_free(config);
	ASSERT(f->d.base != NULL);
	ASSERT((f->spec->start == NULL || f->spec->start(&f->d) == ERR_OK));
	ASSERT(f->spec->run(&f->d) == ERR_OK);
	f->smtpd = f->d.ctx;
}

void
fake_stop(struct fake *f)
{
	ASSERT(f->smtpd->nclients == 0);
	f->spec->stop(&f->d);
	for (size_t i = 0; i < f->nlinks; i++) {
		buf_free(&f->links[i]->body);
		free(f->links[i]);
	}
	buf_free(&f->content);
	buf_free(&f->prefix);
	buf_free(&f->ticket);
	buf_free(&f->sign_asked);
	event_base_free(f->d.base);
}

int
fake_connect_to(struct fake *f, unsigned x, const char *label)
{
	bool is_local = strcmp(label, "sendmail") == 0;
	int fds[2];
	union {
		struct sockaddr_storage any;
		struct sockaddr_in four;
	} a = { 0 };

	ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	a.any.ss_family = is_local ? AF_UNIX : AF_INET;
	if (!is_local)
		a.four.sin_addr.s_addr = htonl(0xc0000200 + x);
	f->spec->on_client(&f->d, &(struct daemon_client){ fds[0], label, &a.any, sizeof(a.four) });
	return fds[1];
}

int
fake_connect(struct fake *f, unsigned x)
{
	return fake_connect_to(f, x, "smtp");
}

void
fake_run(struct fake *f, unsigned ms)
{
	uint64_t end = clock_mono_ms() + ms;

	do {
		event_base_loop(f->d.base, EVLOOP_NONBLOCK);
		poll(NULL, 0, 1);
	} while (clock_mono_ms() < end);
}

/* What has come: false at the connection's end. */
static bool
take(int fd, struct buf *replies)
{
	for (;;) {
		ssize_t n = read(fd, buf_room(replies, 4096), 4096);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		buf_added(replies, (size_t)n);
	}
}

bool
fake_read(struct fake *f, int fd, struct buf *replies, const char *last)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (clock_mono_ms() < end) {
		event_base_loop(f->d.base, EVLOOP_NONBLOCK);
		bool open = take(fd, replies);
		if (bytes_search(buf_bytes(replies), bytes_from_str(last)) != BYTES_NOT_FOUND)
			return true;
		if (!open)
			return false;
	}
	return true;
}

bool
fake_read_all(struct fake *f, int fd, struct buf *replies)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (clock_mono_ms() < end) {
		event_base_loop(f->d.base, EVLOOP_NONBLOCK);
		if (!take(fd, replies))
			return true;
	}
	return false;
}

void
fake_send(struct fake *f, int fd, struct bytes b)
{
	while (b.n > 0) {
		ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL);
		if (n > 0)
			b = bytes_skip(b, (size_t)n);
		else if (errno != EAGAIN)
			return; /* the test sees it by what is missing */
		event_base_loop(f->d.base, EVLOOP_NONBLOCK);
	}
}
