/* SPDX-License-Identifier: ISC */
/*
 * keyholder/keyholder.c - the only process with TLS private keys: gives certificates, signs
 * handshakes, makes ticket keys.
 *
 * Keys are read in start(), as root; then the process is jailed without any file. So changed
 * certificates mean a new process: master starts it beside the old one, and when it serves,
 * the old one says RETIRE to the doors, answers what is under way, and leaves.
 *
 * Signatures wait in a queue for each door and are made in turn, one door after the other, a
 * few at a time: a door that floods waits for itself.
 *
 * Runs in:  keyholder, user relais-keys, empty root, no files; not dumpable, memory locked.
 * Trusts:   nothing of what doors ask: names, texts and numbers of keys are theirs.
 */
#include "keyholder.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <time.h>

#include "clock.h"
#include "keyholder_msg.h"
#include "load_keys.h"
#include "log.h"
#include "stats_rows.h"
#include "ticket_keys.h"

#define SECURE_HEAP      (4 * 1024 * 1024)
#define TURN_US          2000 /* of signing before others are heard */
#define ROTATION_LOOK_MS 1000 /* the granularity of rotations */
#define WARN_MS          (24 * 3600 * 1000)
#define EXPIRY_TOLD      8    /* certificates */
#define DRAIN_QUIET_MS   2000 /* nothing was asked for so long after RETIRE: leave */
#define REFUSALS_LOGGED  10
#define REFUSALS_EVERY   1000

struct job {
	STAILQ_ENTRY(job) link;
	struct held *held;
	uint32_t id;
	uint16_t scheme;
	uint16_t text_len;
	uint8_t text[KEYHOLDER_TEXT_MAX];
};

struct peer {
	TAILQ_ENTRY(peer) link;
	struct ipc_channel *channel;
	bool subscribed;
	STAILQ_HEAD(, job) jobs;
	size_t njobs;
};

struct keyholder {
	struct daemon *daemon;
	struct key_store *store;
	struct ticket_keys tickets;
	TAILQ_HEAD(, peer) peers; /* the next one to be served first */
	STAILQ_HEAD(, job) spare;
	size_t njobs;
	struct event *work, *rotation, *warning;
	uint64_t last_asked_ms;
	uint64_t signed_total, refused_total, busy_total, unknown_total, chains_total;
};

static struct keyholder *
of(const struct ipc_call *call)
{
	struct daemon *daemon = call->ctx;

	return daemon->ctx;
}

static void
after_ms(struct event *timer, unsigned ms)
{
	const struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	event_add(timer, &tv);
}

/* ---- signatures ---- */

static void
send_signature(struct ipc_channel *channel, uint32_t id, int err, struct bytes signature)
{
	keyholder_signature_encode(
		ipc_compose(channel), &(struct keyholder_signature){ err, signature });
	ipc_reply(channel, id, KEYHOLDER_SIGNATURE, NULL, 0);
}

static void
sign_next(struct keyholder *k, struct peer *p)
{
	struct job *j = STAILQ_FIRST(&p->jobs);
	uint8_t out[TLS_SIGNATURE_MAX];
	size_t n = 0;
	int r = signer_sign(j->held->signer, j->scheme, bytes_make(j->text, j->text_len), out, &n);

	if (r == ERR_OK) {
		j->held->signatures++;
		k->signed_total++;
	}
	send_signature(p->channel, j->id, r, bytes_make(out, r == ERR_OK ? n : 0));
	STAILQ_REMOVE_HEAD(&p->jobs, link);
	STAILQ_INSERT_HEAD(&k->spare, j, link);
	p->njobs--;
	k->njobs--;
}

/* One of each door in turn, for a moment; then the loop hears what has come meanwhile. */
static void
on_work(evutil_socket_t fd, short what, void *arg)
{
	struct keyholder *k = arg;
	uint64_t until = clock_mono_us() + TURN_US;
	struct peer *p;
	size_t idle = 0, npeers = 0;

	TAILQ_FOREACH (p, &k->peers, link)
		npeers++;
	while (k->njobs > 0 && idle < npeers && clock_mono_us() < until) {
		p = TAILQ_FIRST(&k->peers);
		TAILQ_REMOVE(&k->peers, p, link);
		TAILQ_INSERT_TAIL(&k->peers, p, link);
		if (p->njobs == 0) {
			idle++;
			continue;
		}
		idle = 0;
		sign_next(k, p);
	}
	if (k->njobs > 0)
		after_ms(k->work, 0);
}

