/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/conf/test_conf_check.c - from a configuration's text to what is said of it, and from
 * two of them to what is dangerous in the change. The first line of each text is the hostname.
 */
#include "../base/cases.h"

#include <stdio.h>

#include "conf_check.h"
#include "err.h"

#define NAME "hostname = mx.example.org\n"

static const struct check_row {
	const char *label, *text;
	const char *found; /* "LINE CHECK SEVERITY part of the text|...", in their order */
} check_rows[] = {
	{ "nothing but names", NAME "domain = example.org\n", "" },

	{ "written twice", NAME "workers = 2\nworkers = 3\n",
		"3 written-twice warning is written in line 2 already" },
	{ "no hostname", "domain = example.org\n", "0 hostname error is \"localhost\"" },
	{ "hostname is localhost", "hostname = LOCALHOST\n", "1 hostname error is \"LOCALHOST\"" },
	{ "hostname without a dot", "hostname = mx\n", "1 hostname error not fully qualified" },
	{ "hostname is an address", "hostname = 192.0.2.1\n", "1 hostname error is no name" },
	{ "hostname with blanks", "hostname = \"my host\"\n", "1 hostname error is no name" },
	{ "hostname of a home", "hostname = mx.lan\n", "1 hostname warning internal network" },
	{ "domain is an address", NAME "domain = ann@example.org\n",
		"2 domain error is an address" },
	{ "domain is no name", NAME "domain = *\n", "2 domain error is no domain" },
	{ "domain is a number", NAME "domain = 10.0.0.1\n", "2 domain error is no domain" },
	{ "domain twice", NAME "domain = a.example, A.example\n", "2 domain warning twice" },
	{ "domain without a dot", NAME "domain = example\n", "2 domain warning never comes" },
	{ "a value that is refused is told once", NAME "workers = x\nwatchdog = 1s\n",
		"2 syntax error workers|3 least warning 1s is short" },
	{ "helo", NAME "smtp_client {\nhelo = mx\n}\n", "3 names error no fully qualified name" },
	{ "srs domain", NAME "directory {\nsrs_domain = a b\n}\n", "3 names error is no domain" },
	{ "insecure domain", NAME "resolver {\ninsecure_domains = a..b\n}\n",
		"3 names error is no domain" },
	{ "authserv-id", NAME "mailauth {\nauthserv_id = my host\n}\n",
		"3 names error is not one word" },
	{ "postmaster", NAME "directory {\npostmaster = ann\n}\n",
		"3 addresses error is no mail address" },
	{ "reports' sender", NAME "mailauth {\nreport_from = <a@b.example>\n}\n",
		"3 addresses error is no mail address" },
	{ "reports' reverse-path", NAME "mailauth {\nreport_reverse_path = x\n}\n",
		"3 addresses error is no mail address" },
	{ "double bounces", NAME "qmgr {\ndouble_bounce_to = x\n}\n",
		"3 addresses error is no mail address" },

	{ "a port alone", NAME "smtpd {\nlisten = 25\n}\n",
		"3 listen error not an address with a port" },
	{ "a name in listen", NAME "smtpd {\nlisten = mx.example.org:25\n}\n",
		"3 listen error is not an address" },
	{ "a port too large", NAME "smtpd {\nlisten = *:65536\n}\n",
		"3 listen error is not a port" },
	{ "port nought", NAME "smtpd {\nlisten = *:0\n}\n", "3 listen error is not a port" },
	{ "addresses of all forms",
		NAME
		"smtpd {\nlisten = 127.0.0.1:25, [::1]:25, [fe80::1%eth0]:25, 192.0.2.1:smtp\n}\n",
		"" },
	{ "a service's port", NAME "smtpd {\nlisten = *:smtp\n}\n", "" },
	{ "one port for two doors", NAME "smtpd {\nlisten = *:587\n}\n",
		"0 listen-twice error *:587 is taken by *:587 of smtpd.listen" },
	{ "one port within all", NAME "submission {\nlisten = *:25\n}\n",
		"3 listen-twice error *:25 is taken by *:25 of smtpd.listen" },
	{ "an address within all of its family",
		NAME "smtpd {\nlisten = 0.0.0.0:25\n}\nsubmission {\nlisten = 127.0.0.1:25\n}\n",
		"6 listen-twice error is taken by 0.0.0.0:25" },
	{ "the same port of two families",
		NAME "smtpd {\nlisten = 0.0.0.0:25\n}\nsubmission {\nlisten = [::1]:25\n}\n", "" },
	{ "the same word twice", NAME "smtpd {\nlisten = *:25, *:25\n}\n",
		"3 listen-twice warning twice" },
	{ "no public door", NAME "smtpd {\nlisten =\n}\n", "3 doors warning no mail from other" },
	{ "no door at all",
		NAME
		"smtpd {\nlisten =\n}\nsubmission {\nlisten =\nlisten_tls =\n}\nimapd {\nlisten =\n"
		"listen_tls =\n}\npop3d {\nlisten =\nlisten_tls =\n}\n",
		"3 doors warning no door listens anywhere" },
	{ "counters for all", NAME "metrics {\nlisten = *:9154\n}\n",
		"3 metrics-listen error tells the counters" },
	{ "counters for this host", NAME "metrics {\nlisten = 127.0.0.1:9154\n}\n", "" },
	{ "certificate without key", NAME "tls {\ncertificate = /x.pem\n}\n",
		"3 certificate-options error has no key" },
	{ "key without certificate", NAME "tls {\nkey = /x.pem\n}\n",
		"3 certificate-options error has no certificate" },

	{ "contradiction, told of the written one",
		NAME "submission {\nmessage_size_limit = 100M\n}\n",
		"3 contradictions warning 100M is above imapd.message_size_limit (64M)" },
	{ "the other one is written", NAME "imapd {\nmessage_size_limit = 10M\n}\n",
		"3 contradictions warning 10M is below submission.message_size_limit (50M)" },
	{ "a contradiction that does not work", NAME "qmgr {\nminimal_backoff = 2h\n}\n",
		"3 contradictions error longer than the longest" },
	{ "no limit is no contradiction",
		NAME "directory {\ndefault_quota = 0\n}\nqmgr {\ndelay_warning = 0s\n}\n", "" },
	{ "a quota below a message", NAME "directory {\ndefault_quota = 10M\n}\n",
		"3 contradictions warning fits into no mailbox" },
	{ "a client that takes all", NAME "smtpd {\nclient_connection_limit = 6000\n}\n",
		"3 contradictions warning one client can take" },
	{ "less than is asked for", NAME "pop3d {\nidle_timeout = 5m\n}\n",
		"3 least warning RFC 1939" },
	{ "off is not less", NAME "watchdog = 0s\n", "" },
	{ "pointless", NAME "mailauth {\nsign = no\nsign_required = yes\n}\n",
		"4 pointless warning does nothing while mailauth.sign is no" },
	{ "pointless, by an empty one", NAME "local_delivery {\ncommands = yes\n}\n",
		"3 pointless warning while directory.alias_file is empty" },

	{ "a relative path", NAME "queue = spool\n", "2 paths error no absolute path" },
	{ "the root folder", NAME "mail_root = /\n", "2 paths error the root folder" },
	{ "one folder for two", NAME "queue = /a/b\nstate = /a/b/\n",
		"3 paths error is the folder of queue too" },
	{ "a folder in the mail root", NAME "mail_root = /a\nstate = /a/b\n",
		"3 paths error is below mail_root (/a)" },
	{ "names that only begin alike", NAME "mail_root = /a\nstate = /ab\n", "" },
	{ "a relative log", NAME "log = log\n", "2 paths error no absolute path" },
	{ "a run folder too deep",
		NAME
		"run = "
		"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"2 run-path error cannot have more than" },
	{ "root for a service", NAME "smtp_user = root\n", "2 users error root would parse" },
	{ "one user for two services", NAME "login_user = relais-smtp\n",
		"2 users warning is smtp_user too" },
	{ "no system user", NAME "directory {\nsystem_uid_first = 60000\n}\n",
		"3 system-uids error no user is in between" },
	{ "users of services", NAME "directory {\nsystem_uid_first = 1\n}\n",
		"3 system-uids warning users of services" },
	{ "commands by root",
		NAME "directory {\nalias_file = /etc/aliases\n}\nlocal_delivery {\ncommands = yes\n"
		     "command_user = root\n}\n",
		"7 commands error root would run" },
	{ "commands without a PATH",
		NAME "directory {\nalias_file = /etc/aliases\n}\nlocal_delivery {\ncommands = yes\n"
		     "command_path =\n}\n",
		"7 commands warning find no programs" },

	{ "smarthost", NAME "smarthost = \"[relay.example.net]:587\"\n", "" },
	{ "smarthost that cannot be read", NAME "smarthost = \"[relay\"\n",
		"2 smarthost error \"[relay\"" },
	{ "smarthost is us", NAME "smarthost = MX.example.org\n",
		"2 smarthost error round in circles" },
	{ "smarthost is our domain", NAME "domain = example.org\nsmarthost = example.org\n",
		"3 smarthost error round in circles" },
	{ "smarthost without brackets", NAME "smarthost = relay.example.net:587\n",
		"2 smarthost warning the MX hosts of relay.example.net" },
	{ "smarthost with TLS at once", NAME "smarthost = [relay.example.net]:465\n",
		"2 smarthost warning TLS begins with the connection" },
	{ "smarthost is an error", NAME "smarthost = error:5.1.1 no\n",
		"2 smarthost warning no mail leaves" },
	{ "no address to send from",
		NAME "smtp_client {\nsource_ipv4 = none\nsource_ipv6 = none\n}\n",
		"3 outbound error no mail leaves" },
	{ "DANE only, and no DNSSEC",
		NAME "smtp_client {\ntls = dane-only\n}\nresolver {\ntrust_anchor =\n}\n",
		"3 outbound error without a trust anchor|6 dangers warning nothing in the DNS" },
	{ "verified, and nobody trusted", NAME "smtp_client {\ntls = verify\ntls_ca =\n}\n",
		"4 outbound error nobody is trusted" },
	{ "a database that is asked nothing",
		NAME
		"directory {\npostgresql = dbname=mail\npostgresql_domains =\npostgresql_accounts "
		"=\npostgresql_aliases =\n}\n",
		"3 database warning every query is empty" },
	{ "a database's password", NAME "directory {\npostgresql = dbname=mail password=x\n}\n",
		"3 database warning password is here" },

	{ "passwords in clear", NAME "plaintext_auth = always\n",
		"2 dangers warning passwords travel without TLS" },
	{ "passwords in clear on this host", NAME "plaintext_auth = loopback\n", "" },
	{ "no certificate", NAME "tls {\nself_signed = no\n}\n",
		"3 dangers warning no certificate that others signed" },
	{ "mail without TLS", NAME "smtp_client {\ntls = none\n}\n",
		"3 dangers warning less protection" },
	{ "all of DNS insecure", NAME "resolver {\ninsecure_domains = .\n}\n",
		"0 dangers warning nothing in the DNS is proven" },
	{ "the world is trusted", NAME "mailauth {\ntrusted_networks = 0.0.0.0/0\n}\n",
		"3 dangers warning pretend to be anybody" },
	{ "own networks are trusted",
		NAME "mailauth {\ntrusted_networks = 10.0.0.0/8, 127.0.0.0/8, fd00::/8, "
		     "192.0.2.0/24\n}\n",
		"" },
	{ "a large IPv6 network is trusted", NAME "mailauth {\ntrusted_networks = 2001::/16\n}\n",
		"3 dangers warning pretend to be anybody" },
	{ "forwarders in the world", NAME "mailauth {\ntrusted_forwarders = 128.0.0.0/1\n}\n",
		"3 dangers warning forged mail" },
	{ "passwords may be guessed", NAME "ledger {\nban_exempt = ::/0\n}\n",
		"3 dangers warning guessed without end" },
	{ "backscatter", NAME "qmgr {\nbounce_to_strangers = yes\n}\n",
		"3 dangers warning block lists" },
	{ "a database without TLS",
		NAME "directory {\npostgresql = host=db.example sslmode=prefer\n}\n",
		"3 dangers warning without TLS" },
	{ "a database of this host",
		NAME "directory {\npostgresql = host=127.0.0.1 sslmode=disable\n}\n", "" },
};

static void
run_check(void **state)
{
	const struct check_row *t = *state;
	struct bytes expected = bytes_from_str(t->found);
	const struct conf_finding *n;
	struct conf_findings f;
	struct conf c;

	conf_init(&c);
	(void)conf_parse(&c, "test.conf", bytes_from_str(t->text));
	conf_findings_init(&f, &c, "test.conf");
	conf_check_syntax(&f);
	conf_check(&f);
	for (n = f.first; n != NULL && expected.n > 0; n = n->next) {
		struct bytes want = bytes_cut(&expected, '|'), line = bytes_cut(&want, ' ');
		struct bytes check = bytes_cut(&want, ' '), severity = bytes_cut(&want, ' ');
		uint64_t number;

		assert_int_equal(bytes_to_u64(line, 1000, &number), ERR_OK);
		assert_true(bytes_is(check, n->check));
		assert_int_equal(n->line, number);
		assert_true(bytes_is(severity, conf_severity_name(n->severity)));
		assert_int_not_equal(bytes_search(bytes_from_str(n->text), want), BYTES_NOT_FOUND);
	}
	if (n != NULL)
		print_error("%s: %s\n", n->check, n->text);
	assert_null(n);
	assert_int_equal(expected.n, 0);
	conf_findings_free(&f);
	conf_free(&c);
}

/* ---- changes ---- */

static const struct danger_row {
	const char *label, *running, *fresh;
	const char *found; /* names of options, with "," between them */
} danger_rows[] = {
	{ "nothing", "", "", "" },
	{ "harmless", "", "workers = 3\nsmtpd {\nlisten = *:26\n}\n", "" },
	{ "passwords in clear", "plaintext_auth = loopback\n", "plaintext_auth = always\n",
		"plaintext_auth" },
	{ "no longer in clear", "plaintext_auth = always\n", "", "" },
	{ "in clear, and now from elsewhere",
		"plaintext_auth = always\nsubmission {\nlisten = "
		"127.0.0.1:587\n}\nimapd {\nlisten =\n}\npop3d "
		"{\nlisten =\n}\n",
		"plaintext_auth = always\n", "plaintext_auth" },
	{ "port 465 goes", "", "submission {\nlisten_tls =\n}\n", "submission.listen_tls" },
	{ "all of submission goes", "", "submission {\nlisten =\nlisten_tls =\n}\n", "" },
	{ "ports 993 and 995 go", "", "imapd {\nlisten_tls =\n}\npop3d {\nlisten_tls =\n}\n",
		"imapd.listen_tls,pop3d.listen_tls" },
	{ "the certificate goes", "tls {\ncertificate = /c\nkey = /k\n}\n", "", "tls.self_signed" },
	{ "every certificate goes", "", "tls {\nself_signed = no\n}\n", "tls.self_signed" },
	{ "a certificate comes", "", "tls {\ncertificates = /f\n}\n", "" },
	{ "TLS on the way out", "", "smtp_client {\ntls = may\n}\n", "smtp_client.tls" },
	{ "more TLS on the way out", "", "smtp_client {\ntls = verify\n}\n", "" },
	{ "no DNSSEC", "", "resolver {\ntrust_anchor =\n}\n", "resolver.trust_anchor" },
	{ "a wider network", "mailauth {\ntrusted_networks = 8.0.0.0/8\n}\n",
		"mailauth {\ntrusted_networks = 8.0.0.0/7\n}\n", "mailauth.trusted_networks" },
	{ "one more that is no wider", "mailauth {\ntrusted_networks = 8.0.0.0/8\n}\n",
		"mailauth {\ntrusted_networks = 8.0.0.0/8, 20.0.0.0/8\n}\n",
		"mailauth.trusted_networks" },
	{ "less than before", "ledger {\nban_exempt = ::/0, 8.0.0.0/8\n}\n",
		"ledger {\nban_exempt = 2001::/16, 8.0.0.0/8\n}\n", "" },
	{ "as wide as before", "ledger {\nban_exempt = 8.0.0.0/8\n}\n",
		"ledger {\nban_exempt = 9.0.0.0/8\n}\n", "" },
	{ "two dangers", "",
		"ledger {\nban_exempt = 0.0.0.0/0\n}\nqmgr {\nbounce_to_strangers = "
		"yes\n}\n",
		"ledger.ban_exempt,qmgr.bounce_to_strangers" },
	{ "one more is trusted", "directory {\ntrusted_users = a\n}\n",
		"directory {\ntrusted_users = a, b\n}\n", "directory.trusted_users" },
	{ "limits of sending go", "", "ledger {\nsend_messages = 0\nsend_recipients = 0\n}\n",
		"ledger.send_messages" },
};

static void
run_danger(void **state)
{
	const struct danger_row *t = *state;
	struct buf names = BUF_INIT;
	struct conf running, fresh;
	struct conf_findings f;

	conf_init(&running);
	conf_init(&fresh);
	assert_int_equal(conf_parse(&running, "old", bytes_from_str(t->running)), ERR_OK);
	assert_int_equal(conf_parse(&fresh, "new", bytes_from_str(t->fresh)), ERR_OK);
	conf_findings_init(&f, &fresh, "new");
	(void)conf_find_new_dangers(&f, &running);
	for (const struct conf_finding *n = f.first; n != NULL; n = n->next) {
		buf_printf(&names, "%s%s", names.len > 0 ? "," : "", n->option);
		assert_true(n->blocks);
		assert_true(n->cure[0] != 0);
	}
	assert_string_equal(buf_str(&names), t->found);
	buf_free(&names);
	conf_findings_free(&f);
	conf_free(&running);
	conf_free(&fresh);
}

/* ---- wholes ---- */

/* Each row of contradictions can come true, and names its place. */
static void
test_defaults_contradict_nothing(void **state)
{
	struct conf_findings f;
	struct conf c;

	conf_init(&c);
	conf_findings_init(&f, &c, "defaults");
	conf_check(&f);
	assert_int_equal(f.count[CONF_WARNING], 0);
	assert_int_equal(f.count[CONF_ERROR], 1); /* the hostname */
	conf_findings_free(&f);
	conf_free(&c);
}

static void
test_a_finding_in_words(void **state)
{
	struct conf_findings f;
	struct buf out = BUF_INIT;
	struct conf c;

	conf_init(&c);
	(void)conf_parse(&c, "a.conf", BYTES_LITERAL("\nplaintext_auth = always\n"));
	conf_findings_init(&f, &c, "a.conf");
	f.check = "x";
	conf_find(&f, CONF_WARNING, "plaintext_auth", "do this", "is %d", 7);
	conf_find_at(&f, CONF_NOTE, "b.conf", 0, "", "cannot be seen");
	conf_finding_put(&out, f.first);
	assert_string_equal(buf_str(&out), "a.conf:2: warning: plaintext_auth: is 7; do this");
	buf_clear(&out);
	conf_finding_put(&out, f.first->next);
	assert_string_equal(buf_str(&out), "b.conf: note: cannot be seen");
	buf_free(&out);
	conf_findings_free(&f);
	conf_free(&c);
}

static void
test_differences(void **state)
{
	struct buf out = BUF_INIT;
	struct conf a, b;

	conf_init(&a);
	conf_init(&b);
	assert_int_equal(conf_put_differences(&out, &a, &b), 0);
	assert_int_equal(conf_parse(&a, "a", BYTES_LITERAL("workers = 3\n")), ERR_OK);
	assert_int_equal(conf_parse(&b, "b", BYTES_LITERAL("smtpd {\nlisten = *:26\n}\n")), ERR_OK);
	assert_int_equal(conf_override(&b, "hostname=mx.example"), ERR_OK);
	assert_int_equal(conf_put_differences(&out, &a, &b), 3);
	assert_string_equal(buf_str(&out), "hostname: localhost -> mx.example (--option)\n"
					   "workers: 3 -> 0 (the default)\n"
					   "smtpd.listen: *:25 -> *:26 (b:2)\n");
	buf_free(&out);
	conf_free(&a);
	conf_free(&b);
}

/* What is read at the start stays as it is, whatever a reload brings. */
static void
test_kept_at_start(void **state)
{
	struct buf names = BUF_INIT;
	struct conf running, fresh;
	struct conf_option o = { 0 };

	conf_init(&running);
	conf_init(&fresh);
	assert_int_equal(conf_override(&running, "queue=\"/a # b\""), ERR_OK);
	assert_int_equal(conf_override(&fresh, "queue=/c"), ERR_OK);
	assert_int_equal(conf_override(&fresh, "hostname=mx.example"), ERR_OK);
	conf_keep_at_start(&fresh, &running);
	assert_int_equal(conf_changed_at_start(&names, &running, &fresh), 0);
	conf_free(&running);
	assert_true(conf_option_named(&fresh, "queue", &o));
	conf_write_raw(&names, o.row, o.values);
	assert_string_equal(buf_str(&names), "/a # b");
	assert_true(conf_option_named(&fresh, "hostname", &o));
	assert_false(conf_option_named(&fresh, "smtpd", &o));
	assert_false(conf_option_named(&fresh, "smtpd.hostname", &o));
	buf_free(&names);
	conf_free(&fresh);
}

int
main(void)
{
	TABLE_TESTS(checks, check_rows, run_check);
	TABLE_TESTS(dangers, danger_rows, run_danger);
	const struct CMUnitTest wholes[] = {
		cmocka_unit_test(test_defaults_contradict_nothing),
		cmocka_unit_test(test_a_finding_in_words),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_kept_at_start),
	};

	return cmocka_run_group_tests_name("conf/check", checks, NULL, NULL) +
	       cmocka_run_group_tests_name("conf/danger", dangers, NULL, NULL) +
	       cmocka_run_group_tests_name("conf/wholes", wholes, NULL, NULL);
}
