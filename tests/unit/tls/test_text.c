/* SPDX-License-Identifier: ISC */
/* tests/unit/tls/test_text.c - what keyholder signs and what it refuses; ticket keys. */
#include "../base/cases.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fixture.h"
#include "signer.h"
#include "ticket_keys.h"

#define SERVER "TLS 1.3, server CertificateVerify"
#define CLIENT "TLS 1.3, client CertificateVerify"

static void
verify(struct buf *b, size_t blanks, const char *context, size_t hash)
{
	for (size_t i = 0; i < blanks; i++)
		buf_put_u8(b, ' ');
	buf_put(b, context, strlen(context) + 1);
	for (size_t i = 0; i < hash; i++)
		buf_put_u8(b, (uint8_t)i);
}

static void
exchange(struct buf *b, uint8_t type, uint16_t curve, uint8_t length, uint8_t first, size_t octets)
{
	for (size_t i = 0; i < 64; i++)
		buf_put_u8(b, (uint8_t)(i * 7));
	buf_put_u8(b, type);
	buf_put_u8(b, (uint8_t)(curve >> 8));
	buf_put_u8(b, (uint8_t)curve);
	buf_put_u8(b, length);
	for (size_t i = 0; i < octets; i++)
		buf_put_u8(b, i == 0 ? first : (uint8_t)i);
}

static const struct row {
	const char *label;
	/* either a CertificateVerify ... */
	const char *context;
	size_t blanks, hash;
	/* ... or parameters */
	uint8_t type;
	uint16_t curve;
	uint8_t length, first;
	size_t octets;
	enum tls_text kind;
} rows[] = {
	{ "verify, SHA-256", SERVER, 64, 32, 0, 0, 0, 0, 0, TLS_TEXT_VERIFY },
	{ "verify, SHA-384", SERVER, 64, 48, 0, 0, 0, 0, 0, TLS_TEXT_VERIFY },
	{ "verify, SHA-512: no suite has it", SERVER, 64, 64, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "verify of a client", CLIENT, 64, 32, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "verify, hash too short", SERVER, 64, 31, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "verify, hash too long", SERVER, 64, 33, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "verify without a hash", SERVER, 64, 0, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "verify, 63 blanks", SERVER, 63, 32, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "verify, 65 blanks", SERVER, 65, 32, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "verify, no blanks", SERVER, 0, 32, 0, 0, 0, 0, 0, TLS_TEXT_NONE },
	{ "exchange, X25519", NULL, 0, 0, 3, 29, 32, 9, 32, TLS_TEXT_EXCHANGE },
	{ "exchange, P-256", NULL, 0, 0, 3, 23, 65, 4, 65, TLS_TEXT_EXCHANGE },
	{ "exchange, P-384", NULL, 0, 0, 3, 24, 97, 4, 97, TLS_TEXT_EXCHANGE },
	{ "exchange, compressed point", NULL, 0, 0, 3, 23, 33, 2, 33, TLS_TEXT_NONE },
	{ "exchange, wrong form", NULL, 0, 0, 3, 23, 65, 2, 65, TLS_TEXT_NONE },
	{ "exchange, length too small", NULL, 0, 0, 3, 29, 31, 9, 32, TLS_TEXT_NONE },
	{ "exchange, an octet more", NULL, 0, 0, 3, 29, 32, 9, 33, TLS_TEXT_NONE },
	{ "exchange, an octet less", NULL, 0, 0, 3, 29, 32, 9, 31, TLS_TEXT_NONE },
	{ "exchange, explicit curve", NULL, 0, 0, 1, 29, 32, 9, 32, TLS_TEXT_NONE },
	{ "exchange, unknown curve", NULL, 0, 0, 3, 25, 133, 4, 133, TLS_TEXT_NONE },
	{ "exchange without a point", NULL, 0, 0, 3, 29, 0, 0, 0, TLS_TEXT_NONE },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct buf b = BUF_INIT;
	uint8_t *exact;

	if (t->context != NULL)
		verify(&b, t->blanks, t->context, t->hash);
	else
		exchange(&b, t->type, t->curve, t->length, t->first, t->octets);
	exact = xmalloc(b.len); /* so that a read behind its end is seen */
	memcpy(exact, buf_bytes(&b).p, b.len);
	assert_int_equal(tls_text_kind(bytes_make(exact, b.len)), t->kind);
	for (size_t n = 0; n < b.len; n++) /* a longer one may begin with a shorter one */
		assert_true(tls_text_kind(bytes_make(exact, n)) == TLS_TEXT_NONE || n == 130 ||
			    n == 146 || (t->context == NULL && n == b.len - 1));
	free(exact);
	buf_free(&b);
}

/* ---- scheme and key ---- */

