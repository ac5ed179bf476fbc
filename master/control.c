/* SPDX-License-Identifier: ISC */
/*
 * master/control.c - introductions between services, and what the operator's command asks.
 *
 * The command connects to RUN/control; the kernel says who it is (SO_PEERCRED): root, or
 * the user who runs the suite.
 */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "common_conf.h"
#include "log.h"
#include "master.h"

#define INTRODUCTIONS_UNSENT_MAX 4096 /* octets: about 150 of them, each with a descriptor */

/* ---- introductions ---- */

/* Who asks. */
struct caller {
	const struct child *child; /* NULL: the operator's command */
	enum service service;
	unsigned instance;
	uint32_t may_call, wire;
};

/* Of the caller's own build of the suite: during an upgrade those that are to serve next already
 * know each other, while they are on trial. */
static bool
is_of_its_own(const struct child *c, const struct caller *from)
{
	return from->child != NULL && c->generation == from->child->generation && !c->leaving &&
	       c->state == CHILD_READY;
}

/* The same after an upgrade, among those that are being left: what one of them keeps for the
 * other's clients its successor does not have. */
static bool
is_left_with_it(const struct child *c, const struct caller *from)
{
	return from->child != NULL && from->child->leaving && c->leaving && !c->row->sole &&
	       c->generation == from->child->generation &&
	       (c->state == CHILD_READY || (c->state == CHILD_DRAINING && c->handed));
}

static bool
is_serving(const struct child *c, const struct caller *from)
{
	UNUSED(from);
	return c->state == CHILD_READY && !c->leaving && !c->trial;
}

/* Of those that may be taken the one that is next, or the very one asked for. */
static struct child *
choose_among(struct master *m, const struct control_introduce *ask, const struct caller *from,
	bool (*may)(const struct child *c, const struct caller *from))
{
	const enum service s = (enum service)ask->service;
	struct child *c, *found = NULL;
	unsigned n = 0, turn;

	TAILQ_FOREACH (c, &m->children, link) {
		n += c->row->service == s && c->control != NULL && may(c, from);
	}
	turn = n == 0 || ask->instance != CONTROL_ANY ? 0 : m->round_robin[s]++ % n;
	TAILQ_FOREACH (c, &m->children, link) {
		if (c->row->service != s || c->control == NULL || !may(c, from) ||
			(ask->instance != CONTROL_ANY && c->instance != ask->instance))
			continue;
		found = c;
		if (turn-- == 0)
			break;
	}
	return found;
}

/* One of its own build is about to serve: the caller waits for it, and has to look for no other
 * when it comes. */
static bool
has_one_coming(struct master *m, enum service s, const struct caller *from)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->row->service == s && from->child != NULL && !c->leaving &&
			c->generation == from->child->generation &&
			(c->state == CHILD_STARTING || (c->trial && c->state == CHILD_ABSENT)))
			return true;
	}
	return false;
}

/* The process that is to answer; NULL: *err says why. */
static struct child *
choose(struct master *m, const struct control_introduce *ask, const struct caller *from, int *err)
{
	struct child *c = choose_among(m, ask, from, is_of_its_own);

	*err = ERR_PEER;
	if (c == NULL && has_one_coming(m, (enum service)ask->service, from))
		return NULL;
	if (c == NULL)
		c = choose_among(m, ask, from, is_left_with_it);
	if (c == NULL)
		c = choose_among(m, ask, from, is_serving);
	if (c != NULL && c->wire != from->wire) {
		*err = ERR_UNSUPPORTED;
		c = NULL;
	}
	return c;
}

