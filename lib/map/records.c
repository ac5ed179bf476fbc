/* SPDX-License-Identifier: ISC */
/*
 * lib/map/records.c - keys and values of directory's tables.
 *
 * Runs in:  the operator's command (checking text), directory (reading compiled values).
 * Trusts:   nothing; a value that does not parse is an error of the table.
 */
#include "records.h"

#include "account_words.h"
#include "err.h"
#include "route_records.h"

#define ID_MAX 4294967293u /* (uid_t)-1 and -2 mean other things */

static int
key_domain(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	int r = mail_domain_fold(a, in, out);

	*why = "not a domain name";
	return r;
}

static int
key_account(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	struct mail_address address;
	int r = mail_address_fold(a, in, &address);

	*why = r == ERR_LIMIT ? "the address is too long" : "not an address (local-part@domain)";
	if (r == ERR_OK && address.domain.n == 0)
		r = ERR_SYNTAX;
	if (r == ERR_OK)
		*out = address.key;
	return r;
}

static int
key_alias(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	struct bytes domain;
	int r;

	if (in.n > 0 && in.p[0] == '@') {
		*why = "not \"@\" and a domain name";
		r = mail_domain_fold(a, bytes_skip(in, 1), &domain);
		if (r == ERR_OK)
			*out = mail_address_key(a, BYTES_NONE, domain);
		return r;
	}
	if (bytes_find(in, '@') != BYTES_NOT_FOUND)
		return key_account(a, in, out, why);
	*why = "not a local-part";
	return mail_local_fold(a, in, out);
}

static int
key_system_user(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	*why = "not a user's name";
	return mail_local_fold(a, in, out);
}

static int
check_domain(struct arena *a, struct bytes value, const char **why)
{
	struct domain_record d;

	return domain_record_parse(a, value, &d, why);
}

static int
check_account(struct arena *a, struct bytes value, const char **why)
{
	struct account_record r;
	int e = account_words_check(a, value, why);

	return e < 0 ? e : account_record_parse(value, &r, why);
}

static int
check_alias(struct arena *a, struct bytes value, const char **why)
{
	struct bytes target, folded = BYTES_NONE;
	unsigned n = 0;
	int r;

	while ((r = alias_next_target(&value, &target)) > 0) {
		n++;
		r = key_alias(a, target, &folded, why);
		if (r < 0 || folded.p == NULL || folded.p[0] == '@') {
			*why = "a target is neither an address nor a local-part";
			return ERR_SYNTAX;
		}
	}
	*why = n == 0 ? "there is no target" : "a quote is not closed";
	return n == 0 ? ERR_SYNTAX : r;
}

static int
check_system_user(struct arena *a, struct bytes value, const char **why)
{
	struct system_user_record r;

	UNUSED(a);
	return system_user_record_parse(value, &r, why);
}

/* As check_alias(), and commands and files. */
static int
check_system_alias(struct arena *a, struct bytes value, const char **why)
{
	struct bytes target, folded = BYTES_NONE;
	unsigned n = 0;
	int r;

	while ((r = alias_next_target(&value, &target)) > 0) {
		n++;
		if (alias_program(a, target, &folded)) {
			*why = "a command or a file's name is too long";
			if (folded.n > ALIAS_PROGRAM_MAX)
				return ERR_LIMIT;
			continue;
		}
		if (key_alias(a, target, &folded, why) < 0 || folded.p == NULL ||
			folded.p[0] == '@') {
			*why = "a target is no address, local-part, command or file";
			return ERR_SYNTAX;
		}
	}
	*why = n == 0 ? "there is no target" : "a quote is not closed";
	return n == 0 ? ERR_SYNTAX : r;
}

