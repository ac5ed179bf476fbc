/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/fake.c - the world around qmgr, in one process. */
#include "fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

/* ---- links ---- */

struct link {
	enum service service;
	struct buf compose;
	const struct ipc_route *routes;
	void *ctx;
	void (*up)(void *arg, struct link *l);
	void *up_arg;
};

static struct fake *world;

struct pending {
	enum service service;
	uint16_t type;
	struct buf body;
	int fd;
	ipc_answer_fn *done;
	void *arg;
};

struct link *
daemon_link(struct daemon *d, enum service service, uint32_t instance,
	const struct ipc_route *table, size_t n)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->service = service;
	l->routes = table;
	if (service == SERVICE_LEDGER)
		world->ledger = l;
	return l;
}

void
link_open(struct link *l)
{
	if (l->service == SERVICE_DIRECTORY && l->up != NULL)
		l->up(l->up_arg, l);
}

void
fake_directory_restarts(struct fake *f)
{
	f->key.id++;
	link_open(f->q->directory);
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
	l->up = up;
	l->up_arg = arg;
}

/* Only ledger is told something without an answer. */
void
link_send(struct link *l, uint16_t type, const int *fds, unsigned nfds)
{
	assert_int_equal(l->service, SERVICE_LEDGER);
	assert_int_equal(type, LEDGER_INCIDENT_TOLD);
	world->told++;
}

void
fake_incident(struct fake *f, const struct ledger_incident *m)
{
	struct ipc_call call = { .ctx = f->ledger };

	f->ledger->routes[0].handler(&call, m);
}

bool
link_is_up(const struct link *l)
{
	return true;
}

struct buf *
link_compose(struct link *l)
{
	buf_clear(&l->compose);
	return &l->compose;
}

void
daemon_still_starting(struct daemon *d)
{
	UNUSED(d);
}

void
daemon_finished(struct daemon *d)
{
	world->finished = true;
}

static void
put_target(struct directory_resolve_answer *a, const char *account)
{
	struct directory_target *t = &a->targets[a->count++];

	t->kind = DIRECTORY_TARGET_ACCOUNT;
	t->address = t->account = t->home = bytes_from_str(account);
	t->uid = t->gid = 1000;
}

static void
put_targets(struct directory_resolve_answer *a, const char *accounts)
{
	static char names[4][64];
	struct bytes rest = bytes_from_str(accounts);

	while (rest.n > 0 && a->total < 4) {
		bytes_to_str(bytes_cut(&rest, ' '), names[a->total], sizeof(names[0]));
		put_target(a, names[a->total++]);
	}
}

static void
answer_resolve(struct pending *p, struct buf *out)
{
	static const char *const members[] = { "a@example.org", "b@example.org",
		"full@example.org" };
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	struct directory_resolve_answer a = { .serial = 1 };
	struct directory_resolve m;
	static char account[400];

	assert_int_equal(directory_resolve_decode(&in, &m), ERR_OK);
	world->resolves++;
	bytes_to_str(m.address, account, sizeof(account));
	a.first = m.first;
	if (strncmp(account, "unknown@", 8) == 0)
		a.verdict = DIRECTORY_UNKNOWN;
	else if (strncmp(account, "temp@", 5) == 0)
		a.verdict = DIRECTORY_TEMPORARY;
	else if (strncmp(account, "none@", 5) == 0)
		a.total = 0;
	else if (strncmp(account, "all@", 4) == 0) {
		a.total = 3;
		for (uint32_t i = m.first; i < 3 && (world->page == 0 || i < m.first + world->page);
			i++)
			put_target(&a, members[(i + world->turned) % 3]);
	} else if (strncmp(account, "full@", 5) == 0 && world->full_leads_to != NULL) {
		put_targets(&a, world->full_leads_to);
	} else {
		a.total = 1;
		put_target(&a, account);
		if (bytes_search(m.address, BYTES_LITERAL(".far.example")) != BYTES_NOT_FOUND) {
			a.targets[0].kind = DIRECTORY_TARGET_REMOTE;
			a.targets[0].account = a.targets[0].home = BYTES_NONE;
			a.targets[0].next_hop =
				bytes_skip(m.address, bytes_find(m.address, '@') + 1);
			if (world->route != NULL)
				a.targets[0].next_hop = bytes_from_str(world->route);
		}
	}
	directory_resolve_answer_encode(out, &a);
}

