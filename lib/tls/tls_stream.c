/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_stream.c - one connection's TLS: handshake, octets, its end.
 *
 * The handshake runs as an OpenSSL job (ASYNC_start_job(3)): when a signature is needed, the job
 * pauses and tls_handshake() returns. Only the wish is noted in the job; hooks are called
 * outside of it. After the handshake there are no jobs any more.
 *
 * A stream that goes while its job is paused: the job is resumed once more, finds the stream
 * dead, fails the handshake and ends, with nothing read or written; then SSL_free().
 *
 * Runs in:  all doors.
 * Trusts:   nothing from the client; the answers of the hooks.
 */
#include <errno.h>
#include <openssl/async.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "tls_name.h"
#include "tls_private.h"

struct tls_stream *
tls_stream_new(struct tls_server *server, int fd, tls_wake_fn *wake, void *arg)
{
	struct tls_stream *s = xcalloc(1, sizeof(*s));
	BIO *bio = BIO_new(server->bio);

	s->server = server;
	s->fd = fd;
	s->wake = wake;
	s->wake_arg = arg;
	s->io.why = "";
	s->io.ssl = SSL_new(server->ctx);
	ASSERT(s->io.ssl != NULL && bio != NULL);
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	BIO_set_shutdown(bio, 0);
	SSL_set_bio(s->io.ssl, bio, bio);
	SSL_set_app_data(s->io.ssl, s);
	SSL_set_accept_state(s->io.ssl);
	SSL_set_mode(s->io.ssl, SSL_MODE_ASYNC);
	if (server->nticket_keys == 0) {
		SSL_set_options(s->io.ssl, SSL_OP_NO_TICKET);
		SSL_set_num_tickets(s->io.ssl, 0);
	}
	return s;
}

static void
forget_signing(struct tls_stream *s)
{
	if (s->signing == NULL)
		return;
	free(s->signing);
	s->signing = NULL;
}

void
tls_stream_free(struct tls_stream **sp)
{
	struct tls_stream *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	if (s->waiting)
		s->server->hooks->cancel(s->server->hooks_arg, s);
	s->dead = true;
	if (SSL_waiting_for_async(s->io.ssl)) {
		s->server->running = s;
		(void)SSL_do_handshake(s->io.ssl);
		s->server->running = NULL;
		ASSERT(!SSL_waiting_for_async(s->io.ssl));
		ERR_clear_error();
	}
	SSL_free(s->io.ssl);
	forget_signing(s);
	tls_certificates_free(&s->certificates);
	free(s->name);
	free(s);
}

/* ---- signatures ---- */

size_t
tls_sign_remotely(
	const struct remote_key *key, uint16_t scheme, struct bytes text, uint8_t *out, size_t max)
{
	struct tls_stream *s = key->server->running;
	struct signing *g;
	size_t n = 0;

	if (s == NULL || s->signing != NULL || text.n > TLS_TEXT_MAX ||
		ASYNC_get_current_job() == NULL)
		return 0;
	g = s->signing = xcalloc(1, sizeof(*g));
	memcpy(g->text, text.p, text.n);
	memcpy(g->what.key_id, key->id, sizeof(g->what.key_id));
	g->what.origin = key->origin;
	g->what.scheme = scheme;
	g->what.text = bytes_make(g->text, text.n);
	s->asked = ASK_SIGNATURE;
	while (!g->answered && !s->dead)
		if (ASYNC_pause_job() != 1)
			break;
	if (!s->dead && g->answered && g->err == ERR_OK && g->signature_len <= max) {
		n = g->signature_len;
		memcpy(out, g->signature, n);
	}
	return n; /* tls_handshake() forgets the signing, for it looks at err */
}

static void
wake(struct tls_stream *s)
{
	if (!s->waiting)
		return; /* answered within the hook */
	s->waiting = false;
	s->wake(s->wake_arg);
}

void
tls_stream_signed(struct tls_stream *s, int err, struct bytes signature)
{
	struct signing *g = s->signing;

	ASSERT(s->asked == ASK_SIGNATURE && g != NULL && !g->answered);
	if (err == ERR_OK && (signature.n == 0 || signature.n > TLS_SIGNATURE_MAX))
		err = ERR_SYNTAX;
	g->err = err;
	g->answered = true;
	if (err == ERR_OK) {
		memcpy(g->signature, signature.p, signature.n);
		g->signature_len = signature.n;
	}
	s->asked = ASK_NOTHING;
	wake(s);
}

