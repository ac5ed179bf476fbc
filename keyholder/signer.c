/* SPDX-License-Identifier: ISC */
/*
 * keyholder/signer.c - signatures of handshakes.
 *
 * The text is judged (tls_text.h) and hashed here: who asks cannot have a digest of his own
 * choice signed. For each scheme a context is made ready once and copied.
 *
 * Runs in:  keyholder.
 * Trusts:   nothing of what is asked.
 * Sources:  RFC 8446 sec. 4.2.3 (PSS with a salt as long as the digest), RFC 8017.
 */
#include "signer.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define SCHEMES 6 /* at most, of one key: RSA has PSS and PKCS #1 with three digests each */

struct signer {
	EVP_PKEY *key;
	enum tls_key_type type;
	size_t nready;
	struct {
		uint16_t scheme;
		EVP_MD_CTX *ctx;
	} ready[SCHEMES];
};

struct signer *
signer_new(const struct cert_pair *pair)
{
	struct signer *s = xcalloc(1, sizeof(*s));

	ASSERT(EVP_PKEY_up_ref(pair->key) == 1);
	s->key = pair->key;
	s->type = pair->type;
	return s;
}

void
signer_free(struct signer **sp)
{
	struct signer *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nready; i++)
		EVP_MD_CTX_free(s->ready[i].ctx);
	EVP_PKEY_free(s->key);
	free(s);
}

static EVP_MD_CTX *
make_ready(struct signer *s, uint16_t scheme)
{
	bool pss;
	unsigned digest = tls_scheme_digest(scheme, &pss);
	const char *name = digest == 256 ? "SHA256" : digest == 384 ? "SHA384" : "SHA512";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;

	if (ctx != NULL && EVP_DigestSignInit_ex(ctx, &pctx, name, NULL, NULL, s->key, NULL) == 1 &&
		(!pss || (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
				 EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) ==
					 1)))
		return ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

/* Only schemes that were allowed come here: no more than SCHEMES for a key. */
static EVP_MD_CTX *
ready_for(struct signer *s, uint16_t scheme)
{
	EVP_MD_CTX *ctx;

	for (size_t i = 0; i < s->nready; i++)
		if (s->ready[i].scheme == scheme)
			return s->ready[i].ctx;
	ASSERT(s->nready < SCHEMES);
	ctx = make_ready(s, scheme);
	if (ctx == NULL)
		return NULL;
	s->ready[s->nready].scheme = scheme;
	s->ready[s->nready++].ctx = ctx;
	return ctx;
}

int
signer_sign(struct signer *s, uint16_t scheme, struct bytes text, uint8_t *out, size_t *n)
{
	EVP_MD_CTX *ready, *ctx;
	int r = ERR_IO;

	if (!tls_text_allowed(s->type, scheme, text))
		return ERR_DENIED;
	ready = ready_for(s, scheme);
	ctx = EVP_MD_CTX_new();
	*n = TLS_SIGNATURE_MAX;
	if (ready != NULL && ctx != NULL && EVP_MD_CTX_copy_ex(ctx, ready) == 1 &&
		EVP_DigestSign(ctx, out, n, text.p, text.n) == 1)
		r = ERR_OK;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}
