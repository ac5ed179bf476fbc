/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/cli/test_import.c - Postfix' and Dovecot's files as ours: what is written, and what
 * is said of each line.
 */
#include "../base/cases.h"

#include <string.h>

#include "dovecot_conf.h"
#include "err.h"
#include "import.h"
#include "main_cf.h"

/* ---- main.cf: values ---- */

static const struct value_row {
	const char *label, *text, *name, *value;
} value_rows[] = {
	{ "plain", "a = b\n", "a", "b" },
	{ "no blanks", "a=b\n", "a", "b" },
	{ "goes on", "a = b,\n  c\n", "a", "b, c" },
	{ "a comment inside", "a = b,\n# x\n\n\tc\n", "a", "b, c" },
	{ "the last one counts", "a = b\na = c\n", "a", "c" },
	{ "of another", "a = x$b.y\nb = 1\n", "a", "x1.y" },
	{ "braces", "a = ${b}c\nb = 1\n", "a", "1c" },
	{ "brackets", "a = $(b)c\nb = 1\n", "a", "1c" },
	{ "if set", "a = ${b?yes}${c?no}\nb = 1\n", "a", "yes" },
	{ "if not set", "a = ${b:no}${c:yes}\nb = 1\n", "a", "yes" },
	{ "nested", "a = ${b?${c}}\nb = 1\nc = 2\n", "a", "2" },
	{ "itself", "a = x$a\n", "a", "xxxxxxxxxxxxxxxxxxxx" },
	{ "itself in a condition", "a = ${a?x}\n", "a", "" },
	{ "a ring", "a = $b\nb = $a\n", "a", "" },
	{ "an unknown one", "a = <$zz>\n", "a", "<>" },
	{ "two dollars", "a = $$b\n", "a", "$b" },
	{ "mydomain", "myhostname = mx.a.example\n", "mydomain", "a.example" },
	{ "mydestination", "myhostname = mx.a.example\n", "mydestination",
		"mx.a.example, localhost.a.example, localhost" },
	{ "no end of a brace", "a = ${b\nb = 1\n", "a", "1" },
	{ "not a setting", "nothing\na = 1\n", "a", "1" },
};

static void
run_value(void **state)
{
	const struct value_row *t = *state;
	struct arena arena = ARENA_INIT;
	struct main_cf m = { .arena = &arena };
	char value[200];

	main_cf_parse(&m, bytes_from_str(t->text));
	assert_string_equal(
		bytes_to_str(main_cf_value(&m, t->name), value, sizeof(value)), t->value);
	main_cf_free(&m);
	arena_reset(&arena);
}

/* Each level refers ten times to the next: the bound on steps ends it. */
static void
test_value_bound(void **state)
{
	struct arena arena = ARENA_INIT;
	struct main_cf m = { .arena = &arena };
	struct buf text = BUF_INIT;

	UNUSED(state);
	for (char c = 'a'; c < 't'; c++) {
		buf_printf(&text, "%c = ", c);
		for (int i = 0; i < 10; i++)
			buf_printf(&text, "$%c", c + 1);
		buf_put_u8(&text, '\n');
	}
	main_cf_parse(&m, buf_bytes(&text));
	assert_int_equal(main_cf_value(&m, "a").n, 0);
	main_cf_free(&m);
	arena_reset(&arena);
	buf_free(&text);
}

/* ---- dovecot.conf ---- */

