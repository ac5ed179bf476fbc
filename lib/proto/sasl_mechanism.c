/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/sasl_mechanism.c - the table of mechanisms, strongest first.
 *
 * Runs in:  the doors (what to offer), directory (what to do).
 */
#include "sasl_mechanism.h"

static const struct sasl_mechanism_row rows[] = {
	{ SASL_SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS", SASL_BINDING | SASL_CLIENT_FIRST },
	{ SASL_SCRAM_SHA_256, "SCRAM-SHA-256", SASL_CLIENT_FIRST },
	{ SASL_SCRAM_SHA_1_PLUS, "SCRAM-SHA-1-PLUS", SASL_BINDING | SASL_CLIENT_FIRST },
	{ SASL_SCRAM_SHA_1, "SCRAM-SHA-1", SASL_CLIENT_FIRST },
	{ SASL_PLAIN, "PLAIN", SASL_PASSWORD | SASL_CLIENT_FIRST },
	{ SASL_LOGIN, "LOGIN", SASL_PASSWORD },
};

const char *
sasl_binding_name(enum sasl_binding b)
{
	static const char *const names[SASL_BINDINGS] = {
		[SASL_TLS_EXPORTER] = "tls-exporter",
		[SASL_TLS_UNIQUE] = "tls-unique",
		[SASL_TLS_SERVER_END_POINT] = "tls-server-end-point",
	};

	return b < SASL_BINDINGS ? names[b] : "";
}

const struct sasl_mechanism_row *
sasl_mechanism_named(struct bytes name)
{
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (bytes_is_nocase(name, rows[i].name))
			return &rows[i];
	return NULL;
}

const struct sasl_mechanism_row *
sasl_mechanism_row(enum sasl_mechanism m)
{
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (rows[i].mechanism == m)
			return &rows[i];
	return NULL;
}

bool
sasl_mechanism_offered(const struct sasl_mechanism_row *row, const struct sasl_door *door)
{
	return door->secure && (door->enabled & sasl_mechanism_bit(row->mechanism)) != 0 &&
	       (door->binding || (row->flags & SASL_BINDING) == 0);
}

unsigned
sasl_mechanisms_put(struct buf *out, const struct sasl_door *door, const char *prefix)
{
	unsigned n = 0;

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (sasl_mechanism_offered(&rows[i], door)) {
			buf_put_str(out, prefix);
			buf_put_str(out, rows[i].name);
			n++;
		}
	return n;
}
