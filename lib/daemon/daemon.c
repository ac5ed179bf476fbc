/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/daemon.c - the life of a daemon: started by master, jailed, serving, drained.
 *
 * Trusts: master, through the control socket. A control socket at its end means that master
 * is gone; the process then ends, for nobody could restart or introduce it any more.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "daemon_private.h"
#include "jail.h"
#include "log.h"
#include "stats_rows.h"
#include "sys.h"
#include "version.h"
#include "wire_version.h"

#define DRAIN_LOOK_MS 20

#define LOG_GATHER_MS 20
#define LOG_ENOUGH    (8 * 1024) /* octets */

static void on_peer(struct ipc_call *call, const void *msg);
static void on_drain(struct ipc_call *call, const void *msg);
static void on_stats(struct ipc_call *call, const void *msg);
static void on_config(struct ipc_call *call, const void *msg);
static void on_ping(struct ipc_call *call, const void *msg);
static void on_log(struct ipc_call *call, const void *msg);
static void on_hand_over(struct ipc_call *call, const void *msg);

/* What master may say once we serve. */
static const struct ipc_route control_routes[] = {
	/* message	   from			   states fds size			   decode
	   handler */
	{ CONTROL_PEER, FROM(SERVICE_MASTER), 0, 1, sizeof(struct control_peer),
		control_peer_decode, on_peer },
	{ CONTROL_DRAIN, FROM(SERVICE_MASTER), 0, 0, 0, ipc_empty_decode, on_drain },
	{ CONTROL_STATS, FROM(SERVICE_MASTER), 0, 0, 0, ipc_empty_decode, on_stats },
	{ CONTROL_CONFIG, FROM(SERVICE_MASTER), 0, 0, sizeof(struct control_config),
		control_config_decode, on_config },
	{ CONTROL_PING, FROM(SERVICE_MASTER), 0, 0, 0, ipc_empty_decode, on_ping },
	{ CONTROL_LOG, FROM(SERVICE_MASTER), 0, 1, 0, ipc_empty_decode, on_log },
	{ CONTROL_HAND_OVER, FROM(SERVICE_MASTER), 0, 0, sizeof(struct control_hand_over),
		control_hand_over_decode, on_hand_over },
};

void
daemon_finished(struct daemon *d)
{
	struct daemon_private *p = d->priv;

	if (p->finished)
		return;
	p->finished = true;
	if (p->control != NULL) {
		ipc_compose(p->control);
		ipc_send(p->control, CONTROL_DRAINED, NULL, 0);
		ipc_flush(p->control);
	}
}

void
daemon_still_starting(struct daemon *d)
{
	if (d->priv->control == NULL)
		return;
	ipc_compose(d->priv->control);
	ipc_send(d->priv->control, CONTROL_STARTING, NULL, 0);
	ipc_flush(d->priv->control);
}

void
daemon_ask_master(
	struct daemon *d, uint16_t type, unsigned timeout_ms, ipc_answer_fn *done, void *arg)
{
	ipc_compose(d->priv->control);
	ipc_request(d->priv->control, type, NULL, 0, timeout_ms, done, arg);
}

static struct peer *
peer_of(struct daemon_private *p, enum service service, unsigned instance)
{
	for (size_t i = 0; i < p->npeers; i++)
		if (p->peers[i].service == service && p->peers[i].instance == instance)
			return &p->peers[i];
	p->peers = xrealloc(p->peers, (p->npeers + 1) * sizeof(*p->peers));
	p->peers[p->npeers] = (struct peer){ service, instance, 0 };
	return &p->peers[p->npeers++];
}

static void
on_peer_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct daemon *d = ctx;

	if (err == ERR_SYNTAX)
		log_error("%s[%u] sent what it may not", service_name(ipc_peer(channel)),
			ipc_peer_instance(channel));
	peer_of(d->priv, ipc_peer(channel), ipc_peer_instance(channel))->channels--;
	leave_caller_down(d->priv, channel);
	if (d->spec->peer_down != NULL)
		d->spec->peer_down(d, channel);
}