static void
test_dovecot_blocks(void **state)
{
	static const char text[] =
		"a = 1 # x\n"
		"passdb {\n  driver = pam\n  args = \"b c\"\n}\n"
		"namespace inbox {\n  mailbox Drafts {\n    x = 2\n  }\n  y = 3\n}\n"
		"b = one \\\n  two\n!include conf.d/*.conf\n";
	static const struct {
		const char *block, *name, *value;
		unsigned number, line;
	} rows[] = {
		{ "", "a", "1", 0, 1 },
		{ "passdb", "driver", "pam", 1, 3 },
		{ "passdb", "args", "b c", 1, 4 },
		{ "mailbox", "x", "2", 3, 8 },
		{ "namespace", "y", "3", 2, 10 },
		{ "", "b", "one two", 0, 12 },
		{ "", "!include", "conf.d/*.conf", 0, 14 },
	};
	struct arena arena = ARENA_INIT;
	struct dovecot_conf c = { .arena = &arena };
	char value[100];

	UNUSED(state);
	dovecot_conf_parse(&c, "f", bytes_from_str(text));
	assert_int_equal(c.count, NITEMS(rows));
	for (size_t i = 0; i < c.count; i++) {
		assert_string_equal(c.settings[i].block, rows[i].block);
		assert_string_equal(c.settings[i].name, rows[i].name);
		assert_string_equal(
			bytes_to_str(c.settings[i].value, value, sizeof(value)), rows[i].value);
		assert_int_equal(c.settings[i].number, rows[i].number);
		assert_int_equal(c.settings[i].line, rows[i].line);
	}
	dovecot_conf_free(&c);
	arena_reset(&arena);
}

/* ---- whole imports ---- */

struct file {
	const char *path, *text;
};

#define FILES_MAX 4