static const struct {
	enum tls_key_type key;
	uint16_t scheme;
	bool in_verify, in_exchange;
} schemes[] = {
	{ TLS_KEY_P256, 0x0403, true, true },
	{ TLS_KEY_P256, 0x0503, false, true }, /* TLS 1.3 ties the curve to the digest */
	{ TLS_KEY_P384, 0x0503, true, true },
	{ TLS_KEY_P384, 0x0403, false, true },
	{ TLS_KEY_P256, 0x0203, false, false }, /* SHA-1 */
	{ TLS_KEY_P256, 0x0804, false, false },
	{ TLS_KEY_RSA, 0x0403, false, false },
	{ TLS_KEY_RSA, 0x0804, true, true },
	{ TLS_KEY_RSA, 0x0805, true, true },
	{ TLS_KEY_RSA, 0x0806, true, true },
	{ TLS_KEY_RSA, 0x0401, false, true }, /* PKCS #1: TLS 1.2 only */
	{ TLS_KEY_RSA, 0x0501, false, true },
	{ TLS_KEY_RSA, 0x0601, false, true },
	{ TLS_KEY_RSA, 0x0201, false, false },
	{ TLS_KEY_RSA, 0, false, false },
	{ TLS_KEY_RSA, 0xffff, false, false },
};

static void
keys_and_schemes(void **arg)
{
	struct buf v = BUF_INIT, x = BUF_INIT;

	verify(&v, 64, SERVER, 32);
	exchange(&x, 3, 29, 32, 9, 32);
	for (size_t i = 0; i < NITEMS(schemes); i++) {
		assert_int_equal(tls_text_allowed(schemes[i].key, schemes[i].scheme, buf_bytes(&v)),
			schemes[i].in_verify);
		assert_int_equal(tls_text_allowed(schemes[i].key, schemes[i].scheme, buf_bytes(&x)),
			schemes[i].in_exchange);
		assert_false(tls_text_allowed(
			schemes[i].key, schemes[i].scheme, BYTES_LITERAL("anything")));
	}
	buf_free(&v);
	buf_free(&x);
}

static void
signer_refuses(void **arg)
{
	struct cert_pair *pair = fixture_pair("P-256", "DNS:a.b");
	struct signer *s = signer_new(pair);
	struct buf v = BUF_INIT;
	uint8_t out[TLS_SIGNATURE_MAX];
	size_t n;

	verify(&v, 64, SERVER, 32);
	assert_int_equal(signer_sign(s, 0x0403, buf_bytes(&v), out, &n), ERR_OK);
	assert_in_range(n, 64, 72);
	assert_int_equal(signer_sign(s, 0x0804, buf_bytes(&v), out, &n), ERR_DENIED);
	assert_int_equal(
		signer_sign(s, 0x0403, BYTES_LITERAL("pay 100 to Mallory"), out, &n), ERR_DENIED);
	assert_int_equal(signer_sign(s, 0x0403, BYTES_NONE, out, &n), ERR_DENIED);
	signer_free(&s);
	cert_pair_free(&pair);
	buf_free(&v);
}

/* ---- ticket keys ---- */

#define HOUR ((uint64_t)3600 * 1000)

static void
rotation(void **arg)
{
	static struct ticket_keys t;
	struct keyholder_ticket_keys first, other, second, third;

	ticket_keys_init(&t, HOUR);
	assert_true(ticket_keys_due(&t, SERVICE_SMTPD, HOUR));
	ticket_keys_get(&t, SERVICE_SMTPD, 10 * HOUR, &first);
	assert_int_equal(first.count, 1);
	assert_int_equal(first.lifetime_s, 3600);
	assert_int_equal(first.keys[0].accept_s, 7200);
	ticket_keys_get(&t, SERVICE_IMAP_LOGIN, 10 * HOUR, &other);
	assert_memory_not_equal(first.keys[0].name, other.keys[0].name, KEYHOLDER_TICKET_NAME);
	assert_memory_not_equal(
		first.keys[0].cipher_key, other.keys[0].cipher_key, KEYHOLDER_TICKET_SECRET);
	assert_false(ticket_keys_due(&t, SERVICE_SMTPD, 11 * HOUR - 1));
	ticket_keys_get(&t, SERVICE_SMTPD, 11 * HOUR - 1, &second);
	assert_memory_equal(first.keys[0].name, second.keys[0].name, KEYHOLDER_TICKET_NAME);
	assert_true(ticket_keys_due(&t, SERVICE_SMTPD, 11 * HOUR));
	ticket_keys_get(&t, SERVICE_SMTPD, 11 * HOUR, &second);
	assert_int_equal(second.count, 2);
	assert_memory_not_equal(first.keys[0].name, second.keys[0].name, KEYHOLDER_TICKET_NAME);
	assert_memory_equal(first.keys[0].name, second.keys[1].name, KEYHOLDER_TICKET_NAME);
	assert_int_equal(second.keys[1].accept_s, 3600);
	ticket_keys_get(&t, SERVICE_SMTPD, 12 * HOUR, &third);
	assert_memory_equal(second.keys[0].name, third.keys[1].name, KEYHOLDER_TICKET_NAME);
	/* asleep for a day: the previous one is of no use any more */
	ticket_keys_get(&t, SERVICE_SMTPD, 40 * HOUR, &third);
	assert_int_equal(third.count, 1);
}

int
main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(keys_and_schemes),
		cmocka_unit_test(signer_refuses), cmocka_unit_test(rotation) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("tls/text", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("tls/text, more", more, NULL, NULL);
}