static int
introduce(struct master *m, struct ipc_call *call, const struct caller *from,
	const struct control_introduce *ask)
{
	struct control_peer answer = { .service = ask->service };
	struct child *target;
	int pair[2] = { -1, -1 };

	if ((from->may_call & FROM(ask->service)) == 0)
		answer.err = ERR_DENIED;
	else if ((target = choose(m, ask, from, &answer.err)) == NULL)
		;
	else if (ipc_backlog(target->control) > INTRODUCTIONS_UNSENT_MAX)
		answer.err = ERR_BUSY; /* it is slow, or somebody asks without end */
	else if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		answer.err = ERR_RESOURCE;
	else {
		(void)fcntl(pair[1], F_SETFL, O_NONBLOCK);
		if (ipc_peer(call->channel) != SERVICE_CLI) /* which has no event loop */
			(void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
		answer.instance = target->instance;
		control_peer_encode(ipc_compose(target->control),
			&(struct control_peer){
				.service = from->service, .instance = from->instance });
		answer.err = ERR_OK;
		ipc_send(target->control, CONTROL_PEER, &pair[1], 1);
	}
	control_peer_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, CONTROL_INTRODUCED, &pair[0], answer.err < 0 ? 0 : 1);
	return answer.err;
}

static void
on_child_introduce(struct ipc_call *call, const void *msg)
{
	struct child *c = call->ctx;
	const struct control_introduce *ask = msg;
	const struct caller from = { c, c->row->service, c->instance, c->row->may_call, ask->wire };

	if (introduce(c->master, call, &from, ask) == ERR_DENIED)
		log_error("%s asked for %s, which it may not call", service_name(c->row->service),
			service_name((enum service)ask->service));
}

static void
on_ready(struct ipc_call *call, const void *msg)
{
	const struct control_ready *ready = msg;
	struct child *c = call->ctx;

	c->wire = ready->wire;
	free(c->version);
	c->version = strndup((const char *)ready->version.p, ready->version.n);
	child_event(c, EVENT_READY);
}

static void
on_starting(struct ipc_call *call, const void *msg)
{
	child_event(call->ctx, EVENT_STARTING);
}

static void
on_child_status(struct ipc_call *call, const void *msg)
{
	const struct child *c = call->ctx;

	master_status(c->master, call);
}

static void
on_drained(struct ipc_call *call, const void *msg)
{
	UNUSED(call); /* its exit follows; the message only says that it is meant */
}

#define CHILDREN (~(FROM(SERVICE_NONE) | FROM(SERVICE_MASTER) | FROM(SERVICE_CLI)))

const struct ipc_route child_routes[] = {
	{ CONTROL_READY, CHILDREN, 0, 0, sizeof(struct control_ready), control_ready_decode,
		on_ready },
	{ CONTROL_STARTING, CHILDREN, 0, 0, 0, ipc_empty_decode, on_starting },
	{ CONTROL_INTRODUCE, CHILDREN, 0, 0, sizeof(struct control_introduce),
		control_introduce_decode, on_child_introduce },
	{ CONTROL_DRAINED, CHILDREN, 0, 0, 0, ipc_empty_decode, on_drained },
	{ CONTROL_STATUS, FROM(SERVICE_METRICS), 0, 0, 0, ipc_empty_decode, on_child_status },
};
const size_t nchild_routes = NITEMS(child_routes);

/* ---- the operator's command ---- */

/* An operator's connection. */
struct operator
{
	struct master *master;
	struct ipc_channel *channel;
};

void
control_answer(struct ipc_channel *channel, uint32_t id, int err, struct bytes text)
{
	control_text_encode(ipc_compose(channel),
		&(struct control_text){ err, bytes_head(text, IPC_BODY_MAX - 64) });
	ipc_reply(channel, id, CONTROL_TEXT, NULL, 0);
}

static void
on_cli_introduce(struct ipc_call *call, const void *msg)
{
	struct operator* o = call->ctx;

	const struct control_introduce *ask = msg;
	const struct caller from = { NULL, SERVICE_CLI, 0, CLI_MAY_CALL, ask->wire };

	introduce(o->master, call, &from, ask);
}

static void
on_status(struct ipc_call *call, const void *msg)
{
	struct operator* o = call->ctx;

	master_status(o->master, call);
}

static void
on_reload(struct ipc_call *call, const void *msg)
{
	const struct control_reload *ask = msg;
	struct operator* o = call->ctx;
	struct buf text = BUF_INIT;
	int r = master_reload(o->master, ask->yes_really != 0, &text);

	control_answer(call->channel, call->id, r, buf_bytes(&text));
	buf_free(&text);
}

static void
on_config_show(struct ipc_call *call, const void *msg)
{
	struct operator* o = call->ctx;
	struct buf text = BUF_INIT;

	conf_show(&text, &o->master->conf);
	control_answer(call->channel, call->id, ERR_OK, buf_bytes(&text));
	buf_free(&text);
}

