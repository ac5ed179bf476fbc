/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/tls/test_stream.c - handshakes with a key that is elsewhere: each protocol and key
 * type, answers at once and later and never, streams that go at every moment, tickets, bindings.
 */
#include "../base/cases.h"

#include <fcntl.h>
#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fixture.h"
#include "random.h"
#include "signer.h"

enum answer {
	AT_ONCE,
	LATER,
	NEVER,
	REFUSED,
	GARBAGE,
};

/* The other side of the hooks: keys and certificates at hand. */
struct world {
	struct tls_server *server;
	struct tls_certificates *certificates;
	struct signer *signers[2];
	struct cert_pair *pairs[2];
	enum answer answer;
	struct tls_stream *stream; /* that waits for an answer */
	uint8_t signature[TLS_SIGNATURE_MAX];
	size_t signature_len;
	int signature_err;
	bool certificates_wanted;
	unsigned cancelled, wakes, signed_count;
	uint16_t scheme;
	char name[256];
};

static void
on_sign(void *arg, struct tls_stream *s, const struct tls_signing *what)
{
	struct world *w = arg;

	w->scheme = what->scheme;
	w->signed_count++;
	w->signature_err = ERR_NOT_FOUND;
	for (size_t i = 0; i < NITEMS(w->signers); i++)
		if (w->signers[i] != NULL && memcmp(w->pairs[i]->key_id, what->key_id, 32) == 0)
			w->signature_err = signer_sign(w->signers[i], what->scheme, what->text,
				w->signature, &w->signature_len);
	if (w->answer == REFUSED)
		w->signature_err = ERR_TIMEOUT;
	if (w->answer == GARBAGE)
		random_fill(w->signature, w->signature_len);
	if (w->answer == AT_ONCE || w->answer == REFUSED || w->answer == GARBAGE)
		tls_stream_signed(s, w->signature_err, bytes_make(w->signature, w->signature_len));
	else
		w->stream = s;
}

static void
on_certificates(void *arg, struct tls_stream *s, struct bytes name)
{
	struct world *w = arg;

	bytes_to_str(name, w->name, sizeof(w->name));
	if (w->answer == LATER) {
		w->stream = s;
		w->certificates_wanted = true;
		return;
	}
	tls_stream_certificates(s, ERR_OK, w->certificates);
}

static void
on_cancel(void *arg, struct tls_stream *s)
{
	struct world *w = arg;

	assert_ptr_equal(w->stream, s);
	w->stream = NULL;
	w->cancelled++;
}

static const struct tls_hooks hooks = { on_sign, on_certificates, on_cancel };

static void
on_wake(void *arg)
{
	struct world *w = arg;

	w->wakes++;
}

static void
give_answer(struct world *w)
{
	struct tls_stream *s = w->stream;

	w->stream = NULL;
	if (w->certificates_wanted)
		tls_stream_certificates(s, ERR_OK, w->certificates);
	else
		tls_stream_signed(s, w->signature_err, bytes_make(w->signature, w->signature_len));
	w->certificates_wanted = false;
}

static void
world_add(struct world *w, unsigned i, const char *type)
{
	w->pairs[i] = fixture_pair(type, "DNS:mx.example.org");
	w->signers[i] = signer_new(w->pairs[i]);
	assert_int_equal(tls_certificates_add(w->certificates, w->pairs[i]->key_id,
				 buf_bytes(&w->pairs[i]->chain)),
		ERR_OK);
}

static void
world_open(struct world *w, const char *type, const char *second, enum answer answer)
{
	memset(w, 0, sizeof(*w));
	w->answer = answer;
	w->server = tls_server_new("test", &hooks, w);
	w->certificates = tls_certificates_new(w->server, 7);
	world_add(w, 0, type);
	if (second != NULL)
		world_add(w, 1, second);
}

static void
world_close(struct world *w)
{
	tls_certificates_free(&w->certificates);
	for (size_t i = 0; i < NITEMS(w->signers); i++) {
		signer_free(&w->signers[i]);
		cert_pair_free(&w->pairs[i]);
	}
	tls_server_free(&w->server);
}

struct pair_of_ends {
	struct tls_stream *s;
	struct fixture_client c;
	int fd;
};

static void
ends_open(struct pair_of_ends *e, struct world *w, int version, SSL_SESSION *session)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	e->fd = fds[0];
	e->s = tls_stream_new(w->server, fds[0], on_wake, w);
	fixture_client_open(&e->c, fds[1], version, session, "MX.Example.ORG");
}

static void
ends_close(struct pair_of_ends *e)
{
	tls_stream_free(&e->s);
	fixture_client_close(&e->c);
	close(e->fd);
}