static void
refuse(struct keyholder *k, const struct ipc_call *call, const struct keyholder_sign *m)
{
	uint64_t n = k->refused_total++;

	if (n < REFUSALS_LOGGED || n % REFUSALS_EVERY == 0)
		log_warning("%s[%u] asked for a signature of what is no handshake (%zu octets, "
			    "scheme %04x): refused",
			service_name(ipc_peer(call->channel)), ipc_peer_instance(call->channel),
			m->text.n, m->scheme);
	send_signature(call->channel, call->id, ERR_DENIED, BYTES_NONE);
}

static struct job *
new_job(struct keyholder *k)
{
	struct job *j = STAILQ_FIRST(&k->spare);

	if (j == NULL)
		return xcalloc(1, sizeof(*j));
	STAILQ_REMOVE_HEAD(&k->spare, link);
	return j;
}

static void
on_sign(struct ipc_call *call, const void *msg)
{
	const struct keyholder_sign *m = msg;
	struct keyholder *k = of(call);
	const struct tls_conf *conf = k->daemon->conf;
	struct peer *p = ipc_owner(call->channel);
	struct held *held = key_store_key(k->store, m->key_id);
	struct job *j;

	k->last_asked_ms = clock_mono_ms();
	if (held == NULL) {
		k->unknown_total++;
		send_signature(call->channel, call->id, ERR_NOT_FOUND, BYTES_NONE);
		return;
	}
	if (!tls_text_allowed(held->pair->type, m->scheme, m->text)) {
		refuse(k, call, m);
		return;
	}
	if (p->njobs >= conf->signing_backlog) {
		k->busy_total++;
		send_signature(call->channel, call->id, ERR_BUSY, BYTES_NONE);
		return;
	}
	j = new_job(k);
	j->held = held;
	j->id = call->id;
	j->scheme = m->scheme;
	j->text_len = (uint16_t)m->text.n;
	memcpy(j->text, m->text.p, m->text.n);
	STAILQ_INSERT_TAIL(&p->jobs, j, link);
	p->njobs++;
	if (k->njobs++ == 0)
		event_active(k->work, EV_TIMEOUT, 0);
}

/* ---- certificates ---- */

static void
on_certificate(struct ipc_call *call, const void *msg)
{
	const struct keyholder_certificate *m = msg;
	struct keyholder *k = of(call);
	struct keyholder_chain answer = { .err = ERR_OK };
	struct held *held[2];

	k->last_asked_ms = clock_mono_ms();
	k->chains_total++;
	answer.count = key_store_choose(k->store, m->name, held, &answer.set);
	if (answer.count == 0)
		answer.err = ERR_NOT_FOUND;
	for (uint32_t i = 0; i < answer.count; i++) {
		memcpy(answer.certificates[i].key_id, held[i]->pair->key_id, KEYHOLDER_KEY_ID_SIZE);
		answer.certificates[i].chain = buf_bytes(&held[i]->pair->chain);
	}
	keyholder_chain_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, KEYHOLDER_CHAIN, NULL, 0);
}

/* ---- subscribers ---- */

static void
push_ticket_keys(struct keyholder *k, struct peer *p)
{
	struct keyholder_ticket_keys m;

	ticket_keys_get(&k->tickets, ipc_peer(p->channel), clock_mono_ms(), &m);
	keyholder_ticket_keys_encode(ipc_compose(p->channel), &m);
	ipc_send(p->channel, KEYHOLDER_TICKET_KEYS, NULL, 0);
	OPENSSL_cleanse(&m, sizeof(m));
}

static void
push_retire(struct peer *p)
{
	ipc_compose(p->channel);
	ipc_send(p->channel, KEYHOLDER_RETIRE, NULL, 0);
}

static void
on_subscribe(struct ipc_call *call, const void *msg)
{
	struct keyholder *k = of(call);
	const struct tls_conf *conf = k->daemon->conf;
	struct peer *p = ipc_owner(call->channel);

	UNUSED(msg);
	p->subscribed = true;
	push_ticket_keys(k, p);
	keyholder_welcome_encode(ipc_compose(call->channel),
		&(struct keyholder_welcome){ .certificate = key_store_count(k->store) > 0,
			.only_tls13 = conf->only_tls13 });
	ipc_reply(call->channel, call->id, KEYHOLDER_WELCOME, NULL, 0);
	if (k->daemon->draining)
		push_retire(p);
}

