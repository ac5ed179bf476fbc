/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/check_limits.c - numbers that contradict each other, that are below what the standards
 * ask for, and options that another one switches off: three tables.
 */
#include "check_private.h"

static uint64_t
number_of(const struct conf *c, const char *name)
{
	return *(const uint64_t *)conf_option_value(c, name);
}

/* As it would be written; in the findings' arena. */
static const char *
shown(struct conf_findings *f, const char *name)
{
	struct conf_option o = { 0 };
	struct buf b = BUF_INIT;
	const char *text;

	ASSERT(conf_option_named(f->conf, name, &o));
	conf_write_value(&b, o.row, o.values);
	text = arena_str(&f->arena, buf_bytes(&b));
	buf_free(&b);
	return text;
}

static bool
is_written(const struct conf *c, const char *name)
{
	struct conf_option o = { 0 };

	ASSERT(conf_option_named(c, name, &o));
	return o.origin->file != NULL;
}

/* ---- one is not to be above the other ---- */

#define SMALL_OFF 1u /* 0 in small switches it off */
#define LARGE_OFF 2u /* 0 in large means no limit */

static const struct order {
	const char *small, *large;
	unsigned flags;
	enum conf_severity severity;
	const char *text; /* why it may not be above */
} orders[] = {
	{ "smtpd.client_connection_limit", "smtpd.connection_limit", SMALL_OFF, CONF_WARNING,
		"one client can take every connection" },
	{ "submission.client_connection_limit", "submission.connection_limit", SMALL_OFF,
		CONF_WARNING, "one client can take every connection" },
	{ "imapd.client_connection_limit", "imapd.connection_limit", SMALL_OFF, CONF_WARNING,
		"one client can take every connection" },
	{ "pop3d.client_connection_limit", "pop3d.connection_limit", SMALL_OFF, CONF_WARNING,
		"one client can take every connection" },
	{ "imapd.sessions_per_account", "imapd.session_limit", 0, CONF_WARNING,
		"one account can take every session" },
	{ "pop3d.sessions_per_account", "pop3d.session_limit", 0, CONF_WARNING,
		"one account can take every session" },

	{ "submission.message_size_limit", "imapd.message_size_limit", 0, CONF_WARNING,
		"users cannot store a copy of the largest message that they send" },
	{ "smtpd.message_size_limit", "directory.default_quota", LARGE_OFF, CONF_WARNING,
		"the largest message fits into no mailbox" },
	{ "smtpd.message_size_limit", "mailauth.content_limit", 0, CONF_WARNING,
		"signatures of the largest messages are not verified" },
	{ "submission.header_size_limit", "submission.message_size_limit", 0, CONF_WARNING,
		"a header may be larger than a message" },
	{ "qmgr.bounce_size_limit", "smtpd.message_size_limit", 0, CONF_WARNING,
		"reports may be larger than any message" },

	{ "smtpd.command_timeout", "smtpd.transaction_timeout", 0, CONF_WARNING,
		"a message is given up before its client is" },
	{ "smtpd.data_timeout", "smtpd.transaction_timeout", 0, CONF_WARNING,
		"a message is given up before its client is" },
	{ "smtpd.greet_delay", "smtpd.command_timeout", 0, CONF_WARNING,
		"clients wait longer for the greeting than they may wait themselves" },
	{ "submission.command_timeout", "submission.transaction_timeout", 0, CONF_WARNING,
		"a message is given up before its client is" },
	{ "submission.data_timeout", "submission.transaction_timeout", 0, CONF_WARNING,
		"a message is given up before its client is" },
	{ "imapd.login_timeout", "imapd.idle_timeout", 0, CONF_WARNING,
		"strangers may wait longer than users" },
	{ "pop3d.login_timeout", "pop3d.idle_timeout", 0, CONF_WARNING,
		"strangers may wait longer than users" },

	{ "qmgr.minimal_backoff", "qmgr.maximal_backoff", 0, CONF_ERROR,
		"the shortest wait is longer than the longest" },
	{ "qmgr.destination_retry", "qmgr.minimal_backoff", 0, CONF_WARNING,
		"a destination is tried again later than its messages" },
	{ "qmgr.maximal_backoff", "qmgr.queue_lifetime", LARGE_OFF, CONF_WARNING,
		"messages are given up before they are tried again" },
	{ "qmgr.delay_warning", "qmgr.queue_lifetime", SMALL_OFF, CONF_WARNING,
		"senders are never told of a delay: the message is given up before" },
	{ "qmgr.queue_lifetime", "mailauth.dkim_expire", LARGE_OFF, CONF_WARNING,
		"signatures end while messages still wait" },
	{ "qmgr.queue_lifetime", "directory.srs_time", 0, CONF_WARNING,
		"what comes back for forwarded mail that waited is refused" },
	{ "qmgr.destination_concurrency", "qmgr.destination_concurrency_max", 0, CONF_WARNING,
		"an unknown destination gets more at once than one may have" },
	{ "qmgr.destination_concurrency_max", "qmgr.outbound_jobs", 0, CONF_WARNING,
		"one destination can take all that may be on its way" },

	{ "smtp_client.idle_connections", "smtp_client.connections", 0, CONF_WARNING,
		"more may wait than there may be" },
	{ "smtp_client.idle_timeout", "smtp_client.reuse_time", 0, CONF_WARNING,
		"connections are kept that are too old for a message" },
	{ "smtp_client.connect_timeout", "smtp_client.job_timeout", 0, CONF_WARNING,
		"a message is given up before its first host is" },
	{ "smtp_client.final_timeout", "smtp_client.job_timeout", 0, CONF_WARNING,
		"a message is given up, and sent twice, while a host is still thinking" },

	{ "resolver.timeout", "mailauth.timeout", 0, CONF_WARNING,
		"one slow answer of the DNS uses up the time for verifying a message" },
	{ "resolver.questions_per_caller", "resolver.questions", 0, CONF_WARNING,
		"one process can take every question" },
	{ "resolver.cache_max_negative_ttl", "resolver.cache_max_ttl", 0, CONF_WARNING,
		"absence is remembered for longer than presence" },
	{ "mailauth.dkim_retire", "mailauth.dkim_rotate", LARGE_OFF, CONF_WARNING,
		"keys are replaced before the records of older ones can go" },

	{ "directory.auth_client_limit", "directory.hash_queue_limit", SMALL_OFF, CONF_WARNING,
		"one client can take the whole queue of password checks" },
	{ "ledger.commit_interval", "ledger.checkpoint_interval", 0, CONF_WARNING,
		"there are more checkpoints than changes" },
	{ "ledger.delay_first", "ledger.delay_max", 0, CONF_ERROR,
		"the first delay is longer than the longest" },
	{ "ledger.ban_time", "ledger.ban_time_max", 0, CONF_ERROR,
		"the first ban is longer than the longest" },
	{ "ledger.address_failures", "ledger.network_failures", LARGE_OFF, CONF_WARNING,
		"a whole network is banned before one address of it" },
	{ "ledger.send_new_recipients", "ledger.send_recipients", LARGE_OFF, CONF_WARNING,
		"the limit of new recipients is never reached" },
	{ "ledger.dmarc_rows", "ledger.dmarc_rows_total", 0, CONF_WARNING,
		"one domain's report can take the room of all" },
};

