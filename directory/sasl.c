/* SPDX-License-Identifier: ISC */
/*
 * directory/sasl.c - exchanges of SASL: START, STEP, CANCEL, and the clock.
 *
 * An exchange is an attempt (auth.h) that talks: between two messages it rests in a table
 * of fixed size, under a number that only its own channel may use, for at most a minute in all.
 *
 * Runs in:  directory.
 * Trusts:   doors with the client's words, its address and the channel binding of its TLS.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth.h"
#include "auth_policy.h"
#include "clock.h"
#include "directory_conf.h"
#include "err.h"
#include "log.h"
#include "random.h"

#define EXCHANGE_MS 60000
#define TICK_S      1

/* Numbers of exchanges: the slot, and a random number above it. */
struct sasl_table {
	struct auth **slots;
	uint32_t *free_slots;
	uint32_t nfree, size;
};

static struct auth *
find(const struct directory *d, const struct ipc_channel *channel, uint64_t number)
{
	const struct sasl_table *t = d->exchanges;
	uint32_t slot = (uint32_t)number;
	struct auth *a = slot < t->size ? t->slots[slot] : NULL;

	return a != NULL && a->number == number && a->channel == channel && a->state == AUTH_TALKING
		       ? a
		       : NULL;
}

/* One door process leaves half of the table to the others. */
static bool
has_its_share(const struct sasl_table *t, const struct ipc_channel *channel)
{
	uint32_t n = 0;

	if (t->nfree >= t->size / 2)
		return false; /* nobody can have */
	for (uint32_t slot = 0; slot < t->size; slot++)
		n += t->slots[slot] != NULL && t->slots[slot]->channel == channel;
	return n >= (t->size + 1) / 2;
}

static bool
take_slot(struct auth *a)
{
	struct sasl_table *t = a->d->exchanges;
	uint32_t slot;

	if (t->nfree == 0 || has_its_share(t, a->channel))
		return false;
	slot = t->free_slots[--t->nfree];
	t->slots[slot] = a;
	a->number = random_u64() << 32 | slot;
	a->deadline_ms = clock_mono_ms() + EXCHANGE_MS;
	return true;
}

void
auth_exchange_free(struct auth *a)
{
	struct sasl_table *t = a->d->exchanges;

	if (a->exchange == NULL)
		return;
	sasl_exchange_free(&a->exchange);
	t->slots[(uint32_t)a->number] = NULL;
	t->free_slots[t->nfree++] = (uint32_t)a->number;
}

/* ---- what comes next ---- */

static void follow(struct auth *a, enum sasl_next next, struct buf *out);

static void
challenge(struct auth *a, const struct buf *out)
{
	if (a->channel == NULL || out->len > SASL_MESSAGE_MAX) {
		auth_drop(a);
		return;
	}
	a->state = AUTH_TALKING;
	auth_say(a, &(struct directory_auth_answer){ .status = DIRECTORY_AUTH_CHALLENGE,
			    .exchange = a->number,
			    .challenge = buf_bytes(out) });
}

/* SCRAM: the account is known (or that there is none), ledger has no objection. */
static void
go_scram(struct auth *a)
{
	struct buf out = BUF_INIT;
	struct bytes line = a->looked_up == ERR_OK ? a->account.record.line : BYTES_NONE;

	follow(a, sasl_exchange_account(a->exchange, a->account.key, line, &out), &out);
	buf_free(&out);
}

static void
hint_no_record(const struct auth *a)
{
	struct bytes key = a->account.key;

	if (a->looked_up == ERR_OK && sasl_exchange_lacks_record(a->exchange))
		log_info("login of %.*s by SCRAM: the account has no record for it, \"relais user "
			 "passwd\" makes one",
			(int)key.n, (const char *)key.p);
}

static void
follow(struct auth *a, enum sasl_next next, struct buf *out)
{
	switch (next) {
	case SASL_NEXT_RIGHT: /* its data goes out as one more challenge */
		a->proven = true;
		challenge(a, out);
		break;
	case SASL_NEXT_CHALLENGE:
		challenge(a, out);
		break;
	case SASL_NEXT_ACCOUNT:
		auth_identify(a, sasl_exchange_login(a->exchange), go_scram);
		break;
	case SASL_NEXT_PASSWORD:
		buf_put_bytes(&a->password, sasl_exchange_password(a->exchange));
		auth_identify(a, sasl_exchange_login(a->exchange), auth_check_password);
		break;
	case SASL_NEXT_WRONG:
		hint_no_record(a);
		auth_wrong(a);
		break;
	case SASL_NEXT_MALFORMED:
		auth_refuse(a, DIRECTORY_AUTH_MALFORMED);
		break;
	}
}

/* ---- the door ---- */

static struct directory *
of(const struct ipc_call *call)
{
	const struct daemon *daemon = call->ctx;

	return daemon->ctx;
}

