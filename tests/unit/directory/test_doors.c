/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/directory/test_doors.c - what doors ask of directory to log somebody in and to send,
 * and what a door that was taken over asks: the real service, on real channels, between a ledger
 * and spawners that are played here.
 */
#include "../base/cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "auth.h"
#include "directory_conf.h"
#include "encode.h"
#include "logins.h"
#include "map_build.h"
#include "session_msg.h"

/* ---- ledger and the spawners: links that answer at once ---- */

struct link {
	enum service service;
	struct buf compose;
	void *ctx;
};

static struct world {
	struct daemon daemon;
	struct conf conf;
	char folder[64];
	struct directory *d;
	struct link *links[16];
	size_t nlinks;
	/* what ledger says */
	bool ledger_down;
	struct ledger_try_answer try;
	struct ledger_send_answer send;
	/* what it heard */
	unsigned tries, sends, told[LEDGER_TRIED_RESULTS];
	uint32_t recipients;
	char credential[64];
} * world;

struct link *
daemon_link(struct daemon *d, enum service service, uint32_t instance,
	const struct ipc_route *table, size_t n)
{
	struct link *l = xcalloc(1, sizeof(*l));

	UNUSED(d), UNUSED(instance), UNUSED(table), UNUSED(n);
	l->service = service;
	world->links[world->nlinks++] = l;
	return l;
}

void
link_open(struct link *l)
{
	UNUSED(l);
}

void
link_set_ctx(struct link *l, void *ctx)
{
	l->ctx = ctx;
}

void *
link_ctx(const struct link *l)
{
	return l->ctx;
}

void
link_on_up(struct link *l, void (*up)(void *arg, struct link *l), void *arg)
{
	UNUSED(l), UNUSED(up), UNUSED(arg);
}

bool
link_is_up(const struct link *l)
{
	return l->service != SERVICE_LEDGER || !world->ledger_down;
}

struct buf *
link_compose(struct link *l)
{
	buf_clear(&l->compose);
	return &l->compose;
}

void
link_send(struct link *l, uint16_t type, const int *fds, unsigned nfds)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&l->compose));
	struct ledger_tried m;

	UNUSED(fds), UNUSED(nfds);
	if (type != LEDGER_TRIED)
		return;
	assert_int_equal(ledger_tried_decode(&in, &m), ERR_OK);
	world->told[m.result]++;
	bytes_to_str(m.credential, world->credential, sizeof(world->credential));
}

void
link_request(struct link *l, uint16_t type, const int *fds, unsigned nfds, unsigned timeout_ms,
	ipc_answer_fn *done, void *arg)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&l->compose));
	const struct session_started_msg started = { .status = ERR_OK };
	struct ipc_answer answer = { 0 };
	struct ledger_send send;
	struct buf body = BUF_INIT;

	UNUSED(fds), UNUSED(nfds), UNUSED(timeout_ms);
	switch (type) {
	case LEDGER_TRY:
		world->tries++;
		answer.type = LEDGER_TRY_ANSWER;
		ledger_try_answer_encode(&body, &world->try);
		break;
	case LEDGER_SEND:
		assert_int_equal(ledger_send_decode(&in, &send), ERR_OK);
		world->sends++;
		world->recipients = send.recipients;
		answer.type = LEDGER_SEND_ANSWER;
		ledger_send_answer_encode(&body, &world->send);
		break;
	default:
		assert_int_equal(type, SESSION_START);
		answer.type = SESSION_STARTED;
		session_started_encode(&body, &started);
		break;
	}
	answer.body = buf_bytes(&body);
	done(arg, &answer);
	buf_free(&body);
}

/* ---- the service ---- */

static const char *const texts[TABLE_KINDS] = {
	[TABLE_DOMAINS] = "example.org local\n",
	[TABLE_ACCOUNTS] =
		"joe@example.org {PLAIN}secret "
		"password={SCRAM-SHA-256}4096,romv8WSAPaZlKXVYa3vYBQ==,"
		"w8O/s5OCEaJSBTTqVpvAIKZYX+/MQrB5ndEnQ9QVCrE=,"
		"Z8+fkESXC6QfkjpKcvqYnsUCkB04v89jKJAHmuZKngw= app=phone:imap:{PLAIN}phone-secret\n"
		"ann@example.org {PLAIN}secret\n"
		"locked@example.org {PLAIN}secret state=locked\n"
		"quiet@example.org {PLAIN}secret state=send-blocked\n",
	[TABLE_ALIASES] = "info@example.org joe@example.org\n",
	[TABLE_SYSTEM_USERS] = "",
	[TABLE_SYSTEM_ALIASES] = "",
};

