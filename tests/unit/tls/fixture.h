/* SPDX-License-Identifier: ISC */
/* tests/unit/tls/fixture.h - certificates made for a test, and a TLS client on a socket pair. */
#ifndef RELAIS_TEST_TLS_FIXTURE_H
#define RELAIS_TEST_TLS_FIXTURE_H

#include <openssl/ssl.h>

#include "cert_pair.h"
#include "tls_server.h"

/* A self-signed pair: "P-256", "P-384", "RSA2048", ...; names: "DNS:a,DNS:*.b"; days may be
 * negative. Written to FOLDER/fullchain.pem and privkey.pem. */
void fixture_write_pair(
	const char *folder, const char *type, const char *names, int from_days, int to_days);
struct cert_pair *fixture_pair(const char *type, const char *names);

/* A folder of its own for this test, removed by fixture_remove(). */
char *fixture_folder(void);
void fixture_remove(char *folder);

/* A client that speaks TLS in memory of this process; every call goes as far as it can. */
struct fixture_client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	bool done, failed;
};

void fixture_client_open(
	struct fixture_client *c, int fd, int version, SSL_SESSION *session, const char *name);
void fixture_client_step(struct fixture_client *c);
void fixture_client_close(struct fixture_client *c);

#endif
