/* SPDX-License-Identifier: ISC */
/*
 * directory/sasl_exchange.c - GNU SASL between our parsers and our tables, see the header.
 *
 * Runs in:  directory, event loop's thread.
 * Trusts:   GNU SASL with the protocol; nothing of the client's messages.
 */
#include "sasl_exchange.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>

#include "encode.h"
#include "err.h"
#include "password_record.h"
#include "sasl_plain.h"
#include "sasl_prep.h"
#include "sasl_scram.h"
#include "utf8.h"

#define LOGIN_MAX    512
#define PASSWORD_MAX 1024

struct sasl_library {
	Gsasl *gsasl;
	uint8_t secret[SASL_SECRET_SIZE];
	uint32_t iterations;
};

/* A record that the proof may be for. */
struct candidate {
	struct scram_record record;
	char name[ACCOUNT_APP_NAME_MAX + 1];
	unsigned protocols;
};

enum exchange_state {
	EX_START,
	EX_LOGIN_NAME,     /* LOGIN: the name is awaited */
	EX_LOGIN_PASSWORD, /* then the password */
	EX_ACCOUNT,        /* SCRAM: sasl_exchange_account() is awaited */
	EX_PROOF,          /* then the client's second message */
	EX_OVER,
};

struct sasl_exchange {
	struct sasl_library *library;
	Gsasl_session *session;
	enum sasl_mechanism mechanism;
	enum exchange_state state;
	struct buf bindings[SASL_BINDINGS];
	struct buf login, password;
	/* SCRAM only */
	struct buf first;        /* the client's first message, until the account is known */
	struct buf auth_message; /* RFC 5802 sec. 3, as far as it has come */
	struct candidate *candidates;
	size_t ncandidates;
	bool lacks_record;
	const struct candidate *chosen; /* for the callback: salt, count, keys */
	struct account_password credential;
};

/* ---- what GNU SASL asks ---- */

static int
give_base64(Gsasl_session *s, Gsasl_property property, struct bytes data)
{
	struct buf text = BUF_INIT;

	base64_encode(&text, data);
	(void)gsasl_property_set(s, property, buf_str(&text));
	buf_free(&text);
	return GSASL_OK;
}

static int
give_binding(Gsasl_session *s, Gsasl_property property, const struct buf *data, int none)
{
	return data->len == 0 ? none : give_base64(s, property, buf_bytes(data));
}

static int
callback(Gsasl *g, Gsasl_session *s, Gsasl_property property)
{
	const struct sasl_exchange *x = gsasl_session_hook_get(s);
	const struct candidate *c = x->chosen;
	char number[16];

	UNUSED(g);
	switch (property) {
	case GSASL_VALIDATE_SIMPLE: /* PLAIN, LOGIN: the caller checks, in another thread */
		return GSASL_OK;
	case GSASL_CB_TLS_EXPORTER:
		return give_binding(
			s, property, &x->bindings[SASL_TLS_EXPORTER], GSASL_NO_CB_TLS_EXPORTER);
	case GSASL_CB_TLS_UNIQUE:
		return give_binding(
			s, property, &x->bindings[SASL_TLS_UNIQUE], GSASL_NO_CB_TLS_UNIQUE);
	default:
		break;
	}
	if (c == NULL)
		return GSASL_NO_CALLBACK;
	switch (property) {
	case GSASL_SCRAM_ITER:
		snprintf(number, sizeof(number), "%u", c->record.iterations);
		(void)gsasl_property_set(s, property, number);
		return GSASL_OK;
	case GSASL_SCRAM_SALT:
		return give_base64(s, property, bytes_make(c->record.salt, c->record.salt_size));
	case GSASL_SCRAM_STOREDKEY:
		return give_base64(s, property,
			bytes_make(c->record.stored_key, scram_key_size(c->record.hash)));
	case GSASL_SCRAM_SERVERKEY:
		return give_base64(s, property,
			bytes_make(c->record.server_key, scram_key_size(c->record.hash)));
	default:
		return GSASL_NO_CALLBACK;
	}
}

struct sasl_library *
sasl_library_new(const uint8_t secret[SASL_SECRET_SIZE], uint32_t iterations)
{
	struct sasl_library *l = xcalloc(1, sizeof(*l));

	if (gsasl_init(&l->gsasl) != GSASL_OK) {
		free(l);
		return NULL;
	}
	gsasl_callback_set(l->gsasl, callback);
	memcpy(l->secret, secret, sizeof(l->secret));
	l->iterations = iterations;
	return l;
}

void
sasl_library_set_iterations(struct sasl_library *l, uint32_t iterations)
{
	l->iterations = iterations;
}

