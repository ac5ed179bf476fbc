/* SPDX-License-Identifier: ISC */
/*
 * cli/import/postfix.c - main.cf: each setting has a row that says who takes it and what becomes of
 * it. Rows are gone through in their order, for some need what others found (domains before
 * aliases); findings are put into the files' order at the end.
 */
#include "postfix.h"

#include <string.h>

#include "err.h"

/* ---- takers of plain options ---- */

/* A number without a unit gets the one that Postfix would think of. */
static struct bytes
with_unit(struct import *im, const char *unit, struct bytes value)
{
	uint64_t n;

	if (unit == NULL || bytes_to_u64(value, UINT64_MAX, &n) < 0 || n == 0)
		return value;
	return bytes_from_str(
		arena_printf(&im->arena, "%.*s%s", (int)value.n, (const char *)value.p, unit));
}

static void
take_option(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	import_set(p->im, place, row->section, row->option, with_unit(p->im, row->words, value));
}

/* Both SMTP doors have it. */
static void
take_doors(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	value = with_unit(p->im, row->words, value);
	if (import_set(p->im, place, "smtpd", row->option, value))
		import_set(p->im, place, "submission", row->option, value);
}

/* An option whose empty value means that there is none. */
static void
take_if_set(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	if (value.n == 0)
		import_tell(p->im, place, IMPORT_NEEDLESS, "empty");
	else
		take_option(p, row, place, value);
}

/* Postfix allows more recipients at once than we send. */
static void
take_recipients(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	uint64_t n;

	if (bytes_to_u64(value, UINT64_MAX, &n) == ERR_OK && n > 50)
		import_tell(p->im, place, IMPORT_NEEDLESS, "50 is the most here, and the default");
	else
		take_option(p, row, place, value);
}

static void
needless(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(value);
	import_tell(p->im, place, IMPORT_NEEDLESS, "%s", row->words);
}

static void
by_hand(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	if (value.n == 0)
		import_tell(p->im, place, IMPORT_NEEDLESS, "empty");
	else
		import_tell(p->im, place, IMPORT_BY_HAND, "%s", row->words);
}

static void
take_origin(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	struct bytes text;

	UNUSED(row);
	if (value.n > 0 && value.p[0] == '/') {
		if (!import_read(p->im, place, arena_str(&p->im->arena, value), &text))
			return;
		value = bytes_trim(bytes_cut(&text, '\n'));
	}
	p->im->origin = arena_bytes(&p->im->arena, value);
	import_tell(p->im, place, IMPORT_NEEDLESS,
		"names without a domain are of the first local domain here; targets of aliases "
		"were completed with %.*s",
		(int)value.n, (const char *)value.p);
}

/* 0 is no limit in both. */
static void
take_mailbox_limit(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	if (bytes_is(value, "0"))
		import_tell(p->im, place, IMPORT_NEEDLESS, "no limit is the default");
	else
		take_option(p, row, place, value);
}

static void
take_auth_only(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(row);
	import_only_tls(p->im, place, bytes_is(value, "yes"));
}

#define INTERNAL "a matter of Postfix' own programs"

