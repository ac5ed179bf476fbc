/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_tls_stream.c - a client's octets at a door, through all of its handshake; the
 * stream goes at a moment of the input's choice, also with a signature under way.
 *
 * The first octet: what keyholder does; the second: into how many pieces the rest is cut.
 */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum mood {
	ANSWERS,
	FAILS,
	SILENT,
	LATE,
	MOODS
};

static struct world {
	struct tls_server *server;
	struct tls_certificates *certificates;
	enum mood mood;
	struct tls_stream *waiting;
} world;

static void
answer(struct tls_stream *s)
{
	uint8_t signature[70] = { 0x30, 0x44 };

	if (world.mood == FAILS)
		tls_stream_signed(s, ERR_TIMEOUT, BYTES_NONE);
	else /* a wrong one does for the server's side */
		tls_stream_signed(s, ERR_OK, bytes_make(signature, sizeof(signature)));
}

static void
on_sign(void *arg, struct tls_stream *s, const struct tls_signing *what)
{
	ASSERT(what->text.n > 0 && what->text.n <= TLS_TEXT_MAX);
	if (world.mood == ANSWERS || world.mood == FAILS)
		answer(s);
	else
		world.waiting = s;
}

static void
on_certificates(void *arg, struct tls_stream *s, struct bytes name)
{
	ASSERT(name.n <= TLS_NAME_MAX);
	tls_stream_certificates(s, ERR_OK, world.certificates);
}

static void
on_cancel(void *arg, struct tls_stream *s)
{
	ASSERT(world.waiting == s);
	world.waiting = NULL;
}

static void
on_wake(void *arg)
{
}

static const struct tls_hooks hooks = { on_sign, on_certificates, on_cancel };

static void
make_world(void)
{
	static const struct tls_ticket_key ticket = { .until_ms = UINT64_MAX };
	uint8_t id[TLS_KEY_ID_SIZE] = { 1 };
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	unsigned char *der = NULL;
	int n;

	X509_set_pubkey(x, key);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	ASSERT(X509_sign(x, key, EVP_sha256()) > 0 && (n = i2d_X509(x, &der)) > 0);
	world.server = tls_server_new("fuzz", &hooks, NULL);
	tls_server_ticket_key(world.server, &ticket, 3600);
	world.certificates = tls_certificates_new(world.server, 1);
	ASSERT(tls_certificates_add(world.certificates, id, bytes_make(der, (size_t)n)) == ERR_OK);
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(key);
}

static bool
step(struct tls_stream *s, bool *shaken)
{
	char got[512];
	int r;

	if (!*shaken) {
		r = tls_handshake(s);
		*shaken = r == ERR_OK;
		if (r == TLS_WANT_KEY && world.mood == LATE && world.waiting != NULL) {
			world.waiting = NULL;
			answer(s);
			r = tls_handshake(s);
			*shaken = r == ERR_OK;
		}
		if (!*shaken)
			return tls_is_want(r);
	}
	while ((r = tls_read(s, got, sizeof(got))) > 0)
		(void)!tls_write(s, bytes_make(got, (size_t)r));
	return tls_is_want(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_stream *s;
	size_t piece, at = 2;
	bool shaken = false, on = true;
	char sink[4096];
	int fds[2];

	if (world.server == NULL)
		make_world();
	if (size < 3 || size > 60000)
		return 0;
	world.mood = (enum mood)(data[0] % MOODS);
	piece = data[1] == 0 ? size : (size - 2) / data[1] + 1;
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	s = tls_stream_new(world.server, fds[0], on_wake, NULL);
	while (on && at < size) {
		size_t n = size - at < piece ? size - at : piece;

		on = write(fds[1], data + at, n) == (ssize_t)n && step(s, &shaken);
		at += n;
		while (read(fds[1], sink, sizeof(sink)) > 0)
			;
	}
	(void)!tls_shutdown(s);
	tls_stream_free(&s);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