static void
on_peer(struct ipc_call *call, const void *msg)
{
	const struct control_peer *m = msg;
	struct daemon_private *p = call->ctx;
	struct peer *peer = peer_of(p, (enum service)m->service, m->instance);
	struct ipc_channel *channel;

	if (peer->channels >= PEER_CHANNELS_MAX) {
		log_error("%s[%u] has too many channels already", service_name(peer->service),
			peer->instance);
		return;
	}
	peer->channels++;
	channel = ipc_channel_new(&(struct ipc_channel_spec){ .base = p->d.base,
		.fd = ipc_take_fd(call, 0),
		.peer = (enum service)m->service,
		.peer_instance = m->instance,
		.served = true,
		.routes = p->d.spec->routes,
		.nroutes = p->d.spec->nroutes,
		.ctx = &p->d,
		.on_close = on_peer_close });
	leave_caller_up(p, channel);

	if (p->d.spec->peer_up != NULL)
		p->d.spec->peer_up(&p->d, channel);
}

static void
on_drain_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = { 0, DRAIN_LOOK_MS * 1000 };
	struct daemon_private *p = arg;

	UNUSED(fd);
	UNUSED(what);
	if (p->is_drained(&p->d))
		daemon_finished(&p->d);
	else
		event_base_once(p->d.base, -1, EV_TIMEOUT, on_drain_look, p, &soon);
}

void
daemon_drain_until(struct daemon *d, bool (*is_done)(struct daemon *d))
{
	d->priv->is_drained = is_done;
	on_drain_look(-1, EV_TIMEOUT, d->priv);
}

void
daemon_begin_drain(struct daemon_private *p)
{
	if (p->d.draining)
		return;
	p->d.draining = true;
	doors_close(p);
	if (p->d.spec->drain != NULL)
		p->d.spec->drain(&p->d);
	else
		daemon_finished(&p->d);
}

static void
on_drain(struct ipc_call *call, const void *msg)
{
	daemon_begin_drain(call->ctx);
}

static void
on_hand_over(struct ipc_call *call, const void *msg)
{
	const struct control_hand_over *m = msg;

	leave_begin(call->ctx, m->sole != 0);
	ipc_compose(call->channel);
	ipc_reply(call->channel, call->id, CONTROL_PONG, NULL, 0);
}

/* Asked by who works there anyway: a file system that hangs keeps nobody else waiting. */
static void
put_room(const struct daemon_private *p, struct buf *out)
{
	const char *folder = p->d.spec->folder;
	struct statvfs fs;

	if (folder == NULL || p->d.instance > 0 || fstatvfs(p->d.root_fd, &fs) != 0)
		return;
	const struct stats_row rows[] = { { "size_bytes", fs.f_blocks * fs.f_frsize },
		{ "avail_bytes", fs.f_bavail * fs.f_frsize }, { "files", fs.f_files },
		{ "files_free", fs.f_favail } };

	for (size_t i = 0; i < NITEMS(rows); i++)
		buf_printf(out, "relais_filesystem_%s{folder=\"%s\"} %llu\n", rows[i].name, folder,
			(unsigned long long)rows[i].value);
}

static void
on_stats(struct ipc_call *call, const void *msg)
{
	struct daemon_private *p = call->ctx;
	struct buf text = BUF_INIT;

	if (p->d.spec->stats != NULL)
		p->d.spec->stats(&p->d, &text);
	doors_stats(p, &text);
	put_room(p, &text);
	control_text_encode(ipc_compose(call->channel),
		&(struct control_text){ .text = bytes_head(buf_bytes(&text), IPC_BODY_MAX / 4) });
	ipc_reply(call->channel, call->id, CONTROL_TEXT, NULL, 0);
	buf_free(&text);
}

/* That the loop turns is the answer. */
static void
on_ping(struct ipc_call *call, const void *msg)
{
	ipc_compose(call->channel);
	ipc_reply(call->channel, call->id, CONTROL_PONG, NULL, 0);
}

