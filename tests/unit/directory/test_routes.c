/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/test_routes.c - next hops, what is behind them, and SRS as tables have it.
 */
#include "../base/cases.h"
#include "text_tables.h"

#include <stdio.h>

#include "err.h"
#include "resolve.h"
#include "routes.h"

#define TODAY 20000

static const char *const texts[TABLE_KINDS] = {
	[TABLE_DOMAINS] = "example.org local\nrelay.example relay\n",
	[TABLE_ACCOUNTS] = "joe@example.org $y$x\n"
			   "away@example.org $y$x forward=joe@far.example keep=yes\n",
	[TABLE_ALIASES] = "fwd@example.org joe@far.example\n"
			  "mixed@example.org joe@far.example, joe@example.org, "
			  "joe@closed.example\n"
			  "gate@example.org joe@relay.example\n"
			  "list@example.org joe@far.example\n"
			  "owner-list@example.org joe@example.org\n"
			  "deep@example.org fwd@example.org\n",
	[TABLE_SYSTEM_USERS] = "",
	[TABLE_SYSTEM_ALIASES] = "",
	[TABLE_TRANSPORT] = "exact@table.example smtp:[exact.example]\n"
			    "table.example smtp:[domain.example]:26, backup.example\n"
			    ".table.example lmtp:unix:below\n"
			    "deeper.sub.table.example [deeper.example]\n"
			    "closed.example error:5.7.1 closed for ever\n"
			    "later.example error:4.7.1 not now\n"
			    "direct.example smtp:\n"
			    "relay.example lmtp:[127.0.0.1]:2400\n",
	[TABLE_SENDER_TRANSPORT] = "boss@example.org [boss.example]:587\n"
				   "@sales.example smtps:[sales.example]\n"
				   "@mx.example smtp:\n"
				   "<> [bounces.example]\n",
	[TABLE_TLS_POLICY] = "smart.example verify name=.isp.example\n"
			     "smart.example:26 none\n"
			     ".policy.example encrypt\n"
			     "[2001:db8::1] dane-only\n",
	[TABLE_RELAY_CREDENTIALS] = "smart.example all:secret\n"
				    "smart.example:26 clear:secret\n"
				    "sales.example:465 sales:secret\n"
				    "boss@example.org boss:his own\n"
				    "@own.example own:domain's\n",
	[TABLE_SOURCE_ADDRESS] = "@sales.example 192.0.2.1 2001:db8::1 helo=sales.example\n"
				 "boss@example.org ipv6=none\n",
};

struct fixture {
	struct text_tables texts;
	struct srs_secrets secrets;
};

static struct fixture *fixture;

static int
make(void **arg)
{
	static struct fixture f;

	if (text_tables_open(&f.texts, texts) < 0)
		return -1;
	f.secrets.n = 1;
	f.texts.t.today = TODAY;
	f.texts.t.srs = (struct srs_setup){ true, BYTES_LITERAL("example.org"), 21, &f.secrets };
	*arg = &f;
	return 0;
}

static int
destroy(void **arg)
{
	struct fixture *f = fixture;

	UNUSED(arg);
	text_tables_close(&f->texts);
	return 0;
}

/* ---- the order of look-ups ---- */

