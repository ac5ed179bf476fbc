/* SPDX-License-Identifier: ISC */
/*
 * lib/door/door_tls.c - between handshakes and keyholder.
 *
 * Two links, used in turn: when keyholder says RETIRE (its successor has other certificates),
 * new handshakes go to the successor over the other link, while signatures for the old
 * certificates still come over the first. A keyholder that dies is followed by the next one on
 * the same link; what was asked and not answered is asked again, once.
 *
 * Runs in:  all doors.
 * Trusts:   keyholder.
 */
#include "door_tls.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "certificate_cache.h"
#include "clock.h"
#include "keyholder_msg.h"
#include "log.h"
#include "tls_server.h"

#define ASK_TIMEOUT_MS       5000u
#define SUBSCRIBE_TIMEOUT_MS 10000u
#define SUBSCRIBE_RETRY_MS   200
#define SIGNING_MAX          512 /* paused handshakes: each has a stack of 32 KiB */
#define TRIES                2

/* For so long a keyholder that is not there is expected to be, and handshakes wait for it. */
#define HOPE_AT_START_MS  5000
#define HOPE_WHEN_LOST_MS 2000

struct keeper {
	struct door_tls *door;
	struct link *link;
	uint32_t origin; /* of the certificates it gave; another after each new start */
	bool asked;      /* SUBSCRIBE is under way */
};

struct question {
	TAILQ_ENTRY(question) in_queue;
	struct door_tls *door;
	struct tls_stream *stream;      /* NULL: gone */
	const struct tls_signing *what; /* NULL: certificates are wanted */
	uint64_t deadline_ms;
	unsigned tries;
	bool queued;
	uint16_t name_len;
	uint8_t name[TLS_NAME_MAX];
};

struct door_tls {
	struct daemon *daemon;
	struct tls_server *server;
	struct keeper keepers[2];
	struct keeper *current;
	struct certificate_cache *cache;
	struct event *retry;
	TAILQ_HEAD(, question) queue; /* wait until fewer are signing */
	uint32_t origins;
	unsigned signing;
	bool ready;
	uint64_t hope_until_ms; /* not ready, but sure to be soon */
	uint64_t signed_total, failed_total;
};

static void ask(struct question *q);

/* ---- questions ---- */

static unsigned
time_left(const struct question *q)
{
	uint64_t now = clock_mono_ms();

	return now >= q->deadline_ms ? 0 : (unsigned)(q->deadline_ms - now);
}

static void
question_free(struct question *q)
{
	if (q->queued)
		TAILQ_REMOVE(&q->door->queue, q, in_queue);
	if (q->what != NULL)
		q->door->signing--;
	if (q->stream != NULL)
		tls_stream_set_question(q->stream, NULL);
	free(q);
}

static struct question *
question_new(struct door_tls *t, struct tls_stream *s)
{
	struct question *q = xcalloc(1, sizeof(*q));

	q->door = t;
	q->stream = s;
	q->deadline_ms = clock_mono_ms() + ASK_TIMEOUT_MS;
	tls_stream_set_question(s, q);
	return q;
}

/* Ask again? Only what a new keyholder may answer otherwise. */
static bool
try_again(struct question *q, int err)
{
	if (q->stream == NULL || (err != ERR_PEER && err != ERR_NOT_FOUND) || time_left(q) == 0 ||
		++q->tries >= TRIES)
		return false;
	ask(q);
	return true;
}

/* A signature has ended: the next handshake may begin. */
static void
serve_queue(struct door_tls *t)
{
	struct question *q;
	struct tls_certificates *c;

	if (t->signing >= SIGNING_MAX || (q = TAILQ_FIRST(&t->queue)) == NULL)
		return;
	TAILQ_REMOVE(&t->queue, q, in_queue);
	q->queued = false;
	c = certificate_cache_find(t->cache, bytes_make(q->name, q->name_len));
	if (c == NULL) {
		ask(q);
		return;
	}
	struct tls_stream *s = q->stream;

	question_free(q);
	tls_stream_certificates(s, ERR_OK, c);
}

static void
on_signature(void *arg, const struct ipc_answer *answer)
{
	struct question *q = arg;
	struct door_tls *t = q->door;
	struct tls_stream *s = q->stream;
	struct ipc_reader in = ipc_reader(answer->body);
	struct keyholder_signature m = { .err = answer->err };

	if (m.err == ERR_OK &&
		(answer->type != KEYHOLDER_SIGNATURE || keyholder_signature_decode(&in, &m) < 0))
		m = (struct keyholder_signature){ .err = ERR_SYNTAX };
	if (m.err < 0 && try_again(q, m.err))
		return;
	question_free(q);
	t->signed_total += m.err == ERR_OK;
	t->failed_total += m.err < 0;
	if (s != NULL)
		tls_stream_signed(s, m.err, m.signature);
	serve_queue(t);
}