static void
on_log(struct ipc_call *call, const void *msg)
{
	struct daemon_private *p = call->ctx;

	UNUSED(msg);
	log_replace(ipc_take_fd(call, 0));
	if (p->d.spec->log_replaced != NULL)
		p->d.spec->log_replaced(&p->d);
}

/* Decode the sections into fresh structs; the old ones stay valid (pointers into them may
 * be held), so a reload costs a few KiB of arena. */
static int
take_config(struct daemon_private *p, const struct control_config *in)
{
	const struct conf_section *section = p->d.spec->section;
	void *common = conf_defaults(&common_section, &p->arena), *own = NULL;
	void *mailauth = conf_defaults(&mailauth_section, &p->arena);
	int r = conf_decode(in->common, &common_section, common, &p->arena);

	if (r == ERR_OK)
		r = conf_decode(in->mailauth, &mailauth_section, mailauth, &p->arena);
	if (r == ERR_OK && section != NULL) {
		own = conf_defaults(section, &p->arena);
		r = conf_decode(in->own, section, own, &p->arena);
	}
	if (r < 0)
		return r;
	p->d.common = common;
	p->d.mailauth = mailauth;
	p->d.conf = own;
	return ERR_OK;
}

static void
on_config(struct ipc_call *call, const void *msg)
{
	const struct control_config *m = msg;
	struct daemon_private *p = call->ctx;

	if (p->d.spec->reload == NULL || take_config(p, m) < 0) {
		log_error("configuration from master not taken");
		return;
	}
	p->d.spec->reload(&p->d);
}

static void
on_master_gone(void *ctx, struct ipc_channel *channel, int err)
{
	struct daemon_private *p = ctx;

	p->control = NULL;
	if (!p->d.draining && !p->d.leaving)
		log_warning("master is gone; ending");
	p->finished = true;
	p->status = 1;
}

static enum log_level
level_named(const char *name)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };

	for (unsigned i = 0; i < NITEMS(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_INFO;
}

static int
take_start(struct daemon_private *p, struct ipc_frame *f, struct jail *jail)
{
	struct control_start m;
	struct ipc_reader in = ipc_reader(f->body);

	if (control_start_decode(&in, &m) < 0 || m.service != p->d.spec->service ||
		take_config(p, &m.conf) < 0)
		return ERR_SYNTAX;
	p->d.instance = m.instance;
	p->d.birth = m.birth;
	p->d.mail_uid = m.mail_uid;
	p->d.mail_gid = m.mail_gid;
	p->d.successor = m.successor != 0;
	if (m.secret.n > 0)
		memcpy(p->d.secret, m.secret.p, m.secret.n);
	p->d.privileged = m.uid != UINT32_MAX;
	p->d.root = arena_str(&p->arena, m.root);
	memcpy(p->d.instances, m.instances, sizeof(m.instances));
	*jail = (struct jail){ .root = p->d.root,
		.root_fd = -1,
		.uid = m.uid,
		.gid = m.gid,
		.sandbox = m.sandbox,
		.files_limit = m.files_limit,
		.memory_limit = m.memory_limit };
	return ERR_OK;
}

/* Read LISTENER messages until START. */
static int
meet_master(struct daemon_private *p, struct jail *jail)
{
	struct ipc_packet packet = { .data = BUF_INIT };
	struct ipc_frame f;
	int r;

	while ((r = ipc_blocking_receive(CONTROL_FD, &packet, &f, -1)) == ERR_OK) {
		struct ipc_reader in = ipc_reader(f.body);
		struct control_listener listener;

		if (f.type == CONTROL_START) {
			r = take_start(p, &f, jail);
			break;
		}
		if (f.type != CONTROL_LISTENER || f.nfds != 1 ||
			control_listener_decode(&in, &listener) < 0) {
			r = ERR_SYNTAX;
			break;
		}
		doors_add(p, f.fds[0], listener.label, listener.address);
	}
	buf_free(&packet.data);
	return r;
}

/* Outside the jail, for the last time. */
static int
prepare(struct daemon_private *p, const struct jail *jail)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const char *name = service_name(p->d.spec->service);

	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGINT, &ignore, NULL); /* a terminal's ^C is for master */
	sigaction(SIGHUP, &ignore, NULL);
	tzset(); /* reads /etc/localtime, which the jail hides */
	umask(0077);
	log_open(LOG_FD, name, p->d.common->hostname, level_named(p->d.common->log_level));
	p->d.base = event_base_new();
	ASSERT(p->d.base != NULL);
	p->d.root_fd = -1;
	if (jail->sandbox & (SANDBOX_FILES | SANDBOX_READ)) {
		p->d.root_fd = open(p->d.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->d.root_fd < 0) {
			log_error("%s: %m", p->d.root);
			return ERR_NOT_FOUND;
		}
	}
	(void)fcntl(CONTROL_FD, F_SETFL, O_NONBLOCK); /* as the channel will want it */
	return p->d.spec->start == NULL ? ERR_OK : p->d.spec->start(&p->d);
}

