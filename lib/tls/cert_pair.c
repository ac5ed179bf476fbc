/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/cert_pair.c - certificates and keys read from PEM files, and judged.
 *
 * Runs in:  keyholder's start (still root), the operator's command (root).
 * Trusts:   the files' owner; yet every size has a limit.
 * Sources:  RFC 7468 (PEM), RFC 5280, RFC 6125 sec. 6.4.4 (the common name counts only alone).
 */
#include "cert_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"
#include "tls_name.h"

#define NAMES_MAX 1000

static int
trouble(char *problem, int err, const char *path, const char *text)
{
	snprintf(problem, CERT_PROBLEM_MAX, "%s: %s", path, text);
	ERR_clear_error();
	return err;
}

/* The whole file; the caller wipes it. */
static int
read_file(const char *path, struct buf *out, char *problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;
	int saved;

	if (fd < 0)
		return trouble(problem, err_from_errno(errno), path, strerror(errno));
	n = sys_read_full(fd, buf_room(out, CERT_FILE_MAX + 1), CERT_FILE_MAX + 1);
	saved = errno;
	close(fd);
	if (n < 0)
		return trouble(problem, (int)n, path, strerror(saved));
	if (n > CERT_FILE_MAX)
		return trouble(problem, ERR_LIMIT, path, "too large for a certificate or key");
	buf_added(out, (size_t)n);
	return ERR_OK;
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		OPENSSL_cleanse(b->data, b->cap);
	buf_free(b);
}

/* A key without a passphrase: nobody is there to type one. */
static int
no_passphrase(char *p, int size, int writing, void *arg)
{
	bool *asked = arg;

	*asked = true;
	return -1;
}

static int
load_key(struct cert_pair *pair, char *problem)
{
	struct buf text = BUF_INIT;
	bool encrypted = false;
	BIO *bio;
	int r = read_file(pair->key_path, &text, problem);

	if (r < 0) {
		wipe(&text);
		return r;
	}
	bio = BIO_new_mem_buf(buf_bytes(&text).p, (int)text.len);
	ASSERT(bio != NULL);
	pair->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
	BIO_free(bio);
	wipe(&text);
	if (pair->key != NULL)
		return ERR_OK;
	return trouble(problem, ERR_SYNTAX, pair->key_path,
		encrypted ? "the key is encrypted; a key without passphrase is needed"
			  : "no private key in PEM form");
}

/* ---- the certificate ---- */

static void
add_name(struct cert_pair *pair, const ASN1_STRING *s)
{
	char name[TLS_NAME_SIZE];
	struct bytes raw = bytes_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));

	if (pair->nnames == NAMES_MAX || tls_name_clean_pattern(raw, name) < 0)
		return;
	pair->names = xrealloc(pair->names, (pair->nnames + 1) * sizeof(*pair->names));
	pair->names[pair->nnames++] = xstrdup(name);
}

static void
take_names(struct cert_pair *pair, X509 *leaf)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(leaf);
	int cn;

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);

		if (g->type == GEN_DNS)
			add_name(pair, g->d.dNSName);
	}
	GENERAL_NAMES_free(all);
	if (pair->nnames > 0 || (cn = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)) < 0)
		return;
	add_name(pair, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, cn)));
}