static struct tls_certificates *
take_chain(struct door_tls *t, const struct keyholder_chain *m, struct bytes name)
{
	struct tls_certificates *c = certificate_cache_set(t->cache, m->set);

	if (c != NULL)
		c = tls_certificates_ref(c);
	else
		c = tls_certificates_new(t->server, t->current->origin);
	for (uint32_t i = 0; tls_certificates_count(c) < m->count && i < m->count; i++) {
		int r = tls_certificates_add(
			c, m->certificates[i].key_id, m->certificates[i].chain);

		if (r < 0) {
			log_error("a certificate from keyholder is of no use: %s", err_text(r));
			tls_certificates_free(&c);
			return NULL;
		}
	}
	certificate_cache_put(t->cache, name, m->set, c);
	return c;
}

static void
on_chain(void *arg, const struct ipc_answer *answer)
{
	struct question *q = arg;
	struct door_tls *t = q->door;
	struct tls_stream *s = q->stream;
	struct ipc_reader in = ipc_reader(answer->body);
	struct keyholder_chain m = { .err = answer->err };
	struct tls_certificates *c = NULL;

	if (m.err == ERR_OK &&
		(answer->type != KEYHOLDER_CHAIN || keyholder_chain_decode(&in, &m) < 0))
		m.err = ERR_SYNTAX;
	if (m.err == ERR_PEER && try_again(q, m.err))
		return;
	if (m.err == ERR_OK && m.count > 0)
		c = take_chain(t, &m, bytes_make(q->name, q->name_len));
	question_free(q);
	if (s != NULL)
		tls_stream_certificates(s, m.err < 0 ? m.err : ERR_NOT_FOUND, c);
	tls_certificates_free(&c);
}

static void
ask(struct question *q)
{
	struct door_tls *t = q->door;
	struct keeper *k = t->current, *other = &t->keepers[k == &t->keepers[0]];

	if (q->what == NULL) {
		keyholder_certificate_encode(link_compose(k->link),
			&(struct keyholder_certificate){ bytes_make(q->name, q->name_len) });
		link_request(k->link, KEYHOLDER_CERTIFICATE, NULL, 0, time_left(q), on_chain, q);
		return;
	}
	struct keyholder_sign m = { .scheme = q->what->scheme, .text = q->what->text };

	memcpy(m.key_id, q->what->key_id, sizeof(m.key_id));
	if (q->tries == 0 && other->origin == q->what->origin && link_is_up(other->link))
		k = other; /* the certificate is its: it is leaving, but still there */
	keyholder_sign_encode(link_compose(k->link), &m);
	link_request(k->link, KEYHOLDER_SIGN, NULL, 0, time_left(q), on_signature, q);
}

/* ---- hooks: what handshakes want ---- */

static void
on_sign(void *arg, struct tls_stream *s, const struct tls_signing *what)
{
	struct question *q = question_new(arg, s);

	q->what = what;
	q->door->signing++;
	ask(q);
}

static void
on_certificates(void *arg, struct tls_stream *s, struct bytes name)
{
	struct door_tls *t = arg;
	struct tls_certificates *c = certificate_cache_find(t->cache, name);
	struct question *q;

	if (c != NULL && t->signing < SIGNING_MAX) {
		tls_stream_certificates(s, ERR_OK, c);
		return;
	}
	q = question_new(t, s);
	q->name_len = (uint16_t)name.n;
	if (name.n > 0)
		memcpy(q->name, name.p, name.n);
	if (t->signing < SIGNING_MAX) {
		ask(q);
		return;
	}
	q->queued = true;
	TAILQ_INSERT_TAIL(&t->queue, q, in_queue);
}

static void
on_cancel(void *arg, struct tls_stream *s)
{
	struct question *q = tls_stream_question(s);

	q->stream = NULL;
	if (q->queued)
		question_free(q); /* else when its answer comes */
	else
		q->deadline_ms = 0;
	tls_stream_set_question(s, NULL);
}

static const struct tls_hooks hooks = { on_sign, on_certificates, on_cancel };

/* ---- keyholder ---- */

static void subscribe(struct keeper *k);

static void
retry_soon(struct door_tls *t)
{
	const struct timeval wait = { 0, SUBSCRIBE_RETRY_MS * 1000 };

	event_add(t->retry, &wait);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct door_tls *t = arg;

	if (!t->ready)
		subscribe(t->current);
}

static void
on_welcome(void *arg, const struct ipc_answer *answer)
{
	struct keeper *k = arg;
	struct door_tls *t = k->door;
	struct ipc_reader in = ipc_reader(answer->body);
	struct keyholder_welcome m;

	k->asked = false;
	if (answer->err < 0 || answer->type != KEYHOLDER_WELCOME ||
		keyholder_welcome_decode(&in, &m) < 0) {
		retry_soon(t);
		return;
	}
	k->origin = ++t->origins;
	t->current = k;
	t->ready = m.certificate;
	t->hope_until_ms = 0;
	tls_server_only_tls13(t->server, m.only_tls13);
	certificate_cache_clear(t->cache);
	if (!m.certificate)
		log_warning("keyholder has no certificate: no TLS");
}