/* The message goes to a file of its own, as a deliverer would name it: whole, or not there. */
static void
write_delivery(const struct delivery_job *m, int content)
{
	struct buf all = BUF_INIT;
	char name[512], account[400], id[QUEUE_ID_TEXT_SIZE];
	int fd;

	snprintf(name, sizeof(name), "%s.%u.%s", queue_id_text(m->queue_id, id), m->recipient,
		bytes_to_str(m->account, account, sizeof(account)));
	world->deliveries++;
	buf_put_bytes(&all, m->prefix);
	if (m->content.in_fd) {
		assert_int_equal(pread(content, buf_room(&all, m->content.size + 1),
					 m->content.size, (off_t)m->content.offset),
			(ssize_t)m->content.size);
		buf_added(&all, m->content.size);
	} else {
		buf_put_bytes(&all, m->content.octets);
	}
	fd = openat(world->mail_fd, ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, all.data + all.start, all.len), (ssize_t)all.len);
	close(fd);
	buf_free(&all);
	if (linkat(world->mail_fd, ".tmp", world->mail_fd, name, 0) == 0)
		return;
	world->repeated++;
	/* exactly once: it is there; but "first try" must not have been said of it */
	assert_int_equal(m->flags & DELIVERY_FIRST_TRY, 0);
}

static int
answer_deliver(struct pending *p, struct buf *out)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	struct delivery_job m;
	struct delivery_result r = { .status = DELIVERY_WRITTEN,
		.code = BYTES_LITERAL("2.0.0"),
		.text = BYTES_LITERAL("delivered to mailbox") };

	assert_int_equal(
		p->fd < 0 ? delivery_job_decode(&in, &m) : delivery_job_fd_decode(&in, &m), ERR_OK);
	r.job_id = m.job_id;
	if (bytes_starts_with(m.account, BYTES_LITERAL("full@")) && !world->full_is_ok) {
		r.status = DELIVERY_TEMPORARY;
		r.code = BYTES_LITERAL("4.2.2");
		r.text = BYTES_LITERAL("mailbox full");
	} else if (bytes_starts_with(m.account, BYTES_LITERAL("bad@"))) {
		r.status = DELIVERY_PERMANENT;
		r.code = BYTES_LITERAL("5.2.0");
		r.text = BYTES_LITERAL("no");
	} else if (bytes_starts_with(m.account, BYTES_LITERAL("lost@")) && world->lost++ == 0) {
		write_delivery(&m, p->fd);
		return ERR_PEER;
	} else {
		write_delivery(&m, p->fd);
	}
	delivery_result_encode(out, &r);
	return ERR_OK;
}

static void
answer_sync(struct buf *out)
{
	struct delivery_sync_result r = { .status = world->sync_fails ? DELIVERY_TEMPORARY
								      : DELIVERY_WRITTEN };

	world->syncs++;
	delivery_sync_result_encode(out, &r);
}

/* ---- other hosts ---- */

static void on_pending(evutil_socket_t fd, short what, void *arg);

static const struct fake_host *
host_of(const struct fake *f, struct bytes next_hop)
{
	for (size_t i = 0; i < NITEMS(f->hosts) && f->hosts[i].next_hop != NULL; i++)
		if (bytes_is(next_hop, f->hosts[i].next_hop))
			return &f->hosts[i];
	return NULL;
}

/* What it says of a recipient stands in the local-part, as with directory. */
static void
answer_rcpt(const struct outbound_rcpt *in, struct outbound_rcpt_result *out)
{
	*out = (struct outbound_rcpt_result){ .number = in->number,
		.status = OUTBOUND_SENT,
		.code = BYTES_LITERAL("2.0.0"),
		.text = BYTES_LITERAL("250 2.0.0 Ok: queued as 4X") };
	if (bytes_starts_with(in->forward_path, BYTES_LITERAL("never"))) {
		out->status = OUTBOUND_PERMANENT;
		out->code = BYTES_LITERAL("5.1.1");
		out->text = BYTES_LITERAL("host mx.far.example[192.0.2.7] said: 550 5.1.1 no "
					  "(in reply to RCPT TO command)");
	} else if (bytes_starts_with(in->forward_path, BYTES_LITERAL("later")) &&
		   world->later++ < world->later_most) {
		out->status = OUTBOUND_TEMPORARY;
		out->code = BYTES_LITERAL("4.2.0");
		out->text = BYTES_LITERAL("host mx.far.example[192.0.2.7] said: 450 4.2.0 "
					  "greylisted (in reply to RCPT TO command)");
	}
}