static void
on_rotation(evutil_socket_t fd, short what, void *arg)
{
	struct keyholder *k = arg;
	bool due[SERVICE_COUNT];
	struct peer *p;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		due[i] = ticket_keys_due(&k->tickets, (enum service)i, clock_mono_ms());
	TAILQ_FOREACH (p, &k->peers, link) {
		if (p->subscribed && due[ipc_peer(p->channel)])
			push_ticket_keys(k, p);
	}
	after_ms(k->rotation, ROTATION_LOOK_MS);
}

/* ---- the operator's command ---- */

static void
on_list(struct ipc_call *call, const void *msg)
{
	const struct keyholder_list *m = msg;
	struct keyholder *k = of(call);
	struct keyholder_list_answer answer = { .total = (uint32_t)key_store_count(k->store) };

	for (uint32_t i = m->from; i < answer.total && answer.count < KEYHOLDER_LIST_MAX; i++) {
		const struct held *h = key_store_at(k->store, i);
		struct keyholder_row *row = &answer.rows[answer.count++];

		memcpy(row->fingerprint, h->pair->fingerprint, sizeof(row->fingerprint));
		row->signatures = h->signatures;
		row->path =
			bytes_head(bytes_from_str(h->pair->certificate_path), KEYHOLDER_PATH_MAX);
	}
	keyholder_list_answer_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, KEYHOLDER_LIST_ANSWER, NULL, 0);
}

static const struct ipc_route routes[] = {
	/* request	from	states	fds	struct, decoder		handler */
	{ KEYHOLDER_SUBSCRIBE, TLS_DOORS, 0, 0, 0, ipc_empty_decode, on_subscribe },
	{ KEYHOLDER_CERTIFICATE, TLS_DOORS, 0, 0, sizeof(struct keyholder_certificate),
		keyholder_certificate_decode, on_certificate },
	{ KEYHOLDER_SIGN, TLS_DOORS, 0, 0, sizeof(struct keyholder_sign), keyholder_sign_decode,
		on_sign },
	{ KEYHOLDER_LIST, FROM(SERVICE_CLI), 0, 0, sizeof(struct keyholder_list),
		keyholder_list_decode, on_list },
};

/* ---- the life of the daemon ---- */

static void
on_warning(evutil_socket_t fd, short what, void *arg)
{
	struct keyholder *k = arg;
	const struct tls_conf *conf = k->daemon->conf;
	char problem[CERT_PROBLEM_MAX];

	for (size_t i = 0; i < key_store_count(k->store); i++)
		if (cert_pair_worry(key_store_at(k->store, i)->pair, time(NULL),
			    (unsigned)conf->warn_days, problem))
			log_warning("certificate %s", problem);
	after_ms(k->warning, WARN_MS);
}

/* Nothing of a key in a core file or in swap, as far as the kernel lets us. */
static void
guard_memory(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)prctl(PR_SET_DUMPABLE, 0);
	if (CRYPTO_secure_malloc_init(SECURE_HEAP, 32) != 1)
		log_debug("no locked memory for keys");
#ifndef RELAIS_SANITIZE
	/* only where the limit does not hold: later allocations would fail at it */
	if (setrlimit(RLIMIT_MEMLOCK, &all) != 0 || mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		log_debug("memory is not locked: %m");
#else
	UNUSED(all);
#endif
}

static int
on_start(struct daemon *d)
{
	struct keyholder *k = xcalloc(1, sizeof(*k));
	const struct tls_conf *conf = d->conf;
	unsigned problems;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	guard_memory();
	d->ctx = k;
	k->daemon = d;
	TAILQ_INIT(&k->peers);
	STAILQ_INIT(&k->spare);
	k->store = key_store_new();
	problems = load_keys(k->store, d->common, conf);
	if (problems > 0 && d->successor) {
		log_error("changed certificates are not taken; the old ones go on being served");
		return ERR_SYNTAX;
	}
	if (key_store_count(k->store) == 0)
		log_error("there is no certificate: no TLS at any door");
	ticket_keys_init(&k->tickets, conf->ticket_rotation);
	return ERR_OK;
}