static int
setup(void **arg)
{
	char path[128];
	struct directory_conf *conf;

	world = xcalloc(1, sizeof(*world));
	strcpy(world->folder, "/tmp/relais-test-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	for (int k = 0; k < TABLE_KINDS; k++) {
		struct table t = TABLE_INIT;

		table_parse(&t, bytes_from_str(texts[k]));
		table_check(&t, (enum table_kind)k);
		table_sort(&t);
		assert_int_equal(t.nerrors, 0);
		snprintf(path, sizeof(path), "%s/%s.db", world->folder,
			table_kind_name((enum table_kind)k));
		assert_int_equal(map_build(path, &t), ERR_OK);
		table_free(&t);
	}
	conf_init(&world->conf);
	conf = conf_values(&world->conf, "directory");
	conf->hash_threads = 1;
	conf->sasl_limit = 6;
	world->daemon = (struct daemon){ .spec = &directory_spec,
		.base = event_base_new(),
		.common = conf_values(&world->conf, ""),
		.conf = conf,
		.root = world->folder,
		.root_fd = open(world->folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.mail_uid = 1000,
		.mail_gid = 1000 };
	assert_int_equal(directory_spec.start(&world->daemon), ERR_OK);
	assert_int_equal(directory_spec.run(&world->daemon), ERR_OK);
	world->d = world->daemon.ctx;
	*arg = world;
	return 0;
}

static int
teardown(void **arg)
{
	char command[96];

	UNUSED(arg);
	directory_spec.stop(&world->daemon);
	for (size_t i = 0; i < world->nlinks; i++) {
		buf_free(&world->links[i]->compose);
		free(world->links[i]);
	}
	close(world->daemon.root_fd);
	event_base_free(world->daemon.base);
	conf_free(&world->conf);
	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	assert_int_equal(system(command), 0); /* NOLINT: a path of our own making */
	free(world);
	return 0;
}

/* ---- a door ---- */

struct door {
	struct ipc_channel *ours, *theirs;
	bool closed; /* directory broke off */
	unsigned asked, answered;
	struct buf body; /* of the last answer */
	uint16_t type;
	int err;
};

static void
on_served_closed(void *ctx, struct ipc_channel *channel, int err)
{
	UNUSED(ctx), UNUSED(err);
	directory_spec.peer_down(&world->daemon, channel);
}

static void
on_ours_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct door *door = ctx;

	UNUSED(channel), UNUSED(err);
	door->ours = NULL;
	door->closed = true;
}

static struct door *
door_open(enum service service)
{
	struct door *door = xcalloc(1, sizeof(*door));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	door->theirs = ipc_channel_new(&(struct ipc_channel_spec){ .base = world->daemon.base,
		.fd = fds[0],
		.peer = service,
		.served = true,
		.routes = directory_spec.routes,
		.nroutes = directory_spec.nroutes,
		.ctx = &world->daemon,
		.on_close = on_served_closed });
	door->ours = ipc_channel_new(&(struct ipc_channel_spec){ .base = world->daemon.base,
		.fd = fds[1],
		.peer = SERVICE_DIRECTORY,
		.ctx = door,
		.on_close = on_ours_closed });
	return door;
}

static void
turn(void)
{
	event_base_loop(world->daemon.base, EVLOOP_NONBLOCK);
	usleep(1000); /* threads hash meanwhile */
}

/* The process at the other end is gone. */
static void
door_close(struct door *door)
{
	ipc_channel_free(&door->ours);
	for (int i = 0; i < 20; i++)
		turn();
	buf_free(&door->body);
	free(door);
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct door *door = arg;

	door->answered++;
	door->err = answer->err;
	door->type = answer->type;
	buf_clear(&door->body);
	buf_put_bytes(&door->body, answer->body);
}