static const struct {
	const char *name;
	int (*fold_key)(struct arena *a, struct bytes in, struct bytes *out, const char **why);
	int (*check_value)(struct arena *a, struct bytes value, const char **why);
} kinds[TABLE_KINDS] = {
	[TABLE_DOMAINS] = { "domains", key_domain, check_domain },
	[TABLE_ACCOUNTS] = { "accounts", key_account, check_account },
	[TABLE_ALIASES] = { "aliases", key_alias, check_alias },
	[TABLE_TRANSPORT] = { "transport", route_key_transport, route_check_transport },
	[TABLE_SENDER_TRANSPORT] = { "sender_transport", route_key_sender, route_check_transport },
	[TABLE_TLS_POLICY] = { "tls_policy", route_key_policy, route_check_policy },
	[TABLE_RELAY_CREDENTIALS] = { "relay_credentials", route_key_credentials,
		route_check_credentials },
	[TABLE_SOURCE_ADDRESS] = { "source_address", route_key_sender, route_check_source },
	[TABLE_SYSTEM_USERS] = { "system-users", key_system_user, check_system_user },
	[TABLE_SYSTEM_ALIASES] = { "system-aliases", key_system_user, check_system_alias },
};

const char *
table_kind_name(enum table_kind kind)
{
	return kinds[kind].name;
}

int
table_key_fold(
	enum table_kind kind, struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	return kinds[kind].fold_key(a, in, out, why);
}

int
table_value_check(enum table_kind kind, struct arena *a, struct bytes value, const char **why)
{
	return kinds[kind].check_value(a, value, why);
}

void
table_check(struct table *t, enum table_kind kind)
{
	for (size_t i = 0; i < t->count; i++) {
		struct table_entry *e = &t->entries[i];
		struct bytes key;
		const char *why;
		char shown[80];

		bytes_to_str(e->key, shown, sizeof(shown));
		if (kinds[kind].fold_key(&t->arena, e->key, &key, &why) < 0)
			table_error(t, e->line, "\"%s\": %s", shown, why);
		else
			e->key = key;
		if (kinds[kind].check_value(&t->arena, e->value, &why) < 0)
			table_error(t, e->line, "\"%s\": %s", shown, why);
	}
}

/* The next word of *rest, parted by blanks; empty at the end. */
static struct bytes
cut_word(struct bytes *rest)
{
	struct bytes in = bytes_trim(*rest);
	size_t n = 0;

	while (n < in.n && in.p[n] != ' ' && in.p[n] != '\t')
		n++;
	*rest = bytes_trim(bytes_skip(in, n));
	return bytes_head(in, n);
}

int
domain_record_parse(
	struct arena *a, struct bytes value, struct domain_record *out, const char **why)
{
	struct domain_record d = { 0 };
	struct bytes word = cut_word(&value);

	if (bytes_is(word, "local"))
		d.class = DOMAIN_LOCAL;
	else if (bytes_is(word, "relay"))
		d.class = DOMAIN_RELAY;
	else if (bytes_is(word, "alias"))
		d.class = DOMAIN_ALIAS;
	else {
		*why = "a domain is \"local\", \"relay\" or \"alias DOMAIN\"";
		return ERR_SYNTAX;
	}
	if (d.class == DOMAIN_ALIAS && mail_domain_fold(a, cut_word(&value), &d.target) < 0) {
		*why = "\"alias\" needs the domain it stands for";
		return ERR_SYNTAX;
	}
	if (d.class == DOMAIN_LOCAL && bytes_is(value, "system-users")) {
		d.system_users = true;
		value = BYTES_NONE;
	}
	if (value.n != 0) {
		*why = "words that mean nothing here (\"system-users\" goes with \"local\")";
		return ERR_SYNTAX;
	}
	*out = d;
	return ERR_OK;
}