static int
enter(struct daemon_private *p, struct jail *jail)
{
	const char *what = "";

	jail->root_fd = p->d.root_fd;
	if (jail_enter(jail, &what) < 0) {
		log_error("jail: %s: %m", what);
		return ERR_DENIED;
	}
	return ERR_OK;
}

static void
on_log_time(evutil_socket_t fd, short what, void *arg)
{
	log_flush();
}

/* A write for each turn of the loop would cost a busy daemon a tenth of its time. */
static void
gather_log(struct daemon_private *p)
{
	const struct timeval patience = { 0, LOG_GATHER_MS * 1000 };
	const size_t gathered = log_gathered();

	if (gathered >= LOG_ENOUGH)
		log_flush();
	else if (gathered > 0 && !evtimer_pending(p->log, NULL))
		event_add(p->log, &patience);
}

static void
serve(struct daemon_private *p)
{
	p->log = evtimer_new(p->d.base, on_log_time, NULL);
	ASSERT(p->log != NULL);
	p->control = ipc_channel_new(&(struct ipc_channel_spec){ .base = p->d.base,
		.fd = CONTROL_FD,
		.peer = SERVICE_MASTER,
		.routes = control_routes,
		.nroutes = NITEMS(control_routes),
		.ctx = p,
		.on_close = on_master_gone });
	if (p->d.spec->run != NULL && p->d.spec->run(&p->d) < 0) {
		log_error("cannot serve");
		p->status = 1;
		return;
	}
	doors_open(p);
	sys_fault_from_environment(service_name(p->d.spec->service));
	control_ready_encode(ipc_compose(p->control),
		&(struct control_ready){ ipc_wire(), bytes_from_str(relais_version()) });
	ipc_send(p->control, CONTROL_READY, NULL, 0);
	while (!p->finished) {
		if (event_base_loop(p->d.base, EVLOOP_ONCE) < 0)
			break;
		p->turns++;
		gather_log(p);
	}
	if (p->d.spec->stop != NULL)
		p->d.spec->stop(&p->d);
}

int
daemon_run(const struct daemon_spec *spec, int argc, char *argv[])
{
	struct daemon_private *p;
	struct jail jail = { .root_fd = -1 };

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("relais-%s %s wire %u\n", service_name(spec->service), relais_version(),
			(unsigned)ipc_wire());
		return 0;
	}
	p = xcalloc(1, sizeof(*p));
	p->d.spec = spec;
	p->d.priv = p;
	if (argc > 1 || fcntl(CONTROL_FD, F_GETFD) < 0) {
		fprintf(stderr, "relais-%s is started by relais-master, not by hand\n",
			service_name(spec->service));
		return 2;
	}
	(void)fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LOG_FD, F_SETFD, FD_CLOEXEC);
	prctl(PR_SET_NAME, service_name(spec->service));
	if (meet_master(p, &jail) < 0)
		return 1; /* master died while starting us */
	if (prepare(p, &jail) < 0 || enter(p, &jail) < 0)
		p->status = 1;
	else
		serve(p);
	log_flush();
	/* no exit handlers: nothing of the jailed process is worth running them */
	_exit(p->status);
}
