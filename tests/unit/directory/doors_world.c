/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/directory/doors_world.c - directory between a ledger and spawners that are played, and
 * doors that ask it.
 */
#include "../base/cases.h"

#include "doors_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
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

struct world *world;

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

int
doors_setup(void **arg)
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

int
doors_teardown(void **arg)
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

struct door *
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

void
turn(void)
{
	event_base_loop(world->daemon.base, EVLOOP_NONBLOCK);
	usleep(1000); /* threads hash meanwhile */
}

/* The process at the other end is gone. */
void
door_close(struct door *door)
{
	ipc_channel_free(&door->ours);
	for (int i = 0; i < 20; i++)
		turn();
	buf_free(&door->body);
	free(door);
}

void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct door *door = arg;

	door->answered++;
	door->err = answer->err;
	door->type = answer->type;
	buf_clear(&door->body);
	buf_put_bytes(&door->body, answer->body);
}

void
wait_for_answer(struct door *door)
{
	uint64_t end = clock_mono_ms() + 20000;

	while (door->answered < door->asked && clock_mono_ms() < end)
		turn();
	assert_int_equal(door->answered, door->asked);
}

/* Send what was composed, wait for the answer. */
void
ask(struct door *door, uint16_t type)
{
	door->asked++;
	ipc_request(door->ours, type, NULL, 0, 0, on_answer, door);
	wait_for_answer(door);
}

struct directory_auth_answer
auth_answer(struct door *door)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&door->body));
	struct directory_auth_answer m;

	assert_int_equal(door->err, ERR_OK);
	assert_int_equal(door->type, DIRECTORY_AUTH_ANSWER);
	assert_int_equal(directory_auth_answer_decode(&in, &m), ERR_OK);
	return m;
}

struct directory_auth_answer
auth(struct door *door, enum directory_protocol protocol, uint64_t session, const char *login,
	const char *password)
{
	const struct directory_auth m = { bytes_from_str(login), bytes_from_str(password),
		BYTES_LITERAL("192.0.2.1"), protocol, session };

	directory_auth_encode(ipc_compose(door->ours), &m);
	ask(door, DIRECTORY_AUTH);
	return auth_answer(door);
}

/* A login at submission; its handle. */
struct bytes
log_in(struct door *door, uint64_t session, uint8_t handle[DIRECTORY_HANDLE_SIZE])
{
	struct directory_auth_answer a =
		auth(door, DIRECTORY_SUBMISSION, session, "joe@example.org", "secret");

	assert_int_equal(a.status, DIRECTORY_AUTH_OK);
	assert_int_equal(a.handle.n, DIRECTORY_HANDLE_SIZE);
	memcpy(handle, a.handle.p, DIRECTORY_HANDLE_SIZE);
	return bytes_make(handle, DIRECTORY_HANDLE_SIZE);
}