static const struct postfix_row rows[] = {
	/* who we are; domains before what is in them */
	{ "myhostname", take_option, "", "hostname", NULL, false },
	{ "mydomain", needless, NULL, NULL, "used where other settings name it", false },
	{ "myorigin", take_origin, NULL, NULL, NULL, true },
	{ "mydestination", take_domains, NULL, NULL, "local system-users", true },
	{ "relay_domains", take_domains, NULL, NULL, "relay", false },
	{ "virtual_mailbox_domains", take_domains, NULL, NULL, "local", false },
	{ "virtual_alias_domains", take_virtual_alias_domains, NULL, NULL, "local", true },
	{ "alias_maps", take_alias_maps, NULL, NULL, NULL, true },
	{ "alias_database", needless, NULL, NULL, "newaliases compiles directory.alias_file",
		false },
	{ "virtual_alias_maps", take_virtual_alias_maps, NULL, NULL, NULL, false },
	{ "virtual_mailbox_base", take_virtual_mailbox_base, NULL, NULL, NULL, false },
	{ "virtual_mailbox_maps", take_virtual_mailbox_maps, NULL, NULL, NULL, false },
	{ "virtual_uid_maps", take_virtual_uid_maps, NULL, NULL, NULL, false },
	{ "virtual_gid_maps", needless, NULL, NULL, "the group of mail_user, or gid= of an account",
		false },
	{ "virtual_minimum_uid", needless, NULL, NULL, "nothing of ours runs for root", false },
	{ "virtual_transport", take_virtual_transport, NULL, NULL, NULL, false },
	{ "recipient_delimiter", take_option, "directory", "recipient_delimiter", NULL, false },
	{ "mailbox_size_limit", take_mailbox_limit, "directory", "default_quota", NULL, false },
	{ "virtual_mailbox_limit", take_mailbox_limit, "directory", "default_quota", NULL, false },
	{ "local_recipient_maps", needless, NULL, NULL,
		"system users, accounts and aliases are who exists", false },
	{ "relay_recipient_maps", by_hand, NULL, NULL,
		"every recipient of a relay domain is taken; make the domain local with an alias "
		"for each address to refuse the others",
		false },
	{ "home_mailbox", by_hand, NULL, NULL,
		"mail of system users is in MAIL_ROOT/localhost/NAME here: move it there", false },
	{ "mail_spool_directory", by_hand, NULL, NULL,
		"mail of system users is in MAIL_ROOT/localhost/NAME here: bring it there (mb2md)",
		false },
	{ "mailbox_command", by_hand, NULL, NULL,
		"mail is delivered by the suite; a program per user stands in aliases(5)", false },
	{ "mailbox_transport", by_hand, NULL, NULL, "mail is delivered by the suite", false },
	{ "local_transport", by_hand, NULL, NULL, "mail is delivered by the suite", false },
	{ "owner_request_special", needless, NULL, NULL, "owner-NAME is the owner of NAME", false },
	/* doors */
	{ "inet_interfaces", take_inet_interfaces, NULL, NULL, NULL, false },
	{ "inet_protocols", take_inet_protocols, NULL, NULL, NULL, false },
	{ "mynetworks", take_mynetworks, NULL, NULL, NULL, false },
	{ "mynetworks_style", needless, NULL, NULL, "port 25 relays for nobody", false },
	{ "message_size_limit", take_doors, NULL, "message_size_limit", NULL, false },
	{ "smtpd_recipient_limit", take_doors, NULL, "recipient_limit", NULL, false },
	{ "smtpd_client_connection_count_limit", take_doors, NULL, "client_connection_limit", NULL,
		false },
	{ "smtpd_hard_error_limit", take_doors, NULL, "error_limit", NULL, false },
	{ "smtpd_junk_command_limit", take_doors, NULL, "junk_limit", NULL, false },
	{ "hopcount_limit", take_doors, NULL, "hop_limit", NULL, false },
	{ "strict_rfc821_envelopes", take_doors, NULL, "strict_paths", NULL, false },
	{ "smtpd_tls_cert_file", take_if_set, "tls", "certificate", NULL, false },
	{ "smtpd_tls_key_file", take_if_set, "tls", "key", NULL, false },
	{ "smtpd_tls_chain_files", take_chain_files, NULL, NULL, NULL, false },
	{ "smtpd_tls_auth_only", take_auth_only, NULL, NULL, NULL, false },
	{ "smtpd_tls_security_level", needless, NULL, NULL,
		"port 25 offers STARTTLS; 587 wants it before AUTH", false },
	{ "smtpd_use_tls", needless, NULL, NULL, "STARTTLS is always offered", false },
	{ "smtpd_tls_*", needless, NULL, NULL,
		"TLS 1.2 and 1.3 with good ciphers, sessions resumed; tls.only_tls13 refuses 1.2",
		false },
	{ "smtpd_sasl_*", needless, NULL, NULL, "the suite checks passwords itself", false },
	{ "broken_sasl_auth_clients", needless, NULL, NULL, "not needed by clients of today",
		false },
	{ "smtpd_sender_login_maps", by_hand, NULL, NULL,
		"whose an address is follows from accounts and aliases; relais user send-as gives "
		"more",
		false },
	{ "smtpd_*_restrictions", take_restrictions, NULL, NULL, NULL, false },
	{ "smtpd_*_milters", take_milters, NULL, NULL, NULL, false },
	{ "smtpd_milters", take_milters, NULL, NULL, NULL, false },
	{ "non_smtpd_milters", take_milters, NULL, NULL, NULL, false },
	{ "milter_*", needless, NULL, NULL, "milters are not asked", false },
	{ "disable_vrfy_command", needless, NULL, NULL, "VRFY tells nothing", false },
	{ "smtpd_helo_required", needless, NULL, NULL, "always", false },
	{ "smtpd_banner", needless, NULL, NULL, "the greeting is the host's name", false },
	{ "smtpd_proxy_filter", by_hand, NULL, NULL, "content filters are not asked", false },
	{ "smtpd_upstream_proxy_protocol", by_hand, NULL, NULL, "the PROXY protocol is not spoken",
		false },
	{ "postscreen_*", by_hand, NULL, NULL,
		"smtpd.greet_delay sends away who talks before the greeting; no block lists",
		false },
	{ "smtpd_delay_reject", needless, NULL, NULL, "what refuses is told at RCPT", false },
	{ "smtpd_relay_*", take_restrictions, NULL, NULL, NULL, false },
	{ "smtpd_discard_ehlo_*", by_hand, NULL, NULL, "EHLO's words are fixed", false },
	{ "smtpd_client_*_rate_limit", by_hand, NULL, NULL,
		"ledger.send_messages and send_recipients limit logins; see relais.conf(5), ledger",
		false },
	{ "smtpd_forbid_*", needless, NULL, NULL, "bare LF never ends a line or a message", false },
	{ "smtputf8_*", needless, NULL, NULL, "SMTPUTF8 is spoken", false },
	{ "smtpd_*", needless, NULL, NULL, "the doors' own options are in relais.conf(5)", false },
	/* on the way out */
	{ "relayhost", take_relayhost, NULL, NULL, NULL, false },
	{ "transport_maps", take_transport_maps, NULL, NULL, NULL, false },
	{ "sender_dependent_relayhost_maps", take_sender_relayhost_maps, NULL, NULL, NULL, false },
	{ "smtp_sasl_password_maps", take_passwords, NULL, NULL, NULL, false },
	{ "smtp_sasl_*", needless, NULL, NULL, "where relay_credentials has a line, it logs in",
		false },
	{ "smtp_sender_dependent_authentication", needless, NULL, NULL,
		"senders' own lines of relay_credentials are used", false },
	{ "smtp_tls_security_level", take_tls_level, "smtp_client", "tls", NULL, false },
	{ "smtp_tls_policy_maps", take_tls_policies, NULL, NULL, NULL, false },
	{ "smtp_tls_CAfile", take_if_set, "smtp_client", "tls_ca", NULL, false },
	{ "smtp_tls_wrappermode", by_hand, NULL, NULL,
		"\"smtps:\" in front of a next hop is TLS from the first octet", false },
	{ "smtp_use_tls", needless, NULL, NULL, "smtp_client.tls = dane is the default", false },
	{ "smtp_tls_*", needless, NULL, NULL,
		"TLS 1.2 and 1.3; smtp_client.tls and tls_policy say "
		"how much",
		false },
	{ "smtp_dns_support_level", needless, NULL, NULL, "DNSSEC is checked always", false },
	{ "smtp_bind_address", take_option, "smtp_client", "source_ipv4", NULL, false },
	{ "smtp_bind_address6", take_option, "smtp_client", "source_ipv6", NULL, false },
	{ "smtp_helo_name", take_if_set, "smtp_client", "helo", NULL, false },
	{ "smtp_connect_timeout", take_option, "smtp_client", "connect_timeout", "s", false },
	{ "smtp_mx_address_limit", take_option, "smtp_client", "address_limit", NULL, false },
	{ "smtp_mx_session_limit", take_option, "smtp_client", "session_limit", NULL, false },
	{ "smtp_data_done_timeout", take_option, "smtp_client", "final_timeout", "s", false },
	{ "smtp_destination_concurrency_limit", take_option, "qmgr", "destination_concurrency_max",
		NULL, false },
	{ "default_destination_concurrency_limit", take_option, "qmgr",
		"destination_concurrency_max", NULL, false },
	{ "initial_destination_concurrency", take_option, "qmgr", "destination_concurrency", NULL,
		false },
	{ "smtp_destination_recipient_limit", take_recipients, "qmgr", "destination_recipients",
		NULL, false },
	{ "default_destination_recipient_limit", take_recipients, "qmgr", "destination_recipients",
		NULL, false },
	{ "smtp_generic_maps", by_hand, NULL, NULL, "addresses are not rewritten", false },
	{ "smtp_header_checks", by_hand, NULL, NULL, "header fields are not matched", false },
	{ "smtp_fallback_relay", by_hand, NULL, NULL,
		"\"domain, [fallback]\" as a next hop tries one after the other", false },
	{ "smtp_*", needless, NULL, NULL, "the client's own options are in relais.conf(5)", false },
	{ "lmtp_*", needless, NULL, NULL, "the client's own options are in relais.conf(5)", false },
	/* the queue */
	{ "minimal_backoff_time", take_option, "qmgr", "minimal_backoff", "s", false },
	{ "maximal_backoff_time", take_option, "qmgr", "maximal_backoff", "s", false },
	{ "maximal_queue_lifetime", take_option, "qmgr", "queue_lifetime", "d", false },
	{ "bounce_queue_lifetime", needless, NULL, NULL, "reports live as long as other mail",
		false },
	{ "delay_warning_time", take_option, "qmgr", "delay_warning", "h", false },
	{ "bounce_size_limit", take_option, "qmgr", "bounce_size_limit", NULL, false },
	{ "2bounce_notice_recipient", take_if_set, "qmgr", "double_bounce_to", NULL, false },
	{ "queue_run_delay", needless, NULL, NULL, "every message has a timer of its own", false },
	{ "qmgr_*", needless, NULL, NULL, "memory is bounded by qmgr.memory_limit", false },
	{ "header_checks", by_hand, NULL, NULL, "header fields are not matched", false },
	{ "mime_header_checks", by_hand, NULL, NULL, "header fields are not matched", false },
	{ "nested_header_checks", by_hand, NULL, NULL, "header fields are not matched", false },
	{ "body_checks", by_hand, NULL, NULL, "content is not matched", false },
	{ "content_filter", by_hand, NULL, NULL, "content filters are not asked", false },
	{ "always_bcc", by_hand, NULL, NULL, "no copies are sent of all mail", false },
	{ "*_bcc_maps", by_hand, NULL, NULL,
		"no copies by map; an alias with two targets is one for a recipient", false },
	{ "*canonical_maps", by_hand, NULL, NULL, "addresses are not rewritten", false },
	{ "masquerade_*", by_hand, NULL, NULL, "addresses are not rewritten", false },
	{ "relocated_maps", by_hand, NULL, NULL, "transport: ADDRESS error:5.1.6 moved to ...",
		false },
	{ "notify_classes", by_hand, NULL, NULL,
		"nobody is mailed of problems; metrics and relais status tell them", false },
	/* nothing to do */
	{ "compatibility_level", needless, NULL, NULL, INTERNAL, false },
	{ "*_directory", needless, NULL, NULL, INTERNAL, false },
	{ "*_path", needless, NULL, NULL, INTERNAL, false },
	{ "mail_owner", needless, NULL, NULL, INTERNAL, false },
	{ "setgid_group", needless, NULL, NULL, INTERNAL, false },
	{ "default_privs", needless, NULL, NULL, "local_delivery.command_user", false },
	{ "default_process_limit", needless, NULL, NULL,
		"a door's process has thousands of clients", false },
	{ "default_database_type", needless, NULL, NULL, INTERNAL, false },
	{ "parent_domain_matches_subdomains", needless, NULL, NULL,
		"\".domain\" is written where names below are meant", false },
	{ "mail_name", needless, NULL, NULL, INTERNAL, false },
	{ "mail_version", needless, NULL, NULL, INTERNAL, false },
	{ "biff", needless, NULL, NULL, "nobody is told by comsat", false },
	{ "append_dot_mydomain", needless, NULL, NULL, "addresses are left as they are", false },
	{ "append_at_myorigin", needless, NULL, NULL, "sendmail(1) adds the host's domain", false },
	{ "swap_bangpath", needless, NULL, NULL, "addresses are left as they are", false },
	{ "unknown_*_reject_code", needless, NULL, NULL, "codes follow from the reason", false },
	{ "maillog_file*", needless, NULL, NULL, "the option log names a file", false },
	{ "syslog_*", needless, NULL, NULL, "lines go to syslog's mail facility", false },
	{ "debug_*", needless, NULL, NULL, "log_level = debug", false },
	{ "tls_*", needless, NULL, NULL, "see relais.conf(5), tls", false },
	{ "address_verify_*", needless, NULL, NULL, INTERNAL, false },
	{ "*_service_name", needless, NULL, NULL, INTERNAL, false },
	{ "*_document*", needless, NULL, NULL, INTERNAL, false },
	{ "in_flow_delay", needless, NULL, NULL, "doors slow down when the queue does", false },
	{ "dovecot_destination_recipient_limit", needless, NULL, NULL,
		"mail is delivered by the suite", false },
	{ "virtual_destination_*", needless, NULL, NULL, "mail is delivered by the suite", false },
	{ "local_destination_*", needless, NULL, NULL, "mail is delivered by the suite", false },
};