/* Both sides until neither can go on; the server's last result. */
static int
shake(struct pair_of_ends *e, struct world *w)
{
	int r = TLS_WANT_READ;

	for (int i = 0; i < 20; i++) {
		fixture_client_step(&e->c);
		if (r == TLS_WANT_KEY && w->answer == LATER) {
			unsigned before = w->wakes;

			assert_int_equal(tls_handshake(e->s), TLS_WANT_KEY);
			give_answer(w);
			assert_int_equal(w->wakes, before + 1);
		}
		if (tls_is_want(r))
			r = tls_handshake(e->s);
		if (r == ERR_OK && e->c.done)
			break;
	}
	fixture_client_step(&e->c);
	return r;
}

/* ---- each protocol, key type, kind of answer ---- */

static const struct row {
	const char *label, *type, *second;
	int version;
	uint16_t scheme;
	enum answer answer;
} rows[] = {
	{ "TLS 1.3, P-256", "P-256", NULL, TLS1_3_VERSION, 0x0403, AT_ONCE },
	{ "TLS 1.3, P-384", "P-384", NULL, TLS1_3_VERSION, 0x0503, LATER },
	{ "TLS 1.3, RSA", "RSA2048", NULL, TLS1_3_VERSION, 0x0804, LATER },
	{ "TLS 1.2, P-256", "P-256", NULL, TLS1_2_VERSION, 0x0403, LATER },
	{ "TLS 1.2, P-384", "P-384", NULL, TLS1_2_VERSION, 0x0403, AT_ONCE },
	{ "TLS 1.2, RSA", "RSA2048", NULL, TLS1_2_VERSION, 0x0804, AT_ONCE },
	{ "two certificates: ECDSA first", "RSA2048", "P-256", TLS1_3_VERSION, 0x0403, LATER },
};

