/* SPDX-License-Identifier: ISC */
/* lib/conf/resolver_conf.c - DNS. */
#include "resolver_conf.h"

static const struct opt_row rows[] = {
	OPT_LIST(resolver_conf, forwarders, "system",
		"name servers that are asked: addresses (\"192.0.2.53\", \"192.0.2.53:5353\", "
		"\"[2001:db8::53]:53\"); system: those of /etc/resolv.conf, also when it changes; "
		"none: from the root servers on"),
	OPT_STR(resolver_conf, trust_anchor, "/usr/share/dns/root.key",
		"file with the root's keys (DNSKEY or DS records), from which on DNSSEC is "
		"verified; "
		"empty: nothing is verified and nothing is secure"),
	OPT_LIST(resolver_conf, insecure_domains, "",
		"domains, with all below them, whose signatures are not verified: for internal "
		"zones of which the world knows nothing"),
	OPT_TIME(resolver_conf, timeout, "10s", 100, 50 * OPT_SECOND,
		"time in which a question is answered; then the answer is that there was none"),
	OPT_SIZE(resolver_conf, cache_size, "32M", OPT_MIB, OPT_GIB,
		"memory for records; messages and keys take half as much again"),
	OPT_TIME(resolver_conf, cache_max_ttl, "1d", OPT_SECOND, 7 * OPT_DAY,
		"longest time for which a record is remembered"),
	OPT_TIME(resolver_conf, cache_max_negative_ttl, "15m", OPT_SECOND, OPT_DAY,
		"longest time for which the absence of one is remembered"),
	OPT_UINT(resolver_conf, questions, "20000", 100, 100000,
		"different questions that may be under way; half of them for names of clients"),
	OPT_UINT(resolver_conf, questions_per_caller, "5000", 10, 100000,
		"questions of one process that may be under way"),
};

const struct conf_section resolver_section = { "resolver", "DNS", sizeof(struct resolver_conf),
	rows, NITEMS(rows) };
