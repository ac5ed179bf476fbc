/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/directory/auth.c - logins a second: look-up, remembered and hashed passwords, app
 * passwords, SCRAM; and whose an address is. Everything but sockets and ledger.
 */
#include "auth.h"

#include <crypt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "encode.h"
#include "err.h"
#include "passwords.h"
#include "sasl_exchange.h"
#include "scram_record.h"

#define APP_PASSWORD "abcd-efgh-ijkl-mnop-qrst-uvwx-yz23"
#define ITERATIONS   10000

static void
put_ssha256(struct buf *out, const char *password)
{
	static const uint8_t salt[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t digest_and_salt[40];
	struct buf text = BUF_INIT;

	memcpy(digest_and_salt + 32, salt, sizeof(salt));
	buf_put_str(&text, password);
	buf_put(&text, digest_and_salt + 32, 8);
	scram_digest(SCRAM_HASH_SHA_256, buf_bytes(&text), digest_and_salt);
	buf_put_str(out, "{SSHA256}");
	base64_encode(out, bytes_make(digest_and_salt, sizeof(digest_and_salt)));
	buf_free(&text);
}

static struct scram_record
scram_of(const char *password)
{
	struct scram_record r = {
		.hash = SCRAM_HASH_SHA_256, .iterations = ITERATIONS, .salt_size = SCRAM_SALT_SIZE
	};

	memcpy(r.salt, "sixteen of salt.", SCRAM_SALT_SIZE);
	scram_record_derive(&r, bytes_from_str(password));
	return r;
}

void
bench_account_value(struct buf *out)
{
	struct scram_record scram = scram_of(BENCH_PASSWORD);
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	ASSERT(crypt_gensalt_rn("$y$", 0, "thirty-two octets of bench's salt", 32, setting,
		       sizeof(setting)) != NULL);
	buf_put_str(out, crypt_rn(BENCH_PASSWORD, setting, data, sizeof(*data)));
	free(data);
	buf_put_str(out, " password={SCRAM-SHA-256}");
	scram_record_put(out, &scram);
	buf_put_str(out, " app=phone:imap,submission:");
	put_ssha256(out, APP_PASSWORD);
	buf_put_str(out, " quota=1G");
}

/* ---- passwords in clear ---- */

struct round {
	struct directory_tables *t;
	struct passwords *p;
	unsigned seed;
	size_t accounts, right, answered;
};

static void
count(void *arg, const struct password_answer *answer)
{
	struct round *r = arg;

	r->answered++;
	r->right += answer->result == PASSWORD_RIGHT;
}

static void
check_one(struct round *r, const char *password)
{
	struct arena a = ARENA_INIT;
	struct account account;
	struct password_answer now;
	size_t number = (size_t)rand_r(&r->seed) % r->accounts;
	struct bytes login = bytes_from_str(arena_printf(&a, "user%zu.name@" BENCH_DOMAIN, number));
	struct password_question q = { .password = bytes_from_str(password) };

	ASSERT(tables_login(r->t, &a, login, &account) == ERR_OK);
	q.account = account.key;
	q.line = account.record.line;
	if (passwords_check(r->p, &q, count, r, &now) != PASSWORD_PENDING)
		count(r, &now);
	arena_reset(&a);
}

static void
plain(struct directory_tables *t, size_t accounts, const char *what, const char *password, size_t n,
	unsigned cache, bool twice)
{
	const struct passwords_options o = {
		.threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
		.queue_max = 1000000,
		.cache_max = cache,
		.cache_ms = 600000,
	};
	struct round r = { .t = t, .p = passwords_new(&o), .accounts = accounts };
	struct pollfd pfd = { passwords_fd(r.p), POLLIN, 0 };
	uint64_t begin = bench_cpu_us();

	ASSERT(passwords_start(r.p) == ERR_OK);
	for (int again = twice ? 0 : 1; again < 2; again++) {
		r.seed = 1;
		r.right = r.answered = 0;
		begin = bench_cpu_us();
		for (size_t i = 0; i < n; i++)
			check_one(&r, password);
		while (r.answered < n && poll(&pfd, 1, 60000) == 1)
			passwords_collect(r.p);
	}
	bench_report(what, bench_cpu_since(begin), n);
	ASSERT(r.right == n);
	passwords_free(&r.p);
}

/* ---- SCRAM ---- */

/* The client's final message: its proof needs only the client's key, which all accounts share. */
static void
put_final(struct buf *out, const uint8_t client_key[32], const struct scram_record *record,
	struct bytes first_bare, struct bytes challenge)
{
	struct bytes rest = challenge, nonce = bytes_cut(&rest, ',');
	struct buf message = BUF_INIT, auth = BUF_INIT;
	uint8_t proof[32];

	buf_put_str(&message, "c=biws,");
	buf_put_bytes(&message, nonce);
	buf_put_bytes(&auth, first_bare);
	buf_put_u8(&auth, ',');
	buf_put_bytes(&auth, challenge);
	buf_put_u8(&auth, ',');
	buf_put_bytes(&auth, buf_bytes(&message));
	scram_hmac(SCRAM_HASH_SHA_256, bytes_make(record->stored_key, 32), buf_bytes(&auth), proof);
	for (size_t i = 0; i < sizeof(proof); i++)
		proof[i] ^= client_key[i];
	buf_clear(out);
	buf_put_bytes(out, buf_bytes(&message));
	buf_put_str(out, ",p=");
	base64_encode(out, bytes_make(proof, sizeof(proof)));
	buf_free(&message);
	buf_free(&auth);
}

/* RFC 5802's ClientKey, which a record does not hold. */
static void
derive_client_key(const struct scram_record *r, uint8_t out[32])
{
	uint8_t salted[32], u[32];
	struct buf first = BUF_INIT;

	buf_put(&first, r->salt, r->salt_size);
	buf_put(&first, "\0\0\0\1", 4);
	scram_hmac(r->hash, BYTES_LITERAL(BENCH_PASSWORD), buf_bytes(&first), u);
	memcpy(salted, u, sizeof(salted));
	for (uint32_t i = 1; i < r->iterations; i++) {
		scram_hmac(r->hash, BYTES_LITERAL(BENCH_PASSWORD), bytes_make(u, 32), u);
		for (size_t k = 0; k < sizeof(salted); k++)
			salted[k] ^= u[k];
	}
	scram_hmac(r->hash, bytes_make(salted, 32), BYTES_LITERAL("Client Key"), out);
	buf_free(&first);
}

static void
scram(struct directory_tables *t, size_t accounts, size_t n)
{
	static const struct bytes none[SASL_BINDINGS];
	static const uint8_t secret[SASL_SECRET_SIZE] = "not a secret";
	const struct scram_record record = scram_of(BENCH_PASSWORD);
	struct sasl_library *l = sasl_library_new(secret, ITERATIONS);
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT, final = BUF_INIT;
	uint8_t client_key[32];
	unsigned seed = 1;
	uint64_t spent_us = 0, begin;

	derive_client_key(&record, client_key);
	for (size_t i = 0; i < n; i++) {
		const char *first = arena_printf(&a, "n,,n=user%zu.name@" BENCH_DOMAIN ",r=abcdef",
			(size_t)rand_r(&seed) % accounts);
		struct sasl_exchange *x;
		struct account account;

		begin = bench_cpu_us();
		x = sasl_exchange_new(l, SASL_SCRAM_SHA_256, none);
		buf_clear(&out);
		ASSERT(sasl_exchange_start(x, true, bytes_from_str(first), &out) ==
			SASL_NEXT_ACCOUNT);
		ASSERT(tables_login(t, &a, sasl_exchange_login(x), &account) == ERR_OK);
		ASSERT(sasl_exchange_account(x, account.key, account.record.line, &out) ==
			SASL_NEXT_CHALLENGE);
		spent_us += bench_cpu_us() - begin;
		put_final(&final, client_key, &record, bytes_from_str(first + 3), buf_bytes(&out));
		begin = bench_cpu_us();
		buf_clear(&out);
		ASSERT(sasl_exchange_step(x, buf_bytes(&final), &out) == SASL_NEXT_RIGHT);
		sasl_exchange_free(&x);
		spent_us += bench_cpu_us() - begin;
		arena_reset(&a);
	}
	bench_report("SCRAM-SHA-256", (double)spent_us / 1e6, n);
	buf_free(&out);
	buf_free(&final);
	sasl_library_free(&l);
}

/* ---- whose it is ---- */

static void
owns(struct directory_tables *t, size_t accounts, const char *what, const char *address,
	int expected)
{
	struct arena a = ARENA_INIT;
	unsigned seed = 1;
	size_t n = 200000;
	uint64_t begin = bench_cpu_us();

	for (size_t i = 0; i < n; i++) {
		size_t number = (size_t)rand_r(&seed) % accounts;
		struct bytes key =
			bytes_from_str(arena_printf(&a, "user%zu.name@" BENCH_DOMAIN, number));
		struct account account;

		ASSERT(tables_by_key(t, &a, key, false, &account) == ERR_OK);
		ASSERT(resolve_owns(t, &a, &account,
			       address == NULL ? key : bytes_from_str(address)) == expected);
		arena_reset(&a);
	}
	bench_report(what, bench_cpu_since(begin), n);
}

void
bench_auth(struct directory_tables *t, size_t accounts)
{
	owns(t, accounts, "may send as itself", NULL, 1);
	owns(t, accounts, "may not send as another", "nobody@" BENCH_DOMAIN, 0);
	plain(t, accounts, "password, remembered", BENCH_PASSWORD, 200, 65536, true);
	plain(t, accounts, "password, yescrypt", BENCH_PASSWORD, 200, 0, false);
	plain(t, accounts, "app password, not remembered", APP_PASSWORD, 50000, 0, false);
	plain(t, accounts, "app password, remembered", APP_PASSWORD, 50000, 262144, true);
	scram(t, accounts, 20000);
}
