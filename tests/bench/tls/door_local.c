/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/tls/door_local.c - door_tls.h with the key in the door's own process: what a mail
 * server usually does, to compare keyholder with. Never shipped.
 *
 * RELAIS_BENCH_PAIR names a folder with fullchain.pem and privkey.pem; read before the jail.
 */
#include "door_tls.h"

#include <stdio.h>
#include <stdlib.h>

#include "cert_pair.h"
#include "clock.h"
#include "random.h"
#include "signer.h"
#include "tls_server.h"

struct door_tls {
	struct tls_server *server;
	struct tls_certificates *certificates;
	struct signer *signer;
};

static struct cert_pair *pair;

__attribute__((constructor)) static void
read_pair(void)
{
	const char *folder = getenv("RELAIS_BENCH_PAIR");
	char certificate[1024], key[1024], problem[CERT_PROBLEM_MAX] = "RELAIS_BENCH_PAIR?";

	if (folder == NULL)
		folder = "";
	snprintf(certificate, sizeof(certificate), "%s/fullchain.pem", folder);
	snprintf(key, sizeof(key), "%s/privkey.pem", folder);
	if (cert_pair_load(certificate, key, &pair, problem) < 0)
		fprintf(stderr, "%s\n", problem);
}

static void
on_sign(void *arg, struct tls_stream *s, const struct tls_signing *what)
{
	const struct door_tls *t = arg;
	uint8_t out[TLS_SIGNATURE_MAX];
	size_t n = 0;
	int r = signer_sign(t->signer, what->scheme, what->text, out, &n);

	tls_stream_signed(s, r, bytes_make(out, n));
}

static void
on_certificates(void *arg, struct tls_stream *s, struct bytes name)
{
	const struct door_tls *t = arg;

	tls_stream_certificates(s, ERR_OK, t->certificates);
}

static void
on_cancel(void *arg, struct tls_stream *s)
{
}

static const struct tls_hooks hooks = { on_sign, on_certificates, on_cancel };

struct door_tls *
door_tls_new(struct daemon *d)
{
	struct door_tls *t = xcalloc(1, sizeof(*t));
	/* one for all processes, as a resumed session may come to any of them */
	struct tls_ticket_key ticket = { .name = "bench", .until_ms = clock_mono_ms() + 7200000 };

	t->server = tls_server_new(service_name(d->spec->service), &hooks, t);
	tls_server_ticket_key(t->server, &ticket, 3600);
	t->certificates = tls_certificates_new(t->server, 1);
	ASSERT(pair != NULL);
	ASSERT(tls_certificates_add(t->certificates, pair->key_id, buf_bytes(&pair->chain)) ==
		ERR_OK);
	t->signer = signer_new(pair);
	return t;
}

void
door_tls_free(struct door_tls **t)
{
	*t = NULL;
}

bool
door_tls_ready(const struct door_tls *t)
{
	return true;
}

struct tls_stream *
door_tls_open(struct door_tls *t, int fd, tls_wake_fn *wake, void *arg)
{
	return tls_stream_new(t->server, fd, wake, arg);
}

void
door_tls_stats(const struct door_tls *t, struct buf *out)
{
}
