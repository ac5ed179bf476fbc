/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/job.c - one job on its way: which place, which host, which address; what comes after
 * each attempt.
 *
 * A job's next hop has places, tried in their order until a host of one could be spoken to. A
 * place has hosts and addresses (hosts.h). A kept connection to the place, or to the host, is
 * taken where there is one. What the first host leaves for later (TEMPORARY) is offered to the
 * next, at session_limit hosts.
 *
 * Runs in:  smtp-client.
 * Trusts:   qmgr, directory, resolver.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "dns_link.h"
#include "log.h"
#include "random.h"

static void place_begin(struct job *j);
static void next_attempt(struct job *j);

/* ---- life ---- */

static void
copy_job(struct job *j, const struct outbound_job *m)
{
	struct arena *a = &j->arena;

	j->m = arena_alloc(a, sizeof(*m));
	*j->m = *m;
	j->m->next_hop = arena_bytes(a, m->next_hop);
	j->m->reverse_path = arena_bytes(a, m->reverse_path);
	j->m->envid = arena_bytes(a, m->envid);
	j->m->prefix = arena_bytes(a, m->prefix);
	j->m->content.octets = arena_bytes(a, m->content.octets);
	j->rcpts = arena_zalloc(a, sizeof(*j->rcpts) * m->n_rcpts);
	j->open_rcpts = arena_zalloc(a, sizeof(*j->open_rcpts) * m->n_rcpts);
	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		j->m->rcpts[i].forward_path = arena_bytes(a, m->rcpts[i].forward_path);
		j->m->rcpts[i].orcpt = arena_bytes(a, m->rcpts[i].orcpt);
		j->rcpts[i].host = OUTBOUND_NO_HOST;
		j->rcpts[i].status = OUTBOUND_TEMPORARY;
	}
	j->n_left = m->n_rcpts;
}

static void
free_if_nobody_comes(struct job *j)
{
	if (!j->over || j->asks > 0)
		return;
	hosts_free(&j->hosts);
	hop_free(&j->hop);
	if (j->map != NULL)
		munmap(j->map, j->map_size);
	if (j->fd >= 0)
		close(j->fd);
	arena_reset(&j->arena);
	free(j);
}

static void
answer(struct job *j)
{
	ASSERT(j->connection == NULL && !j->over);
	report_answer(j);
	histogram_add(&j->c->count.took, clock_mono_us() - j->begun_us);
	if (j->queued)
		TAILQ_REMOVE(&j->c->queue, j, in_queue);
	TAILQ_REMOVE(&j->c->jobs, j, all);
	j->c->n_jobs--;
	j->over = true;
	free_if_nobody_comes(j);
}

/* ---- attempts ---- */

/* The recipients that are left, in the session's form. */
static void
gather_open(struct job *j)
{
	j->n_open = 0;
	for (uint32_t i = 0; i < j->m->n_rcpts; i++)
		if (!j->rcpts[i].done) {
			j->open[j->n_open] = (uint8_t)i;
			j->open_rcpts[j->n_open++] = j->m->rcpts[i];
		}
}

static void
take_connection(struct job *j, struct connection *n)
{
	gather_open(j);
	connection_take(n, j);
}

static void
wait_for_room(struct job *j)
{
	j->queued = true;
	j->queued_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&j->c->queue, j, in_queue);
}

/* This place gave nothing: the next one, unless somebody was spoken to. */
static void
place_over(struct job *j)
{
	if (j->n_left > 0 && j->status != OUTBOUND_REACHED && !j->given_up &&
		j->place + 1 < j->hop->n) {
		j->place++;
		j->fresh = j->plain = false;
		place_begin(j);
		return;
	}
	answer(j);
}

static bool
was_spoken_to(const struct job *j, const struct host *host)
{
	for (unsigned i = 0; i < NITEMS(j->spoken); i++)
		if (j->spoken[i] != NULL && strcmp(j->spoken[i], host->name) == 0)
			return true;
	return false;
}

/* Not tried at all: this machine has no way there. */
static bool
is_our_own_trouble(int errnum)
{
	return errnum == ENETUNREACH || errnum == EADDRNOTAVAIL || errnum == EAFNOSUPPORT ||
	       errnum == EACCES || errnum == EPERM;
}

/* This process has no more connections to give: that says nothing of the host. */
static bool
is_no_room(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM;
}

/* false: it could not even begin. */
static bool
open_connection(struct job *j, const struct hosts_attempt *a, const struct host_policy *policy)
{
	const char *text = NULL;

	gather_open(j);
	j->tried++;
	errno = 0;
	if (connection_open(j, a, policy, &text) == ERR_OK)
		return true;
	if (is_our_own_trouble(errno))
		j->tried--;
	if (is_no_room(errno) && j->status == OUTBOUND_UNREACHABLE)
		j->status = OUTBOUND_BUSY;
	log_info("%s", text);
	report_trouble(j, "4.4.1", text);
	return false;
}

