/* SPDX-License-Identifier: ISC */
/*
 * session/login_tls.c - a connection becomes TLS: at once at imaps and pop3s, else after STARTTLS
 * or STLS.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access, no key.
 * Trusts:   nothing from the client.
 * Sources:  RFC 2595, 8314, 9051 sec. 6.2.1; RFC 5929 and 9266 (channel bindings).
 */
#include "door_bindings.h"
#include "login_private.h"

/* A signature has come. */
static void
on_wake(void *arg)
{
	login_tls_shake(arg);
}

static void
secured(struct login_conn *c)
{
	uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX];
	struct bytes bindings[SASL_BINDINGS];

	login_secured(c->session, door_bindings(c->tls, room, bindings));
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