static const struct import_row {
	const char *label;
	const char *main_cf, *dovecot, *passwd_file; /* NULL: none */
	struct file files[FILES_MAX];
	const char *in;    /* stands in the file that out names ... */
	const char *out;   /* "conf", or a table */
	const char *words; /* ... and this in one finding "WHAT: verdict: words" */
} import_rows[] = {
#define HOST "myhostname = mx.a.example\n"
	{ "an option", HOST, NULL, NULL, { { 0 } }, "hostname = mx.a.example\n", "conf",
		"myhostname: taken: hostname = mx.a.example" },
	{ "both doors", HOST "message_size_limit = 20000000\n", NULL, NULL, { { 0 } },
		"submission {\n\t# message_size_limit of main.cf\n\tmessage_size_limit", "conf",
		"message_size_limit: taken: submission.message_size_limit" },
	{ "Postfix' unit", HOST "maximal_queue_lifetime = 3\n", NULL, NULL, { { 0 } },
		"queue_lifetime = 3d", "conf", "taken: qmgr.queue_lifetime = 3d" },
	{ "its own unit", HOST "minimal_backoff_time = 10m\n", NULL, NULL, { { 0 } },
		"minimal_backoff = 10m", "conf", "taken: qmgr.minimal_backoff = 10m" },
	{ "out of range", HOST "hopcount_limit = 5\n", NULL, NULL, { { 0 } }, NULL, NULL,
		"hopcount_limit: by hand: smtpd.hop_limit: \"5\"" },
	{ "default domains", HOST, NULL, NULL, { { 0 } }, "mx.a.example\tlocal system-users\n",
		"domains", "mydestination: taken: domain localhost: local system-users" },
	{ "virtual domains", HOST "virtual_mailbox_domains = b.example c.example\n", NULL, NULL,
		{ { 0 } }, "c.example\tlocal\n", "domains", "domain b.example: local" },
	{ "domains in a file", HOST "relay_domains = /d\n", NULL, NULL,
		{ { "/d", "# x\nr.example\n" } }, "r.example\trelay\n", "domains",
		"r.example: taken: domain r.example: relay" },
	{ "domains in a map", HOST "relay_domains = hash:/d\n", NULL, NULL,
		{ { "/d", "r.example OK\n" } }, "r.example\trelay\n", "domains",
		"relay_domains: taken: /d: 1 of 1 lines" },
	{ "a file that is not there", HOST "relay_domains = /d\n", NULL, NULL, { { 0 } }, NULL,
		NULL, "relay_domains: failed: /d: " },
	{ "a map of another kind", HOST "virtual_alias_maps = mysql:/etc/x\n", NULL, NULL,
		{ { 0 } }, NULL, NULL, "virtual_alias_maps: by hand: mysql:/etc/x: " },
	{ "aliases", HOST "virtual_alias_domains = b.example\nvirtual_alias_maps = hash:/v\n", NULL,
		NULL, { { "/v", "x@b.example joe, y@c.example\n" } },
		"x@b.example\tjoe@mx.a.example, y@c.example\n", "aliases", "/v: 1 of 1 lines" },
	{ "a domain that the map names", HOST "virtual_alias_maps = hash:/v\n", NULL, NULL,
		{ { "/v", "x@b.example y@c.example\nb.example anything\n" } },
		"x@b.example\ty@c.example\n", "aliases", "domain b.example: local" },
	{ "an alias everywhere",
		HOST "mydestination = a.example, d.example\n"
		     "virtual_alias_maps = hash:/v\n",
		NULL, NULL, { { "/v", "root joe@a.example\n" } },
		"root@a.example\tjoe@a.example\nroot@d.example\tjoe@a.example\n", "aliases",
		"/v: 1 of 1" },
	{ "a whole domain",
		HOST "virtual_alias_domains = b.example\n"
		     "virtual_alias_maps = hash:/v\n",
		NULL, NULL, { { "/v", "@b.example @mx.a.example\n" } },
		"b.example\talias mx.a.example\n", "domains",
		"domain b.example: alias mx.a.example" },
	{ "others' addresses", HOST "virtual_alias_maps = hash:/v\n", NULL, NULL,
		{ { "/v", "x@other.example joe\n" } }, NULL, NULL,
		"x@other.example: by hand: other.example is none of our domains" },
	{ "a command", HOST "mydestination = a.example\nvirtual_alias_maps = hash:/v\n", NULL, NULL,
		{ { "/v", "x@a.example |/bin/x\n" } }, NULL, NULL,
		"x@a.example: by hand: |/bin/x" },
	{ "system aliases", HOST "alias_maps = hash:/etc/other\n", NULL, NULL, { { 0 } },
		"alias_file = /etc/other", "conf", "taken: directory.alias_file = /etc/other" },
	{ "mailboxes",
		HOST "virtual_mailbox_domains = b.example\nvirtual_mailbox_base = /var/vmail\n"
		     "virtual_mailbox_maps = hash:/m\n",
		NULL, "joe@b.example:{PLAIN}x:::::\n", { { "/m", "joe@b.example b/joe/\n" } },
		"joe@b.example\t{PLAIN}x home=b/joe\n", "accounts", "passwd-file: taken: 1 of 1" },
	{ "a mailbox without password",
		HOST "virtual_mailbox_domains = b.example\nvirtual_mailbox_base = /var/vmail\n"
		     "virtual_mailbox_maps = hash:/m\n",
		NULL, NULL, { { "/m", "joe@b.example b.example/joe/\n" } }, "joe@b.example\t*\n",
		"accounts", "by hand: joe@b.example has no password" },
	{ "mbox", HOST "virtual_mailbox_base = /m\nvirtual_mailbox_maps = hash:/m\n", NULL, NULL,
		{ { "/m", "joe@b.example b/joe\n" } }, "joe@b.example\t*\n", "accounts",
		"by hand: b/joe is one file in the form of mbox" },
	{ "a smarthost", HOST "relayhost = [r.example]:submission\n", NULL, NULL, { { 0 } },
		"smarthost = [r.example]:587", "conf", "taken: smarthost = [r.example]:587" },
	{ "transport", HOST "transport_maps = hash:/t\n", NULL, NULL,
		{ { "/t", "b.example smtp:[g.example]:2525\nc.example relay:\n"
			  "d.example lmtp:inet:127.0.0.1:24\ne.example error:5.1.2 gone\n" } },
		"c.example\tsmtp:\n", "transport", "transport_maps: taken: /t: 4 of 4 lines" },
	{ "a transport of master.cf", HOST "transport_maps = hash:/t\n", NULL, NULL,
		{ { "/t", "b.example maildrop:\n" } }, NULL, NULL,
		"b.example: by hand: maildrop is a transport of master.cf" },
	{ "logins", HOST "smtp_sasl_password_maps = hash:/s\n", NULL, NULL,
		{ { "/s", "[r.example]:587 me:pa ss\n" } }, "[r.example]:587\tme:pa ss\n",
		"relay_credentials", "/s: 1 of 1" },
	{ "secure", HOST "smtp_tls_policy_maps = hash:/p\n", NULL, NULL,
		{ { "/p", "b.example secure\n" } }, "b.example\tverify name=.b.example\n",
		"tls_policy", "/p: 1 of 1" },
	{ "match=", HOST "smtp_tls_policy_maps = hash:/p\n", NULL, NULL,
		{ { "/p", "[b.example]:25 secure match=nexthop:.c.example\n" } },
		"[b.example]:25\tverify name=.c.example\n", "tls_policy", "/p: 1 of 1" },
	{ "fingerprint", HOST "smtp_tls_policy_maps = hash:/p\n", NULL, NULL,
		{ { "/p", "b.example fingerprint match=aa\n" } }, NULL, NULL,
		"b.example: by hand: fingerprint: has no counterpart" },
	{ "only IPv4", HOST "inet_protocols = ipv4\n", NULL, NULL, { { 0 } }, "source_ipv6 = none",
		"conf", "taken: smtp_client.source_ipv6 = none" },
	{ "an address", HOST "inet_interfaces = 192.0.2.1, ::1\n", NULL, NULL, { { 0 } },
		"listen = 192.0.2.1:25, [::1]:25", "conf", "taken: smtpd.listen" },
	{ "networks", HOST "mynetworks = 127.0.0.0/8, 10.0.0.0/8\n", NULL, NULL, { { 0 } }, NULL,
		NULL, "mynetworks: by hand: no address may send" },
	{ "restrictions",
		HOST
		"smtpd_recipient_restrictions = permit_mynetworks, reject_rbl_client x.example,"
		" reject_unauth_destination\n",
		NULL, NULL, { { 0 } }, NULL, NULL,
		"by hand: reject_rbl_client x.example: block lists" },
	{ "usual restrictions",
		HOST "smtpd_relay_restrictions = permit_mynetworks defer_unauth_destination\n",
		NULL, NULL, { { 0 } }, NULL, NULL,
		"smtpd_relay_restrictions: needless: it is so here always" },
	{ "unknown", HOST "frobnicate = 1\n", NULL, NULL, { { 0 } }, NULL, NULL,
		"frobnicate: by hand: not known" },
	{ "set again", HOST "relayhost = [x]\nrelayhost =\n", NULL, NULL, { { 0 } }, NULL, NULL,
		"relayhost: needless: line 3 sets it again" },
	{ "an alias of two domains",
		HOST "mydestination =\nvirtual_mailbox_domains = a.example\n"
		     "virtual_alias_maps = hash:/v\n",
		NULL, NULL, { { "/v", "@a.example @b.example, x@c.example\n" } },
		"a.example\tlocal\n", "domains", "by hand: a.example alias" },
	{ "a login that is none", HOST "smtp_sasl_password_maps = hash:/p\n", NULL, NULL,
		{ { "/p", "[relay.example]:587 the-password\n" } }, NULL, NULL,
		"by hand: [relay.example]:587 ...: " },
	{ "a key twice", HOST "mydestination = a.example\nvirtual_alias_maps = hash:/v, hash:/w\n",
		NULL, NULL,
		{ { "/v", "x@a.example joe@a.example\n" },
			{ "/w", "x@a.example ann@a.example\n" } },
		"x@a.example\tjoe@a.example\n", "aliases",
		"x@a.example: needless: x@a.example is in /v:1 already" },
	{ "Dovecot's users", NULL,
		"mail_location = maildir:/var/vmail/%d/%n/Maildir\n"
		"passdb {\n driver = passwd-file\n args = scheme=PLAIN /u\n}\n",
		NULL, { { "/u", "joe@b.example:secret:::::\n" } },
		"joe@b.example\t{PLAIN}secret home=b.example/joe/Maildir\n", "accounts",
		"mail_location: taken: mail_root = /var/vmail" },
	{ "where Maildirs are ours", NULL,
		"mail_location = maildir:/var/vmail/%d/%n\n"
		"passdb {\n driver = passwd-file\n args = /u\n}\n",
		NULL, { { "/u", "joe@b.example:{PLAIN}x:::::\n" } }, "joe@b.example\t{PLAIN}x\n",
		"accounts", "domain b.example is local" },
	{ "homes of all alike", NULL,
		"mail_location = maildir:~/Maildir\n"
		"passdb {\n driver = passwd-file\n args = /u\n}\n"
		"userdb {\n driver = static\n args = uid=nobody gid=x home=/var/vmail/%d/%n\n}\n",
		NULL, { { "/u", "joe@b.example:{PLAIN}x:::::\n" } },
		"joe@b.example\t{PLAIN}x home=b.example/joe/Maildir\n", "accounts",
		"userdb: taken: mail_root = /var/vmail" },
	{ "their owner", NULL, "userdb {\n driver = static\n args = uid=nobody\n}\n", NULL,
		{ { 0 } }, "mail_user = nobody", "conf", "userdb: taken: mail_user = nobody" },
	{ "homes", NULL, NULL,
		"joe@b.example:{PLAIN}x::::/v/b/joe::\nann@c.example:{PLAIN}x::::/v/c/ann::\n",
		{ { 0 } }, "ann@c.example\t{PLAIN}x home=c/ann\n", "accounts",
		"taken: mail_root = /v" },
	{ "a quota", NULL, NULL,
		"joe@b.example:{PLAIN}x::::::userdb_quota_rule=*:storage=1G:messages=5\n",
		{ { 0 } }, "joe@b.example\t{PLAIN}x quota=1G messages=5\n", "accounts", "1 of 1" },
	{ "a quota in KiB", NULL, NULL,
		"joe@b.example:{PLAIN}x::::::userdb_quota_rule=*:storage=100\n", { { 0 } },
		"joe@b.example\t{PLAIN}x quota=100K\n", "accounts", "1 of 1" },
	{ "another extra field", NULL, NULL, "joe@b.example:{PLAIN}x::::::allow_nets=1.2.3.4\n",
		{ { 0 } }, "joe@b.example\t{PLAIN}x\n", "accounts",
		"by hand: allow_nets=1.2.3.4: no option of an account" },
	{ "a scheme that is not known", NULL, NULL, "joe@b.example:{WEIRD}x::::::\n", { { 0 } },
		"joe@b.example\t*\n", "accounts", "by hand: its password: " },
	{ "a name without domain", NULL, NULL, "joe:{PLAIN}x::::::\n", { { 0 } }, NULL, NULL,
		"joe: by hand: joe: not an address" },
	{ "PAM", NULL, "passdb {\n driver = pam\n}\n", NULL, { { 0 } }, "pam_service = dovecot",
		"conf", "taken: directory.pam_service = dovecot" },
	{ "PAM with words", NULL,
		"passdb {\n driver = pam\n args = session=yes max_requests=9 mail\n}\n", NULL,
		{ { 0 } }, "pam_service = mail\n", "conf", "taken: directory.pam_service = mail" },
	{ "PAM by protocol", NULL, "passdb {\n driver = pam\n args = %s\n}\n", NULL, { { 0 } },
		"pam_service = dovecot", "conf", "taken: directory.pam_service = dovecot" },
	{ "users who may not log in", NULL,
		"passdb {\n driver = passwd-file\n args = /u\n}\n"
		"passdb {\n driver = passwd-file\n deny = yes\n args = /nobody\n}\n",
		NULL, { { "/u", "joe@b.example:{PLAIN}x:::::\n" } }, "joe@b.example\t{PLAIN}x\n",
		"accounts", "passdb: by hand: deny: these users may not log in" },
	{ "users who log in as others", NULL,
		"passdb {\n driver = passwd-file\n master = yes\n args = /root\n}\n", NULL,
		{ { 0 } }, NULL, NULL, "passdb: by hand: master: nobody" },
	{ "LDAP", NULL, "passdb {\n driver = ldap\n}\n", NULL, { { 0 } }, NULL, NULL,
		"passdb: by hand: driver ldap" },
	{ "an included file", NULL, "!include /x\n", NULL, { { "/x", "ssl_cert = </c.pem\n" } },
		"certificate = /c.pem", "conf", "ssl_cert: taken: tls.certificate = /c.pem" },
	{ "a file that includes itself", NULL, "!include /x\n", NULL, { { "/x", "!include /x\n" } },
		NULL, NULL, "failed: more than 100 files" },
	{ "mbox in Dovecot", NULL, "mail_location = mbox:~/mail\n", NULL, { { 0 } }, NULL, NULL,
		"mail_location: by hand: mbox: mailboxes are Maildirs here" },
};

