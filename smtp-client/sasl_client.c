/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/sasl_client.c - GNU SASL as a client.
 *
 * Runs in:  smtp-client.
 * Trusts:   GNU SASL; nothing of the server.
 */
#include "sasl_client.h"

#include <gsasl.h>
#include <stdlib.h>

#include "encode.h"
#include "err.h"

struct sasl_client {
	Gsasl *gsasl;
	Gsasl_session *session;
	const struct sasl_mechanism_row *row;
	const struct buf *bindings; /* NULL: of a mechanism without them */
	bool over;                  /* GNU SASL has seen all it wants to see */
};

/* --- which ------------------------------------------------------------------------ */

/* GNU SASL knows these two: */
static bool
has_binding(const struct buf bindings[SASL_BINDINGS])
{
	return bindings[SASL_TLS_EXPORTER].len > 0 || bindings[SASL_TLS_UNIQUE].len > 0;
}

const struct sasl_mechanism_row *
sasl_client_choose(uint32_t offered, uint32_t allowed, uint32_t tried, bool secure,
	const struct buf bindings[SASL_BINDINGS])
{
	uint32_t left = offered & allowed & ~tried;

	for (int m = 1; m < SASL_MECHANISMS; m++) { /* the strongest come first */
		const struct sasl_mechanism_row *row = sasl_mechanism_row((enum sasl_mechanism)m);

		if (row == NULL || (left & sasl_mechanism_bit(m)) == 0)
			continue;
		if ((row->flags & SASL_PASSWORD) != 0 && !secure)
			continue;
		if ((row->flags & SASL_BINDING) != 0 && !has_binding(bindings))
			continue;
		return row;
	}
	return NULL;
}

/* --- what GNU SASL asks ----------------------------------------------------------- */

static int
give_binding(struct sasl_client *c, Gsasl_property property, enum sasl_binding which)
{
	struct buf text = BUF_INIT;

	if (c->bindings == NULL || c->bindings[which].len == 0)
		return GSASL_NO_CALLBACK;
	base64_encode(&text, buf_bytes(&c->bindings[which]));
	(void)gsasl_property_set(c->session, property, buf_str(&text));
	buf_free(&text);
	return GSASL_OK;
}

static int
callback(Gsasl *g, Gsasl_session *session, Gsasl_property property)
{
	struct sasl_client *c = gsasl_session_hook_get(session);

	UNUSED(g);
	switch (property) {
	case GSASL_CB_TLS_EXPORTER:
		return give_binding(c, property, SASL_TLS_EXPORTER);
	case GSASL_CB_TLS_UNIQUE:
		return give_binding(c, property, SASL_TLS_UNIQUE);
	default:
		return GSASL_NO_CALLBACK;
	}
}

/* --- life ------------------------------------------------------------------------- */

static void
set_secret(struct sasl_client *c, Gsasl_property property, struct bytes value)
{
	struct buf text = BUF_SECRET;

	buf_put_bytes(&text, value);
	(void)gsasl_property_set(c->session, property, buf_str(&text));
	buf_free(&text);
}

struct sasl_client *
sasl_client_new(enum sasl_mechanism mechanism, struct bytes login, struct bytes password,
	const struct buf bindings[SASL_BINDINGS])
{
	struct sasl_client *c = xcalloc(1, sizeof(*c));

	c->row = sasl_mechanism_row(mechanism);
	ASSERT(c->row != NULL);
	/* RFC 5802 sec. 6 would have the others say that we could ("y"), but GNU SASL 2.2 fails
	 * at its own message then: they are not told of bindings, and say "n" */
	c->bindings = (c->row->flags & SASL_BINDING) != 0 ? bindings : NULL;
	if (gsasl_init(&c->gsasl) != GSASL_OK) {
		free(c);
		return NULL;
	}
	gsasl_callback_set(c->gsasl, callback);
	if (gsasl_client_start(c->gsasl, c->row->name, &c->session) != GSASL_OK) {
		c->session = NULL;
		sasl_client_free(&c);
		return NULL;
	}
	gsasl_session_hook_set(c->session, c);
	set_secret(c, GSASL_AUTHID, login);
	set_secret(c, GSASL_PASSWORD, password);
	return c;
}

void
sasl_client_free(struct sasl_client **cp)
{
	struct sasl_client *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->session != NULL)
		gsasl_finish(c->session);
	gsasl_done(c->gsasl);
	free(c);
}

/* --- messages --------------------------------------------------------------------- */

static int
step(struct sasl_client *c, struct bytes challenge, struct buf *out)
{
	char *said = NULL;
	size_t n = 0;
	int r = gsasl_step(c->session, (const char *)challenge.p, challenge.n, &said, &n);

	if (r == GSASL_OK || r == GSASL_NEEDS_MORE)
		buf_put(out, said, n);
	if (said != NULL && n > 0)
		explicit_bzero(said, n);
	gsasl_free(said);
	c->over = r == GSASL_OK;
	if (r == GSASL_OK || r == GSASL_NEEDS_MORE)
		return ERR_OK;
	return r == GSASL_AUTHENTICATION_ERROR ? ERR_DENIED : ERR_SYNTAX;
}

bool
sasl_client_first(struct sasl_client *c, struct buf *out)
{
	return (c->row->flags & SASL_CLIENT_FIRST) != 0 && step(c, BYTES_NONE, out) == ERR_OK;
}

int
sasl_client_step(struct sasl_client *c, struct bytes challenge, struct buf *out)
{
	if (challenge.n > SASL_MESSAGE_MAX)
		return ERR_SYNTAX;
	/* an empty challenge at the end asks for an empty response */
	if (c->over)
		return challenge.n == 0 ? ERR_OK : ERR_SYNTAX;
	return step(c, challenge, out);
}

bool
sasl_client_complete(const struct sasl_client *c)
{
	return (c->row->flags & SASL_PASSWORD) != 0 || c->over;
}