/* true: the job is on its way, or waits for room. */
static bool
try_attempt(struct job *j, const struct hosts_attempt *a)
{
	const struct place *p = &j->hop->places[j->place];
	struct host_policy policy;
	struct connection *n;
	const char *why = NULL;

	if (was_spoken_to(j, a->host))
		return false;
	if (host_policy(p, j->found, a->host, &policy, &why) < 0) {
		report_trouble(j, "4.7.5",
			arena_printf(&j->arena, "%s for %s:%u", why, a->host->name,
				(unsigned)a->host->port));
		log_warning("%s", j->text);
		return false;
	}
	if (j->plain)
		policy = (struct host_policy){ .tls = CLIENT_TLS_NONE };
	else if (!j->fresh &&
		 (n = pool_find_host(j->c, connection_host_key(j, a->host, &policy))) != NULL) {
		take_connection(j, n);
		return true;
	}
	if (!pool_room(j->c)) {
		wait_for_room(j);
		return true;
	}
	return open_connection(j, a, &policy);
}

static void
next_attempt(struct job *j)
{
	const struct smtp_client_conf *conf = j->c->conf;

	if (j->hop->places[j->place].kind == NEXT_HOP_UNIX) {
		const struct host_policy policy = { .tls = CLIENT_TLS_NONE };

		if (j->tried > 0 || j->given_up)
			place_over(j);
		else if (!pool_room(j->c))
			wait_for_room(j);
		else if (!open_connection(j, NULL, &policy))
			place_over(j);
		return;
	}
	ASSERT(j->found != NULL);
	for (; j->attempt < j->found->n; j->attempt++, j->plain = false) {
		if (j->given_up || j->tried >= conf->address_limit ||
			j->sessions >= conf->session_limit)
			break;
		if (try_attempt(j, &j->found->attempts[j->order[j->attempt]]))
			return;
	}
	place_over(j);
}

void
job_room(struct job *j)
{
	TAILQ_REMOVE(&j->c->queue, j, in_queue);
	j->queued = false;
	next_attempt(j);
}

void
job_attempt_failed(struct job *j, const char *code, const char *text)
{
	report_trouble(j, code, text);
	j->attempt++;
	j->plain = false;
	next_attempt(j);
}

/* ---- a place and its hosts ---- */

/* Addresses that did not answer lately come last. */
static void
make_order(struct job *j)
{
	const struct hosts_result *r = j->found;
	unsigned n = 0;

	for (unsigned last = 0; last < 2; last++)
		for (unsigned i = 0; i < r->n; i++) {
			const struct hosts_attempt *a = &r->attempts[i];

			if (trouble_is(j->c->trouble, &a->address, a->host->port) == (last == 1))
				j->order[n++] = (uint8_t)i;
		}
}

static void
hosts_known(struct job *j)
{
	j->found = hosts_result(j->hosts);
	if (j->found->verdict != HOSTS_OK) {
		report_trouble(j, j->found->code, j->found->text);
		j->refused = j->refused && j->found->verdict == HOSTS_PERMANENT;
		place_over(j);
		return;
	}
	j->refused = false;
	make_order(j);
	next_attempt(j);
}

struct question {
	struct job *job;
	unsigned number;
};

static void ask_questions(struct job *j);

static void
on_dns(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;
	struct job *j = q->job;

	j->asks--;
	if (j->over) {
		free_if_nobody_comes(j);
	} else {
		hosts_answer(j->hosts, q->number, a);
		ask_questions(j);
	}
	free(q);
}

static void
ask_questions(struct job *j)
{
	struct link *l = j->c->resolver;
	struct hosts_question q;

	while (hosts_question(j->hosts, &q)) {
		struct question *mine = xcalloc(1, sizeof(*mine));

		mine->job = j;
		mine->number = q.number;
		j->asks++;
		dns_link_ask(
			l, DNS_QUERY, &(struct dns_query){ q.type, q.name, 0 }, 0, on_dns, mine);
	}
	if (hosts_result(j->hosts) != NULL)
		hosts_known(j);
}

static uint64_t
chance(void *arg)
{
	UNUSED(arg);
	return random_u64();
}

static void
place_begin(struct job *j)
{
	const struct client *c = j->c;
	const struct place *p = &j->hop->places[j->place];
	struct connection *n = j->fresh ? NULL : pool_find(j->c, p->key);

	hosts_free(&j->hosts);
	j->found = NULL;
	j->attempt = j->tried = 0;
	if (n != NULL) {
		j->refused = false;
		take_connection(j, n);
		return;
	}
	if (p->kind == NEXT_HOP_UNIX) {
		j->refused = false;
		next_attempt(j);
		return;
	}
	j->hosts = hosts_new(&(struct hosts_spec){ .kind = p->kind,
		.name = p->host,
		.port = p->port,
		.ipv4 = j->hop->use[0],
		.ipv6 = j->hop->use[1],
		.tlsa = p->tls == TLS_LEVEL_DANE || p->tls == TLS_LEVEL_DANE_ONLY,
		.own_name = bytes_from_str(c->d->common->hostname),
		.own = c->own,
		.n_own = c->n_own,
		.random = chance });
	ask_questions(j);
}