static int64_t
seconds(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static int
put_der(struct cert_pair *pair, X509 *x, char *problem)
{
	unsigned char *p = NULL;
	int n = i2d_X509(x, &p);

	if (n > 0 && pair->chain.len + (size_t)n <= CERT_CHAIN_MAX) {
		buf_put(&pair->chain, p, (size_t)n);
		OPENSSL_free(p);
		return ERR_OK;
	}
	OPENSSL_free(p);
	return trouble(problem, ERR_LIMIT, pair->certificate_path, "the chain is too long");
}

static int
take_key_type(struct cert_pair *pair, EVP_PKEY *public, char *problem)
{
	char group[32] = "";
	const char *path = pair->certificate_path;

	pair->bits = EVP_PKEY_get_bits(public);
	if (EVP_PKEY_is_a(public, "RSA")) {
		pair->type = TLS_KEY_RSA;
		if (pair->bits < 2048 || pair->bits > 8 * TLS_SIGNATURE_MAX)
			return trouble(problem, ERR_UNSUPPORTED, path,
				"an RSA key must have 2048 to 8192 bits");
		return ERR_OK;
	}
	if (EVP_PKEY_is_a(public, "EC"))
		EVP_PKEY_get_group_name(public, group, sizeof(group), NULL);
	if (strcmp(group, "prime256v1") == 0)
		pair->type = TLS_KEY_P256;
	else if (strcmp(group, "secp384r1") == 0)
		pair->type = TLS_KEY_P384;
	else
		return trouble(problem, ERR_UNSUPPORTED, path,
			"its key is neither RSA nor ECDSA with P-256 or P-384");
	return ERR_OK;
}

static int
take_leaf(struct cert_pair *pair, X509 *leaf, char *problem)
{
	EVP_PKEY *public = X509_get0_pubkey(leaf);
	unsigned char *spki = NULL;
	unsigned n = sizeof(pair->fingerprint);
	int len, r;

	if (public == NULL)
		return trouble(problem, ERR_SYNTAX, pair->certificate_path, "no usable public key");
	if ((r = take_key_type(pair, public, problem)) < 0)
		return r;
	if (X509_check_private_key(leaf, pair->key) != 1)
		return trouble(problem, ERR_SYNTAX, pair->key_path,
			"the key does not belong to the certificate");
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
	if (len <= 0 || X509_digest(leaf, EVP_sha256(), pair->fingerprint, &n) != 1 ||
		EVP_Digest(spki, (size_t)len, pair->key_id, NULL, EVP_sha256(), NULL) != 1) {
		OPENSSL_free(spki);
		return trouble(problem, ERR_SYNTAX, pair->certificate_path, "cannot be hashed");
	}
	OPENSSL_free(spki);
	pair->not_before = seconds(X509_get0_notBefore(leaf));
	pair->not_after = seconds(X509_get0_notAfter(leaf));
	pair->self_signed = (X509_get_extension_flags(leaf) & EXFLAG_SI) != 0;
	take_names(pair, leaf);
	if (pair->nnames == 0)
		return trouble(
			problem, ERR_SYNTAX, pair->certificate_path, "it names no host (DNS name)");
	return ERR_OK;
}

static int
take_chain(struct cert_pair *pair, BIO *bio, char *problem)
{
	X509 *x, *before = NULL;
	int r = ERR_OK;

	while (r == ERR_OK && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (before == NULL)
			r = take_leaf(pair, x, problem);
		else if (X509_check_issued(x, before) != X509_V_OK)
			r = trouble(problem, ERR_SYNTAX, pair->certificate_path,
				"the chain is not in order: leaf first, each followed by its "
				"issuer");
		if (r == ERR_OK)
			r = put_der(pair, x, problem);
		X509_free(before);
		before = x;
	}
	if (r == ERR_OK && before == NULL)
		r = trouble(
			problem, ERR_SYNTAX, pair->certificate_path, "no certificate in PEM form");
	X509_free(before);
	ERR_clear_error();
	return r;
}

int
cert_pair_load(const char *certificate_path, const char *key_path, struct cert_pair **out,
	char problem[CERT_PROBLEM_MAX])
{
	struct cert_pair *pair = xcalloc(1, sizeof(*pair));
	struct buf text = BUF_INIT;
	BIO *bio;
	int r;

	problem[0] = 0;
	*out = NULL;
	pair->certificate_path = xstrdup(certificate_path);
	pair->key_path = xstrdup(key_path);
	r = read_file(certificate_path, &text, problem);
	if (r == ERR_OK)
		r = load_key(pair, problem);
	if (r == ERR_OK) {
		bio = BIO_new_mem_buf(buf_bytes(&text).p, (int)text.len);
		ASSERT(bio != NULL);
		r = take_chain(pair, bio, problem);
		BIO_free(bio);
	}
	wipe(&text); /* may hold the key as well */
	if (r < 0)
		cert_pair_free(&pair);
	*out = pair;
	return r;
}

void
cert_pair_free(struct cert_pair **pairp)
{
	struct cert_pair *pair = *pairp;

	*pairp = NULL;
	if (pair == NULL)
		return;
	EVP_PKEY_free(pair->key);
	buf_free(&pair->chain);
	for (size_t i = 0; i < pair->nnames; i++)
		free(pair->names[i]);
	free(pair->names);
	free(pair->certificate_path);
	free(pair->key_path);
	free(pair);
}

int
cert_pair_days_left(const struct cert_pair *pair, int64_t now)
{
	int64_t left = pair->not_after - now;

	return (int)((left < 0 ? left - 86399 : left) / 86400);
}

bool
cert_pair_worry(const struct cert_pair *pair, int64_t now, unsigned warn_days,
	char problem[CERT_PROBLEM_MAX])
{
	int days = cert_pair_days_left(pair, now);

	problem[0] = 0;
	if (now >= pair->not_after)
		snprintf(problem, CERT_PROBLEM_MAX, "%s: expired %d day%s ago",
			pair->certificate_path, -days, days == -1 ? "" : "s");
	else if (now < pair->not_before)
		snprintf(problem, CERT_PROBLEM_MAX, "%s: not yet valid", pair->certificate_path);
	else if (days < (int)warn_days)
		snprintf(problem, CERT_PROBLEM_MAX, "%s: expires in %d day%s",
			pair->certificate_path, days, days == 1 ? "" : "s");
	return problem[0] != 0;
}

const char *
cert_key_type_name(enum tls_key_type type)
{
	static const char *const names[] = { [TLS_KEY_P256] = "ECDSA P-256",
		[TLS_KEY_P384] = "ECDSA P-384",
		[TLS_KEY_RSA] = "RSA" };

	return names[type];
}