static const struct route_row {
	const char *label, *sender, *recipient, *smarthost;
	const char *next_hop; /* or "code text" of an error */
	const char *key;
} route_rows[] = {
	{ "by MX", "joe@example.org", "x@Far.example", "", "far.example", "" },
	{ "a literal", "joe@example.org", "x@[192.0.2.1]", "", "[192.0.2.1]", "" },
	{ "an IPv6 literal", "joe@example.org", "x@[IPv6:2001:DB8::1]", "", "[2001:db8::1]", "" },
	{ "an address", "joe@example.org", "Exact@table.example", "", "[exact.example]",
		"exact@table.example" },
	{ "an address with detail", "joe@example.org", "exact+x@table.example", "",
		"[exact.example]", "exact@table.example" },
	{ "a domain", "joe@example.org", "x@table.example", "",
		"[domain.example]:26, backup.example", "table.example" },
	{ "below a domain", "joe@example.org", "x@a.b.table.example", "", "lmtp:unix:below",
		".table.example" },
	{ "the name itself before those above", "joe@example.org", "x@deeper.sub.table.example", "",
		"[deeper.example]", "deeper.sub.table.example" },
	{ "not below: another name", "joe@example.org", "x@notable.example", "", "notable.example",
		"" },
	{ "the table before the sender", "boss@example.org", "x@table.example", "",
		"[domain.example]:26, backup.example", "table.example" },
	{ "a sender", "Boss@example.org", "x@far.example", "", "[boss.example]:587",
		"boss@example.org" },
	{ "a sender with detail", "boss+x@example.org", "x@far.example", "", "[boss.example]:587",
		"boss@example.org" },
	{ "a sender's domain", "x@sales.example", "x@far.example", "", "smtps:[sales.example]",
		"@sales.example" },
	{ "nobody", "", "x@far.example", "", "[bounces.example]", "<>" },
	{ "a smarthost", "joe@example.org", "x@far.example", "[smart.example]:587",
		"[smart.example]:587", "" },
	{ "a sender before the smarthost", "boss@example.org", "x@far.example",
		"[smart.example]:587", "[boss.example]:587", "boss@example.org" },
	{ "the recipient's own hosts, in spite of it", "boss@example.org", "x@direct.example",
		"[smart.example]:587", "direct.example", "direct.example" },
	{ "the same by the sender", "x@mx.example", "x@far.example", "[smart.example]:587",
		"far.example", "@mx.example" },
	{ "an error", "joe@example.org", "x@closed.example", "", "5.7.1 closed for ever",
		"closed.example" },
	{ "a temporary one", "joe@example.org", "x@later.example", "", "4.7.1 not now",
		"later.example" },
};

static void
find(void **arg)
{
	const struct route_row *t = *arg;
	struct directory_tables tables = fixture->texts.t;
	struct bytes sender = bytes_from_str(t->sender);
	struct arena a = ARENA_INIT;
	struct mail_address recipient;
	struct route route;
	char out[300];

	tables.smarthost = bytes_from_str(t->smarthost);
	assert_int_equal(mail_address_fold(&a, bytes_from_str(t->recipient), &recipient), ERR_OK);
	assert_int_equal(route_find(&tables, &a, &recipient, &sender, &route), ERR_OK);
	if (route.next_hop.n > 0)
		bytes_to_str(route.next_hop, out, sizeof(out));
	else
		snprintf(out, sizeof(out), "%.*s %.*s", (int)route.enhanced.n,
			(const char *)route.enhanced.p, (int)route.text.n,
			(const char *)route.text.p);
	assert_string_equal(out, t->next_hop);
	assert_true(bytes_is(route.key, t->key));
	if (route.next_hop.n == 0)
		assert_int_equal(route.verdict,
			t->next_hop[0] == '4' ? DIRECTORY_ROUTE_LATER : DIRECTORY_ROUTE_REFUSED);
	arena_reset(&a);
}

/* A smarthost that can't be read: what needs it waits, and goes nowhere else. */
static void
bad_smarthost(void **arg)
{
	struct directory_tables tables = fixture->texts.t;
	struct bytes sender = BYTES_LITERAL("joe@example.org");
	struct arena a = ARENA_INIT;
	struct mail_address recipient;
	struct route route;

	UNUSED(arg);
	tables.smarthost_bad = true;
	assert_int_equal(mail_address_fold(&a, BYTES_LITERAL("x@far.example"), &recipient), ERR_OK);
	assert_int_equal(route_find(&tables, &a, &recipient, &sender, &route), ERR_IO);
	assert_int_equal(
		mail_address_fold(&a, BYTES_LITERAL("x@table.example"), &recipient), ERR_OK);
	assert_int_equal(route_find(&tables, &a, &recipient, &sender, &route), ERR_OK);
	arena_reset(&a);
}

/* ---- what is behind a next hop ---- */

