/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/send_ticket.c - making and checking of tickets.
 *
 * Runs in:  directory (makes them), qmgr and mailauth-sign (check them).
 * Trusts:   nothing of a ticket before its HMAC is right.
 */
#include "send_ticket.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "err.h"
#include "wire.h"

#define VERSION  2
#define MAC_SIZE 32

static void
mac(const struct send_ticket_key *key, const struct send_ticket *t, uint64_t expiry_s,
	uint8_t out[MAC_SIZE])
{
	struct buf b = BUF_INIT;
	unsigned n = MAC_SIZE;

	buf_put_u8(&b, VERSION);
	buf_put_u64(&b, key->id);
	buf_put_u64(&b, expiry_s);
	buf_put_u64(&b, t->queue_id);
	ipc_put_bytes(&b, t->login); /* with their lengths: no two of them are the same octets */
	ipc_put_bytes(&b, t->reverse_path);
	ipc_put_bytes(&b, t->domain);
	ASSERT(HMAC(EVP_sha256(), key->key, sizeof(key->key), buf_bytes(&b).p, b.len, out, &n) !=
			NULL &&
		n == MAC_SIZE);
	buf_free(&b);
}

void
send_ticket_key_take(struct send_ticket_key *key, const uint8_t *secret)
{
	static const uint8_t none[SEND_TICKET_SECRET];

	if (memcmp(secret, none, sizeof(none)) == 0)
		return;
	key->id = get_u64(secret) | 1;
	memcpy(key->key, secret + 8, sizeof(key->key));
}

void
send_ticket_make(const struct send_ticket_key *key, const struct send_ticket *t, uint64_t now_s,
	struct buf *out)
{
	uint64_t expiry_s = now_s + SEND_TICKET_LIFE_S;
	uint8_t digest[MAC_SIZE];

	mac(key, t, expiry_s, digest);
	buf_put_u8(out, VERSION);
	buf_put_u64(out, key->id);
	buf_put_u64(out, expiry_s);
	buf_put(out, digest, sizeof(digest));
}

int
send_ticket_check(const struct send_ticket_key *key, const struct send_ticket *t, uint64_t now_s,
	struct bytes ticket)
{
	struct ipc_reader in = ipc_reader(ticket);
	uint8_t version = ipc_get_u8(&in), digest[MAC_SIZE];
	uint64_t id = ipc_get_u64(&in), expiry_s = ipc_get_u64(&in);

	if (ticket.n != SEND_TICKET_SIZE || version != VERSION)
		return ERR_DENIED;
	if (key->id == 0 || id != key->id)
		return ERR_BUSY;
	mac(key, t, expiry_s, digest);
	if (CRYPTO_memcmp(digest, in.in.p, MAC_SIZE) != 0)
		return ERR_DENIED;
	return now_s > expiry_s ? ERR_BUSY : ERR_OK;
}

bool
send_ticket_names(const struct send_ticket_key *key, struct bytes ticket)
{
	return ticket.n == SEND_TICKET_SIZE && key->id != 0 && get_u64(ticket.p + 1) == key->id;
}