void
check_orders(struct conf_findings *f)
{
	for (size_t i = 0; i < NITEMS(orders); i++) {
		const struct order *o = &orders[i];
		const uint64_t small = number_of(f->conf, o->small);
		const uint64_t large = number_of(f->conf, o->large);
		const bool off = (small == 0 && (o->flags & SMALL_OFF) != 0) ||
				 (large == 0 && (o->flags & LARGE_OFF) != 0);
		/* said of the line that somebody wrote */
		const bool of_small =
			is_written(f->conf, o->small) || !is_written(f->conf, o->large);
		const char *cure;

		if (small <= large || off)
			continue;
		cure = of_small ? arena_printf(&f->arena, "set it to at most %s, or raise %s",
					  shown(f, o->large), o->large)
				: arena_printf(&f->arena, "set it to at least %s, or lower %s",
					  shown(f, o->small), o->small);
		conf_find(f, o->severity, of_small ? o->small : o->large, cure,
			"%s is %s %s (%s): %s", shown(f, of_small ? o->small : o->large),
			of_small ? "above" : "below", of_small ? o->large : o->small,
			shown(f, of_small ? o->large : o->small), o->text);
	}
}

/* ---- what is asked of everybody ---- */

static const struct least {
	const char *option;
	uint64_t least;
	bool zero_is_off;
	const char *text;
} leasts[] = {
	{ "smtpd.command_timeout", 5 * OPT_MINUTE, false, "RFC 5321 4.5.3.2.7 asks for 5 minutes" },
	{ "smtpd.data_timeout", 3 * OPT_MINUTE, false, "RFC 5321 4.5.3.2.5 asks for 3 minutes" },
	{ "smtpd.message_size_limit", 64 * OPT_KIB, false, "RFC 5321 4.5.3.1.7 asks for 64K" },
	{ "smtpd.text_line_limit", 1000, true, "RFC 5321 4.5.3.1.6 asks for 1000 octets" },
	{ "submission.text_line_limit", 1000, true, "RFC 5321 4.5.3.1.6 asks for 1000 octets" },
	{ "imapd.idle_timeout", 30 * OPT_MINUTE, false, "RFC 3501 5.4 asks for 30 minutes" },
	{ "pop3d.idle_timeout", 10 * OPT_MINUTE, false, "RFC 1939 3 asks for 10 minutes" },
	{ "qmgr.queue_lifetime", 4 * OPT_DAY, false, "RFC 5321 4.5.4.1 asks for 4 to 5 days" },
	{ "smtp_client.greeting_timeout", 5 * OPT_MINUTE, false,
		"RFC 5321 4.5.3.2.1 asks for 5 minutes" },
	{ "smtp_client.command_timeout", 5 * OPT_MINUTE, false,
		"RFC 5321 4.5.3.2.2 asks for 5 minutes" },
	{ "smtp_client.data_timeout", 2 * OPT_MINUTE, false,
		"RFC 5321 4.5.3.2.4 asks for 2 minutes" },
	{ "smtp_client.block_timeout", 3 * OPT_MINUTE, false,
		"RFC 5321 4.5.3.2.5 asks for 3 minutes" },
	{ "smtp_client.final_timeout", 10 * OPT_MINUTE, false,
		"RFC 5321 4.5.3.2.6 asks for 10 minutes; a message may be sent twice" },
	{ "watchdog", 10 * OPT_SECOND, true,
		"a process that waits for a slow disk would be taken for dead" },
	{ "mailauth.dkim_rotate", OPT_DAY, true,
		"new keys need to be published and seen before they sign" },
};