void
sasl_library_free(struct sasl_library **lp)
{
	struct sasl_library *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	gsasl_done(l->gsasl);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

/* ---- the life of an exchange ---- */

struct sasl_exchange *
sasl_exchange_new(struct sasl_library *l, enum sasl_mechanism mechanism,
	const struct bytes bindings[SASL_BINDINGS])
{
	const struct sasl_mechanism_row *row = sasl_mechanism_row(mechanism);
	struct sasl_exchange *x;

	if (row == NULL)
		return NULL;
	x = xcalloc(1, sizeof(*x));
	x->library = l;
	x->mechanism = mechanism;
	x->password = BUF_SECRET;
	for (size_t i = 0; i < SASL_BINDINGS; i++)
		buf_put_bytes(&x->bindings[i], bytes_head(bindings[i], SASL_BINDING_MAX));
	if (gsasl_server_start(l->gsasl, row->name, &x->session) != GSASL_OK) {
		x->session = NULL;
		sasl_exchange_free(&x);
		return NULL;
	}
	gsasl_session_hook_set(x->session, x);
	return x;
}

void
sasl_exchange_free(struct sasl_exchange **xp)
{
	struct sasl_exchange *x = *xp;

	*xp = NULL;
	if (x == NULL)
		return;
	if (x->session != NULL)
		gsasl_finish(x->session);
	for (size_t i = 0; i < SASL_BINDINGS; i++)
		buf_free(&x->bindings[i]);
	buf_free(&x->login);
	buf_free(&x->password);
	buf_free(&x->first);
	buf_free(&x->auth_message);
	if (x->candidates != NULL)
		explicit_bzero(x->candidates, x->ncandidates * sizeof(*x->candidates));
	free(x->candidates);
	free(x);
}

struct bytes
sasl_exchange_login(const struct sasl_exchange *x)
{
	return buf_bytes(&x->login);
}

struct bytes
sasl_exchange_password(const struct sasl_exchange *x)
{
	return buf_bytes(&x->password);
}

const struct account_password *
sasl_exchange_credential(const struct sasl_exchange *x)
{
	return &x->credential;
}

bool
sasl_exchange_lacks_record(const struct sasl_exchange *x)
{
	return x->lacks_record;
}

static enum sasl_next
over(struct sasl_exchange *x, enum sasl_next next)
{
	x->state = EX_OVER;
	return next;
}

/* One step of GNU SASL's; what it says goes to out. */
static int
step(struct sasl_exchange *x, struct bytes message, struct buf *out)
{
	char *said = NULL;
	size_t n = 0;
	int r = gsasl_step(x->session, (const char *)message.p, message.n, &said, &n);

	if ((r == GSASL_OK || r == GSASL_NEEDS_MORE) && out != NULL)
		buf_put(out, said, n);
	if (said != NULL && n > 0)
		explicit_bzero(said, n);
	gsasl_free(said);
	return r;
}

static enum sasl_next
refused(struct sasl_exchange *x, int r)
{
	return over(x, r == GSASL_MECHANISM_PARSE_ERROR || r == GSASL_BASE64_ERROR
			       ? SASL_NEXT_MALFORMED
			       : SASL_NEXT_WRONG);
}

/* ---- PLAIN and LOGIN ---- */

/* A name as it may stand in a table: UTF-8 without control characters. */
static bool
is_login(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] < 0x20 || in.p[i] == 0x7f)
			return false;
	return in.n > 0 && in.n <= LOGIN_MAX && utf8_is_valid(in);
}

static bool
is_password(struct bytes in)
{
	return in.n > 0 && in.n <= PASSWORD_MAX && bytes_find(in, 0) == BYTES_NOT_FOUND;
}

/* GNU SASL has no objection. We keep what we have read, not its form after SASLprep: that and the
 * original are both tried (passwords.h). */
static enum sasl_next
simple_done(struct sasl_exchange *x, struct bytes login, struct bytes password, int r)
{
	if (r != GSASL_OK)
		return refused(x, r);
	if (x->login.len == 0)
		buf_put_bytes(&x->login, login);
	buf_put_bytes(&x->password, password);
	return over(x, SASL_NEXT_PASSWORD);
}

static enum sasl_next
plain(struct sasl_exchange *x, struct bytes message)
{
	struct sasl_plain m;
	int r = sasl_plain_parse(message, &m);

	if (r == ERR_DENIED)
		return over(x, SASL_NEXT_WRONG);
	if (r < 0 || !is_login(m.authcid) || !is_password(m.passwd))
		return over(x, SASL_NEXT_MALFORMED);
	return simple_done(x, m.authcid, m.passwd, step(x, message, NULL));
}