static int
on_run(struct daemon *d)
{
	struct keyholder *k = d->ctx;

	k->work = evtimer_new(d->base, on_work, k);
	k->rotation = evtimer_new(d->base, on_rotation, k);
	k->warning = evtimer_new(d->base, on_warning, k);
	ASSERT(k->work != NULL && k->rotation != NULL && k->warning != NULL);
	after_ms(k->rotation, ROTATION_LOOK_MS);
	after_ms(k->warning, 0);
	log_info("%zu certificate%s served", key_store_count(k->store),
		key_store_count(k->store) == 1 ? "" : "s");
	return ERR_OK;
}

static void
on_peer_up(struct daemon *d, struct ipc_channel *channel)
{
	struct keyholder *k = d->ctx;
	struct peer *p = xcalloc(1, sizeof(*p));

	p->channel = channel;
	ipc_set_owner(channel, p);
	STAILQ_INIT(&p->jobs);
	TAILQ_INSERT_TAIL(&k->peers, p, link);
}

static void
on_peer_down(struct daemon *d, struct ipc_channel *channel)
{
	struct keyholder *k = d->ctx;
	struct peer *p = ipc_owner(channel);
	struct job *j;

	while ((j = STAILQ_FIRST(&p->jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&p->jobs, link);
		STAILQ_INSERT_HEAD(&k->spare, j, link);
		k->njobs--;
	}
	TAILQ_REMOVE(&k->peers, p, link);
	free(p);
}

static bool
is_drained(struct daemon *d)
{
	const struct keyholder *k = d->ctx;

	return TAILQ_EMPTY(&k->peers) ||
	       (k->njobs == 0 && clock_mono_ms() - k->last_asked_ms > DRAIN_QUIET_MS);
}

static void
on_drain(struct daemon *d)
{
	struct keyholder *k = d->ctx;
	struct peer *p;

	TAILQ_FOREACH (p, &k->peers, link) {
		if (p->subscribed)
			push_retire(p);
	}
	k->last_asked_ms = clock_mono_ms();
	daemon_drain_until(d, is_drained);
}

/* Of the certificates that end first. */
static void
put_expiry(struct key_store *store, struct buf *out)
{
	const struct cert_pair *first[EXPIRY_TOLD];
	const size_t count = key_store_count(store);
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct cert_pair *pair = key_store_at(store, i)->pair;
		size_t at = n;

		while (at > 0 && pair->not_after < first[at - 1]->not_after)
			at--;
		if (at == EXPIRY_TOLD)
			continue;
		n += n < EXPIRY_TOLD;
		for (size_t j = n - 1; j > at; j--)
			first[j] = first[j - 1];
		first[at] = pair;
	}
	for (size_t i = 0; i < n; i++) {
		const struct cert_pair *pair = first[i];
		const int64_t end = pair->not_after > 0 ? pair->not_after : 0;

		buf_put_str(out, "relais_tls_certificate_expiry_timestamp_seconds{");
		stats_label_put(
			out, "name", bytes_from_str(pair->nnames > 0 ? pair->names[0] : ""));
		buf_put_str(out, ",fingerprint=\"");
		for (size_t j = 0; j < 8; j++)
			buf_printf(out, "%02x", pair->fingerprint[j]);
		buf_printf(out, "\"} %lld\n", (long long)end);
	}
}

static void
on_stats(struct daemon *d, struct buf *out)
{
	const struct keyholder *k = d->ctx;
	const struct stats_row rows[] = { { "signature_total", k->signed_total },
		{ "refused_total", k->refused_total }, { "busy_total", k->busy_total },
		{ "unknown_key_total", k->unknown_total }, { "chain_total", k->chains_total },
		{ "waiting", k->njobs }, { "certificates", key_store_count(k->store) } };

	stats_rows_put(out, "keyholder", rows, NITEMS(rows));
	put_expiry(k->store, out);
}

static void
on_stop(struct daemon *d)
{
	struct keyholder *k = d->ctx;

	key_store_free(&k->store); /* wipes the keys */
	OPENSSL_cleanse(&k->tickets, sizeof(k->tickets));
}

const struct daemon_spec keyholder_spec = {
	.service = SERVICE_KEYHOLDER,
	.section = &tls_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.start = on_start,
	.run = on_run,
	.peer_up = on_peer_up,
	.peer_down = on_peer_down,
	.drain = on_drain,
	.stats = on_stats,
	.stop = on_stop,
};