void
check_least(struct conf_findings *f)
{
	for (size_t i = 0; i < NITEMS(leasts); i++) {
		const struct least *l = &leasts[i];
		const uint64_t n = number_of(f->conf, l->option);
		struct conf_option o = { 0 };
		struct buf cure = BUF_INIT;

		if (n >= l->least || (n == 0 && l->zero_is_off))
			continue;
		ASSERT(conf_option_named(f->conf, l->option, &o));
		buf_put_str(&cure, "set it to at least ");
		conf_write_number(&cure, o.row, l->least);
		conf_find(f, CONF_WARNING, l->option, buf_str(&cure), "%s is short: %s",
			shown(f, l->option), l->text);
		buf_free(&cure);
	}
}

/* ---- written, and of no effect ---- */

static const struct pointless {
	const char *option, *needs;
} pointlesses[] = {
	{ "mailauth.sign_required", "mailauth.sign" },
	{ "mailauth.sign_forwards", "mailauth.sign" },
	{ "mailauth.received_spf", "mailauth.verify" },
	{ "mailauth.trusted_forwarders", "mailauth.verify" },
	{ "mailauth.dmarc_reports", "mailauth.verify" },
	{ "mailauth.report_from", "mailauth.dmarc_reports" },
	{ "mailauth.report_org", "mailauth.dmarc_reports" },
	{ "mailauth.report_contact", "mailauth.dmarc_reports" },
	{ "directory.srs_domain", "directory.srs" },
	{ "directory.postgresql_password_file", "directory.postgresql" },
	{ "directory.postgresql_transport", "directory.postgresql" },
	{ "directory.postgresql_sender_transport", "directory.postgresql" },
	{ "directory.postgresql_tls_policy", "directory.postgresql" },
	{ "local_delivery.commands", "directory.alias_file" },
	{ "resolver.insecure_domains", "resolver.trust_anchor" },
};

static bool
is_off(const char *value)
{
	return strcmp(value, "no") == 0 || strcmp(value, "\"\"") == 0;
}

void
check_pointless(struct conf_findings *f)
{
	for (size_t i = 0; i < NITEMS(pointlesses); i++) {
		const struct pointless *p = &pointlesses[i];

		if (is_written(f->conf, p->option) && !is_off(shown(f, p->option)) &&
			is_off(shown(f, p->needs)))
			conf_find(f, CONF_WARNING, p->option,
				arena_printf(&f->arena, "set %s, or remove this", p->needs),
				"does nothing while %s is %s", p->needs,
				strcmp(shown(f, p->needs), "no") == 0 ? "no" : "empty");
	}
}