static int
answer_send(struct pending *p, struct buf *out)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	static struct outbound_job m;
	static struct outbound_result r;
	const struct fake_host *host;

	assert_int_equal(
		p->fd < 0 ? outbound_job_decode(&in, &m) : outbound_job_fd_decode(&in, &m), ERR_OK);
	world->jobs++;
	if (m.n_rcpts > world->most_rcpts)
		world->most_rcpts = m.n_rcpts;
	if (world->lose_jobs > 0 && world->lose_jobs-- > 0)
		return ERR_PEER;
	r = (struct outbound_result){ .job_id = m.job_id, .n_rcpts = m.n_rcpts, .n_hosts = 1 };
	r.hosts[0] = (struct outbound_host){ .name = BYTES_LITERAL("mx.far.example"),
		.address = BYTES_LITERAL("192.0.2.7"),
		.port = 25 };
	host = host_of(world, m.next_hop);
	if (host != NULL)
		r.hop = host->hop;
	for (uint32_t i = 0; i < m.n_rcpts; i++) {
		answer_rcpt(&m.rcpts[i], &r.rcpts[i]);
		if (r.hop == OUTBOUND_UNREACHABLE || r.hop == OUTBOUND_BUSY) {
			r.rcpts[i].status = OUTBOUND_TEMPORARY;
			r.rcpts[i].code = BYTES_LITERAL("4.4.1");
			r.rcpts[i].text = BYTES_LITERAL(
				"connect to mx.far.example[192.0.2.7]:25: Connection refused");
			r.rcpts[i].host = OUTBOUND_NO_HOST;
		}
		world->sent += r.rcpts[i].status == OUTBOUND_SENT;
	}
	if (world->bad_answers > 0) { /* of another job; one is missing; nonsense; too many */
		const unsigned which = world->bad_answers--;

		world->sent -= r.n_rcpts;
		r.job_id += which == 4;
		r.n_rcpts -= which == 3 ? 1 : 0;
		r.rcpts[0].number += which == 1 ? 40 : 0;
		if (which == 2) {
			buf_put_str(out, "nonsense");
			return ERR_OK;
		}
	}
	outbound_result_encode(out, &r);
	return ERR_OK;
}

/* A host that takes its time: the job stays out. */
static bool
is_held_up(struct pending *p)
{
	const struct timeval later = { 0, 10000 };
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	static struct outbound_job m;

	if (world->q == NULL || world->q->d->draining || world->slow == NULL ||
		p->service != SERVICE_SMTP_CLIENT)
		return false;
	assert_int_equal(
		p->fd < 0 ? outbound_job_decode(&in, &m) : outbound_job_fd_decode(&in, &m), ERR_OK);
	if (!bytes_is(m.next_hop, world->slow))
		return false;
	event_base_once(world->d.base, -1, EV_TIMEOUT, on_pending, p, &later);
	return true;
}