static int
read_row(void *arg, struct arena *a, const char *path, struct bytes *text)
{
	const struct import_row *t = arg;

	UNUSED(a);
	for (size_t i = 0; i < FILES_MAX && t->files[i].path != NULL; i++) {
		if (strcmp(t->files[i].path, path) == 0) {
			*text = bytes_from_str(t->files[i].text);
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

static struct conf_list
glob_row(void *arg, struct arena *a, const char *pattern)
{
	const char **one = arena_alloc(a, sizeof(*one));

	UNUSED(arg);
	*one = pattern;
	return (struct conf_list){ 1, one };
}

static void
print_output(struct import *im, const char *name, struct buf *out)
{
	if (strcmp(name, "conf") == 0)
		import_write_conf(im, out);
	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		if (strcmp(name, table_kind_name((enum table_kind)kind)) == 0)
			import_write_table(im, (enum table_kind)kind, out);
}

static bool
has_finding(const struct import *im, const char *words)
{
	struct buf line = BUF_INIT;
	bool found = false;

	for (size_t i = 0; i < im->nfindings && !found; i++) {
		const struct import_finding *f = &im->findings[i];

		buf_clear(&line);
		buf_printf(&line, "%s: %s: %s", f->place.what, import_verdict_name(f->verdict),
			f->words);
		found = strstr(buf_str(&line), words) != NULL;
	}
	if (!found)
		for (size_t i = 0; i < im->nfindings; i++)
			print_message("%s:%u: %s: %s: %s\n", im->findings[i].place.file,
				im->findings[i].place.line, im->findings[i].place.what,
				import_verdict_name(im->findings[i].verdict),
				im->findings[i].words);
	buf_free(&line);
	return found;
}

static void
run_import(void **state)
{
	const struct import_row *t = *state;
	struct import_row copy = *t;
	const struct import_files files = { read_row, glob_row, &copy };
	struct buf out = BUF_INIT;
	struct import im;

	import_init(&im, &files);
	if (t->main_cf != NULL)
		import_postfix(&im, "main.cf", bytes_from_str(t->main_cf));
	if (t->dovecot != NULL)
		import_dovecot(&im, "/dovecot.conf", bytes_from_str(t->dovecot));
	if (t->passwd_file != NULL)
		import_passwd_file(
			&im, "users", bytes_from_str(t->passwd_file), BYTES_LITERAL("CRYPT"));
	import_finish(&im);
	assert_true(has_finding(&im, t->words));
	if (t->in != NULL) {
		print_output(&im, t->out, &out);
		if (strstr(buf_str(&out), t->in) == NULL)
			fail_msg("\"%s\" is not in:\n%s", t->in, buf_str(&out));
	}
	buf_free(&out);
	import_free(&im);
}

int
main(void)
{
	TABLE_TESTS(values, value_rows, run_value);
	TABLE_TESTS(imports, import_rows, run_import);
	const struct CMUnitTest wholes[] = { cmocka_unit_test(test_value_bound),
		cmocka_unit_test(test_dovecot_blocks) };

	return cmocka_run_group_tests_name("import/values", values, NULL, NULL) +
	       cmocka_run_group_tests_name("import/files", imports, NULL, NULL) +
	       cmocka_run_group_tests_name("import/bounds", wholes, NULL, NULL);
}