/* One "*" stands for anything. */
static bool
matches(const char *pattern, struct bytes name)
{
	const char *star = strchr(pattern, '*');
	struct bytes head, tail;

	if (star == NULL)
		return bytes_is(name, pattern);
	head = bytes_make(pattern, (size_t)(star - pattern));
	tail = bytes_from_str(star + 1);
	return name.n >= head.n + tail.n && bytes_starts_with(name, head) &&
	       bytes_equal(bytes_skip(name, name.n - tail.n), tail);
}

static void
take(struct postfix *p, const struct postfix_row *row, struct main_cf_setting *s)
{
	const struct import_place place = { p->file, s->line, s->name };

	s->used = true;
	row->take(p, row, &place, main_cf_value(&p->cf, s->name));
}

/* What is not there has Postfix' default all the same. */
static void
take_default(struct postfix *p, const struct postfix_row *row)
{
	const struct import_place place = { p->file, 0, row->name };

	row->take(p, row, &place, main_cf_value(&p->cf, row->name));
}

static void
take_row(struct postfix *p, const struct postfix_row *row)
{
	if (strchr(row->name, '*') == NULL) {
		struct main_cf_setting *s = main_cf_find(&p->cf, bytes_from_str(row->name));

		if (s != NULL && !s->used)
			take(p, row, s);
		else if (s == NULL && row->always)
			take_default(p, row);
		return;
	}
	for (size_t i = 0; i < p->cf.count; i++) {
		struct main_cf_setting *s = &p->cf.settings[i];

		if (!s->used && s->again == 0 && matches(row->name, bytes_from_str(s->name)))
			take(p, row, s);
	}
}

/* Settings that no row takes: told, unless they are somebody's own names used by others. */
static void
tell_rest(struct postfix *p)
{
	for (size_t i = 0; i < p->cf.count; i++) {
		const struct main_cf_setting *s = &p->cf.settings[i];
		const struct import_place place = { p->file, s->line, s->name };

		if (s->again != 0)
			import_tell(
				p->im, &place, IMPORT_NEEDLESS, "line %u sets it again", s->again);
		else if (!s->used)
			import_tell(p->im, &place, IMPORT_BY_HAND, "not known to this command");
	}
	if (p->cf.bad_line > 0)
		import_tell(p->im, &(struct import_place){ p->file, p->cf.bad_line, "line" },
			IMPORT_BY_HAND, "not a setting");
}

void
import_postfix(struct import *im, const char *main_cf, struct bytes text)
{
	struct postfix p = { .im = im, .file = main_cf, .cf = { .arena = &im->arena } };

	main_cf_parse(&p.cf, text);
	for (size_t i = 0; i < NITEMS(rows); i++)
		take_row(&p, &rows[i]);
	tell_rest(&p);
	main_cf_free(&p.cf);
}