void
directory_on_sasl_start(struct ipc_call *call, const void *msg)
{
	/* where it is not offered the client may say that it could do it */
	static const struct bytes no_bindings[SASL_BINDINGS];
	const struct directory_sasl_start *m = msg;
	struct directory *d = of(call);
	struct auth *a = auth_new(call, m->protocol, m->client, m->session);
	struct buf out = BUF_INIT;

	if (a == NULL)
		return;
	if ((daemon_sasl_mechanisms(d->daemon) & sasl_mechanism_bit(m->mechanism)) == 0) {
		auth_refuse(a, DIRECTORY_AUTH_UNSUPPORTED);
		return;
	}
	if (!take_slot(a)) {
		auth_refuse(a, DIRECTORY_AUTH_TEMPORARY);
		return;
	}
	a->exchange = sasl_exchange_new(d->sasl, m->mechanism,
		d->daemon->common->channel_binding ? m->bindings : no_bindings);
	ASSERT(a->exchange != NULL);
	follow(a, sasl_exchange_start(a->exchange, m->has_initial, m->initial, &out), &out);
	buf_free(&out);
}

void
directory_on_sasl_step(struct ipc_call *call, const void *msg)
{
	const struct directory_sasl_step *m = msg;
	struct auth *a = find(of(call), call->channel, m->exchange);
	const struct directory_auth_answer none = { .status = DIRECTORY_AUTH_TEMPORARY };
	const struct account_password *credential;
	struct buf out = BUF_SECRET;

	if (a == NULL) { /* it took too long, or there never was one */
		directory_auth_answer_encode(ipc_compose(call->channel), &none);
		ipc_reply(call->channel, call->id, DIRECTORY_AUTH_ANSWER, NULL, 0);
		return;
	}
	a->id = call->id;
	if (!a->proven)
		follow(a, sasl_exchange_step(a->exchange, m->response, &out), &out);
	else if (m->response.n > 0)
		auth_refuse(a, DIRECTORY_AUTH_MALFORMED);
	else {
		credential = sasl_exchange_credential(a->exchange);
		auth_right(a, credential->name, credential->protocols);
	}
	buf_free(&out);
}

void
directory_on_sasl_cancel(struct ipc_call *call, const void *msg)
{
	const struct directory_sasl_cancel *m = msg;
	struct auth *a = find(of(call), call->channel, m->exchange);

	if (a != NULL)
		auth_drop(a);
}

/* ---- the clock ---- */

static void
on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct directory *d = arg;
	struct auth *a, *next;
	uint64_t now = clock_mono_ms();

	UNUSED(fd), UNUSED(events);
	for (a = LIST_FIRST(&d->auths); a != NULL; a = next) {
		next = LIST_NEXT(a, link);
		if (a->state == AUTH_TALKING && a->deadline_ms < now)
			auth_drop(a);
	}
}

/* ---- start and stop ---- */

/* What the salts of accounts without records are made from: made once, kept, so that these
 * accounts look the same after a restart. Before the jail. */
static void
read_secret(const struct daemon *daemon, uint8_t secret[SASL_SECRET_SIZE])
{
	static const char name[] = "sasl-secret", temporary[] = "sasl-secret.new";
	int fd = openat(daemon->root_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, secret, SASL_SECRET_SIZE);
		close(fd);
	}
	if (n == SASL_SECRET_SIZE)
		return;
	random_fill(secret, SASL_SECRET_SIZE);
	(void)unlinkat(daemon->root_fd, temporary, 0);
	fd = openat(daemon->root_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, secret, SASL_SECRET_SIZE) != SASL_SECRET_SIZE || fsync(fd) < 0 ||
		renameat(daemon->root_fd, temporary, daemon->root_fd, name) < 0)
		log_warning("sasl-secret can't be written: logins that do not exist can be told "
			    "from others at the next start");
	if (fd >= 0)
		close(fd);
}

int
directory_sasl_prepare(struct directory *d)
{
	const struct directory_conf *conf = d->daemon->conf;
	uint8_t secret[SASL_SECRET_SIZE];

	read_secret(d->daemon, secret);
	d->sasl = sasl_library_new(secret, (uint32_t)conf->scram_iterations);
	explicit_bzero(secret, sizeof(secret));
	if (d->sasl == NULL)
		log_error("GNU SASL can't be used");
	return d->sasl == NULL ? ERR_RESOURCE : ERR_OK;
}

void
directory_sasl_start(struct directory *d)
{
	const struct directory_conf *conf = d->daemon->conf;
	const struct timeval tick = { TICK_S, 0 };
	struct sasl_table *t = xcalloc(1, sizeof(*t));

	t->size = (uint32_t)conf->sasl_limit;
	t->slots = xcalloc(t->size, sizeof(struct auth *));
	t->free_slots = xcalloc(t->size, sizeof(*t->free_slots));
	for (uint32_t i = 0; i < t->size; i++)
		t->free_slots[t->nfree++] = t->size - 1 - i;
	d->exchanges = t;
	d->sasl_tick = event_new(d->daemon->base, -1, EV_PERSIST, on_tick, d);
	event_add(d->sasl_tick, &tick);
}

void
directory_sasl_stop(struct directory *d)
{
	if (d->sasl_tick != NULL)
		event_free(d->sasl_tick);
	if (d->exchanges != NULL) {
		free(d->exchanges->slots);
		free(d->exchanges->free_slots);
	}
	free(d->exchanges);
	sasl_library_free(&d->sasl);
}

unsigned
directory_sasl_count(const struct directory *d)
{
	return d->exchanges == NULL ? 0 : d->exchanges->size - d->exchanges->nfree;
}
