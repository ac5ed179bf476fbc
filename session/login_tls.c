/* SPDX-License-Identifier: ISC */
/*
 * session/login_tls.c - a connection becomes TLS: at once at imaps and pop3s, else after STARTTLS
 * or STLS.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access, no key.
 * Trusts:   nothing from the client.
 * Sources:  RFC 2595, 8314, 9051 sec. 6.2.1; RFC 5929 and 9266 (channel bindings).
 */
#include "err.h"
#include "login_private.h"

/* A signature has come. */
static void
on_wake(void *arg)
{
	login_tls_shake(arg);
}

/* tls.h's names of channel bindings and SASL's. */
static const enum tls_binding binding_of[SASL_BINDINGS] = {
	[SASL_TLS_EXPORTER] = TLS_BINDING_EXPORTER,
	[SASL_TLS_UNIQUE] = TLS_BINDING_UNIQUE,
	[SASL_TLS_SERVER_END_POINT] = TLS_BINDING_SERVER_END_POINT,
};

void
login_tls_bindings(const struct login_conn *c, uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX],
	struct bytes bindings[SASL_BINDINGS])
{
	size_t n;

	_Static_assert(SASL_BINDING_MAX >= TLS_BINDING_MAX, "any channel binding fits");
	for (size_t i = 0; i < SASL_BINDINGS; i++) {
		bindings[i] = BYTES_NONE;
		if (c->tls != NULL && tls_binding(c->tls, binding_of[i], room[i], &n) == ERR_OK)
			bindings[i] = bytes_make(room[i], n);
	}
}

static void
secured(struct login_conn *c)
{
	uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX];
	struct bytes bindings[SASL_BINDINGS];
	bool any = false;

	login_tls_bindings(c, room, bindings);
	for (size_t i = 0; i < SASL_BINDINGS; i++)
		any = any || bindings[i].n > 0;
	login_secured(c->session, any);
	c->phase = CONN_TALKING;
	if (!c->greeted)
		login_greet(c->session, &c->out);
	c->greeted = true;
	login_conn_arm(c);
}

void
login_tls_begin(struct login_conn *c)
{
	buf_free(&c->in); /* what was sent before TLS was sent by who knows whom */
	c->phase = CONN_SHAKING;
	c->tls = door_tls_open(c->server->tls, c->fd, on_wake, c);
	login_tls_shake(c);
}

void
login_tls_shake(struct login_conn *c)
{
	int r = tls_handshake(c->tls);

	if (r == TLS_WANT_READ) {
		login_conn_wait(c, EV_READ | EV_PERSIST);
	} else if (r == TLS_WANT_WRITE) {
		login_conn_wait(c, EV_WRITE | EV_PERSIST);
	} else if (r == TLS_WANT_KEY) {
		login_conn_wait(c, 0);
	} else if (r < 0) {
		c->tls_failure = tls_why(c->tls);
		login_conn_close(c);
	} else {
		secured(c);
	}
}
