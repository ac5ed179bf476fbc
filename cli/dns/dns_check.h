/* SPDX-License-Identifier: ISC */
/*
 * cli/dns/dns_check.h - is what a mail domain needs in DNS, and is it right? Pure but for the
 * questions, which the caller carries to resolver and mailauth-verify.
 */
#ifndef RELAIS_DNS_CHECK_H
#define RELAIS_DNS_CHECK_H

#include "dns_msg.h"
#include "dns_plan.h"
#include "mailauth_msg.h"

enum dns_level {
	DNS_RIGHT,
	DNS_HINT,    /* could be better */
	DNS_WRONG,   /* mail suffers */
	DNS_UNKNOWN, /* could not be asked */
	DNS_LEVELS
};

const char *dns_level_name(enum dns_level level); /* "right", "hint", "wrong", "unknown" */

struct dns_finding {
	enum dns_level level;
	const char *what; /* "SPF" */
	const char *name; /* the record's */
	const char *text; /* what was found, or is wrong */
	const char *todo; /* may be "" */
};

#define DNS_FINDINGS_MAX 512

struct dns_findings {
	size_t n; /* what is more than the most is left out */
	struct dns_finding findings[DNS_FINDINGS_MAX];
};

struct dns_asker {
	/* The answer lives until the next question. */
	const struct dns_answer *(*dns)(void *ctx, uint16_t type, const char *name);
	/* false: mailauth-verify does not answer */
	bool (*spf)(void *ctx, const struct mailauth_spf_question *q,
		struct mailauth_spf_result *result);
	void *ctx;
};

/* All that is found lives in the arena. */
void dns_check(struct arena *a, const struct dns_facts *f, const struct dns_plan *p,
	const struct dns_asker *asker, struct dns_findings *out);

/* The worst there is: WRONG before UNKNOWN before HINT before RIGHT. */
enum dns_level dns_worst(const struct dns_findings *findings);

/* ---- within dns_check*.c ---- */

struct dns_checking {
	struct arena *a;
	const struct dns_facts *f;
	const struct dns_plan *p;
	const struct dns_asker *asker;
	struct dns_findings *out;
	size_t n_found; /* addresses of hostname, by DNS */
	struct ip_block found[DNS_ADDRESSES_MAX];
	bool host_secure; /* and these are proven by DNSSEC */
};

/* text: as printf. */
void dns_find(struct dns_checking *c, enum dns_level level, const char *what, const char *name,
	const char *todo, const char *format, ...) PRINTF_LIKE(6, 7);

/* "publish: NAME TYPE DATA" of a planned record */
const char *dns_publish(struct dns_checking *c, const struct dns_record *r);

/* The planned record of that kind; NULL: none. */
const struct dns_record *dns_planned(const struct dns_checking *c, const char *what);

/* Ask. NULL: it is not known, and so noted; else OK, NODATA or NXDOMAIN. */
const struct dns_answer *dns_ask(
	struct dns_checking *c, const char *what, uint16_t type, const char *name);

/* A and AAAA of name, added to out; how many there are then. < 0: not known, and so noted. */
int dns_ask_addresses(struct dns_checking *c, const char *what, const char *name,
	struct ip_block out[DNS_ADDRESSES_MAX], bool *secure, bool *alias);

void dns_check_hosts(struct dns_checking *c); /* dns_check_names.c: MX, addresses, PTR */
void dns_check_tlsa(struct dns_checking *c);
void dns_check_services(struct dns_checking *c);
void dns_check_texts(struct dns_checking *c); /* dns_check_texts.c: SPF, DKIM, DMARC, reports */

#endif