static const struct hop_row {
	const char *label, *next_hop, *sender, *smarthost;
	const char *expected; /* host:port tls[!] login; the source; the name */
} hop_rows[] = {
	{ "by MX", "far.example", "joe@example.org", "", "far.example:0 -;" },
	{ "a policy, credentials", "[smart.example]:587", "joe@example.org", "",
		"smart.example:587 verify(.isp.example) all/secret;" },
	{ "those of the port first", "smart.example:26", "joe@example.org", "",
		"smart.example:26 none clear/secret;" },
	{ "a policy from above", "mx.policy.example", "joe@example.org", "",
		"mx.policy.example:0 encrypt;" },
	{ "a policy of an address", "[2001:db8::1]:25", "joe@example.org", "",
		"2001:db8::1:25 dane-only;" },
	{ "smtps is never in clear", "smtps:[sales.example]", "joe@example.org", "",
		"sales.example:465 -! sales/secret;" },
	{ "LMTP", "lmtp:[127.0.0.1]", "joe@example.org", "", "127.0.0.1:24 -;" },
	{ "a socket", "lmtp:unix:x", "joe@example.org", "", "x:0 -;" },
	{ "SRV", "srv:far.example", "joe@example.org", "", "_submission._tcp.far.example:0 -;" },
	{ "SRV by smtps", "smtps:srv:far.example", "joe@example.org", "",
		"_submissions._tcp.far.example:0 -!;" },
	{ "SRV as it is", "srv:_x._tcp.far.example", "joe@example.org", "",
		"_x._tcp.far.example:0 -;" },
	{ "several", "[smart.example]:587, b.example", "joe@example.org", "",
		"smart.example:587 verify(.isp.example) all/secret;b.example:0 -;" },
	{ "a sender's own", "[boss.example]:587", "boss@example.org", "",
		"boss.example:587 -! boss/his own; - none -" },
	{ "not at a stranger's", "far.example", "boss@example.org", "",
		"far.example:0 -; - none -" },
	{ "not where another's mail goes", "[boss.example]:587", "x@own.example", "",
		"boss.example:587 -;" },
	{ "at the smarthost", "[other.example]", "x@own.example", "[other.example]",
		"other.example:0 -! own/domain's;" },
	{ "before the smarthost's", "[smart.example]", "x@own.example", "[smart.example]",
		"smart.example:0 verify(.isp.example) own/domain's;" },
	{ "a source", "far.example", "x@sales.example", "",
		"far.example:0 -; 192.0.2.1 2001:db8::1 sales.example" },
	{ "an error is none", "error:5.0.0 x", "joe@example.org", "", "bad" },
	{ "nonsense", "a b", "joe@example.org", "", "bad" },
	{ "nothing", "", "joe@example.org", "", "bad" },
};

#define BYTES_ARG(b) (int)(b).n, (const char *)(b).p

static void
describe_hop(const struct directory_hop_answer *h, char *out, size_t size)
{
	size_t n = 0;

	out[0] = 0;
	for (uint32_t i = 0; i < h->count; i++) {
		const struct directory_hop_alternative *a = &h->alternatives[i];

		n += (size_t)snprintf(out + n, size - n, "%.*s:%u %s%s", BYTES_ARG(a->host),
			a->port, a->has_tls ? tls_level_name(a->tls) : "-",
			a->tls_required ? "!" : "");
		if (a->tls_names.n > 0)
			n += (size_t)snprintf(out + n, size - n, "(%.*s)", BYTES_ARG(a->tls_names));
		if (a->login.n > 0)
			n += (size_t)snprintf(out + n, size - n, " %.*s/%.*s", BYTES_ARG(a->login),
				BYTES_ARG(a->password));
		n += (size_t)snprintf(out + n, size - n, ";");
	}
	if (h->source_ipv4.n + h->source_ipv6.n + h->helo.n > 0)
		snprintf(out + n, size - n, " %.*s %.*s %.*s",
			BYTES_ARG(h->source_ipv4.n > 0 ? h->source_ipv4 : BYTES_LITERAL("-")),
			BYTES_ARG(h->source_ipv6.n > 0 ? h->source_ipv6 : BYTES_LITERAL("-")),
			BYTES_ARG(h->helo.n > 0 ? h->helo : BYTES_LITERAL("-")));
}