static void
on_pending(evutil_socket_t fd, short what, void *arg)
{
	struct pending *p = arg;
	struct buf out = BUF_INIT;
	struct ipc_answer a = { .type = (uint16_t)(p->type + 1) }; /* as the enums stand */
	const bool deliver = p->type == DELIVERY_DELIVER || p->type == DELIVERY_DELIVER_FD;

	if (is_held_up(p))
		return;
	if (world->q == NULL)
		a.err = ERR_PEER;
	else if (p->service == SERVICE_DIRECTORY && world->directory_down)
		a.err = ERR_PEER;
	else if (p->service == SERVICE_DIRECTORY)
		answer_resolve(p, &out);
	else if (p->service == SERVICE_SMTP_CLIENT)
		a.err = answer_send(p, &out);
	else if (deliver)
		a.err = answer_deliver(p, &out);
	else
		answer_sync(&out);
	if (deliver)
		a.type = DELIVERY_DELIVER_RESULT;
	if (p->service == SERVICE_SMTP_CLIENT)
		a.type = OUTBOUND_RESULT;
	a.body = buf_bytes(&out);
	p->done(p->arg, &a);
	buf_free(&out);
	buf_free(&p->body);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

/* At once: it is asked for at the start, and a test may stop before the loop has turned. */
static void
give_key(ipc_answer_fn *done, void *arg)
{
	struct buf out = BUF_INIT;

	directory_ticket_key_encode(
		&out, &(struct directory_ticket_key){
			      world->key.id, bytes_make(world->key.key, sizeof(world->key.key)) });
	done(arg, &(struct ipc_answer){
			  .type = DIRECTORY_TICKET_KEY_ANSWER, .body = buf_bytes(&out) });
	buf_free(&out);
}

void
link_request(struct link *l, uint16_t type, const int *fds, unsigned nfds, unsigned timeout_ms,
	ipc_answer_fn *done, void *arg)
{
	const struct timeval now = { 0, 0 };
	struct pending *p;

	if (type == DIRECTORY_TICKET_KEY) {
		give_key(done, arg);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->service = l->service;
	p->type = type;
	buf_put_bytes(&p->body, buf_bytes(&l->compose));
	buf_clear(&l->compose);
	p->fd = nfds > 0 ? fds[0] : -1;
	p->done = done;
	p->arg = arg;
	event_base_once(world->d.base, -1, EV_TIMEOUT, on_pending, p, &now);
}

/* ---- start and stop ---- */

void
fake_make(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "/tmp/relais-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->root_fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(f->root_fd, "queue", 0700), 0);
	assert_int_equal(mkdirat(f->root_fd, "mail", 0700), 0);
	f->mail_fd = openat(f->root_fd, "mail", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->conf = (struct qmgr_conf){ .segment_size = 1 << 20,
		.segments = 4,
		.memory_limit = 64 << 20,
		.minimal_backoff = 1000,
		.maximal_backoff = 1000,
		.queue_lifetime = 100000,
		.bounce_size_limit = 50000,
		.double_bounce_to = "",
		.destination_concurrency = 5,
		.destination_concurrency_max = 20,
		.destination_recipients = 50,
		.destination_retry = 1000,
		.outbound_jobs = 1000 };
	f->common.hostname = "mx.example.org";
	f->ids.instance = 7;
	f->key.id = 1;
	f->lent_fd = -1;
	world = f;
}

static void
on_door_closed(void *ctx, struct ipc_channel *channel, int err)
{
	struct fake *f = ctx;

	if (channel == f->door)
		f->door = NULL;
	else
		f->users_door = NULL;
}

static struct ipc_channel *
make_door(struct fake *f, enum service service, struct ipc_channel **qmgr_side)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*qmgr_side = ipc_channel_new(&(struct ipc_channel_spec){ .base = f->d.base,
		.fd = pair[1],
		.peer = service,
		.routes = qmgr_spec.routes,
		.nroutes = qmgr_spec.nroutes,
		.ctx = &f->d });
	return ipc_channel_new(&(struct ipc_channel_spec){ .base = f->d.base,
		.fd = pair[0],
		.peer = SERVICE_QMGR,
		.ctx = f,
		.on_close = on_door_closed });
}

void
fake_start(struct fake *f)
{
	memset(&f->d, 0, sizeof(f->d));
	f->d.spec = &qmgr_spec;
	f->d.base = event_base_new();
	f->d.conf = &f->conf;
	f->d.common = &f->common;
	f->d.root_fd = openat(f->root_fd, "queue", O_PATH | O_DIRECTORY | O_CLOEXEC);
	f->d.instances[SERVICE_LOCAL_DELIVERY] = 2;
	f->d.instances[SERVICE_SMTP_CLIENT] = 2;
	assert_int_equal(qmgr_spec.run(&f->d), ERR_OK);
	f->q = f->d.ctx;
	f->door = make_door(f, SERVICE_SMTPD, &f->qmgr_side);
	f->users_door = make_door(f, SERVICE_SUBMISSION, &f->users_side);
}

static void
free_syncer(struct syncer *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		buf_free(&s->outlets[i].link->compose);
		free(s->outlets[i].link);
	}
	free(s->outlets);
	event_free(s->timer);
	event_free(s->gather);
}

void
fake_stop(struct fake *f)
{
	struct qmgr *q = f->q;
	struct message *m;
	struct event *events[] = { q->flush_turn, q->lazy, q->pace, q->run, q->due, q->move_timer,
		q->move_again, q->draining, q->lent_timer };

	ipc_channel_free(&f->door);
	ipc_channel_free(&f->users_door);
	intake_peer_down(q, f->qmgr_side);
	intake_peer_down(q, f->users_side);
	lent_peer_down(q, f->qmgr_side);
	ipc_channel_free(&f->qmgr_side);
	ipc_channel_free(&f->users_side);
	f->d.draining = true;
	f->finished = false;
	qmgr_spec.drain(&f->d);
	while (!f->finished)
		event_base_loop(f->d.base, EVLOOP_ONCE);
	events[7] = q->draining;
	qmgr_spec.stop(&f->d);
	while ((m = TAILQ_FIRST(&q->loaded)) != NULL) {
		m->jobs = 0;
		message_free(q, m);
	}
	index_free(&q->index);
	journal_close(&q->journal);
	folders_close(&q->folders);
	free_syncer(&q->local);
	free_syncer(&q->system);
	for (unsigned i = 0; i < q->remote.n; i++) {
		buf_free(&q->remote.links[i]->compose);
		free(q->remote.links[i]);
	}
	free(q->remote.links);
	resolve_cache_clear(q->resolved);
	free(q->resolved);
	buf_free(&q->directory->compose);
	free(q->directory);
	buf_free(&q->ledger->compose);
	free(q->ledger);
	buf_free(&q->stash);
	free(q->fresh.ids);
	free(q->retried.ids);
	for (size_t i = 0; i < NITEMS(events); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	free(q);
	f->q = NULL;
	event_base_free(f->d.base);
	close(f->d.root_fd);
}

void
fake_remove(struct fake *f)
{
	char command[128];

	close(f->mail_fd);
	close(f->root_fd);
	snprintf(command, sizeof(command), "rm -rf %s", f->path);
	assert_int_equal(system(command), 0); /* NOLINT: a path of our own making */
}

/* ---- the door ---- */

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
			&(struct send_ticket){ e.login, e.queue_id, e.reverse_path }, now_s(),
			&ticket);
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
	assert_int_equal(answer->nfds, 1);
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

/* ---- waiting ---- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
}

bool
fake_until(struct fake *f, bool (*done)(struct fake *f))
{
	const uint64_t end = clock_mono_us() + 10 * UINT64_C(1000000);
	const struct timeval tick = { 0, 2000 };

	while (!done(f)) {
		if (clock_mono_us() > end)
			return false;
		event_base_once(f->d.base, -1, EV_TIMEOUT, on_tick, NULL, &tick);
		event_base_loop(f->d.base, EVLOOP_ONCE);
	}
	return true;
}

void
fake_turns(struct fake *f, unsigned ms)
{
	const uint64_t end = clock_mono_us() + ms * UINT64_C(1000);
	const struct timeval tick = { 0, 2000 };

	while (clock_mono_us() < end) {
		event_base_once(f->d.base, -1, EV_TIMEOUT, on_tick, NULL, &tick);
		event_base_loop(f->d.base, EVLOOP_ONCE);
	}
}

bool
fake_answered(struct fake *f)
{
	const struct qmgr *q = f->q;

	return TAILQ_EMPTY(&q->parked) && TAILQ_EMPTY(&q->gathered) && TAILQ_EMPTY(&q->flying) &&
	       TAILQ_EMPTY(&q->storing) && f->answers == f->asked;
}

bool
fake_empty(struct fake *f)
{
	return fake_answered(f) && f->q->index.live == 0;
}

bool
fake_quiet(struct fake *f)
{
	return f->q->active_rcpts == 0 && f->q->remote.rcpts == 0 && f->q->fresh.n == 0 &&
	       f->q->retried.n == 0;
}

int64_t
fake_delivered(struct fake *f, uint64_t id, uint32_t rcpt, const char *account, struct buf *content)
{
	char name[512], text[QUEUE_ID_TEXT_SIZE];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%s.%u.%s", queue_id_text(id, text), rcpt, account);
	fd = openat(f->mail_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	assert_int_equal(fstat(fd, &st), 0);
	if (content != NULL) {
		buf_clear(content);
		assert_int_equal(
			read(fd, buf_room(content, (size_t)st.st_size + 1), (size_t)st.st_size),
			st.st_size);
		buf_added(content, (size_t)st.st_size);
	}
	close(fd);
	return st.st_size;
}