void
tls_stream_certificates(struct tls_stream *s, int err, struct tls_certificates *c)
{
	ASSERT(s->asked == ASK_CERTIFICATES && s->certificates == NULL);
	if (c != NULL)
		s->certificates = tls_certificates_ref(c);
	else
		s->certificates_err = err < 0 ? err : ERR_NOT_FOUND;
	s->asked = ASK_NOTHING;
	wake(s);
}

void
tls_stream_set_question(struct tls_stream *s, void *question)
{
	s->question = question;
}

void *
tls_stream_question(const struct tls_stream *s)
{
	return s->question;
}

/* ---- the handshake ---- */

static void
note_name(struct tls_stream *s)
{
	const char *given = SSL_get_servername(s->io.ssl, TLSEXT_NAMETYPE_host_name);
	char name[TLS_NAME_SIZE];

	if (s->name == NULL && given != NULL && tls_name_clean(bytes_from_str(given), name) > 0)
		s->name = xstrdup(name);
}

/* Call the hook for what the handshake wants. true: answered already. */
static bool
ask(struct tls_stream *s)
{
	struct tls_server *server = s->server;

	if (s->asked == ASK_CERTIFICATES) {
		note_name(s);
		server->hooks->certificates(server->hooks_arg, s,
			s->name == NULL ? BYTES_NONE : bytes_from_str(s->name));
	} else {
		ASSERT(s->asked == ASK_SIGNATURE);
		server->hooks->sign(server->hooks_arg, s, &s->signing->what);
	}
	if (s->asked == ASK_NOTHING)
		return true;
	s->waiting = true;
	return false;
}

/* The keys' side failed, not the client: a retry may help. */
static int
key_error(const struct tls_stream *s)
{
	if (s->signing != NULL && s->signing->answered && s->signing->err < 0)
		return s->signing->err;
	return s->certificates == NULL ? s->certificates_err : ERR_OK;
}

static int
handshake_failed(struct tls_stream *s, int r)
{
	int err = tls_octets_result(&s->io, r), key = key_error(s);

	if (tls_is_want(err))
		return err;
	s->io.broken = true;
	s->server->counts.failed++;
	forget_signing(s);
	if (key < 0) {
		s->io.why = key == ERR_NOT_FOUND ? "no certificate" : "no signature from keyholder";
		return err_is_temporary(key) ? key : ERR_BUSY;
	}
	if (err == 0) {
		s->io.why = "lost connection";
		return ERR_PEER;
	}
	return err;
}

static int
handshake_done(struct tls_stream *s)
{
	s->io.done = true;
	s->server->counts.handshakes++;
	s->server->counts.resumed += SSL_session_reused(s->io.ssl) == 1;
	SSL_clear_mode(s->io.ssl, SSL_MODE_ASYNC);
	note_name(s);
	forget_signing(s);
	tls_certificates_free(&s->certificates);
	return ERR_OK;
}

int
tls_handshake(struct tls_stream *s)
{
	int r, ssl_error;

	if (s->waiting)
		return TLS_WANT_KEY;
	if (s->io.broken)
		return ERR_PEER;
	for (;;) {
		ERR_clear_error();
		s->server->running = s;
		r = SSL_do_handshake(s->io.ssl);
		s->server->running = NULL;
		if (r == 1)
			return handshake_done(s);
		ssl_error = SSL_get_error(s->io.ssl, r);
		if (ssl_error != SSL_ERROR_WANT_ASYNC && ssl_error != SSL_ERROR_WANT_X509_LOOKUP)
			return handshake_failed(s, r);
		if (!ask(s))
			return TLS_WANT_KEY;
	}
}

/* ---- octets ---- */

int
tls_read(struct tls_stream *s, void *p, size_t n)
{
	return tls_octets_read(&s->io, p, n);
}

bool
tls_pending(const struct tls_stream *s)
{
	return tls_octets_pending(&s->io);
}

int
tls_write(struct tls_stream *s, struct bytes b)
{
	return tls_octets_write(&s->io, b);
}

int
tls_shutdown(struct tls_stream *s)
{
	return tls_octets_shutdown(&s->io);
}

const char *
tls_why(const struct tls_stream *s)
{
	return s->io.why;
}