static void
exchange(struct pair_of_ends *e)
{
	static const char text[] = "a line\r\n";
	char got[100000], *big = xcalloc(1, sizeof(got));
	size_t sent = 0, taken = 0;
	int r;

	assert_int_equal(SSL_write(e->c.ssl, text, 8), 8);
	assert_int_equal(tls_read(e->s, got, sizeof(got)), 8);
	assert_memory_equal(got, text, 8);
	assert_false(tls_pending(e->s));
	assert_int_equal(tls_read(e->s, got, sizeof(got)), TLS_WANT_READ);
	memset(big, 'x', sizeof(got));
	for (int i = 0; i < 1000 && taken < sizeof(got); i++) {
		if (sent < sizeof(got)) {
			r = tls_write(e->s, bytes_make(big + sent, sizeof(got) - sent));
			assert_true(r > 0 || r == TLS_WANT_WRITE);
			sent += r > 0 ? (size_t)r : 0;
		}
		r = SSL_read(e->c.ssl, got, 1000);
		taken += r > 0 ? (size_t)r : 0;
	}
	assert_int_equal(taken, sizeof(got));
	free(big);
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct world w;
	struct pair_of_ends e;
	char words[TLS_DESCRIPTION_SIZE];

	world_open(&w, t->type, t->second, t->answer);
	ends_open(&e, &w, t->version, NULL);
	assert_int_equal(shake(&e, &w), ERR_OK);
	assert_true(e.c.done);
	assert_int_equal(w.scheme, t->scheme);
	assert_int_equal(w.signed_count, 1);
	assert_string_equal(w.name, "mx.example.org");
	assert_string_equal(tls_server_name(e.s), "mx.example.org");
	assert_string_equal(
		tls_protocol(e.s), t->version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
	assert_non_null(strstr(tls_describe(e.s, words), " bits)"));
	assert_false(tls_resumed(e.s));
	exchange(&e);
	assert_int_equal(tls_shutdown(e.s), ERR_OK);
	ends_close(&e);
	world_close(&w);
}

/* ---- what goes wrong ---- */

static void
no_signature(void **arg)
{
	struct world w;
	struct pair_of_ends e;

	world_open(&w, "P-256", NULL, REFUSED);
	ends_open(&e, &w, TLS1_3_VERSION, NULL);
	assert_int_equal(shake(&e, &w), ERR_TIMEOUT);
	assert_string_equal(tls_why(e.s), "no signature from keyholder");
	assert_int_equal(tls_server_counts(w.server).failed, 1);
	ends_close(&e);
	world_close(&w);
}

static void
wrong_signature(void **arg)
{
	struct world w;
	struct pair_of_ends e;

	world_open(&w, "RSA2048", NULL, GARBAGE);
	ends_open(&e, &w, TLS1_2_VERSION, NULL);
	assert_true(shake(&e, &w) < 0);
	assert_true(e.c.failed);
	ends_close(&e);
	world_close(&w);
}

/* The client leaves, or the door gives up, while the signature is under way. */
static void
gone_meanwhile(void **arg)
{
	struct world w;
	struct pair_of_ends e;

	for (int i = 0; i < 50; i++) {
		world_open(&w, "P-256", NULL, i % 2 == 0 ? NEVER : LATER);
		ends_open(&e, &w, i % 4 < 2 ? TLS1_3_VERSION : TLS1_2_VERSION, NULL);
		fixture_client_step(&e.c);
		assert_int_equal(tls_handshake(e.s), TLS_WANT_KEY);
		if (i % 3 == 0)
			shutdown(e.c.fd, SHUT_RDWR);
		tls_stream_free(&e.s);
		assert_int_equal(w.cancelled, 1);
		ends_close(&e);
		world_close(&w);
	}
}

/* Many at once, answered in another order; one in three goes. */
static void
many_at_once(void **arg)
{
	struct world w;
	struct pair_of_ends e[60];
	struct tls_stream *waiting[60];

	world_open(&w, "P-256", NULL, NEVER);
	for (size_t i = 0; i < NITEMS(e); i++) {
		ends_open(&e[i], &w, TLS1_3_VERSION, NULL);
		fixture_client_step(&e[i].c);
		assert_int_equal(tls_handshake(e[i].s), TLS_WANT_KEY);
		waiting[i] = w.stream;
	}
	for (size_t i = NITEMS(e); i-- > 0;) {
		w.stream = waiting[i];
		if (i % 3 == 0) {
			tls_stream_free(&e[i].s);
			continue;
		}
		tls_stream_signed(waiting[i], ERR_IO, BYTES_NONE);
		assert_int_equal(tls_handshake(e[i].s), ERR_IO);
	}
	assert_int_equal(w.wakes, 40);
	for (size_t i = 0; i < NITEMS(e); i++)
		ends_close(&e[i]);
	world_close(&w);
}

static void
no_tls_at_all(void **arg)
{
	struct world w;
	struct pair_of_ends e;

	world_open(&w, "P-256", NULL, AT_ONCE);
	ends_open(&e, &w, TLS1_3_VERSION, NULL);
	assert_int_equal(write(e.c.fd, "EHLO example.org\r\n", 18), 18);
	assert_int_equal(tls_handshake(e.s), ERR_SYNTAX);
	assert_true(tls_why(e.s)[0] != 0);
	ends_close(&e);
	ends_open(&e, &w, TLS1_3_VERSION, NULL);
	shutdown(e.c.fd, SHUT_RDWR);
	assert_int_equal(tls_handshake(e.s), ERR_PEER);
	assert_string_equal(tls_why(e.s), "lost connection");
	ends_close(&e);
	world_close(&w);
}

static void
old_protocols(void **arg)
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION };
	struct world w;
	struct pair_of_ends e;

	world_open(&w, "RSA2048", NULL, AT_ONCE);
	for (size_t i = 0; i < NITEMS(versions); i++) {
		ends_open(&e, &w, versions[i], NULL);
		assert_true(shake(&e, &w) <= ERR_SYNTAX);
		assert_int_equal(w.signed_count, 0);
		ends_close(&e);
	}
	tls_server_only_tls13(w.server, true);
	ends_open(&e, &w, TLS1_2_VERSION, NULL);
	assert_int_equal(shake(&e, &w), ERR_SYNTAX);
	ends_close(&e);
	world_close(&w);
}

static void
no_certificate(void **arg)
{
	struct world w;
	struct pair_of_ends e;

	world_open(&w, "P-256", NULL, AT_ONCE);
	tls_certificates_free(&w.certificates);
	ends_open(&e, &w, TLS1_3_VERSION, NULL);
	assert_int_equal(shake(&e, &w), ERR_BUSY);
	assert_string_equal(tls_why(e.s), "no certificate");
	ends_close(&e);
	world_close(&w);
}

/* ---- sessions ---- */

static struct tls_ticket_key
ticket_key(uint8_t fill, int64_t ms)
{
	struct tls_ticket_key k;

	memset(&k, fill, sizeof(k));
	k.until_ms = (uint64_t)((int64_t)clock_mono_ms() + ms);
	return k;
}