static void
on_hop(void *arg, struct hop *hop)
{
	struct job *j = arg;

	j->asks--;
	j->hop = hop;
	if (j->over) {
		free_if_nobody_comes(j);
	} else if (hop == NULL || hop->is_bad || hop->n == 0) {
		j->refused = false;
		report_trouble(j, "4.3.0",
			hop == NULL ? "the route can't be looked up now"
				    : "there is no such route");
		answer(j);
	} else {
		j->refused = true; /* until somebody does not */
		place_begin(j);
	}
}

void
job_begin(struct ipc_call *call, const void *msg)
{
	struct client *c = ((struct daemon *)call->ctx)->ctx;
	struct job *j = xcalloc(1, sizeof(*j));

	j->c = c;
	j->channel = call->channel;
	j->call_id = call->id;
	j->status = OUTBOUND_UNREACHABLE;
	j->begun_us = clock_mono_us();
	copy_job(j, msg);
	j->fd = j->m->content.in_fd ? ipc_take_fd(call, 0) : -1;
	TAILQ_INSERT_TAIL(&c->jobs, j, all);
	c->n_jobs++;
	c->count.jobs++;
	if (c->d->draining) {
		/* never begun, so sent by the next process without a doubt: see daemon.c */
		j->late = true;
		return;
	}
	j->asks++;
	hop_find(c, j->m->next_hop, j->m->reverse_path, on_hop, j);
}

/* ---- after a session ---- */

static void
take_rcpt(struct job *j, struct job_rcpt *to, const struct client_rcpt_result *r, uint8_t host,
	bool final)
{
	const bool elsewhere =
		!final && (r->scope == CLIENT_SCOPE_HOST || r->scope == CLIENT_SCOPE_CONNECTION);

	to->status = r->status;
	to->host = host;
	to->relayed = r->relayed;
	to->text = arena_bytes(&j->arena, bytes_head(r->text, OUTBOUND_TEXT_MAX));
	bytes_to_str(bytes_from_str(r->code), to->code, sizeof(to->code));
	if (r->status == OUTBOUND_SENT || (r->status == OUTBOUND_PERMANENT && !elsewhere)) {
		to->done = true;
		j->n_left--;
	}
}

void
job_take_result(struct job *j, const struct client_result *r)
{
	const struct connection *n = j->connection;
	const uint64_t now = clock_mono_us();
	uint8_t host;

	if (n->ready_us > 0) {
		j->connect_us += n->ready_us - n->begun_us;
		j->transmit_us += now - n->ready_us;
	} else {
		j->connect_us += now - n->begun_us;
	}
	if (r->retry != CLIENT_RETRY_NO)
		return; /* its results are for the case that nothing can be done */
	host = report_host(j, n);
	for (uint32_t i = 0; i < r->n_rcpts; i++)
		take_rcpt(j, &j->rcpts[j->open[i]], &r->rcpts[i], host,
			r->hop == OUTBOUND_REFUSED); /* it is us: no better host is left */
	if (r->hop != OUTBOUND_UNREACHABLE && j->sessions < NITEMS(j->spoken))
		j->spoken[j->sessions++] = arena_str(&j->arena, bytes_from_str(n->host));
	if (r->hop == OUTBOUND_REACHED ||
		(j->status != OUTBOUND_REACHED && r->hop != OUTBOUND_UNREACHABLE))
		j->status = r->hop;
}

void
job_go_on(struct job *j, enum client_retry retry)
{
	const bool was_kept = j->found == NULL && j->hop->places[j->place].kind != NEXT_HOP_UNIX;

	if (retry != CLIENT_RETRY_NO && !j->given_up) {
		j->fresh = true;
		j->plain = retry == CLIENT_RETRY_PLAIN;
		j->c->count.tls_plain_again += j->plain;
		if (j->found == NULL)
			place_begin(j);
		else
			next_attempt(j);
		return;
	}
	if (j->n_left == 0 || j->given_up || j->sessions >= j->c->conf->session_limit) {
		answer(j);
	} else if (was_kept) { /* now the place's hosts are to be known */
		j->fresh = true;
		place_begin(j);
	} else {
		j->attempt++;
		j->plain = false;
		next_attempt(j);
	}
}

void
job_give_up(struct job *j, const char *code, const char *text)
{
	if (j->late || j->given_up)
		return;
	j->given_up = true;
	j->refused = false;
	report_trouble(j, code, text);
	if (j->connection != NULL)
		connection_abort(j->connection, code, text);
	else
		answer(j);
}

/* qmgr is gone. The next one sends again whatever we have, so nothing that can still be broken off
 * shall arrive: a connection that ends before the end of the content leaves no message. */
void
job_peer_down(struct client *c, struct ipc_channel *channel)
{
	struct job *j, *next;

	for (j = TAILQ_FIRST(&c->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, all);
		if (j->channel != channel)
			continue;
		j->channel = NULL;
		job_give_up(j, "4.3.2", "the queue manager is gone");
	}
}
