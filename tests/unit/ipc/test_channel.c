/* SPDX-License-Identifier: ISC */
/* tests/unit/ipc/test_channel.c - channels between two ends of a real socket pair. */
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc.h"
#include "packet.h"

enum {
	ASK = IPC_CONTROL,
	ONLY_QMGR,
	WITH_FD,
	ANSWER,
	NOT_IN_TABLE
};

struct word {
	uint32_t number;
	struct bytes text;
};

static void
word_encode(struct buf *out, const struct word *m)
{
	buf_put_u32(out, m->number);
	ipc_put_bytes(out, m->text);
}

static int
word_decode(struct ipc_reader *in, void *out)
{
	struct word *m = out;

	m->number = ipc_get_u32(in);
	m->text = ipc_get_bytes(in, 16);
	return ipc_finish(in);
}

/* Both ends, and what happened. */
struct pair {
	struct event_base *base;
	struct ipc_channel *client, *server;
	unsigned asked, answered, failed, closed, left;
	int close_err, answer_err;
	uint32_t last_number;
	bool answer_nothing, close_inside, close_when_failed;
	char read_from_fd[8];
};

static void
on_ask(struct ipc_call *call, const void *msg)
{
	struct pair *p = call->ctx;
	const struct word *m = msg;

	p->asked++;
	if (p->close_inside) {
		ipc_channel_free(&p->server);
		return;
	}
	if (call->nfds == 1) {
		assert_true(read(call->fds[0], p->read_from_fd, 4) == 4);
	}
	if (p->answer_nothing || call->id == 0)
		return;
	word_encode(ipc_compose(call->channel), &(struct word){ m->number + 1, m->text });
	ipc_reply(call->channel, call->id, ANSWER, NULL, 0);
}

static const struct ipc_route routes[] = {
	{ ASK, FROM(SERVICE_SMTPD), 1, 0, sizeof(struct word), word_decode, on_ask },
	{ ONLY_QMGR, FROM(SERVICE_QMGR), 0, 0, sizeof(struct word), word_decode, on_ask },
	{ WITH_FD, FROM(SERVICE_SMTPD), 0, 1, sizeof(struct word), word_decode, on_ask },
};

static void
on_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct pair *p = ctx;

	p->closed++;
	p->close_err = err;
	if (channel == p->client)
		p->client = NULL;
	else
		p->server = NULL;
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct pair *p = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct word m;

	p->answer_err = answer->err;
	if (answer->err < 0) {
		p->failed++;
		if (p->close_when_failed)
			ipc_channel_free(&p->client);
		return;
	}
	assert_int_equal(answer->type, ANSWER);
	assert_int_equal(word_decode(&in, &m), ERR_OK);
	p->last_number = m.number;
	p->answered++;
}

static struct ipc_channel *
end_of(struct pair *p, int fd, enum service peer, const struct ipc_route *table, size_t n)
{
	return ipc_channel_new(&(struct ipc_channel_spec){ .base = p->base,
		.fd = fd,
		.peer = peer,
		.routes = table,
		.nroutes = n,
		.ctx = p,
		.on_close = on_close });
}

static int
setup(void **state)
{
	struct pair *p = xcalloc(1, sizeof(*p));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	p->base = event_base_new();
	p->client = end_of(p, fds[0], SERVICE_DIRECTORY, NULL, 0);
	p->server = end_of(p, fds[1], SERVICE_SMTPD, routes, NITEMS(routes));
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct pair *p = *state;

	ipc_channel_free(&p->client);
	ipc_channel_free(&p->server);
	event_base_free(p->base);
	free(p);
	return 0;
}

static void
turns(struct pair *p)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(p->base, EVLOOP_NONBLOCK);
}

static void
ask(struct pair *p, uint16_t type, uint32_t number, const int *fds, unsigned nfds)
{
	word_encode(ipc_compose(p->client), &(struct word){ number, BYTES_LITERAL("hello") });
	ipc_request(p->client, type, fds, nfds, 1000, on_answer, p);
}

