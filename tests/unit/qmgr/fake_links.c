/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/fake_links.c - links to the other services: requests are answered in the next
 * turn. */
#include <stdlib.h>
#include <unistd.h>

#include "fake_private.h"

static void on_pending(evutil_socket_t fd, short what, void *arg);

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

struct daemon *
link_daemon(const struct link *l)
{
	return &world->d;
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

static bool
is_signer_hanging(struct pending *p)
{
	const struct timeval later = { 0, 5000 };

	if (world->q == NULL || p->service != SERVICE_SIGNER || !world->signer_hangs)
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

	if (is_held_up(p) || is_signer_hanging(p))
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
	else if (p->service == SERVICE_SIGNER)
		a.err = answer_sign(p, &out);
	else
		answer_sync(&out);
	if (deliver)
		a.type = DELIVERY_DELIVER_RESULT;
	if (p->service == SERVICE_SMTP_CLIENT)
		a.type = OUTBOUND_RESULT;
	if (p->service == SERVICE_SIGNER)
		a.type = SIGNER_SIGNED;
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
