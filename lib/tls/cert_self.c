/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/cert_self.c - a self-signed certificate for the host's own name.
 *
 * Runs in:  keyholder's start (still root), and the operator's command.
 * Sources:  RFC 5280.
 */
#include "cert_self.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "sys.h"
#include "tls_name.h"

static bool
add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

static bool
set_serial(X509 *x)
{
	BIGNUM *n = BN_new();
	bool ok = n != NULL && BN_rand(n, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;

	BN_free(n);
	return ok;
}

static bool
fill(X509 *x, EVP_PKEY *key, const char *name)
{
	char san[TLS_NAME_SIZE + 8], common[65];
	X509_NAME *subject = X509_get_subject_name(x);
	X509V3_CTX ctx;

	snprintf(san, sizeof(san), "DNS:%s", name);
	bytes_to_str(bytes_from_str(name), common, sizeof(common)); /* its limit is 64 */
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	return X509_set_version(x, 2) == 1 && set_serial(x) &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(x), 86400L * CERT_SELF_DAYS) != NULL &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		       (const unsigned char *)common, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1 &&
	       add_extension(x, &ctx, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, &ctx, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, &ctx, NID_ext_key_usage, "serverAuth") &&
	       add_extension(x, &ctx, NID_subject_alt_name, san) &&
	       add_extension(x, &ctx, NID_subject_key_identifier, "hash") &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

/* Beside it and renamed, so that nobody ever reads half of it. */
static int
write_file(const char *path, struct bytes text)
{
	struct buf fresh = BUF_INIT;
	int fd, r;

	buf_printf(&fresh, "%s.new", path);
	(void)unlink(buf_str(&fresh));
	fd = sys_openat(AT_FDCWD, buf_str(&fresh), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	r = fd < 0 ? fd : sys_write_all(fd, text);
	if (r == ERR_OK)
		r = sys_fsync(fd);
	if (fd >= 0)
		close(fd);
	if (r == ERR_OK)
		r = sys_renameat(AT_FDCWD, buf_str(&fresh), AT_FDCWD, path);
	buf_free(&fresh);
	return r;
}

int
cert_self_make(const char *path, const char *hostname)
{
	char name[TLS_NAME_SIZE];
	EVP_PKEY *key;
	X509 *x;
	BIO *bio;
	char *text;
	long n;
	int r;

	if ((r = tls_name_clean(bytes_from_str(hostname), name)) < 0)
		return r;
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	x = X509_new();
	bio = BIO_new(BIO_s_secmem());
	ASSERT(key != NULL && x != NULL && bio != NULL);
	ASSERT(fill(x, key, name));
	ASSERT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	ASSERT(PEM_write_bio_X509(bio, x) == 1);
	n = BIO_get_mem_data(bio, &text);
	r = write_file(path, bytes_make(text, (size_t)n));
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
	return r;
}

static bool
is_for(const struct cert_pair *pair, const char *hostname)
{
	char name[TLS_NAME_SIZE];

	if (tls_name_clean(bytes_from_str(hostname), name) < 0)
		return false;
	for (size_t i = 0; i < pair->nnames; i++)
		if (tls_name_matches(pair->names[i], name))
			return true;
	return false;
}

int
cert_self_load(const char *state, const char *hostname, struct cert_pair **pair, bool *made,
	char problem[CERT_PROBLEM_MAX])
{
	struct buf path = BUF_INIT;
	int r;

	*made = false;
	*pair = NULL;
	problem[0] = 0;
	buf_printf(&path, "%s/tls", state);
	r = mkdir(buf_str(&path), 0700) == 0 || errno == EEXIST ? ERR_OK : err_from_errno(errno);
	buf_put_str(&path, "/" CERT_SELF_FILE);
	if (r == ERR_OK)
		r = cert_pair_load(buf_str(&path), buf_str(&path), pair, problem);
	if (r != ERR_OK || !is_for(*pair, hostname) ||
		cert_pair_days_left(*pair, time(NULL)) < CERT_SELF_RENEW) {
		cert_pair_free(pair);
		r = cert_self_make(buf_str(&path), hostname);
		if (r == ERR_OK)
			r = cert_pair_load(buf_str(&path), buf_str(&path), pair, problem);
		*made = r == ERR_OK;
	}
	buf_free(&path);
	return r;
}
