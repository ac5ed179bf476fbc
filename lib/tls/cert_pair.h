/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/cert_pair.h - a certificate with its chain and its private key, from files.
 *
 * For keyholder (before its jail) and the operator's command; doors never see it.
 */
#ifndef RELAIS_CERT_PAIR_H
#define RELAIS_CERT_PAIR_H

#include <openssl/evp.h>

#include "buf.h"
#include "tls_server.h"
#include "tls_text.h"

#define CERT_CHAIN_MAX   (24 * 1024) /* octets of DER */
#define CERT_FILE_MAX    (256 * 1024)
#define CERT_PROBLEM_MAX 256

struct cert_pair {
	char *certificate_path, *key_path;
	struct buf chain; /* DER, leaf first */
	EVP_PKEY *key;
	enum tls_key_type type;
	int bits;
	uint8_t key_id[TLS_KEY_ID_SIZE]; /* SHA-256 of the public half */
	uint8_t fingerprint[32];         /* SHA-256 of the leaf */
	int64_t not_before, not_after;   /* seconds since 1970 */
	bool self_signed;
	char **names; /* clean patterns (tls_name.h); the subject's common name if it has no others
		       */
	size_t nnames;
};

/*
 * Read and check both files: a usable pair, or why not in problem ("key does not match the
 * certificate"). An expired certificate is usable; see cert_pair_worry().
 * returns: ERR_OK with *pair to be freed; ERR_NOT_FOUND, ERR_DENIED, ERR_SYNTAX, ...
 */
MUST_USE int cert_pair_load(const char *certificate_path, const char *key_path,
	struct cert_pair **pair, char problem[CERT_PROBLEM_MAX]);

/* The key is wiped. NULL is fine; sets NULL. */
void cert_pair_free(struct cert_pair **pair);

/* true with a text in problem: expired, not yet valid, or its end is within warn_days. */
bool cert_pair_worry(const struct cert_pair *pair, int64_t now, unsigned warn_days,
	char problem[CERT_PROBLEM_MAX]);

/* Days until the end, negative behind it. */
int cert_pair_days_left(const struct cert_pair *pair, int64_t now);

const char *cert_key_type_name(enum tls_key_type type); /* "ECDSA P-256", "RSA" */

#endif