static void
wait_for_answer(struct door *door)
{
	uint64_t end = clock_mono_ms() + 20000;

	while (door->answered < door->asked && clock_mono_ms() < end)
		turn();
	assert_int_equal(door->answered, door->asked);
}

/* Send what was composed, wait for the answer. */
static void
ask(struct door *door, uint16_t type)
{
	door->asked++;
	ipc_request(door->ours, type, NULL, 0, 0, on_answer, door);
	wait_for_answer(door);
}

static struct directory_auth_answer
auth_answer(struct door *door)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&door->body));
	struct directory_auth_answer m;

	assert_int_equal(door->err, ERR_OK);
	assert_int_equal(door->type, DIRECTORY_AUTH_ANSWER);
	assert_int_equal(directory_auth_answer_decode(&in, &m), ERR_OK);
	return m;
}

static struct directory_auth_answer
auth(struct door *door, enum directory_protocol protocol, uint64_t session, const char *login,
	const char *password)
{
	const struct directory_auth m = { bytes_from_str(login), bytes_from_str(password),
		BYTES_LITERAL("192.0.2.1"), protocol, session };

	directory_auth_encode(ipc_compose(door->ours), &m);
	ask(door, DIRECTORY_AUTH);
	return auth_answer(door);
}

static struct directory_auth_answer
sasl_start(struct door *door, enum sasl_mechanism mechanism, struct bytes initial)
{
	struct directory_sasl_start m = { .mechanism = mechanism,
		.protocol = DIRECTORY_SUBMISSION,
		.session = 7,
		.client = BYTES_LITERAL("192.0.2.1"),
		.has_initial = initial.n > 0,
		.initial = initial };

	directory_sasl_start_encode(ipc_compose(door->ours), &m);
	ask(door, DIRECTORY_SASL_START);
	return auth_answer(door);
}

static struct directory_auth_answer
sasl_step(struct door *door, uint64_t exchange, struct bytes response)
{
	const struct directory_sasl_step m = { exchange, response };

	directory_sasl_step_encode(ipc_compose(door->ours), &m);
	ask(door, DIRECTORY_SASL_STEP);
	return auth_answer(door);
}

/* A login at submission; its handle. */
static struct bytes
log_in(struct door *door, uint64_t session, uint8_t handle[DIRECTORY_HANDLE_SIZE])
{
	struct directory_auth_answer a =
		auth(door, DIRECTORY_SUBMISSION, session, "joe@example.org", "secret");

	assert_int_equal(a.status, DIRECTORY_AUTH_OK);
	assert_int_equal(a.handle.n, DIRECTORY_HANDLE_SIZE);
	memcpy(handle, a.handle.p, DIRECTORY_HANDLE_SIZE);
	return bytes_make(handle, DIRECTORY_HANDLE_SIZE);
}

static struct directory_send_answer
send_it(struct door *door, const struct directory_send *m)
{
	struct directory_send_answer a;
	struct ipc_reader in;

	directory_send_encode(ipc_compose(door->ours), m);
	ask(door, DIRECTORY_SEND);
	assert_int_equal(door->err, ERR_OK);
	assert_int_equal(door->type, DIRECTORY_SEND_ANSWER);
	in = ipc_reader(buf_bytes(&door->body));
	assert_int_equal(directory_send_answer_decode(&in, &a), ERR_OK);
	return a;
}

static struct directory_send
a_message(struct bytes handle)
{
	return (struct directory_send){ .handle = handle,
		.session = 7,
		.queue_id = 55,
		.reverse_path = BYTES_LITERAL("joe@example.org"),
		.nsenders = 1,
		.senders = { BYTES_LITERAL("Info@Example.org") },
		.recipients = BYTES_LITERAL("12345678abcdefgh") };
}

/* ---- logging in ---- */