/* A session made at one process goes on at another that has the same keys, also as the older. */
static void
tickets(void **arg)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	const struct tls_ticket_key one = ticket_key(1, 60000), two = ticket_key(2, 60000);

	for (size_t i = 0; i < NITEMS(versions) * 4; i++) {
		struct world w, other;
		struct pair_of_ends e;
		SSL_SESSION *session;
		int rotated = (int)(i / NITEMS(versions));

		world_open(&w, "P-256", NULL, AT_ONCE);
		world_open(&other, "P-256", NULL, AT_ONCE);
		tls_server_ticket_key(w.server, &one, 3600);
		tls_server_ticket_key(other.server, &two, 3600);
		if (rotated == 0)
			tls_server_ticket_key(other.server, &one, 3600);
		if (rotated == 1)
			tls_server_old_ticket_key(other.server, &one);
		if (rotated == 2) { /* too old by now */
			struct tls_ticket_key old = one;

			old.until_ms = clock_mono_ms() - 1;
			tls_server_old_ticket_key(other.server, &old);
		}
		ends_open(&e, &w, versions[i % 2], NULL);
		assert_int_equal(shake(&e, &w), ERR_OK);
		session = SSL_get1_session(e.c.ssl);
		assert_int_equal(SSL_SESSION_is_resumable(session), 1);
		SSL_shutdown(e.c.ssl);
		ends_close(&e);
		ends_open(&e, &other, versions[i % 2], session);
		assert_int_equal(shake(&e, &other), ERR_OK);
		assert_int_equal(tls_resumed(e.s), rotated < 2);
		assert_int_equal(other.signed_count, rotated < 2 ? 0 : 1);
		exchange(&e);
		ends_close(&e);
		SSL_SESSION_free(session);
		world_close(&w);
		world_close(&other);
	}
}

/* ---- bindings ---- */

static void
bindings(void **arg)
{
	uint8_t got[TLS_BINDING_MAX], expected[64];
	struct world w;
	struct pair_of_ends e;
	size_t n;
	unsigned len = 0;
	X509 *x;

	world_open(&w, "P-256", NULL, AT_ONCE);
	ends_open(&e, &w, TLS1_3_VERSION, NULL);
	assert_int_equal(tls_binding(e.s, TLS_BINDING_EXPORTER, got, &n), ERR_UNSUPPORTED);
	assert_int_equal(shake(&e, &w), ERR_OK);
	assert_int_equal(tls_binding(e.s, TLS_BINDING_EXPORTER, got, &n), ERR_OK);
	assert_int_equal(n, 32);
	assert_int_equal(SSL_export_keying_material(
				 e.c.ssl, expected, 32, "EXPORTER-Channel-Binding", 24, NULL, 0, 0),
		1);
	assert_memory_equal(got, expected, 32);
	assert_int_equal(tls_binding(e.s, TLS_BINDING_SERVER_END_POINT, got, &n), ERR_OK);
	x = SSL_get1_peer_certificate(e.c.ssl);
	assert_int_equal(X509_digest(x, EVP_sha256(), expected, &len), 1);
	assert_int_equal(n, len);
	assert_memory_equal(got, expected, len);
	X509_free(x);
	assert_int_equal(tls_binding(e.s, TLS_BINDING_UNIQUE, got, &n), ERR_UNSUPPORTED);
	ends_close(&e);

	ends_open(&e, &w, TLS1_2_VERSION, NULL);
	assert_int_equal(shake(&e, &w), ERR_OK);
	assert_int_equal(tls_binding(e.s, TLS_BINDING_UNIQUE, got, &n), ERR_OK);
	assert_int_equal(SSL_get_finished(e.c.ssl, expected, sizeof(expected)), n);
	assert_memory_equal(got, expected, n);
	assert_int_equal(tls_binding(e.s, TLS_BINDING_EXPORTER, got, &n), ERR_OK);
	ends_close(&e);
	world_close(&w);
}

/* A door never has more of the key than the certificate says. */
static void
ends_of_streams(void **arg)
{
	struct world w;
	struct pair_of_ends e;
	char got[16];

	world_open(&w, "P-256", NULL, AT_ONCE);
	ends_open(&e, &w, TLS1_3_VERSION, NULL);
	assert_int_equal(shake(&e, &w), ERR_OK);
	SSL_shutdown(e.c.ssl);
	assert_int_equal(tls_read(e.s, got, sizeof(got)), 0);
	assert_int_equal(tls_shutdown(e.s), ERR_OK);
	ends_close(&e);
	ends_open(&e, &w, TLS1_3_VERSION, NULL);
	assert_int_equal(shake(&e, &w), ERR_OK);
	shutdown(e.c.fd, SHUT_RDWR); /* no close_notify: an end all the same */
	assert_int_equal(tls_read(e.s, got, sizeof(got)), 0);
	ends_close(&e);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(no_signature),
		cmocka_unit_test(wrong_signature), cmocka_unit_test(gone_meanwhile),
		cmocka_unit_test(many_at_once), cmocka_unit_test(no_tls_at_all),
		cmocka_unit_test(old_protocols), cmocka_unit_test(no_certificate),
		cmocka_unit_test(tickets), cmocka_unit_test(bindings),
		cmocka_unit_test(ends_of_streams) };
	TABLE_TESTS(tests, rows, run_row);
	int r = cmocka_run_group_tests_name("tls/stream", tests, NULL, NULL);

	r += cmocka_run_group_tests_name("tls/stream, more", more, NULL, NULL);
	ASYNC_cleanup_thread();
	return r;
}
