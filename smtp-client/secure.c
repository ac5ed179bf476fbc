/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/secure.c - TLS of a connection: the handshake, and what the log says of it.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the peer.
 */
#include "client.h"
#include "log.h"

static void
failed(struct connection *n, const char *why)
{
	n->c->count.tls_failed++;
	event_del(n->writable);
	log_info("TLS handshake with %s failed: %s", n->label, why);
	n->state = CONNECTION_OPEN;
	tls_to_host_free(&n->tls);
	client_session_tls_failed(n->session, why);
}

void
secure_begin(struct connection *n)
{
	const struct host_policy *p = &n->host_policy;
	const struct tls_to_host_spec spec = { .server_name = p->server_name,
		.judge = p->judge,
		.n_names = p->n_names,
		.names = { p->names[0], p->names[1], p->names[2], p->names[3], p->names[4],
			p->names[5], p->names[6], p->names[7] },
		.n_tlsa = p->n_tlsa,
		.tlsa = p->tlsa };

	n->tls = tls_to_host_new(n->c->tls, n->fd, &spec);
	if (n->tls == NULL) {
		failed(n, "no usable name or TLSA record");
		return;
	}
	n->state = CONNECTION_SHAKING;
	secure_go_on(n);
}

static void
tell_session(struct connection *n)
{
	static const enum tls_binding from[SASL_BINDINGS] = {
		[SASL_TLS_EXPORTER] = TLS_BINDING_EXPORTER,
		[SASL_TLS_SERVER_END_POINT] = TLS_BINDING_SERVER_END_POINT,
		[SASL_TLS_UNIQUE] = TLS_BINDING_UNIQUE,
	};
	struct client_tls_state state = { .authenticated =
						  tls_to_host_trust(n->tls) == TLS_VERIFIED };
	uint8_t octets[NITEMS(from)][TLS_BINDING_MAX];

	for (size_t i = 0; i < NITEMS(from); i++) {
		size_t size;

		if (tls_to_host_binding(n->tls, from[i], octets[i], &size) == ERR_OK)
			state.bindings[i] = bytes_make(octets[i], size);
	}
	client_session_secured(n->session, &state);
}

static void
done(struct connection *n)
{
	enum tls_trust trust = tls_to_host_trust(n->tls);
	char text[TLS_DESCRIPTION_SIZE];

	n->c->count.tls++;
	n->c->count.trust[trust]++;
	n->c->count.dane += tls_to_host_by_dane(n->tls);
	log_info("%s TLS connection established to %s: %s", tls_trust_word(trust), n->label,
		tls_to_host_describe(n->tls, text));
	n->tls_text = arena_printf(&n->arena, "%s %s %s", tls_trust_word(trust),
		tls_to_host_protocol(n->tls), tls_to_host_cipher(n->tls));
	n->state = CONNECTION_OPEN;
	tell_session(n);
}

void
secure_go_on(struct connection *n)
{
	int r = tls_to_host_handshake(n->tls);

	if (r == TLS_WANT_WRITE) {
		event_add(n->writable, NULL);
	} else if (r == TLS_WANT_READ) {
		event_del(n->writable);
	} else if (r < 0) {
		event_del(n->writable);
		failed(n, tls_to_host_why(n->tls));
	} else {
		event_del(n->writable);
		done(n);
	}
}