static void
test_request_and_answer(void **state)
{
	struct pair *p = *state;

	ask(p, ASK, 41, NULL, 0);
	assert_int_equal(p->answered, 0); /* never from within ipc_request() */
	turns(p);
	assert_int_equal(p->answered, 1);
	assert_int_equal(p->last_number, 42);
}

static void
test_many_travel_together(void **state)
{
	struct pair *p = *state;

	for (uint32_t i = 0; i < 5000; i++)
		ask(p, ASK, i, NULL, 0);
	for (int i = 0; i < 100 && p->answered < 5000; i++)
		turns(p);
	assert_int_equal(p->answered, 5000);
	assert_int_equal(p->last_number, 5000);
	assert_int_equal(ipc_backlog(p->client), 0);
}

static void
test_descriptor_passes(void **state)
{
	struct pair *p = *state;
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "data", 4), 4);
	ask(p, WITH_FD, 1, &pipe_fds[0], 1);
	turns(p);
	assert_int_equal(p->answered, 1);
	assert_memory_equal(p->read_from_fd, "data", 4);
	assert_int_equal(fcntl(pipe_fds[0], F_GETFD), -1); /* ours was given away */
	close(pipe_fds[1]);
}

/* Whoever breaks the rules is closed, and hears ERR_PEER. */
static const struct rule_row {
	const char *label;
	uint16_t type;
	unsigned text_length;
	bool with_fd;
	uint32_t state;
} rule_rows[] = {
	{ "a type that is not in the table", NOT_IN_TABLE, 1, false, 1 },
	{ "a sender who may not", ONLY_QMGR, 1, false, 1 },
	{ "a field over its limit", ASK, 17, false, 1 },
	{ "a descriptor too many", ASK, 1, true, 1 },
	{ "a descriptor missing", WITH_FD, 1, false, 1 },
	{ "a wrong state", ASK, 1, false, 2 },
};

static void
run_rule(void **state)
{
	const struct rule_row *t = *state;
	void *made;
	struct pair *p;
	uint8_t text[32] = { 0 };
	int fd = open("/dev/null", O_RDONLY);

	setup(&made);
	p = made;
	ipc_set_state(p->server, t->state);
	word_encode(ipc_compose(p->client), &(struct word){ 1, bytes_make(text, t->text_length) });
	ipc_request(p->client, t->type, &fd, t->with_fd ? 1 : 0, 1000, on_answer, p);
	turns(p);
	assert_int_equal(p->asked, 0);
	assert_null(p->server);
	assert_int_equal(p->failed, 1);
	assert_int_equal(p->answer_err, ERR_PEER);
	assert_int_equal(p->closed, 2);
	teardown(&made);
	if (!t->with_fd)
		close(fd);
}

static void
test_peer_dies(void **state)
{
	struct pair *p = *state;

	p->answer_nothing = true;
	for (int i = 0; i < 10; i++)
		ask(p, ASK, 1, NULL, 0);
	turns(p);
	assert_int_equal(p->asked, 10);
	ipc_channel_free(&p->server);
	turns(p);
	assert_int_equal(p->failed, 10);
	assert_int_equal(p->answer_err, ERR_PEER);
	assert_null(p->client);
	assert_int_equal(p->close_err, ERR_PEER);
}

/* What was asked is answered; then the channel is gone, and the server sees it. */
static void
test_retired(void **state)
{
	struct pair *p = *state;

	for (uint32_t i = 0; i < 100; i++)
		ask(p, ASK, i, NULL, 0);
	ipc_retire(&p->client);
	assert_null(p->client);
	turns(p);
	assert_int_equal(p->answered, 100);
	assert_int_equal(p->failed, 0);
	assert_null(p->server);
	assert_int_equal(p->closed, 1); /* the server's on_close */
}

static void
test_retired_without_questions(void **state)
{
	struct pair *p = *state;

	ipc_retire(&p->client);
	turns(p);
	assert_null(p->server);
	ipc_retire(&p->client); /* NULL is fine */
}