static void
subscribe(struct keeper *k)
{
	if (k->asked)
		return;
	k->asked = true;
	link_compose(k->link);
	link_request(k->link, KEYHOLDER_SUBSCRIBE, NULL, 0, SUBSCRIBE_TIMEOUT_MS, on_welcome, k);
}

static void
on_link_down(void *arg, struct link *l)
{
	struct keeper *k = arg;
	struct door_tls *t = k->door;

	k->origin = 0;
	if (k != t->current)
		return;
	if (t->ready) {
		t->hope_until_ms = clock_mono_ms() + HOPE_WHEN_LOST_MS;
		if (!t->daemon->draining)
			log_warning("keyholder is gone; handshakes wait for the next one");
	}
	t->ready = false;
	subscribe(k);
}

/* A successor with other certificates is there: from now on it is asked. */
static void
on_retire(struct ipc_call *call, const void *msg)
{
	struct keeper *k = link_ctx(call->ctx);
	struct door_tls *t = k->door;
	struct keeper *other = &t->keepers[k == &t->keepers[0]];

	UNUSED(msg);
	if (k != t->current || other->asked)
		return;
	link_close(other->link); /* to one who left even earlier */
	other->origin = 0;
	subscribe(other);
}

static void
on_ticket_keys(struct ipc_call *call, const void *msg)
{
	const struct keyholder_ticket_keys *m = msg;
	struct keeper *k = link_ctx(call->ctx);
	uint64_t now = clock_mono_ms();

	for (uint32_t i = m->count; i-- > 0;) {
		const struct keyholder_ticket_key *from = &m->keys[i];
		struct tls_ticket_key key = { .until_ms = now + (uint64_t)from->accept_s * 1000 };

		memcpy(key.name, from->name, sizeof(key.name));
		memcpy(key.cipher_key, from->cipher_key, sizeof(key.cipher_key));
		memcpy(key.mac_key, from->mac_key, sizeof(key.mac_key));
		if (i == 0)
			tls_server_ticket_key(k->door->server, &key, m->lifetime_s);
		else
			tls_server_old_ticket_key(k->door->server, &key);
		explicit_bzero(&key, sizeof(key));
	}
}

static const struct ipc_route routes[] = {
	{ KEYHOLDER_TICKET_KEYS, FROM(SERVICE_KEYHOLDER), 0, 0,
		sizeof(struct keyholder_ticket_keys), keyholder_ticket_keys_decode,
		on_ticket_keys },
	{ KEYHOLDER_RETIRE, FROM(SERVICE_KEYHOLDER), 0, 0, 0, ipc_empty_decode, on_retire },
};

/* ---- for the daemon ---- */

struct door_tls *
door_tls_new(struct daemon *d)
{
	struct door_tls *t = xcalloc(1, sizeof(*t));

	t->daemon = d;
	t->server = tls_server_new(service_name(d->spec->service), &hooks, t);
	t->cache = certificate_cache_new();
	TAILQ_INIT(&t->queue);
	t->retry = event_new(d->base, -1, 0, on_retry, t);
	ASSERT(t->retry != NULL);
	for (size_t i = 0; i < NITEMS(t->keepers); i++) {
		struct keeper *k = &t->keepers[i];

		k->door = t;
		k->link = daemon_link(d, SERVICE_KEYHOLDER, CONTROL_ANY, routes, NITEMS(routes));
		link_set_ctx(k->link, k);
		link_on_down(k->link, on_link_down, k);
	}
	t->current = &t->keepers[0];
	t->hope_until_ms = clock_mono_ms() + HOPE_AT_START_MS;
	subscribe(t->current);
	return t;
}

void
door_tls_free(struct door_tls **tp)
{
	struct door_tls *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	event_free(t->retry);
	certificate_cache_free(&t->cache);
	tls_server_free(&t->server);
	free(t);
}

bool
door_tls_ready(const struct door_tls *t)
{
	return t->ready || clock_mono_ms() < t->hope_until_ms;
}

struct tls_stream *
door_tls_open(struct door_tls *t, int fd, tls_wake_fn *wake, void *arg)
{
	return tls_stream_new(t->server, fd, wake, arg);
}

void
door_tls_stats(const struct door_tls *t, struct buf *out)
{
	struct tls_counts n = tls_server_counts(t->server);

	buf_printf(out, "relais_tls_handshake_total %llu\n", (unsigned long long)n.handshakes);
	buf_printf(out, "relais_tls_resumed_total %llu\n", (unsigned long long)n.resumed);
	buf_printf(out, "relais_tls_failed_total %llu\n", (unsigned long long)n.failed);
	buf_printf(out, "relais_tls_signing %u\n", t->signing);
	buf_printf(out, "relais_tls_keyholder_failed_total %llu\n",
		(unsigned long long)t->failed_total);
	buf_printf(out, "relais_tls_names_cached %zu\n", certificate_cache_count(t->cache));
}