static enum sasl_next
login_name(struct sasl_exchange *x, struct bytes message, struct buf *out)
{
	if (!is_login(message))
		return over(x, SASL_NEXT_MALFORMED);
	if (step(x, message, NULL) != GSASL_NEEDS_MORE)
		return over(x, SASL_NEXT_WRONG);
	buf_put_bytes(&x->login, message);
	/* GNU SASL says it without the colon; some clients look for it */
	buf_put_str(out, "Password:");
	x->state = EX_LOGIN_PASSWORD;
	return SASL_NEXT_CHALLENGE;
}

static enum sasl_next
login_password(struct sasl_exchange *x, struct bytes message)
{
	if (!is_password(message))
		return over(x, SASL_NEXT_MALFORMED);
	return simple_done(x, buf_bytes(&x->login), message, step(x, message, NULL));
}

/* ---- SCRAM ---- */

static enum scram_hash
hash_of(enum sasl_mechanism m)
{
	return m == SASL_SCRAM_SHA_1 || m == SASL_SCRAM_SHA_1_PLUS ? SCRAM_HASH_SHA_1
								   : SCRAM_HASH_SHA_256;
}

/* Is the client's wish for channel binding one that this mechanism has, and this connection? */
static enum sasl_next
judge_binding(const struct sasl_exchange *x, const struct scram_client_first *m)
{
	bool plus = (sasl_mechanism_row(x->mechanism)->flags & SASL_BINDING) != 0;

	if (plus != (m->binding_flag == 'p'))
		return SASL_NEXT_MALFORMED;
	if (!plus)
		return SASL_NEXT_CHALLENGE;
	for (size_t i = SASL_TLS_EXPORTER; i <= SASL_TLS_UNIQUE; i++)
		if (bytes_is(m->binding_name, sasl_binding_name((enum sasl_binding)i)) &&
			x->bindings[i].len > 0)
			return SASL_NEXT_CHALLENGE;
	return SASL_NEXT_WRONG;
}

static enum sasl_next
scram_first(struct sasl_exchange *x, struct bytes message)
{
	struct scram_client_first m;
	struct buf name = BUF_INIT, authzid = BUF_INIT;
	enum sasl_next next;

	if (message.n > SASL_MESSAGE_MAX || scram_client_first_parse(message, &m) < 0)
		return over(x, SASL_NEXT_MALFORMED);
	next = judge_binding(x, &m);
	if (scram_name_put(&name, m.username) < 0 || name.len > LOGIN_MAX ||
		sasl_prep(&x->login, buf_bytes(&name), SASL_PREP_QUERY) < 0)
		next = SASL_NEXT_MALFORMED;
	/* nobody may act for others */
	if (m.authzid.n > 0 && (scram_name_put(&authzid, m.authzid) < 0 ||
				       !bytes_equal(buf_bytes(&authzid), buf_bytes(&name))))
		next = SASL_NEXT_WRONG;
	buf_free(&name);
	buf_free(&authzid);
	if (next != SASL_NEXT_CHALLENGE)
		return over(x, next);
	buf_put_bytes(&x->first, message);
	buf_put_bytes(&x->auth_message, m.bare);
	buf_put_u8(&x->auth_message, ',');
	x->state = EX_ACCOUNT;
	return SASL_NEXT_ACCOUNT;
}

/* Salt and count of any SCRAM record of the line: those of both hashes have the same. */
static bool
salt_of_other(struct bytes line, struct scram_record *out)
{
	struct account_password p;

	while (account_next_password(&line, &p) > 0)
		if (password_record_scram(p.record, out))
			return true;
	return false;
}

/* An account without a record looks like one that has: the same salt at each try and for both
 * hashes, keys that nobody has. */
static void
stand_in(
	const struct sasl_exchange *x, struct bytes name, struct bytes line, struct scram_record *r)
{
	const struct bytes secret = bytes_make(x->library->secret, SASL_SECRET_SIZE);
	uint8_t octets[SCRAM_KEY_MAX];

	scram_hmac(SCRAM_HASH_SHA_256, secret, name, octets);
	if (!salt_of_other(line, r)) {
		r->iterations = x->library->iterations;
		memcpy(r->salt, octets, SCRAM_SALT_SIZE);
		r->salt_size = SCRAM_SALT_SIZE;
	}
	r->hash = hash_of(x->mechanism);
	scram_hmac(SCRAM_HASH_SHA_256, bytes_make(octets, sizeof(octets)), secret, r->stored_key);
	scram_hmac(SCRAM_HASH_SHA_256, bytes_make(r->stored_key, SCRAM_KEY_MAX), secret,
		r->server_key);
}