int
quota_parse(struct bytes in, uint64_t *octets)
{
	static const char units[] = "KMGT";
	unsigned shift = 0;
	uint64_t n;
	const char *unit;

	if (in.n > 1 && (unit = strchr(units, ascii_upper(in.p[in.n - 1]))) != NULL && *unit != 0) {
		shift = 10 * ((unsigned)(unit - units) + 1);
		in = bytes_head(in, in.n - 1);
	}
	if (bytes_to_u64(in, (UINT64_MAX >> 1) >> shift, &n) < 0)
		return ERR_SYNTAX;
	*octets = n << shift;
	return ERR_OK;
}

/* Several words: what all of them allow. */
static const struct {
	const char *name;
	unsigned may;
} states[] = {
	{ "active", ACCOUNT_ALL },
	{ "locked", 0 },
	{ "no-login", ACCOUNT_MAIL },
	{ "no-mail", ACCOUNT_LOGIN | ACCOUNT_SEND },
	{ "send-blocked", ACCOUNT_MAIL | ACCOUNT_LOGIN },
};

static int
option_quota(struct account_record *r, struct bytes v)
{
	r->has_quota = true;
	return quota_parse(v, &r->quota_octets);
}

static int
option_messages(struct account_record *r, struct bytes v)
{
	return bytes_to_u64(v, UINT64_MAX >> 1, &r->quota_messages);
}

static int
option_state(struct account_record *r, struct bytes v)
{
	r->state = v;
	do {
		struct bytes word = bytes_cut(&v, ',');
		size_t i = 0;

		while (i < NITEMS(states) && !bytes_is(word, states[i].name))
			i++;
		if (i == NITEMS(states))
			return ERR_SYNTAX;
		r->may &= states[i].may;
	} while (v.n > 0);
	return ERR_OK;
}

/* Below the mail root and nowhere else: no component is empty, "." or "..". */
static int
option_home(struct account_record *r, struct bytes v)
{
	struct bytes rest = v;

	if (v.n == 0 || v.n > 1000 || v.p[v.n - 1] == '/')
		return ERR_SYNTAX;
	while (rest.n > 0) {
		struct bytes part = bytes_cut(&rest, '/');

		if (part.n == 0 || bytes_is(part, ".") || bytes_is(part, ".."))
			return ERR_SYNTAX;
	}
	r->home = v;
	return ERR_OK;
}

static int
id_parse(struct bytes v, uint32_t *out)
{
	uint64_t n;

	/* nothing of ours runs for root */
	if (bytes_to_u64(v, ID_MAX, &n) < 0 || n == 0)
		return ERR_SYNTAX;
	*out = (uint32_t)n;
	return ERR_OK;
}

static int
option_uid(struct account_record *r, struct bytes v)
{
	r->has_uid = true;
	return id_parse(v, &r->uid);
}

static int
option_gid(struct account_record *r, struct bytes v)
{
	return id_parse(v, &r->gid);
}

static int
option_forward(struct account_record *r, struct bytes v)
{
	struct arena a = ARENA_INIT;
	struct bytes rest = v, target, folded;
	const char *why;
	int e = v.n == 0 ? ERR_SYNTAX : ERR_OK, more;

	while (e == ERR_OK && (more = alias_next_target(&rest, &target)) != 0)
		e = more < 0 ? more : key_account(&a, target, &folded, &why);
	arena_reset(&a);
	r->forward = v;
	return e;
}

static int
option_keep(struct account_record *r, struct bytes v)
{
	r->keep = bytes_is(v, "yes");
	return r->keep || bytes_is(v, "no") ? ERR_OK : ERR_SYNTAX;
}

/* May come many times: account_words.c looks at them in the line. */
static int
option_words(struct account_record *r, struct bytes v)
{
	UNUSED(r);
	return v.n == 0 ? ERR_SYNTAX : ERR_OK;
}

