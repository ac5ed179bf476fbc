/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtp-client/test_sasl_client.c - logging in: which mechanism is chosen, and each of
 * them against GNU SASL's own server.
 */
#include "cases.h"

#include <gsasl.h>

#include "err.h"
#include "sasl_client.h"

#define LOGIN    "user"
#define PASSWORD "pencil"
#define BIT(m)   sasl_mechanism_bit(SASL_##m)

/* GNU SASL 2.2 forgets 13 octets of a SCRAM client that says "y": "I could bind, you can't". */
const char *__lsan_default_suppressions(void); // NOLINT(bugprone-reserved-identifier)

const char *
__lsan_default_suppressions(void) // NOLINT(bugprone-reserved-identifier)
{
	return "leak:libgsasl";
}

/* --- the server ------------------------------------------------------------------- */

struct server {
	Gsasl *gsasl;
	Gsasl_session *session;
	const char *password;
	const char *binding; /* base64, or NULL */
};

static int
callback(Gsasl *g, Gsasl_session *session, Gsasl_property property)
{
	const struct server *s = gsasl_session_hook_get(session);

	UNUSED(g);
	switch (property) {
	case GSASL_PASSWORD:
		(void)gsasl_property_set(session, property, s->password);
		return GSASL_OK;
	case GSASL_CB_TLS_EXPORTER:
		if (s->binding == NULL)
			return GSASL_NO_CALLBACK;
		(void)gsasl_property_set(session, property, s->binding);
		return GSASL_OK;
	case GSASL_VALIDATE_SIMPLE:
		if (strcmp(gsasl_property_fast(session, GSASL_AUTHID), LOGIN) == 0 &&
			strcmp(gsasl_property_fast(session, GSASL_PASSWORD), s->password) == 0)
			return GSASL_OK;
		return GSASL_AUTHENTICATION_ERROR;
	default:
		return GSASL_NO_CALLBACK;
	}
}

static int
server_step(struct server *s, const struct buf *in, struct buf *out)
{
	char *said = NULL;
	size_t n = 0;
	int r = gsasl_step(s->session, in == NULL ? NULL : (const char *)buf_bytes(in).p,
		in == NULL ? 0 : in->len, &said, &n);

	buf_clear(out);
	buf_put(out, said, n);
	gsasl_free(said);
	return r;
}

static const struct row {
	const char *label;
	enum sasl_mechanism mechanism;
	const char *password; /* as the server knows it */
	bool client_binding, server_binding;
	bool works, complete;
} rows[] = {
	{ "PLAIN", SASL_PLAIN, PASSWORD, false, false, true, true },
	{ "PLAIN, wrong", SASL_PLAIN, "pen", false, false, false, true },
	{ "LOGIN", SASL_LOGIN, PASSWORD, false, false, true, true },
	{ "LOGIN, wrong", SASL_LOGIN, "pen", false, false, false, true },
	{ "SCRAM-SHA-1", SASL_SCRAM_SHA_1, PASSWORD, false, false, true, true },
	{ "SCRAM-SHA-256", SASL_SCRAM_SHA_256, PASSWORD, false, false, true, true },
	{ "SCRAM-SHA-256, wrong", SASL_SCRAM_SHA_256, "pen", false, false, false, false },
	{ "SCRAM-SHA-256, bound", SASL_SCRAM_SHA_256_PLUS, PASSWORD, true, true, true, true },
	{ "SCRAM-SHA-256 over TLS", SASL_SCRAM_SHA_256, PASSWORD, true, false, true, true },
	{ "SCRAM-SHA-1 over TLS", SASL_SCRAM_SHA_1, PASSWORD, true, false, true, true },
	{ "SCRAM-SHA-256, -PLUS not wanted", SASL_SCRAM_SHA_256, PASSWORD, true, true, true, true },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct buf bindings[SASL_BINDINGS] = { BUF_INIT, BUF_INIT, BUF_INIT };
	struct server s = { .password = t->password };
	struct sasl_client *c;
	struct buf said = BUF_INIT, answer = BUF_INIT;
	bool has_first;
	int r, ours = ERR_OK, rounds = 0;

	if (t->client_binding)
		buf_put_str(&bindings[SASL_TLS_EXPORTER], "0123456789abcdef");
	if (t->server_binding)
		s.binding = "MDEyMzQ1Njc4OWFiY2RlZg==";
	assert_int_equal(gsasl_init(&s.gsasl), GSASL_OK);
	gsasl_callback_set(s.gsasl, callback);
	assert_int_equal(
		gsasl_server_start(s.gsasl, sasl_mechanism_row(t->mechanism)->name, &s.session),
		GSASL_OK);
	gsasl_session_hook_set(s.session, &s);
	c = sasl_client_new(t->mechanism, BYTES_LITERAL(LOGIN), BYTES_LITERAL(PASSWORD), bindings);
	assert_non_null(c);
	has_first = sasl_client_first(c, &said);
	r = server_step(&s, has_first ? &said : NULL, &answer);
	/* at the end of SCRAM the server's last message is answered by an empty one */
	while ((r == GSASL_NEEDS_MORE || (r == GSASL_OK && answer.len > 0)) && rounds++ < 5) {
		buf_clear(&said);
		ours = sasl_client_step(c, buf_bytes(&answer), &said);
		if (ours < 0 || r == GSASL_OK)
			break;
		r = server_step(&s, &said, &answer);
	}
	assert_int_equal(r == GSASL_OK && ours == ERR_OK, t->works);
	assert_int_equal(sasl_client_complete(c), t->complete);
	sasl_client_free(&c);
	gsasl_finish(s.session);
	gsasl_done(s.gsasl);
	buf_free(&said);
	buf_free(&answer);
	buf_free(&bindings[SASL_TLS_EXPORTER]);
}