/* Those of the account's records that fit: the first one's salt and count hold for all. */
static void
collect(struct sasl_exchange *x, struct bytes line)
{
	struct account_password p;
	struct candidate c;

	x->candidates = xcalloc(ACCOUNT_PASSWORDS_MAX, sizeof(*x->candidates));
	while (x->ncandidates < ACCOUNT_PASSWORDS_MAX && account_next_password(&line, &p) > 0) {
		if (!password_record_scram(p.record, &c.record) ||
			c.record.hash != hash_of(x->mechanism))
			continue;
		if (x->ncandidates > 0 &&
			(c.record.iterations != x->candidates[0].record.iterations ||
				c.record.salt_size != x->candidates[0].record.salt_size ||
				memcmp(c.record.salt, x->candidates[0].record.salt,
					c.record.salt_size) != 0))
			continue;
		bytes_to_str(p.name, c.name, sizeof(c.name));
		c.protocols = p.protocols;
		x->candidates[x->ncandidates++] = c;
	}
	x->candidates = xrealloc(x->candidates, (x->ncandidates + 1) * sizeof(*x->candidates));
}

enum sasl_next
sasl_exchange_account(
	struct sasl_exchange *x, struct bytes name, struct bytes line, struct buf *out)
{
	size_t before = out->len;
	int r;

	ASSERT(x->state == EX_ACCOUNT);
	collect(x, line);
	if (x->ncandidates == 0) {
		x->candidates[0] = (struct candidate){ .protocols = 0 };
		stand_in(x, name, line, &x->candidates[0].record);
		x->ncandidates = 1;
		x->lacks_record = true;
	}
	x->chosen = &x->candidates[0];
	r = step(x, buf_bytes(&x->first), out);
	buf_free(&x->first);
	if (r != GSASL_NEEDS_MORE)
		return refused(x, r);
	buf_put_bytes(&x->auth_message, bytes_skip(buf_bytes(out), before));
	buf_put_u8(&x->auth_message, ',');
	x->state = EX_PROOF;
	return SASL_NEXT_CHALLENGE;
}

/* Which of the passwords it is: for which the proof is right. GNU SASL then judges it. */
static void
choose(struct sasl_exchange *x, const struct scram_client_final *m)
{
	struct buf proof = BUF_INIT;

	buf_put_bytes(&x->auth_message, m->without_proof);
	if (base64_decode(&proof, m->proof) == ERR_OK)
		for (size_t i = 0; i < x->ncandidates; i++)
			if (scram_proof_is_right(&x->candidates[i].record,
				    buf_bytes(&x->auth_message), buf_bytes(&proof)))
				x->chosen = &x->candidates[i];
	buf_free(&proof);
}

static enum sasl_next
scram_proof(struct sasl_exchange *x, struct bytes message, struct buf *out)
{
	struct scram_client_final m;
	int r;

	if (message.n > SASL_MESSAGE_MAX || scram_client_final_parse(message, &m) < 0)
		return over(x, SASL_NEXT_MALFORMED);
	choose(x, &m);
	r = step(x, message, out);
	if (r != GSASL_OK || x->lacks_record)
		return over(x, SASL_NEXT_WRONG);
	x->credential = (struct account_password){ bytes_from_str(x->chosen->name),
		x->chosen->protocols, BYTES_NONE };
	return over(x, SASL_NEXT_RIGHT);
}

/* ---- messages ---- */

enum sasl_next
sasl_exchange_step(struct sasl_exchange *x, struct bytes message, struct buf *out)
{
	switch (x->state) {
	case EX_START:
		return x->mechanism == SASL_PLAIN ? plain(x, message) : scram_first(x, message);
	case EX_LOGIN_NAME:
		return login_name(x, message, out);
	case EX_LOGIN_PASSWORD:
		return login_password(x, message);
	case EX_PROOF:
		return scram_proof(x, message, out);
	default: /* the caller is wrong; it asked for no message */
		return SASL_NEXT_WRONG;
	}
}

enum sasl_next
sasl_exchange_start(
	struct sasl_exchange *x, bool has_message, struct bytes message, struct buf *out)
{
	if (x->mechanism == SASL_LOGIN) {
		if (step(x, BYTES_NONE, NULL) != GSASL_NEEDS_MORE)
			return over(x, SASL_NEXT_WRONG);
		x->state = EX_LOGIN_NAME;
		if (!has_message) {
			buf_put_str(out, "Username:");
			return SASL_NEXT_CHALLENGE;
		}
	} else if (!has_message) /* the client begins: an empty challenge */
		return SASL_NEXT_CHALLENGE;
	return sasl_exchange_step(x, message, out);
}