static const struct {
	const char *name;
	int (*parse)(struct account_record *r, struct bytes v);
	const char *why;
} account_options[] = {
	{ "quota", option_quota, "quota= is a number of octets, perhaps with K, M, G or T" },
	{ "messages", option_messages, "messages= is a number" },
	{ "state", option_state, "state= is active, locked, no-login, no-mail or send-blocked" },
	{ "home", option_home, "home= is a path below the mail root, without \"..\"" },
	{ "uid", option_uid, "uid= is a number above 0" },
	{ "gid", option_gid, "gid= is a number above 0" },
	{ "forward", option_forward, "forward= is a list of addresses, parted by commas" },
	{ "keep", option_keep, "keep= is yes or no" },
	{ "password", option_words, "password= is a record of a password" },
	{ "app", option_words, "app= is NAME:PROTOCOLS:RECORD" },
	{ "send-as", option_words, "send-as= is an address, or \"@\" and a domain" },
};

static int
account_option(struct account_record *r, struct bytes word, const char **why)
{
	struct bytes name = bytes_cut(&word, '=');

	for (size_t i = 0; i < NITEMS(account_options); i++)
		if (bytes_is(name, account_options[i].name)) {
			*why = account_options[i].why;
			return account_options[i].parse(r, word) < 0 ? ERR_SYNTAX : ERR_OK;
		}
	*why = "options are quota=, messages=, state=, home=, uid=, gid=, forward=, keep=, "
	       "password=, app= and send-as=";
	return ERR_SYNTAX;
}

int
account_record_parse(struct bytes value, struct account_record *out, const char **why)
{
	struct account_record r = { .may = ACCOUNT_ALL, .line = value };

	r.password = cut_word(&value);
	if (r.password.n == 0 ||
		bytes_find(BYTES_LITERAL("${*"), r.password.p[0]) == BYTES_NOT_FOUND) {
		*why = "the first word is the password as crypt(5) has it (\"$y$...\"), "
		       "\"{SCHEME}...\", or \"*\" for none";
		return ERR_SYNTAX;
	}
	while (value.n > 0)
		if (account_option(&r, cut_word(&value), why) < 0)
			return ERR_SYNTAX;
	if (r.has_uid != (r.gid != 0)) {
		*why = "uid= and gid= go together";
		return ERR_SYNTAX;
	}
	*out = r;
	return ERR_OK;
}

int
alias_next_target(struct bytes *rest, struct bytes *target)
{
	struct bytes in = *rest;
	bool quoted = false;
	size_t i;

	while (in.n > 0 && (in.p[0] == ' ' || in.p[0] == '\t' || in.p[0] == ','))
		in = bytes_skip(in, 1);
	for (i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (quoted && c == '\\' && i + 1 < in.n)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ' ' || c == '\t' || c == ','))
			break;
	}
	if (quoted)
		return ERR_SYNTAX;
	*target = bytes_head(in, i);
	*rest = bytes_skip(in, i);
	return i > 0;
}

bool
alias_program(struct arena *a, struct bytes target, struct bytes *out)
{
	bool quoted = target.n >= 2 && target.p[0] == '"' && target.p[target.n - 1] == '"';
	struct bytes in = quoted ? bytes_make(target.p + 1, target.n - 2) : target;
	uint8_t *p;
	size_t n = 0;

	if (in.n < 2 || (in.p[0] != '|' && in.p[0] != '/'))
		return false;
	if (!quoted) { /* "/" may begin a local-part: /o=x/@example.org */
		*out = in;
		return in.p[0] == '|' || bytes_find(in, '@') == BYTES_NOT_FOUND;
	}
	p = arena_alloc(a, in.n);
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '\\' && i + 1 < in.n)
			i++;
		p[n++] = in.p[i];
	}
	*out = bytes_make(p, n);
	return n >= 2;
}

int
system_user_record_parse(struct bytes value, struct system_user_record *out, const char **why)
{
	struct system_user_record r;

	*why = "a system user has a uid and a gid above 0";
	if (id_parse(cut_word(&value), &r.uid) < 0 || id_parse(cut_word(&value), &r.gid) < 0 ||
		value.n != 0)
		return ERR_SYNTAX;
	*out = r;
	return ERR_OK;
}