static void
on_stop(struct ipc_call *call, const void *msg)
{
	struct operator* o = call->ctx;

	control_answer(call->channel, call->id, ERR_OK, BYTES_LITERAL("stopping\n"));
	ipc_flush(call->channel);
	master_stop(o->master);
}

static void
on_upgrade(struct ipc_call *call, const void *msg)
{
	const struct control_reload *ask = msg;
	struct operator* o = call->ctx;

	upgrade_ask(o->master, call, ask->yes_really != 0);
}

static void
on_upgrade_state(struct ipc_call *call, const void *msg)
{
	struct operator* o = call->ctx;

	upgrade_tell(o->master, call);
}

static void
on_reopen_log(struct ipc_call *call, const void *msg)
{
	struct operator* o = call->ctx;
	struct buf text = BUF_INIT;
	int r = log_sink_reopen(o->master, &text);

	UNUSED(msg);
	control_answer(call->channel, call->id, r, buf_bytes(&text));
	buf_free(&text);
}

static const struct ipc_route operator_routes[] = {
	{ CONTROL_INTRODUCE, FROM(SERVICE_CLI), 0, 0, sizeof(struct control_introduce),
		control_introduce_decode, on_cli_introduce },
	{ CONTROL_STATUS, FROM(SERVICE_CLI), 0, 0, 0, ipc_empty_decode, on_status },
	{ CONTROL_RELOAD, FROM(SERVICE_CLI), 0, 0, sizeof(struct control_reload),
		control_reload_decode, on_reload },
	{ CONTROL_CONFIG_SHOW, FROM(SERVICE_CLI), 0, 0, 0, ipc_empty_decode, on_config_show },
	{ CONTROL_REOPEN_LOG, FROM(SERVICE_CLI), 0, 0, 0, ipc_empty_decode, on_reopen_log },
	{ CONTROL_STOP, FROM(SERVICE_CLI), 0, 0, 0, ipc_empty_decode, on_stop },
	{ CONTROL_UPGRADE, FROM(SERVICE_CLI), 0, 0, sizeof(struct control_reload),
		control_reload_decode, on_upgrade },
	{ CONTROL_UPGRADE_STATE, FROM(SERVICE_CLI), 0, 0, 0, ipc_empty_decode, on_upgrade_state },
};

static void
on_operator_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct operator* o = ctx;

	master_status_forget(o->master, channel);
	upgrade_forget(o->master, channel);
	free(o);
}

static void
on_operator(evutil_socket_t listener, short what, void *arg)
{
	struct master *m = arg;
	struct ucred who;
	socklen_t len = sizeof(who);
	struct operator* o;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
		(who.uid != 0 && who.uid != geteuid())) {
		log_warning("control connection of uid %u refused", (unsigned)who.uid);
		close(fd);
		return;
	}
	o = xcalloc(1, sizeof(*o));
	o->master = m;
	o->channel = ipc_channel_new(&(struct ipc_channel_spec){ .base = m->base,
		.fd = fd,
		.peer = SERVICE_CLI,
		.routes = operator_routes,
		.nroutes = NITEMS(operator_routes),
		.ctx = o,
		.on_close = on_operator_close });
}

void
control_listen(struct master *m, int fd)
{
	m->control_fd = fd;
	m->control_event = event_new(m->base, fd, EV_READ | EV_PERSIST, on_operator, m);
	ASSERT(m->control_event != NULL);
	event_add(m->control_event, NULL);
}

int
control_open(struct master *m)
{
	const struct common_conf *common = conf_values(&m->conf, "");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/control", common->run);

	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		log_error("%s/control: the path is too long for a socket", common->run);
		return ERR_LIMIT;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0) {
		log_error("%s: another suite is running there", sun.sun_path);
		close(fd);
		return ERR_EXISTS;
	}
	unlink(sun.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0 ||
		chmod(sun.sun_path, 0600) != 0 || listen(fd, 64) != 0) {
		log_error("%s: %m", sun.sun_path);
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	control_listen(m, fd);
	return ERR_OK;
}