static void
hop(void **arg)
{
	const struct hop_row *t = *arg;
	struct directory_tables tables = fixture->texts.t;
	const struct directory_hop m = { bytes_from_str(t->next_hop), bytes_from_str(t->sender) };
	struct directory_hop_answer answer;
	struct arena a = ARENA_INIT;
	struct buf body = BUF_INIT;
	struct ipc_reader in;
	char out[1000];

	tables.smarthost = bytes_from_str(t->smarthost);
	route_hop(&tables, &a, &m, &answer);
	assert_int_equal(answer.status,
		strcmp(t->expected, "bad") == 0 ? DIRECTORY_HOP_BAD : DIRECTORY_HOP_OK);
	directory_hop_answer_encode(&body, &answer);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(directory_hop_answer_decode(&in, &answer), ERR_OK);
	describe_hop(&answer, out, sizeof(out));
	if (answer.status == DIRECTORY_HOP_OK)
		assert_string_equal(out, t->expected);
	buf_free(&body);
	arena_reset(&a);
}

/* ---- RESOLVE and RCPT ---- */

static const struct resolve_row {
	const char *label, *recipient, *sender;
	const char *expected; /* each target: address>next hop<reverse-path, account, !code text */
} resolve_rows[] = {
	{ "named by the sender", "x@far.example", "bob@else.example", "x@far.example>far.example" },
	{ "forwarded", "fwd@example.org", "Bob@else.example", "joe@far.example>far.example<SRS" },
	{ "forwarded twice here", "deep@example.org", "Bob@else.example",
		"joe@far.example>far.example<SRS" },
	{ "an account's forward", "away@example.org", "Bob@else.example",
		"=away@example.org joe@far.example>far.example<SRS" },
	{ "our own sender stays", "fwd@example.org", "joe@example.org",
		"joe@far.example>far.example" },
	{ "null stays", "fwd@example.org", "", "joe@far.example>[bounces.example]" },
	{ "a list has an owner", "list@example.org", "Bob@else.example",
		"joe@far.example>far.example<owner-list@example.org" },
	{ "our own other hosts need no SRS", "gate@example.org", "Bob@else.example",
		"joe@relay.example>lmtp:[127.0.0.1]:2400" },
	{ "a relay domain", "x@relay.example", "Bob@else.example",
		"x@relay.example>lmtp:[127.0.0.1]:2400" },
	{ "an error is for its target alone", "mixed@example.org", "joe@example.org",
		"joe@far.example>far.example =joe@example.org !5.7.1 closed for ever" },
	{ "an error for all", "x@closed.example", "joe@example.org", "!5.7.1 closed for ever" },
};

static void
describe(const struct resolution *r, char *out, size_t size)
{
	size_t n = 0;

	out[0] = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct directory_target *t = &r->targets[i];

		n += (size_t)snprintf(out + n, size - n, "%s", i > 0 ? " " : "");
		if (t->kind == DIRECTORY_TARGET_ERROR)
			n += (size_t)snprintf(out + n, size - n, "!%.*s %.*s",
				BYTES_ARG(t->enhanced), BYTES_ARG(t->text));
		else if (t->kind == DIRECTORY_TARGET_ACCOUNT)
			n += (size_t)snprintf(out + n, size - n, "=%.*s", BYTES_ARG(t->account));
		else
			n += (size_t)snprintf(out + n, size - n, "%.*s>%.*s", BYTES_ARG(t->address),
				BYTES_ARG(t->next_hop));
		if (bytes_starts_with(t->reverse_path, BYTES_LITERAL("SRS0=")))
			n += (size_t)snprintf(out + n, size - n, "<SRS");
		else if (t->reverse_path.n > 0)
			n += (size_t)snprintf(
				out + n, size - n, "<%.*s", BYTES_ARG(t->reverse_path));
	}
}

static void
resolve_row(void **arg)
{
	const struct resolve_row *t = *arg;
	struct bytes sender = bytes_from_str(t->sender);
	struct arena a = ARENA_INIT;
	struct resolution r;
	char out[500];

	resolve(&fixture->texts.t, &a, bytes_from_str(t->recipient), &sender, &r);
	assert_int_equal(r.verdict, DIRECTORY_OK);
	describe(&r, out, sizeof(out));
	assert_string_equal(out, t->expected);
	arena_reset(&a);
}

static const struct directory_rcpt plain = { .flags = 0 },
				   relaying = { .flags = DIRECTORY_MAY_RELAY };

static struct directory_rcpt_answer
rcpt(struct directory_tables *t, struct arena *a, struct bytes address,
	const struct directory_rcpt *m)
{
	struct resolution r;

	resolve(t, a, address, NULL, &r);
	return resolve_rcpt(&r, m, NULL, NULL);
}

