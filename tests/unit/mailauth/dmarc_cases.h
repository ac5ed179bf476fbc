/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/dmarc_cases.h - the table of DMARC: what a message and a DNS lead to, and
 * where RFC 9989 says so.
 *
 * spf, dkim: "pass DOMAIN", "fail DOMAIN", "temp DOMAIN", with commas between; NULL: none.
 * from: the field's value; several fields with a line end between; NULL: no field.
 * zone, entries with " | " between:
 *	DOMAIN v=...     a TXT record at _dmarc.DOMAIN
 *	DOMAIN !fail     the DNS does not answer for _dmarc.DOMAIN
 *	DOMAIN !nx       DOMAIN does not exist (all others do)
 *	DOMAIN !lost     the DNS does not answer for DOMAIN
 * org: the organizational domain of the author; at: where the record was found; NULL: not asked.
 * how: "s" aligned by SPF, "d" by DKIM.
 */
#include "dmarc.h"

#define NONE      DMARC_RESULT_NONE
#define PASS      DMARC_RESULT_PASS
#define FAIL      DMARC_RESULT_FAIL
#define TEMPERROR DMARC_RESULT_TEMPERROR
#define PERMERROR DMARC_RESULT_PERMERROR
#define n         DMARC_NONE
#define q         DMARC_QUARANTINE
#define r         DMARC_REJECT

#define A_ORG    "a@example.org"
#define A_SUB    "a@news.example.org"
#define REJECT   "example.org v=DMARC1; p=reject"
#define RELAXED  "example.org v=DMARC1; p=reject; aspf=r; adkim=r"
#define STRICT   "example.org v=DMARC1; p=reject; aspf=s; adkim=s"
#define SUBSTRICT "example.org v=DMARC1; p=reject; sp=quarantine; aspf=s; adkim=s"
#define LONG     "a@a.b.c.d.e.f.g.h.i.j.mail.example.com"