/* --- choosing --------------------------------------------------------------------- */

static const struct choice {
	const char *label;
	uint32_t offered, allowed, tried;
	bool secure, binding;
	enum sasl_mechanism chosen; /* 0: none */
} choices[] = {
	{ "the strongest", BIT(PLAIN) | BIT(SCRAM_SHA_1) | BIT(SCRAM_SHA_256), UINT32_MAX, 0, true,
		false, SASL_SCRAM_SHA_256 },
	{ "bound", BIT(SCRAM_SHA_256_PLUS) | BIT(SCRAM_SHA_256), UINT32_MAX, 0, true, true,
		SASL_SCRAM_SHA_256_PLUS },
	{ "nothing to bind to", BIT(SCRAM_SHA_256_PLUS) | BIT(SCRAM_SHA_256), UINT32_MAX, 0, true,
		false, SASL_SCRAM_SHA_256 },
	{ "PLAIN before LOGIN", BIT(PLAIN) | BIT(LOGIN), UINT32_MAX, 0, true, false, SASL_PLAIN },
	{ "not in the clear", BIT(PLAIN) | BIT(LOGIN), UINT32_MAX, 0, false, false, 0 },
	{ "SCRAM in the clear", BIT(PLAIN) | BIT(SCRAM_SHA_1), UINT32_MAX, 0, false, false,
		SASL_SCRAM_SHA_1 },
	{ "not allowed", BIT(PLAIN) | BIT(LOGIN), BIT(LOGIN), 0, true, false, SASL_LOGIN },
	{ "tried before", BIT(PLAIN) | BIT(LOGIN), UINT32_MAX, BIT(PLAIN), true, false,
		SASL_LOGIN },
	{ "none", 0, UINT32_MAX, 0, true, false, 0 },
};

static void
run_choice(void **arg)
{
	const struct choice *t = *arg;
	struct buf bindings[SASL_BINDINGS] = { BUF_INIT, BUF_INIT, BUF_INIT };
	const struct sasl_mechanism_row *row;

	if (t->binding)
		buf_put_str(&bindings[SASL_TLS_EXPORTER], "x");
	row = sasl_client_choose(t->offered, t->allowed, t->tried, t->secure, bindings);
	assert_int_equal(row == NULL ? 0 : row->mechanism, t->chosen);
	buf_free(&bindings[SASL_TLS_EXPORTER]);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + NITEMS(choices)];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, run_row);
	ADD_ROWS(tests, n, choices, run_choice);
	return cmocka_run_group_tests_name("smtp-client/sasl_client", tests, NULL, NULL);
}