static void
test_retired_and_lost(void **state)
{
	struct pair *p = *state;

	p->answer_nothing = true;
	ask(p, ASK, 1, NULL, 0);
	turns(p);
	ipc_retire(&p->client);
	turns(p);
	assert_int_equal(p->failed, 0);
	ipc_channel_free(&p->server);
	turns(p);
	assert_int_equal(p->failed, 1);
	assert_int_equal(p->answer_err, ERR_PEER);
	assert_int_equal(p->closed, 0);
}

static void
on_leaving(void *ctx, struct ipc_channel *channel, bool sole)
{
	struct pair *p = ctx;

	assert_ptr_equal(channel, p->client);
	assert_true(sole);
	p->left++;
	ipc_retire(&p->client);
}

/* The server says so with answers under way: they arrive all. */
static void
test_leaving(void **state)
{
	struct pair *p = *state;
	int fds[2];

	ipc_channel_free(&p->client);
	ipc_channel_free(&p->server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	p->client = ipc_channel_new(&(struct ipc_channel_spec){ .base = p->base,
		.fd = fds[0],
		.peer = SERVICE_DIRECTORY,
		.ctx = p,
		.on_close = on_close,
		.on_leaving = on_leaving });
	p->server = end_of(p, fds[1], SERVICE_SMTPD, routes, NITEMS(routes));
	for (uint32_t i = 0; i < 10; i++)
		ask(p, ASK, i, NULL, 0);
	ipc_say_leaving(p->server, true);
	turns(p);
	assert_int_equal(p->left, 1);
	assert_int_equal(p->answered, 10);
	assert_null(p->server);
}

/* Where nobody wants to know it is no fault. */
static void
test_leaving_unheard(void **state)
{
	struct pair *p = *state;

	ipc_say_leaving(p->server, false);
	ask(p, ASK, 1, NULL, 0);
	turns(p);
	assert_int_equal(p->answered, 1);
	assert_non_null(p->client);
}

static void
test_time_out(void **state)
{
	struct pair *p = *state;

	p->answer_nothing = true;
	ask(p, ASK, 1, NULL, 0);
	for (int i = 0; i < 40 && p->failed == 0; i++) {
		usleep(100000);
		turns(p);
	}
	assert_int_equal(p->failed, 1);
	assert_int_equal(p->answer_err, ERR_TIMEOUT);
	p->answer_nothing = false; /* the channel lives on, a late answer does no harm */
	ask(p, ASK, 7, NULL, 0);
	turns(p);
	assert_int_equal(p->last_number, 8);
}

static void
test_closed_from_within_a_handler(void **state)
{
	struct pair *p = *state;

	p->close_inside = true;
	ask(p, ASK, 1, NULL, 0);
	ask(p, ASK, 2, NULL, 0);
	turns(p);
	assert_int_equal(p->asked, 1);
	assert_int_equal(p->failed, 2);
}

/* Its owner frees it when a request fails, while it is being lost: no on_close follows. */
static void
test_closed_by_a_failed_request(void **state)
{
	struct pair *p = *state;

	p->answer_nothing = p->close_when_failed = true;
	ask(p, ASK, 1, NULL, 0);
	ask(p, ASK, 2, NULL, 0);
	turns(p);
	ipc_channel_free(&p->server);
	turns(p);
	assert_int_equal(p->failed, 2);
	assert_int_equal(p->closed, 0);
	assert_null(p->client);
}

/* A peer that asks on and on and takes no answer: memory has an end. */
static void
test_asks_and_never_reads(void **state)
{
	struct pair *p = *state;
	struct buf packet = BUF_INIT, body = BUF_INIT;
	unsigned sent = 0, before;
	uint8_t answers[IPC_PACKET_MAX];
	int fds[2], none[IPC_PACKET_FDS_MAX];
	unsigned nfds;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	ipc_channel_free(&p->server);
	p->server = ipc_channel_new(&(struct ipc_channel_spec){ .base = p->base,
		.fd = fds[1],
		.peer = SERVICE_SMTPD,
		.served = true,
		.routes = routes,
		.nroutes = NITEMS(routes),
		.ctx = p,
		.on_close = on_close });
	word_encode(&body, &(struct word){ 1, BYTES_LITERAL("hello") });
	for (int i = 0; i < 100; i++)
		frame_put(&packet, ASK, 0, 7, 0, buf_bytes(&body));
	do { /* until neither side moves */
		before = sent;
		while (sent < 5000 &&
			packet_send(fds[0], buf_bytes(&packet), NULL, 0, MSG_DONTWAIT) > 0)
			sent++;
		turns(p);
	} while (sent > before);
	assert_true(sent < 5000);
	assert_true(ipc_backlog(p->server) < 2 * IPC_UNSENT_MAX);
	/* it reads again: all are answered */
	for (before = 0; before != p->asked;) {
		before = p->asked;
		while (packet_receive(fds[0], answers, sizeof(answers), none, &nfds, MSG_DONTWAIT) >
			0)
			continue;
		turns(p);
	}
	assert_int_equal(p->asked, sent * 100);
	assert_int_equal(ipc_backlog(p->server), 0);
	close(fds[0]);
	buf_free(&packet);
	buf_free(&body);
}

/* ---- pure: frames of a packet ---- */

static const struct frame_row {
	const char *label;
	uint8_t data[16];
	size_t n;
	int result;
} frame_rows[] = {
	{ "nothing", { 0 }, 0, 0 },
	{ "half a header", { 1, 0, 0, 0, 0 }, 5, ERR_SYNTAX },
	{ "an empty body", { 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0 }, 12, 1 },
	{ "a body of two", { 1, 0, 1, 0, 9, 0, 0, 0, 2, 0, 0, 0, 7, 7 }, 14, 1 },
	{ "a body cut short", { 1, 0, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 7, 7 }, 14, ERR_SYNTAX },
	{ "a length over all limits", { 1, 0, 0, 0, 9, 0, 0, 0, 255, 255, 255, 255, 7 }, 13,
		ERR_SYNTAX },
	{ "five descriptors", { 1, 0, 0, 5, 9, 0, 0, 0, 0, 0, 0, 0 }, 12, ERR_SYNTAX },
	{ "an unknown flag", { 1, 0, 2, 0, 9, 0, 0, 0, 0, 0, 0, 0 }, 12, ERR_SYNTAX },
};

static void
run_frame(void **state)
{
	const struct frame_row *t = *state;
	struct bytes rest = bytes_make(t->data, t->n);
	struct ipc_frame f;

	assert_int_equal(ipc_frame_parse(&rest, &f), t->result);
	if (t->result == 1)
		assert_int_equal(rest.n, 0);
}

#define ON_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PAIR(test_request_and_answer),
		ON_PAIR(test_many_travel_together),
		ON_PAIR(test_descriptor_passes),
		ON_PAIR(test_peer_dies),
		ON_PAIR(test_retired),
		ON_PAIR(test_retired_without_questions),
		ON_PAIR(test_retired_and_lost),
		ON_PAIR(test_leaving),
		ON_PAIR(test_leaving_unheard),
		ON_PAIR(test_time_out),
		ON_PAIR(test_closed_from_within_a_handler),
		ON_PAIR(test_closed_by_a_failed_request),
		ON_PAIR(test_asks_and_never_reads),
	};
	struct CMUnitTest rules[NITEMS(rule_rows)], frames[NITEMS(frame_rows)];

	for (size_t i = 0; i < NITEMS(rule_rows); i++)
		rules[i] = (struct CMUnitTest){ rule_rows[i].label, run_rule, NULL, NULL,
			(void *)(uintptr_t)&rule_rows[i] };
	for (size_t i = 0; i < NITEMS(frame_rows); i++)
		frames[i] = (struct CMUnitTest){ frame_rows[i].label, run_frame, NULL, NULL,
			(void *)(uintptr_t)&frame_rows[i] };
	return cmocka_run_group_tests_name("ipc/channel", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("ipc/rules", rules, NULL, NULL) +
	       cmocka_run_group_tests_name("ipc/frames", frames, NULL, NULL);
}