static const struct row {
	const char *label, *section;
	const char *from, *spf, *dkim, *zone;
	enum dmarc_result result;
	enum dmarc_policy policy;
	const char *how;
	const char *org, *at;
} rows[] = {
	/* --- alignment by SPF --- */
	{ "SPF relaxed: the same", "4.4", A_ORG, "pass example.org", NULL, RELAXED, PASS, r, "s", "example.org", "example.org" },
	{ "SPF relaxed: a subdomain", "4.4", A_ORG, "pass bounce.example.org", NULL, RELAXED, PASS, r, "s", NULL, NULL },
	{ "SPF relaxed: two below", "4.4", A_ORG, "pass x.bounce.example.org", NULL, RELAXED, PASS, r, "s", NULL, NULL },
	{ "SPF relaxed: the parent", "4.4", A_SUB, "pass example.org", NULL, RELAXED, PASS, r, "s", "example.org", "example.org" },
	{ "SPF relaxed: a sibling", "4.4", A_SUB, "pass foo.example.org", NULL, RELAXED, PASS, r, "s", NULL, NULL },
	{ "SPF relaxed: another domain", "4.4", A_ORG, "pass example.net", NULL, RELAXED, FAIL, r, "", NULL, NULL },
	{ "SPF relaxed: ends like it", "4.4", A_ORG, "pass badexample.org", NULL, RELAXED, FAIL, r, "", NULL, NULL },
	{ "SPF relaxed: the public suffix", "4.4", A_ORG, "pass org", NULL, RELAXED, FAIL, r, "", NULL, NULL },
	{ "SPF strict: the same", "4.4.2", A_ORG, "pass example.org", NULL, STRICT, PASS, r, "s", NULL, NULL },
	{ "SPF strict: a subdomain", "4.4.2", A_ORG, "pass bounce.example.org", NULL, STRICT, FAIL, r, "", NULL, NULL },
	{ "SPF strict: the parent", "4.4.2", A_SUB, "pass example.org", NULL, STRICT, FAIL, r, "", NULL, NULL },
	{ "SPF strict: a sibling", "4.4.2", A_SUB, "pass foo.example.org", NULL, STRICT, FAIL, r, "", NULL, NULL },
	{ "SPF strict: the same subdomain", "4.4.2", A_SUB, "pass news.example.org", NULL, STRICT, PASS, r, "s", NULL, NULL },
	{ "SPF strict: another domain", "4.4.2", A_ORG, "pass example.net", NULL, STRICT, FAIL, r, "", NULL, NULL },
	{ "SPF fails: the same", "5.3.3", A_ORG, "fail example.org", NULL, RELAXED, FAIL, r, "", NULL, NULL },
	{ "SPF: capitals", "4.4", A_ORG, "pass Example.ORG", NULL, STRICT, PASS, r, "s", NULL, NULL },
	{ "SPF: a dot at the end", "4.4", A_ORG, "pass example.org.", NULL, STRICT, PASS, r, "s", NULL, NULL },
	{ "SPF: an address literal", "4.4.2", A_ORG, "pass [192.0.2.1]", NULL, RELAXED, FAIL, r, "", NULL, NULL },
	{ "SPF: no domain", "4.4.2", A_ORG, NULL, NULL, RELAXED, FAIL, r, "", NULL, NULL },

	/* --- alignment by DKIM --- */
	{ "DKIM relaxed: the same", "4.4.1", A_ORG, NULL, "pass example.org", RELAXED, PASS, r, "d", NULL, NULL },
	{ "DKIM relaxed: a subdomain", "4.4.1", A_ORG, NULL, "pass s.example.org", RELAXED, PASS, r, "d", NULL, NULL },
	{ "DKIM relaxed: the parent", "4.4.1", A_SUB, NULL, "pass example.org", RELAXED, PASS, r, "d", NULL, NULL },
	{ "DKIM relaxed: a sibling", "4.4.1", A_SUB, NULL, "pass foo.example.org", RELAXED, PASS, r, "d", NULL, NULL },
	{ "DKIM relaxed: another domain", "4.4.1", A_ORG, NULL, "pass example.net", RELAXED, FAIL, r, "", NULL, NULL },
	{ "DKIM relaxed: the public suffix", "4.4.1", A_ORG, NULL, "pass org", RELAXED, FAIL, r, "", NULL, NULL },
	{ "DKIM relaxed: ends like it", "4.4.1", A_ORG, NULL, "pass notexample.org", RELAXED, FAIL, r, "", NULL, NULL },
	{ "DKIM strict: the same", "4.4.1", A_ORG, NULL, "pass example.org", STRICT, PASS, r, "d", NULL, NULL },
	{ "DKIM strict: a subdomain", "4.4.1", A_ORG, NULL, "pass s.example.org", STRICT, FAIL, r, "", NULL, NULL },
	{ "DKIM strict: the parent", "4.4.1", A_SUB, NULL, "pass example.org", STRICT, FAIL, r, "", NULL, NULL },
	{ "DKIM strict: a sibling", "4.4.1", A_SUB, NULL, "pass foo.example.org", STRICT, FAIL, r, "", NULL, NULL },
	{ "DKIM fails: the same", "5.3.3", A_ORG, NULL, "fail example.org", RELAXED, FAIL, r, "", NULL, NULL },
	{ "DKIM: no signature", "5.3.5", A_ORG, NULL, NULL, RELAXED, FAIL, r, "", NULL, NULL },
	{ "DKIM: the second of two", "4.4.1", A_ORG, NULL, "pass example.net,pass example.org", RELAXED, PASS, r, "d", NULL, NULL },
	{ "DKIM: one that fails, one that passes", "4.4.1", A_ORG, NULL, "fail example.org,pass example.org", RELAXED, PASS, r, "d", NULL, NULL },
	{ "DKIM: passes elsewhere, fails here", "4.4.1", A_ORG, NULL, "pass example.net,fail example.org", RELAXED, FAIL, r, "", NULL, NULL },
	{ "DKIM: strict among relaxed", "4.4.1", A_ORG, NULL, "pass s.example.org,pass example.org", STRICT, PASS, r, "d", NULL, NULL },
	{ "DKIM: many, none aligned", "4.4.1", A_ORG, NULL, "pass a.net,pass b.net,pass c.net,pass d.net,pass e.net,pass f.net,pass g.net,pass h.net", RELAXED, FAIL, r, "", NULL, NULL },

	/* --- both --- */
	{ "both aligned", "5.3.5", A_ORG, "pass example.org", "pass example.org", RELAXED, PASS, r, "sd", NULL, NULL },
	{ "SPF aligned, DKIM fails", "5.3.5", A_ORG, "pass example.org", "fail example.org", RELAXED, PASS, r, "s", NULL, NULL },
	{ "SPF aligned, DKIM of another", "5.3.5", A_ORG, "pass example.org", "pass list.example.net", RELAXED, PASS, r, "s", NULL, NULL },
	{ "forwarded: SPF of another, DKIM aligned", "5.3.5", A_ORG, "pass forward.example.net", "pass example.org", RELAXED, PASS, r, "d", NULL, NULL },
	{ "a list: both of another", "5.3.5", A_ORG, "pass list.example.net", "pass list.example.net", RELAXED, FAIL, r, "", NULL, NULL },
	{ "both fail", "5.3.5", A_ORG, "fail example.org", "fail example.org", RELAXED, FAIL, r, "", NULL, NULL },
	{ "aspf strict, adkim relaxed: SPF", "4.7", A_ORG, "pass b.example.org", NULL, "example.org v=DMARC1; p=reject; aspf=s", FAIL, r, "", NULL, NULL },
	{ "aspf strict, adkim relaxed: DKIM", "4.7", A_ORG, NULL, "pass b.example.org", "example.org v=DMARC1; p=reject; aspf=s", PASS, r, "d", NULL, NULL },
	{ "adkim strict, aspf relaxed: SPF", "4.7", A_ORG, "pass b.example.org", NULL, "example.org v=DMARC1; p=reject; adkim=s", PASS, r, "s", NULL, NULL },
	{ "adkim strict, aspf relaxed: DKIM", "4.7", A_ORG, NULL, "pass b.example.org", "example.org v=DMARC1; p=reject; adkim=s", FAIL, r, "", NULL, NULL },
	{ "the alignment mode is the applied record's", "4.7", A_SUB, "pass example.org", NULL, SUBSTRICT, FAIL, q, "", NULL, NULL },
	{ "two domains that share a suffix only", "4.4", "a@one.co.uk", "pass two.co.uk", NULL, "one.co.uk v=DMARC1; p=reject | two.co.uk v=DMARC1; p=reject", FAIL, r, "", "one.co.uk", NULL },
	{ "a signature of the suffix co.uk", "4.4", "a@one.co.uk", NULL, "pass co.uk", "one.co.uk v=DMARC1; p=reject", FAIL, r, "", NULL, NULL },
	{ "a signature of the suffix github.io", "4.4", "a@foo.github.io", NULL, "pass github.io", "foo.github.io v=DMARC1; p=reject", FAIL, r, "", NULL, NULL },

	/* --- which policy --- */
	{ "p=none", "4.7", A_ORG, NULL, NULL, "example.org v=DMARC1; p=none", FAIL, n, "", NULL, NULL },
	{ "p=quarantine", "4.7", A_ORG, NULL, NULL, "example.org v=DMARC1; p=quarantine", FAIL, q, "", NULL, NULL },
	{ "p=reject", "4.7", A_ORG, NULL, NULL, REJECT, FAIL, r, "", NULL, NULL },
	{ "p for the domain itself, not sp", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=none; sp=reject", FAIL, n, "", NULL, NULL },
	{ "p for the domain itself, not np", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=none; np=reject | example.org !nx", FAIL, n, "", NULL, NULL },
	{ "a subdomain has p", "4.10.1", A_SUB, NULL, NULL, REJECT, FAIL, r, "", "example.org", "example.org" },
	{ "a subdomain has sp=none", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; sp=none", FAIL, n, "", NULL, NULL },
	{ "a subdomain has sp=quarantine", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; sp=quarantine", FAIL, q, "", NULL, NULL },
	{ "a subdomain has sp=reject", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; sp=reject", FAIL, r, "", NULL, NULL },
	{ "a subdomain that exists: not np", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; np=reject", FAIL, n, "", NULL, NULL },
	{ "a subdomain that does not exist: np", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; np=reject | news.example.org !nx", FAIL, r, "", NULL, NULL },
	{ "np=none under sp=reject", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; sp=reject; np=none | news.example.org !nx", FAIL, n, "", NULL, NULL },
	{ "np=quarantine under sp=none", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; sp=none; np=quarantine | news.example.org !nx", FAIL, q, "", NULL, NULL },
	{ "without np: sp also if it does not exist", "4.7", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; sp=reject | news.example.org !nx", FAIL, r, "", NULL, NULL },
	{ "without np and sp: p also if it does not exist", "4.7", A_SUB, NULL, NULL, "example.org v=DMARC1; p=quarantine | news.example.org !nx", FAIL, q, "", NULL, NULL },
	{ "sp and np: the one that exists", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; sp=quarantine; np=reject", FAIL, q, "", NULL, NULL },
	{ "does not exist, but signed: passes", "5.3.5", A_SUB, NULL, "pass example.org", "example.org v=DMARC1; p=none; np=reject | news.example.org !nx", PASS, n, "d", NULL, NULL },
	{ "the subdomain's own record goes first", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject | news.example.org v=DMARC1; p=none", FAIL, n, "", "example.org", "news.example.org" },
	{ "sp of a subdomain's own record is not for itself", "4.7", A_SUB, NULL, NULL, "news.example.org v=DMARC1; p=none; sp=reject", FAIL, n, "", NULL, NULL },
	{ "whether it exists is not known", "5.3.6", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; np=reject | news.example.org !lost", TEMPERROR, n, "", NULL, NULL },
	{ "whether it exists is not asked without need", "5.3.6", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject | news.example.org !lost", FAIL, r, "", NULL, NULL },

	/* --- t=y --- */
	{ "t=y: reject becomes quarantine", "4.7", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; t=y", FAIL, q, "", NULL, NULL },
	{ "t=y: quarantine becomes none", "4.7", A_ORG, NULL, NULL, "example.org v=DMARC1; p=quarantine; t=y", FAIL, n, "", NULL, NULL },
	{ "t=y: none stays", "4.7", A_ORG, NULL, NULL, "example.org v=DMARC1; p=none; t=y", FAIL, n, "", NULL, NULL },
	{ "t=n", "4.7", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; t=n", FAIL, r, "", NULL, NULL },
	{ "t=Y", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; t=Y", FAIL, q, "", NULL, NULL },
	{ "t=x is as if it was not there", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; t=x", FAIL, r, "", NULL, NULL },
	{ "t=y concerns sp too", "4.7", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; sp=reject; t=y", FAIL, q, "", NULL, NULL },
	{ "t=y concerns np too", "4.7", A_SUB, NULL, NULL, "example.org v=DMARC1; p=none; np=quarantine; t=y | news.example.org !nx", FAIL, n, "", NULL, NULL },
	{ "t=y and a pass", "4.7", A_ORG, "pass example.org", NULL, "example.org v=DMARC1; p=reject; t=y", PASS, q, "s", NULL, NULL },
	{ "pct is no tag any more", "A.6", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; pct=0", FAIL, r, "", NULL, NULL },

	/* --- the tree walk --- */
	{ "no record anywhere", "4.10.1", A_SUB, "pass example.net", NULL, "example.net v=DMARC1; p=reject", NONE, n, "", NULL, NULL },
	{ "no record, though all passes", "4.10.1", A_ORG, "pass example.org", "pass example.org", "", NONE, n, "", NULL, NULL },
	{ "a record two above", "4.10.2", "a@x.y.example.org", NULL, NULL, REJECT, FAIL, r, "", "example.org", "example.org" },
	{ "records at two levels: the shorter is the organization's", "4.10.2", "a@a.mail.example.com", NULL, NULL, "mail.example.com v=DMARC1; p=reject | example.com v=DMARC1; p=quarantine", FAIL, q, "", "example.com", "example.com" },
	{ "psd=n ends the walk", "4.10.2", "a@a.mail.example.com", NULL, NULL, "mail.example.com v=DMARC1; p=reject; psd=n | example.com v=DMARC1; p=none", FAIL, r, "", "mail.example.com", "mail.example.com" },
	{ "psd=n: a sibling of it is not aligned", "4.10.2", "a@a.mail.example.com", "pass example.com", NULL, "mail.example.com v=DMARC1; p=reject; psd=n | example.com v=DMARC1; p=none", FAIL, r, "", NULL, NULL },
	{ "psd=n: below it is aligned", "4.10.2", "a@a.mail.example.com", "pass b.mail.example.com", NULL, "mail.example.com v=DMARC1; p=reject; psd=n | example.com v=DMARC1; p=none", PASS, r, "s", NULL, NULL },
	{ "psd=n below the other's organization", "4.10.2", "a@www.example.com", NULL, "pass b.mail.example.com", "mail.example.com v=DMARC1; p=reject; psd=n | example.com v=DMARC1; p=reject", FAIL, r, "", "example.com", NULL },
	{ "psd=n at the author's own domain", "4.10.2", A_ORG, "pass b.example.org", NULL, "example.org v=DMARC1; p=reject; psd=n | org v=DMARC1; p=none", PASS, r, "s", "example.org", NULL },
	{ "psd=y one above: the author is the organization", "4.10.2", "a@example.com", NULL, NULL, "com v=DMARC1; p=reject; psd=y", FAIL, r, "", "example.com", "com" },
	{ "psd=y: the domain below it", "4.10.2", "a@a.mail.example.com", NULL, NULL, "com v=DMARC1; p=reject; psd=y", FAIL, r, "", "example.com", "com" },
	{ "psd=y: sp of the suffix", "4.10.1", "a@example.com", NULL, NULL, "com v=DMARC1; p=none; sp=quarantine; psd=y", FAIL, q, "", NULL, "com" },
	{ "psd=y: np of the suffix", "4.10.1", "a@example.com", NULL, NULL, "com v=DMARC1; p=none; np=reject; psd=y | example.com !nx", FAIL, r, "", NULL, "com" },
	{ "psd=y: the organization's record goes first", "4.10.1", "a@a.example.com", NULL, NULL, "com v=DMARC1; p=reject; psd=y | example.com v=DMARC1; p=none", FAIL, n, "", "example.com", "example.com" },
	{ "psd=y: not that of a name between", "4.10.1", "a@a.mail.example.com", NULL, NULL, "com v=DMARC1; p=quarantine; psd=y | mail.example.com v=DMARC1; p=reject", FAIL, q, "", "example.com", "com" },
	{ "psd=y: siblings below it are not aligned", "4.10.2", "a@one.com", "pass two.com", NULL, "com v=DMARC1; p=reject; psd=y", FAIL, r, "", NULL, NULL },
	{ "psd=y: the suffix itself is not aligned", "4.10.2", "a@one.com", "pass com", NULL, "com v=DMARC1; p=reject; psd=y", FAIL, r, "", NULL, NULL },
	{ "psd=y: below the organization is aligned", "4.10.2", "a@one.com", "pass b.one.com", NULL, "com v=DMARC1; p=reject; psd=y", PASS, r, "s", NULL, NULL },
	{ "psd=y at the author's own domain", "4.10.2", "a@co.uk", "pass co.uk", NULL, "co.uk v=DMARC1; p=reject; psd=y", PASS, r, "s", "co.uk", "co.uk" },
	{ "psd=y at the author's own domain: below is another", "4.10.2", "a@co.uk", "pass one.co.uk", NULL, "co.uk v=DMARC1; p=reject; psd=y", FAIL, r, "", NULL, NULL },
	{ "psd=u is as if it was not there", "4.7", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; psd=u", FAIL, r, "", "example.org", NULL },
	{ "psd=x is as if it was not there", "4.8", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; psd=x", FAIL, r, "", "example.org", NULL },
	{ "a top level domain without psd=y is an organization", "11.8", "a@one.com", "pass two.com", NULL, "com v=DMARC1; p=reject", PASS, r, "s", "com", "com" },
	{ "and psd=n below it keeps it off", "11.8", "a@one.com", "pass two.com", NULL, "com v=DMARC1; p=reject | one.com v=DMARC1; p=reject; psd=n", FAIL, r, "", "one.com", NULL },
	{ "a long name: eight queries", "4.10", LONG, NULL, NULL, "com v=DMARC1; p=none | example.com v=DMARC1; p=reject; psd=n", FAIL, r, "", "example.com", "example.com" },
	{ "a long name: its own record", "4.10.1", LONG, NULL, NULL, "a.b.c.d.e.f.g.h.i.j.mail.example.com v=DMARC1; p=reject", FAIL, r, "", NULL, "a.b.c.d.e.f.g.h.i.j.mail.example.com" },
	{ "a long name: the seventh label is asked for", "4.10", LONG, NULL, NULL, "g.h.i.j.mail.example.com v=DMARC1; p=reject", FAIL, r, "", "g.h.i.j.mail.example.com", NULL },
	{ "a long name: the eighth is not", "4.10", LONG, NULL, NULL, "f.g.h.i.j.mail.example.com v=DMARC1; p=reject", NONE, n, "", NULL, NULL },
	{ "eight labels: the next has seven", "4.10", "a@a.b.c.d.e.f.example.com", NULL, NULL, "b.c.d.e.f.example.com v=DMARC1; p=reject", FAIL, r, "", NULL, NULL },
	{ "nine labels: the next has seven too", "4.10", "a@z.a.b.c.d.e.f.example.com", NULL, NULL, "a.b.c.d.e.f.example.com v=DMARC1; p=reject", NONE, n, "", NULL, NULL },
	{ "one label", "4.10", "a@localdomain", "pass localdomain", NULL, "localdomain v=DMARC1; p=reject", PASS, r, "s", "localdomain", NULL },
	{ "two records: as none", "4.10", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject | example.org v=DMARC1; p=none", NONE, n, "", NULL, NULL },
	{ "two records: the walk goes on", "4.10", A_SUB, NULL, NULL, "news.example.org v=DMARC1; p=none | news.example.org v=DMARC1; p=none | example.org v=DMARC1; p=reject", FAIL, r, "", NULL, "example.org" },
	{ "one record and other text", "4.10", A_ORG, NULL, NULL, "example.org v=spf1 -all | example.org v=DMARC1; p=reject", FAIL, r, "", NULL, NULL },
	{ "one record and one of another version", "4.10", A_ORG, NULL, NULL, "example.org v=DMARC2; p=none | example.org v=DMARC1; p=reject", FAIL, r, "", NULL, NULL },
	{ "an underscore in a name", "4.10", "a@x_y.example.org", NULL, NULL, REJECT, FAIL, r, "", NULL, NULL },

	/* --- malformed records --- */
	{ "without v", "4.7", A_ORG, NULL, NULL, "example.org p=reject", NONE, n, "", NULL, NULL },
	{ "v is not first", "4.7", A_ORG, NULL, NULL, "example.org p=reject; v=DMARC1", NONE, n, "", NULL, NULL },
	{ "v=dmarc1", "4.7", A_ORG, NULL, NULL, "example.org v=dmarc1; p=reject", NONE, n, "", NULL, NULL },
	{ "v=DMARC2", "4.7", A_ORG, NULL, NULL, "example.org v=DMARC2; p=reject", NONE, n, "", NULL, NULL },
	{ "v=DMARC1 without a semicolon", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1 p=reject", NONE, n, "", NULL, NULL },
	{ "V=DMARC1", "4.8", A_ORG, NULL, NULL, "example.org V=DMARC1; p=reject", FAIL, r, "", NULL, NULL },
	{ "blanks around everything", "4.8", A_ORG, NULL, NULL, "example.org v = DMARC1 ; p\t=\treject ;", FAIL, r, "", NULL, NULL },
	{ "no blanks at all", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1;p=reject;sp=none", FAIL, r, "", NULL, NULL },
	{ "capitals in tags and values", "4.8", A_ORG, "pass b.example.org", NULL, "example.org v=DMARC1; P=Reject; ASPF=S", FAIL, r, "", NULL, NULL },
	{ "empty tags", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1;; ;p=reject;;", FAIL, r, "", NULL, NULL },
	{ "unknown tags", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; foo=bar; p=reject; x=1", FAIL, r, "", NULL, NULL },
	{ "a tag without a value", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; foo; p=reject", FAIL, r, "", NULL, NULL },
	{ "p is not second", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; sp=none; p=reject", FAIL, r, "", NULL, NULL },
	{ "no p, no rua", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1", PERMERROR, n, "", NULL, "example.org" },
	{ "no p, with rua: none", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; rua=mailto:a@example.org", FAIL, n, "", NULL, NULL },
	{ "no p, sp=reject, with rua: none", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; sp=reject; rua=mailto:a@example.org", FAIL, n, "", NULL, NULL },
	{ "no p, with a rua that is none", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; rua=a@example.org", PERMERROR, n, "", NULL, NULL },
	{ "p=r, no rua", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=r", PERMERROR, n, "", NULL, NULL },
	{ "p=r, with rua: none", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=r; rua=mailto:a@example.org", FAIL, n, "", NULL, NULL },
	{ "p= empty, no rua", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=", PERMERROR, n, "", NULL, NULL },
	{ "bad sp, no rua", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; sp=block", PERMERROR, n, "", NULL, NULL },
	{ "bad sp, with rua: none", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; sp=block; rua=mailto:a@example.org", FAIL, n, "", NULL, NULL },
	{ "bad np, no rua", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; np=x", PERMERROR, n, "", NULL, NULL },
	{ "bad np, with rua: none", "4.10.1", A_SUB, NULL, NULL, "example.org v=DMARC1; p=reject; np=x; rua=mailto:a@example.org", FAIL, n, "", NULL, NULL },
	{ "bad adkim: relaxed", "4.8", A_ORG, NULL, "pass b.example.org", "example.org v=DMARC1; p=reject; adkim=strict", PASS, r, "d", NULL, NULL },
	{ "bad aspf: relaxed", "4.8", A_ORG, "pass b.example.org", NULL, "example.org v=DMARC1; p=reject; aspf=", PASS, r, "s", NULL, NULL },
	{ "a tag twice: the first", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; p=quarantine; p=none", FAIL, q, "", NULL, NULL },
	{ "a bad fo", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject; fo=0:1:x", FAIL, r, "", NULL, NULL },
	{ "a bad rua beside a good one", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; p=r; rua=nonsense,mailto:a@example.org!10m", FAIL, n, "", NULL, NULL },
	{ "a URI of another scheme makes a record too", "4.10.1", A_ORG, NULL, NULL, "example.org v=DMARC1; p=r; rua=https://example.org/r", FAIL, n, "", NULL, NULL },
	{ "a record that cannot be used ends the walk for the author", "4.10.1", A_SUB, NULL, NULL, "news.example.org v=DMARC1; p=x | example.org v=DMARC1; p=reject", PERMERROR, n, "", NULL, "news.example.org" },
	{ "a quoted record", "4.7", A_ORG, NULL, NULL, "example.org \"v=DMARC1; p=reject\"", NONE, n, "", NULL, NULL },
	{ "an octet that is not printable in p", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; p=reject\x01", PERMERROR, n, "", NULL, NULL },
	{ "8 bits in a tag nobody knows", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1; note=caf\xc3\xa9; p=reject", FAIL, r, "", NULL, NULL },
	{ "an HTML entity for the semicolon", "4.8", A_ORG, NULL, NULL, "example.org v=DMARC1&#59; p=reject", NONE, n, "", NULL, NULL },

	/* --- the From field --- */
	{ "no From field", "4.2", NULL, "pass example.org", "pass example.org", REJECT, PERMERROR, n, "", NULL, NULL },
	{ "two From fields of one domain", "4.4", "a@example.org\na@example.org", "pass example.org", NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "two From fields of two domains", "11.5", "a@example.net\na@example.org", "pass example.net", NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "an empty From field", "5.3.1", "", "pass example.org", NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a name alone", "5.3.1", "Joe", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a null address", "5.3.1", "<>", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a local-part alone", "5.3.1", "<joe>", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "with a name", "5.3.1", "\"Joe, of Example\" <a@example.org>", "pass example.org", NULL, REJECT, PASS, r, "s", NULL, NULL },
	{ "an address as the name", "11.4", "\"a@example.org\" <b@evil.example>", "pass evil.example", NULL, REJECT, NONE, n, "", NULL, NULL },
	{ "folded, with comments", "5.3.1", "Joe\r\n (the (one)) <a (x) @ (y)\r\n example.org>", "pass example.org", NULL, REJECT, PASS, r, "s", NULL, NULL },
	{ "two addresses of one domain", "5.3.1", "a@example.org, b@EXAMPLE.org", NULL, NULL, REJECT, FAIL, r, "", NULL, NULL },
	{ "two addresses of two domains", "11.5", "a@example.org, b@example.net", "pass example.net", NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a domain and its subdomain are two", "11.5", "a@example.org, b@x.example.org", "pass example.org", NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a group of one domain", "5.3.1", "Team: a@example.org, b@example.org;", "pass example.org", NULL, REJECT, PASS, r, "s", NULL, NULL },
	{ "an empty group", "5.3.1", "Undisclosed:;", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a group and an address of another domain", "11.5", "Team: a@example.org;, b@example.net", "pass example.net", NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "an address literal", "5.3.1", "a@[192.0.2.1]", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "capitals and a dot at the end", "4.4", "a@Example.Org.", "pass example.org", NULL, REJECT, PASS, r, "s", NULL, NULL },
	{ "U-labels become A-labels", "5.3.1", "a@b\xc3\xbc" "cher.example", "pass xn--bcher-kva.example", NULL, "xn--bcher-kva.example v=DMARC1; p=reject", PASS, r, "s", "xn--bcher-kva.example", NULL },
	{ "U-labels in SPF's domain", "5.3.1", "a@xn--bcher-kva.example", "pass b\xc3\xbc" "cher.example", NULL, "xn--bcher-kva.example v=DMARC1; p=reject", PASS, r, "s", NULL, NULL },
	{ "U-labels of another normal form", "5.3.1", "a@bu\xcc\x88" "cher.example", NULL, NULL, "xn--bcher-kva.example v=DMARC1; p=reject", FAIL, r, "", NULL, NULL },
	{ "8 bits that are no UTF-8", "5.3.1", "a@b\xfc" "cher.example", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "an octet that no name has", "5.3.1", "a@exam\x01ple.org", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a label that is too long", "5.3.1", "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.org", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "two dots", "5.3.1", "a@example..org", NULL, NULL, REJECT, PERMERROR, n, "", NULL, NULL },
	{ "a quoted local-part", "5.3.1", "\"a@evil.example\"@example.org", "pass example.org", NULL, REJECT, PASS, r, "s", NULL, NULL },
	{ "a source route", "5.3.1", "<@evil.example:a@example.org>", "pass example.org", NULL, REJECT, PASS, r, "s", NULL, NULL },

	/* --- the DNS does not answer --- */
	{ "no answer for the author's record", "5.3.6", A_ORG, "pass example.org", NULL, "example.org !fail", TEMPERROR, n, "", NULL, NULL },
	{ "no answer further up, and no record before", "5.3.6", A_SUB, "pass example.net", NULL, "example.org !fail", TEMPERROR, n, "", NULL, NULL },
	{ "no answer further up: the same domain passes", "5.3.6", A_ORG, "pass example.org", NULL, REJECT " | org !fail", PASS, r, "s", "", NULL },
	{ "no answer further up: strict passes", "5.3.6", A_ORG, NULL, "pass example.org", STRICT " | org !fail", PASS, r, "d", NULL, NULL },
	{ "no answer further up: strict fails", "5.3.6", A_ORG, NULL, "pass b.example.org", STRICT " | org !fail", FAIL, r, "", NULL, NULL },
	{ "no answer further up: relaxed is not known", "5.3.6", A_ORG, "pass b.example.org", NULL, REJECT " | org !fail", TEMPERROR, r, "", NULL, NULL },
	{ "no answer further up: nothing passed", "5.3.6", A_ORG, "fail example.org", NULL, REJECT " | org !fail", FAIL, r, "", NULL, NULL },
	{ "no answer for the other's walk", "5.3.6", A_ORG, "pass b.example.org", NULL, REJECT " | b.example.org !fail", TEMPERROR, r, "", NULL, NULL },
	{ "no answer for the other's walk, but DKIM", "5.3.6", A_ORG, "pass b.example.org", "pass example.org", REJECT " | b.example.org !fail", PASS, r, "d", NULL, NULL },
	{ "SPF could not be checked, and would align", "5.3.6", A_ORG, "temp example.org", NULL, REJECT, TEMPERROR, r, "", NULL, NULL },
	{ "SPF could not be checked, and would not align", "5.3.6", A_ORG, "temp example.net", NULL, REJECT, FAIL, r, "", NULL, NULL },
	{ "SPF could not be checked, DKIM passes", "5.3.6", A_ORG, "temp example.org", "pass example.org", REJECT, PASS, r, "d", NULL, NULL },
	{ "a key could not be fetched, and would align", "5.3.6", A_ORG, "fail example.org", "temp example.org", REJECT, TEMPERROR, r, "", NULL, NULL },
	{ "a key could not be fetched, strict, subdomain", "5.3.6", A_ORG, NULL, "temp b.example.org", STRICT, FAIL, r, "", NULL, NULL },
	{ "one key could not be fetched, another passes", "5.3.6", A_ORG, NULL, "temp example.org,pass example.org", REJECT, PASS, r, "d", NULL, NULL },
	{ "no record, and SPF could not be checked", "4.10.1", A_ORG, "temp example.org", NULL, "", NONE, n, "", NULL, NULL },
};

#undef n
#undef q
#undef r
