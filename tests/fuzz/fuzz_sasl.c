/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_sasl.c - exchanges of SASL: the first octet picks the mechanism and what there
 * is for it, the rest are the client's messages, parted by 0xff. "N" right behind "r=" stands
 * for the nonce that the server gave, so that second messages come as far as the proof.
 */
#include <stdlib.h>

#include "buf.h"
#include "err.h"
#include "sasl_exchange.h"
#include "sasl_plain.h"
#include "sasl_scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[SASL_SECRET_SIZE] = "not a secret";
static const char line[] =
	"$y$x password={SCRAM-SHA-256}4096,romv8WSAPaZlKXVYa3vYBQ==,"
	"w8O/s5OCEaJSBTTqVpvAIKZYX+/MQrB5ndEnQ9QVCrE=,Z8+fkESXC6QfkjpKcvqYnsUCkB04v89jKJAHmuZKngw= "
	"app=a:imap:{SCRAM-SHA-1}4096,Mgj442hVgmwLJmpsltCVYA==,U2+QqT5Z9oGQiJKT464SVFBN3KA=,"
	"lpRGx+eZj2pk7Ej/bTdoqCYC+mY=";

/* What the parsers say must hold of what they point to. */
static void
parsers_alone(struct bytes message)
{
	struct scram_client_first first;
	struct scram_client_final final;
	struct sasl_plain plain;
	struct buf name = BUF_INIT;

	if (scram_client_first_parse(message, &first) == ERR_OK) {
		ASSERT(first.bare.p + first.bare.n == message.p + message.n);
		ASSERT(first.nonce.n > 0 && first.username.n > 0);
		ASSERT(scram_name_put(&name, first.username) == ERR_OK);
		ASSERT(bytes_find(buf_bytes(&name), 0) == BYTES_NOT_FOUND);
	}
	if (scram_client_final_parse(message, &final) == ERR_OK)
		ASSERT(final.without_proof.n < message.n && final.without_proof.p == message.p);
	if (sasl_plain_parse(message, &plain) == ERR_OK)
		ASSERT(plain.authcid.n + plain.passwd.n < message.n);
	buf_free(&name);
}

static void
with_nonce(struct buf *out, struct bytes message, struct bytes nonce)
{
	size_t at = bytes_search(message, BYTES_LITERAL("r=N"));

	buf_clear(out);
	if (at == BYTES_NOT_FOUND || nonce.n == 0) {
		buf_put_bytes(out, message);
		return;
	}
	buf_put_bytes(out, bytes_head(message, at + 2));
	buf_put_bytes(out, nonce);
	buf_put_bytes(out, bytes_skip(message, at + 3));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bytes bindings[SASL_BINDINGS] = {
		[SASL_TLS_EXPORTER] = BYTES_LITERAL("exporter"),
		[SASL_TLS_UNIQUE] = BYTES_LITERAL("unique"),
	};
	static const struct bytes none[SASL_BINDINGS];
	struct sasl_library *l;
	struct sasl_exchange *x;
	struct buf out = BUF_INIT, message = BUF_INIT, nonce = BUF_INIT;
	struct bytes rest, said;
	enum sasl_next next = SASL_NEXT_CHALLENGE;

	if (size == 0 || size > 8192)
		return 0;
	l = sasl_library_new(secret, 4096);
	x = sasl_exchange_new(l, (enum sasl_mechanism)(1 + (data[0] & 15) % (SASL_MECHANISMS - 1)),
		data[0] & 16 ? bindings : none);
	rest = bytes_make(data + 1, size - 1);
	for (int n = 0; n < 5 && next == SASL_NEXT_CHALLENGE; n++) {
		with_nonce(&message, bytes_cut(&rest, 0xff), buf_bytes(&nonce));
		parsers_alone(buf_bytes(&message));
		buf_clear(&out);
		next = n > 0 ? sasl_exchange_step(x, buf_bytes(&message), &out)
			     : sasl_exchange_start(
				       x, (data[0] & 32) != 0, buf_bytes(&message), &out);
		if (next == SASL_NEXT_ACCOUNT) {
			ASSERT(sasl_exchange_login(x).n > 0);
			next = sasl_exchange_account(x, sasl_exchange_login(x),
				bytes_from_str(data[0] & 64 ? line : ""), &out);
			said = bytes_skip(buf_bytes(&out), 2);
			buf_put_bytes(&nonce, bytes_cut(&said, ','));
		}
		ASSERT(next != SASL_NEXT_RIGHT); /* nobody here knows a password */
		if (next == SASL_NEXT_PASSWORD)
			ASSERT(sasl_exchange_login(x).n > 0 && sasl_exchange_password(x).n > 0);
		ASSERT(out.len <= SASL_MESSAGE_MAX);
	}
	sasl_exchange_free(&x);
	sasl_library_free(&l);
	buf_free(&out);
	buf_free(&message);
	buf_free(&nonce);
	return 0;
}