static void
routes_at_rcpt(void **arg)
{
	struct directory_tables *t = &fixture->texts.t;
	struct directory_rcpt_answer v;
	struct arena a = ARENA_INIT;

	UNUSED(arg);
	v = rcpt(t, &a, BYTES_LITERAL("x@closed.example"), &plain);
	assert_int_equal(v.verdict, DIRECTORY_NO_RELAY);
	v = rcpt(t, &a, BYTES_LITERAL("x@closed.example"), &relaying);
	assert_int_equal(v.verdict, DIRECTORY_ROUTE_REFUSED);
	assert_true(bytes_is(v.enhanced, "5.7.1") && bytes_is(v.text, "closed for ever"));
	v = rcpt(t, &a, BYTES_LITERAL("x@later.example"), &relaying);
	assert_int_equal(v.verdict, DIRECTORY_ROUTE_LATER);
	v = rcpt(t, &a, BYTES_LITERAL("x@far.example"), &relaying);
	assert_int_equal(v.verdict, DIRECTORY_OK);
	v = rcpt(t, &a, BYTES_LITERAL("mixed@example.org"), &plain);
	assert_int_equal(v.verdict, DIRECTORY_OK);
	arena_reset(&a);
}

/* What a forward was sent with takes its bounce, from anybody, until it is old. */
static void
srs_back(void **arg)
{
	struct directory_tables t = fixture->texts.t;
	struct bytes sender = BYTES_LITERAL("Bob.X@else.example"), null = BYTES_LITERAL(""), srs;
	struct arena a = ARENA_INIT;
	struct resolution r;
	uint8_t forged[200];

	UNUSED(arg);
	resolve(&t, &a, BYTES_LITERAL("fwd@example.org"), &sender, &r);
	srs = r.targets[0].reverse_path;
	assert_int_equal(rcpt(&t, &a, srs, &plain).verdict, DIRECTORY_OK);
	resolve(&t, &a, srs, &null, &r);
	assert_int_equal(r.count, 1);
	assert_true(bytes_is(r.targets[0].address, "Bob.X@else.example"));
	assert_int_equal(r.targets[0].kind, DIRECTORY_TARGET_REMOTE);
	assert_int_equal(r.targets[0].reverse_path.n, 0);

	memcpy(forged, srs.p, srs.n);
	forged[bytes_search(srs, BYTES_LITERAL("Bob"))] = 'R';
	assert_int_equal(
		rcpt(&t, &a, bytes_make(forged, srs.n), &plain).verdict, DIRECTORY_SRS_FORGED);
	assert_int_equal(rcpt(&t, &a, BYTES_LITERAL("SRS0=x@example.org"), &plain).verdict,
		DIRECTORY_UNKNOWN);

	t.today += 22; /* no more is taken, but what was taken goes its way */
	assert_int_equal(rcpt(&t, &a, srs, &plain).verdict, DIRECTORY_SRS_OLD);
	resolve(&t, &a, srs, &null, &r);
	assert_int_equal(r.verdict, DIRECTORY_OK);
	t.today += 14;
	resolve(&t, &a, srs, &null, &r);
	assert_int_equal(r.verdict, DIRECTORY_SRS_OLD);

	t.today = TODAY;
	t.srs.on = false; /* addresses made before still work */
	assert_int_equal(rcpt(&t, &a, srs, &plain).verdict, DIRECTORY_OK);
	resolve(&t, &a, BYTES_LITERAL("fwd@example.org"), &sender, &r);
	assert_int_equal(r.targets[0].reverse_path.n, 0);
	arena_reset(&a);
}

static int
group_setup(void **arg)
{
	void *made = NULL;
	int r = make(&made);

	UNUSED(arg); /* cmocka would give it to the rows in place of theirs */
	fixture = made;
	return r;
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(route_rows) + NITEMS(hop_rows) + NITEMS(resolve_rows) + 3];
	size_t n = 0;

	ADD_ROWS(tests, n, route_rows, find);
	ADD_ROWS(tests, n, hop_rows, hop);
	ADD_ROWS(tests, n, resolve_rows, resolve_row);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(bad_smarthost);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(routes_at_rcpt);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(srs_back);
	return cmocka_run_group_tests_name("directory/routes", tests, group_setup, destroy);
}
