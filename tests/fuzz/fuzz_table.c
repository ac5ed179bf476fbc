/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_table.c - text tables: whatever the text, parsing ends, what is taken without
 * an error can be read at look-up, folding twice is folding once, and an edit touches one entry.
 */
#include "err.h"
#include "records.h"
#include "route_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a route is written as is a next hop, and written so again. */
static void
check_route(struct arena *a, struct bytes value)
{
	struct bytes once, twice;
	struct next_hop h;
	const char *why;

	ASSERT(transport_record_parse(a, value, &once, &why) == ERR_OK);
	if (once.n == 0) /* "smtp:" */
		return;
	ASSERT(next_hop_parse(once, &h, &why) == ERR_OK);
	ASSERT(transport_record_parse(a, once, &twice, &why) == ERR_OK);
	ASSERT(bytes_equal(once, twice));
}

static void
check_value(enum table_kind kind, struct arena *a, struct bytes value)
{
	struct domain_record domain;
	struct account_record account;
	struct system_user_record user;
	struct tls_policy_record policy;
	struct credentials_record credentials;
	struct source_record source;
	struct bytes target;
	const char *why;
	int r = ERR_OK;

	switch (kind) {
	case TABLE_DOMAINS:
		r = domain_record_parse(a, value, &domain, &why);
		break;
	case TABLE_ACCOUNTS:
		r = account_record_parse(value, &account, &why);
		ASSERT(r < 0 ||
			(account.may <= ACCOUNT_ALL && (!account.has_uid || account.uid != 0)));
		break;
	case TABLE_ALIASES:
	case TABLE_SYSTEM_ALIASES:
		while ((r = alias_next_target(&value, &target)) > 0)
			ASSERT(target.n > 0);
		break;
	case TABLE_TRANSPORT:
	case TABLE_SENDER_TRANSPORT:
		check_route(a, value);
		break;
	case TABLE_TLS_POLICY:
		r = tls_policy_record_parse(a, value, &policy, &why);
		ASSERT(r < 0 || policy.level < TLS_LEVELS);
		break;
	case TABLE_RELAY_CREDENTIALS:
		r = credentials_record_parse(value, &credentials, &why);
		ASSERT(r < 0 || (credentials.login.n > 0 && credentials.password.n > 0));
		break;
	case TABLE_SOURCE_ADDRESS:
		r = source_record_parse(a, value, &source, &why);
		break;
	default:
		r = system_user_record_parse(value, &user, &why);
		break;
	}
	ASSERT(r == ERR_OK);
}

static bool
same_text(void *arg, struct bytes written)
{
	return bytes_equal(*(const struct bytes *)arg, written);
}

/* Remove each entry in turn: one entry less, and no other text is an error that was none. */
static void
check_edit(struct bytes text, struct bytes key, size_t entries)
{
	struct buf out = BUF_INIT;
	struct table t = TABLE_INIT;

	ASSERT(table_edit(&out, text, key, NULL, same_text, &key) == 1);
	table_parse(&t, buf_bytes(&out));
	ASSERT(t.count < entries && t.nerrors == 0);
	table_free(&t);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text, folded;
	struct table t = TABLE_INIT;
	enum table_kind kind;
	const char *why;

	if (size == 0)
		return 0;
	kind = (enum table_kind)(data[0] % TABLE_KINDS);
	text = bytes_make(data + 1, size - 1);
	table_parse(&t, text);
	if (t.count > 0 && t.nerrors == 0)
		check_edit(text, t.entries[0].key, t.count);
	table_check(&t, kind);
	table_sort(&t);
	for (size_t i = 0; i < t.count && t.nerrors == 0; i++) {
		const struct table_entry *e = &t.entries[i];

		ASSERT(e->line > 0 && e->key.n > 0 && e->key.n <= TABLE_KEY_MAX);
		ASSERT(i == 0 || bytes_compare(t.entries[i - 1].key, e->key) < 0);
		check_value(kind, &t.arena, e->value);
		/* a quoted local-part is a key without its quotes: not an address any more */
		if (table_key_fold(kind, &t.arena, e->key, &folded, &why) == ERR_OK)
			ASSERT(bytes_equal(folded, e->key));
	}
	table_free(&t);
	return 0;
}
