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
	OPT_STR(mailauth_conf, authserv_id, "",
		"who we are in Authentication-Results fields; empty: hostname"),
	OPT_NETS(mailauth_conf, trusted_forwarders, "",
		"addresses and networks of forwarders and lists whose mail is not refused, "
		"whatever "
		"DMARC and SPF say"),
	OPT_NETS(mailauth_conf, trusted_networks, "",
		"addresses and networks of own hosts: what they bring is not verified"),
	OPT_BOOL(mailauth_conf, received_spf, "no", "add a Received-SPF field too (RFC 7208 9.1)"),
	OPT_TIME(mailauth_conf, timeout, "20s", OPT_SECOND, OPT_MINUTE,
		"time in which a message is verified; then the results are temperror"),
	OPT_UINT(mailauth_conf, verifiers, "0", 0, 256,
		"processes that verify; 0: one for each core"),
	OPT_UINT(mailauth_conf, jobs, "2000", 10, 20000,
		"messages that one of them has in hand at once; more wait their turn"),
	OPT_UINT(mailauth_conf, signature_limit, "8", 1, 16,
		"DKIM signatures of one message that are verified, the first ones"),
	OPT_SIZE(mailauth_conf, content_limit, "2047M", OPT_MIB, 2047 * OPT_MIB,
		"largest message whose DKIM signatures are verified"),
};

const struct conf_section mailauth_section = { "mailauth", "SPF, DKIM and DMARC",
	sizeof(struct mailauth_conf), rows, NITEMS(rows) };
