/* SPDX-License-Identifier: ISC */
/* lib/conf/mailauth_conf.c - SPF, DKIM and DMARC. */
#include "mailauth_conf.h"

static const struct opt_row rows[] = {
	/* at the door */
	OPT_BOOL(mailauth_conf, verify, "yes",
		"verify SPF, DKIM and DMARC of what comes to port 25"),
	OPT_WORD(mailauth_conf, spf_fail, "score", "score reject",
		"a client that the sender's domain forbids (SPF fail): score (DMARC decides) or "
		"reject (550 5.7.23)"),
	OPT_WORD(mailauth_conf, dmarc, "enforce", "enforce score",
		"a message that fails DMARC: enforce what the author's domain asks for (reject, "
		"quarantine) or score (deliver)"),
	OPT_WORD(mailauth_conf, temperror, "accept", "accept defer",
		"a message of which DMARC cannot be told because the DNS does not answer: accept "
		"it or defer it (451 4.4.3)"),
	OPT_STR(mailauth_conf, authserv_id, "",
		"who we are in Authentication-Results fields; empty: hostname"),
	OPT_NETS(mailauth_conf, trusted_forwarders, "",
		"addresses and networks of forwarders and lists whose mail is not refused, "
		"whatever "
		"DMARC and SPF say"),
	OPT_NETS(mailauth_conf, trusted_networks, "127.0.0.0/8, ::1",
		"addresses and networks of own hosts: what they bring is not verified"),
	OPT_BOOL(mailauth_conf, received_spf, "no", "add a Received-SPF field too (RFC 7208 9.1)"),
	OPT_BOOL(mailauth_conf, tell_login, "no",
		"what a login submits gets a field that names it: Authentication-Results, "
		"auth=pass"),
	OPT_TIME(mailauth_conf, timeout, "20s", OPT_SECOND, OPT_MINUTE,
		"time in which a message is verified; then the results are temperror"),
	OPT_UINT(mailauth_conf, verifiers, "0", 0, 256,
		"processes that verify; 0: one for each core"),
	OPT_UINT(mailauth_conf, jobs, "2000", 10, 10000,
		"messages that one of them has in hand at once; more wait their turn"),
	OPT_UINT(mailauth_conf, signature_limit, "8", 1, 16,
		"DKIM signatures of one message that are verified, the author's first"),
	OPT_UINT(mailauth_conf, rsa_bits_min, "1024", 1024, 4096,
		"DKIM signatures by RSA keys of fewer bits are not valid (RFC 8301 3.2)"),
	OPT_SIZE(mailauth_conf, content_limit, "2047M", OPT_MIB, 2047 * OPT_MIB,
		"largest message whose DKIM signatures are verified"),

	/* DKIM on the way out */
	OPT_BOOL(mailauth_conf, sign, "yes",
		"sign what our users send, and our own reports, for domains that have DKIM keys"),
	OPT_BOOL(mailauth_conf, sign_required, "no",
		"a user's message whose domain has keys, but that cannot be signed, is refused "
		"(451, or 550 if it never can be) instead of being sent unsigned"),
	OPT_BOOL(mailauth_conf, sign_forwards, "no",
		"sign forwarded mail too, for the domain of the address that forwards"),
	OPT_UINT(mailauth_conf, signers, "2", 0, 256, "processes that sign; 0: one for each core"),
	OPT_TIME(mailauth_conf, dkim_expire, "0s", 0, 365 * OPT_DAY,
		"time after which our signatures are not valid any more (x=); 0: they say nothing "
		"of it"),
	OPT_TIME(mailauth_conf, dkim_rotate, "180d", 0, 3650 * OPT_DAY,
		"age at which DKIM keys are replaced by new ones, which have to be published; 0: "
		"only by hand"),
	OPT_TIME(mailauth_conf, dkim_retire, "7d", OPT_SECOND, 365 * OPT_DAY,
		"how long the record of a key that signs no more stays needed"),
	OPT_TIME(mailauth_conf, dkim_check, "5m", OPT_SECOND, OPT_DAY,
		"how often the DNS is asked whether the record of a new key is there"),
	OPT_TIME(mailauth_conf, dkim_watch, "6h", OPT_SECOND, 7 * OPT_DAY,
		"how often the records of keys in use are looked at"),

	/* aggregate reports of DMARC */
	OPT_BOOL(mailauth_conf, dmarc_reports, "yes",
		"count what comes for aggregate reports, and send them daily to the domains that "
		"ask for them"),
	OPT_UINT(mailauth_conf, report_hour, "3", 0, 23,
		"hour, in UTC, after which the reports on the day before are sent"),
	OPT_STR(mailauth_conf, report_from, "",
		"address that sends them, of a domain that we sign for; empty: postmaster at the "
		"first domain"),
	OPT_STR(mailauth_conf, report_reverse_path, "", "their reverse-path; empty: the null one"),
	OPT_STR(mailauth_conf, report_org, "", "who reports: a name for people; empty: hostname"),
	OPT_STR(mailauth_conf, report_contact, "",
		"more on whom to ask, as a web page's address; may be empty"),
	OPT_SIZE(mailauth_conf, report_size, "20M", 64 * OPT_KIB, 256 * OPT_MIB,
		"largest report, before compression; what does not fit is left out, and told"),
};

const struct conf_section mailauth_section = { "mailauth", "SPF, DKIM and DMARC",
	sizeof(struct mailauth_conf), rows, NITEMS(rows) };