static const struct auth_row {
	const char *label, *login, *password;
	enum directory_protocol protocol;
	enum directory_auth_status status;
	enum ledger_tried_result told;
} auth_rows[] = {
	{ "IMAP", "joe@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
	{ "POP3, another case", "Joe@Example.Org", "secret", DIRECTORY_POP3, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
	{ "app password", "joe@example.org", "phone-secret", DIRECTORY_IMAP, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
	{ "app password of another protocol", "joe@example.org", "phone-secret", DIRECTORY_POP3,
		DIRECTORY_AUTH_FAILED, LEDGER_TRIED_WRONG },
	{ "wrong", "joe@example.org", "Secret", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED,
		LEDGER_TRIED_WRONG },
	{ "nobody", "nobody@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED,
		LEDGER_TRIED_WRONG },
	{ "no login", "", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED, LEDGER_TRIED_WRONG },
	{ "locked", "locked@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_LOCKED,
		LEDGER_TRIED_RIGHT },
	{ "locked and wrong", "locked@example.org", "wrong", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED,
		LEDGER_TRIED_WRONG },
	{ "send-blocked may read", "quiet@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
};

static void
run_auth(void **arg)
{
	const struct auth_row *t = *arg;
	struct directory_auth_answer a;
	struct door *door;
	void *unused;

	setup(&unused);
	door = door_open(t->protocol == DIRECTORY_IMAP ? SERVICE_IMAP_LOGIN : SERVICE_POP3_LOGIN);
	a = auth(door, t->protocol, 1, t->login, t->password);
	assert_int_equal(a.status, t->status);
	assert_int_equal(a.token.n, t->status == DIRECTORY_AUTH_OK ? DIRECTORY_TOKEN_SIZE : 0);
	assert_int_equal(a.handle.n, 0);
	assert_int_equal(world->tries, 1);
	for (int i = 0; i < LEDGER_TRIED_RESULTS; i++)
		assert_int_equal(world->told[i], i == (int)t->told);
	if (strcmp(t->label, "app password") == 0)
		assert_string_equal(world->credential, "phone");
	door_close(door);
	teardown(NULL);
}

static void
banned_and_delayed(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	uint64_t begin;

	UNUSED(arg);
	world->try = (struct ledger_try_answer){ .delay_ms = 120 };
	begin = clock_mono_ms();
	assert_int_equal(auth(door, DIRECTORY_SUBMISSION, 1, "joe@example.org", "wrong").status,
		DIRECTORY_AUTH_FAILED);
	assert_true(clock_mono_ms() - begin >= 110);
	assert_int_equal(auth(door, DIRECTORY_SUBMISSION, 1, "joe@example.org", "secret").status,
		DIRECTORY_AUTH_OK);
	world->try = (struct ledger_try_answer){ .verdict = LEDGER_TRY_BANNED };
	assert_int_equal(auth(door, DIRECTORY_SUBMISSION, 1, "joe@example.org", "secret").status,
		DIRECTORY_AUTH_BANNED);
	assert_int_equal(world->told[LEDGER_TRIED_UNDECIDED], 0); /* nothing follows a ban */
	door_close(door);
}

static void
client_leaves_while_hashing(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	const struct directory_auth m = { BYTES_LITERAL("joe@example.org"), BYTES_LITERAL("secret"),
		BYTES_LITERAL("192.0.2.1"), DIRECTORY_SUBMISSION, 1 };

	UNUSED(arg);
	directory_auth_encode(ipc_compose(door->ours), &m);
	ipc_request(door->ours, DIRECTORY_AUTH, NULL, 0, 0, on_answer, door);
	ipc_flush(door->ours);
	door_close(door);
	for (int i = 0; i < 200 && !LIST_EMPTY(&world->d->auths); i++)
		turn();
	assert_true(LIST_EMPTY(&world->d->auths));
	assert_int_equal(logins_count(world->d->handles), 0);
}

/* ---- exchanges ---- */

static void
exchanges_are_their_channels(void **arg)
{
	static const struct bytes first = BYTES_LITERAL("n,,n=joe@example.org,r=abc");
	struct door *a = door_open(SERVICE_SUBMISSION), *b = door_open(SERVICE_SUBMISSION);
	struct directory_auth_answer started = sasl_start(a, SASL_SCRAM_SHA_256, first);
	struct directory_sasl_cancel cancel = { started.exchange };
	uint64_t number = started.exchange;

	UNUSED(arg);
	assert_int_equal(started.status, DIRECTORY_AUTH_CHALLENGE);
	/* another process with the right number, and one that guesses */
	assert_int_equal(sasl_step(b, number, BYTES_LITERAL("x")).status, DIRECTORY_AUTH_TEMPORARY);
	assert_int_equal(sasl_step(a, number + ((uint64_t)1 << 32), BYTES_LITERAL("x")).status,
		DIRECTORY_AUTH_TEMPORARY);
	directory_sasl_cancel_encode(ipc_compose(b->ours), &cancel);
	ipc_send(b->ours, DIRECTORY_SASL_CANCEL, NULL, 0);
	/* it goes on for its owner */
	assert_int_equal(sasl_step(a, number, BYTES_LITERAL("c=biws,r=no,p=AAAA")).status,
		DIRECTORY_AUTH_FAILED);
	assert_int_equal(directory_sasl_count(world->d), 0);
	assert_int_equal(sasl_step(a, number, BYTES_LITERAL("c=biws,r=no,p=AAAA")).status,
		DIRECTORY_AUTH_TEMPORARY);
	assert_int_equal(sasl_start(a, SASL_SCRAM_SHA_256, BYTES_LITERAL("n,,n=joe")).status,
		DIRECTORY_AUTH_MALFORMED);
	assert_int_equal(sasl_start(a, SASL_SCRAM_SHA_1, first).status, DIRECTORY_AUTH_UNSUPPORTED);
	door_close(a);
	door_close(b);
}

/* Six in all, three for one process. */
static void
exchanges_are_few(void **arg)
{
	struct door *a = door_open(SERVICE_SUBMISSION), *b = door_open(SERVICE_SUBMISSION),
		    *c = door_open(SERVICE_SUBMISSION);
	struct directory_sasl_cancel cancel = { 0 };

	UNUSED(arg);
	for (int i = 0; i < 3; i++) {
		struct directory_auth_answer m = sasl_start(a, SASL_LOGIN, BYTES_NONE);

		assert_int_equal(m.status, DIRECTORY_AUTH_CHALLENGE);
		cancel.exchange = m.exchange;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			sasl_start(b, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_CHALLENGE);
	assert_int_equal(sasl_start(a, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_TEMPORARY);
	assert_int_equal(sasl_start(b, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_CHALLENGE);
	assert_int_equal(sasl_start(c, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_TEMPORARY);
	directory_sasl_cancel_encode(ipc_compose(a->ours), &cancel);
	ipc_send(a->ours, DIRECTORY_SASL_CANCEL, NULL, 0);
	for (int i = 0; i < 50 && directory_sasl_count(world->d) == 6; i++)
		turn();
	assert_int_equal(sasl_start(c, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_CHALLENGE);
	door_close(a); /* its two go with it */
	assert_int_equal(directory_sasl_count(world->d), 4);
	door_close(b);
	door_close(c);
	assert_int_equal(directory_sasl_count(world->d), 0);
}

static void
exchanges_end(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	struct directory_auth_answer m =
		sasl_start(door, SASL_SCRAM_SHA_256, BYTES_LITERAL("n,,n=joe@example.org,r=abc"));
	uint64_t number = m.exchange, end = clock_mono_ms() + 20000;

	UNUSED(arg);
	assert_int_equal(m.status, DIRECTORY_AUTH_CHALLENGE);
	LIST_FIRST(&world->d->auths)->deadline_ms = 1; /* its minute is over */
	while (directory_sasl_count(world->d) > 0 && clock_mono_ms() < end)
		turn();
	assert_int_equal(directory_sasl_count(world->d), 0);
	assert_int_equal(world->told[LEDGER_TRIED_UNDECIDED], 1);
	assert_int_equal(
		sasl_step(door, number, BYTES_LITERAL("x")).status, DIRECTORY_AUTH_TEMPORARY);
	door_close(door);
}

static void
plain_in_one_message(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	struct directory_auth_answer m =
		sasl_start(door, SASL_PLAIN, BYTES_LITERAL("\0joe@example.org\0secret"));

	UNUSED(arg);
	assert_int_equal(m.status, DIRECTORY_AUTH_OK);
	assert_true(bytes_is(m.account, "joe@example.org"));
	assert_int_equal(m.handle.n, DIRECTORY_HANDLE_SIZE);
	assert_false(m.send_blocked);
	m = sasl_start(door, SASL_PLAIN, BYTES_LITERAL("\0quiet@example.org\0secret"));
	assert_true(m.send_blocked);
	door_close(door);
}

/* ---- sending ---- */

/* What this service checks tickets with. */
static struct send_ticket_key
ticket_key(struct door *door)
{
	struct send_ticket_key key = { 0 };
	struct directory_ticket_key k;
	struct ipc_reader in;

	(void)ipc_compose(door->ours);
	ask(door, DIRECTORY_TICKET_KEY);
	in = ipc_reader(buf_bytes(&door->body));
	assert_int_equal(directory_ticket_key_decode(&in, &k), ERR_OK);
	key.id = k.id;
	memcpy(key.key, k.key.p, sizeof(key.key));
	return key;
}

/* The signer gets one of its own, for the author's domain; neither of the two serves the other. */
static void
a_ticket_for_the_signer(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION), *signer = door_open(SERVICE_SIGNER);
	struct door *qmgr = door_open(SERVICE_QMGR);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct send_ticket used = { BYTES_LITERAL("joe@example.org"), 55, m.reverse_path,
		BYTES_LITERAL("example.org") };
	const uint64_t now_s = clock_wall_us() / 1000000;
	struct send_ticket_key key;
	struct directory_send_answer a;
	uint8_t sign[SEND_TICKET_SIZE], commit[SEND_TICKET_SIZE];

	UNUSED(arg);
	a = send_it(door, &m);
	assert_int_equal(a.sign_ticket.n, SEND_TICKET_SIZE);
	assert_int_equal(a.ticket.n, SEND_TICKET_SIZE);
	memcpy(sign, a.sign_ticket.p, sizeof(sign));
	memcpy(commit, a.ticket.p, sizeof(commit));
	key = ticket_key(signer);
	assert_int_equal(
		send_ticket_check(&key, &used, now_s, bytes_make(sign, sizeof(sign))), ERR_OK);
	assert_true(send_ticket_check(&key, &used, now_s, bytes_make(commit, sizeof(commit))) < 0);
	used.domain = BYTES_LITERAL("example.net");
	assert_int_equal(
		send_ticket_check(&key, &used, now_s, bytes_make(sign, sizeof(sign))), ERR_DENIED);
	used.domain = BYTES_NONE;
	key = ticket_key(qmgr);
	assert_true(send_ticket_check(&key, &used, now_s, bytes_make(sign, sizeof(sign))) < 0);
	/* nobody's message */
	m.author = m.nsenders;
	a = send_it(door, &m);
	assert_int_equal(a.ticket.n, SEND_TICKET_SIZE);
	assert_int_equal(a.sign_ticket.n, 0);
	door_close(door);
	door_close(signer);
	door_close(qmgr);
}

static void
a_ticket_for_qmgr(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION), *qmgr = door_open(SERVICE_QMGR);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	const struct send_ticket used = { .login = BYTES_LITERAL("joe@example.org"),
		.queue_id = 55,
		.reverse_path = m.reverse_path };
	struct directory_send_answer a = send_it(door, &m);
	struct send_ticket_key key;
	uint8_t ticket[SEND_TICKET_SIZE];

	UNUSED(arg);
	assert_int_equal(a.verdict, DIRECTORY_SEND_OK);
	assert_int_equal(world->sends, 1);
	assert_int_equal(world->recipients, 2);
	assert_int_equal(a.ticket.n, sizeof(ticket));
	memcpy(ticket, a.ticket.p, sizeof(ticket));
	key = ticket_key(qmgr);
	assert_int_equal(send_ticket_check(&key, &used, clock_wall_us() / 1000000,
				 bytes_make(ticket, sizeof(ticket))),
		ERR_OK);
	/* at MAIL: nothing is counted, there is no ticket */
	m.queue_id = 0;
	a = send_it(door, &m);
	assert_int_equal(a.verdict, DIRECTORY_SEND_OK);
	assert_int_equal(a.ticket.n, 0);
	assert_int_equal(world->sends, 1);
	door_close(door);
	door_close(qmgr);
}

static void
handles_are_not_to_be_had(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION), *hacked = door_open(SERVICE_SUBMISSION);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct directory_logout out = { m.handle, 7 };

	UNUSED(arg);
	assert_int_equal(send_it(hacked, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	m.session = 8; /* another client's, in the same process */
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	m.session = 7;
	octets[0] ^= 1; /* forged */
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	octets[0] ^= 1;
	directory_logout_encode(ipc_compose(hacked->ours), &out); /* not its own to end */
	ipc_send(hacked->ours, DIRECTORY_LOGOUT, NULL, 0);
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_OK);
	directory_logout_encode(ipc_compose(door->ours), &out);
	ipc_send(door->ours, DIRECTORY_LOGOUT, NULL, 0);
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	(void)log_in(door, 9, octets);
	door_close(door); /* the process is gone, its logins too */
	assert_int_equal(logins_count(world->d->handles), 0);
	door_close(hacked);
}

static void
addresses_of_others(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct directory_send_answer a;

	UNUSED(arg);
	m.senders[m.nsenders++] = BYTES_LITERAL("ann@example.org");
	a = send_it(door, &m);
	assert_int_equal(a.verdict, DIRECTORY_SEND_NOT_OWNED);
	assert_true(a.in_header && bytes_is(a.address, "ann@example.org"));
	m.nsenders--;
	m.reverse_path = BYTES_LITERAL("joe@elsewhere.example");
	a = send_it(door, &m);
	assert_int_equal(a.verdict, DIRECTORY_SEND_NOT_OWNED);
	assert_true(!a.in_header && bytes_is(a.address, "joe@elsewhere.example"));
	m.reverse_path = BYTES_NONE;
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_OK);
	assert_int_equal(world->sends, 1); /* what is refused does not count */
	door_close(door);
}

static void
limits(void **arg)
{
	static const struct {
		enum ledger_send_verdict says;
		enum directory_send_verdict verdict;
	} rows[] = {
		{ LEDGER_SEND_MESSAGES, DIRECTORY_SEND_LIMIT },
		{ LEDGER_SEND_NEW_RECIPIENTS, DIRECTORY_SEND_LIMIT },
		{ LEDGER_SEND_BLOCKED, DIRECTORY_SEND_BLOCKED },
		{ LEDGER_SEND_LATER, DIRECTORY_SEND_TEMPORARY },
		{ LEDGER_SEND_OK, DIRECTORY_SEND_OK },
	};
	struct door *door = door_open(SERVICE_SUBMISSION);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct directory_send_answer a;

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		world->send.verdict = rows[i].says;
		a = send_it(door, &m);
		assert_int_equal(a.verdict, rows[i].verdict);
		assert_int_equal(a.ticket.n > 0, rows[i].verdict == DIRECTORY_SEND_OK);
		if (a.verdict == DIRECTORY_SEND_LIMIT)
			assert_true(a.reason.n > 0);
	}
	world->ledger_down = true; /* who can't be counted can't send, but can log in */
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_TEMPORARY);
	(void)log_in(door, 8, octets);
	door_close(door);
}

static void
a_door_may_not_ask_for_the_key(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);

	UNUSED(arg);
	(void)ipc_compose(door->ours);
	door->asked++;
	ipc_request(door->ours, DIRECTORY_TICKET_KEY, NULL, 0, 0, on_answer, door);
	wait_for_answer(door);
	assert_int_equal(door->err, ERR_PEER);
	assert_true(door->closed);
	door_close(door);
}

int
main(void)
{
#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest others[] = { WITH_WORLD(banned_and_delayed),
		WITH_WORLD(client_leaves_while_hashing), WITH_WORLD(exchanges_are_their_channels),
		WITH_WORLD(exchanges_are_few), WITH_WORLD(exchanges_end),
		WITH_WORLD(plain_in_one_message), WITH_WORLD(a_ticket_for_qmgr),
		WITH_WORLD(a_ticket_for_the_signer), WITH_WORLD(handles_are_not_to_be_had),
		WITH_WORLD(addresses_of_others), WITH_WORLD(limits),
		WITH_WORLD(a_door_may_not_ask_for_the_key) };
	TABLE_TESTS(tests, auth_rows, run_auth);

	return cmocka_run_group_tests_name("directory/logins at doors", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/doors", others, NULL, NULL);
}
