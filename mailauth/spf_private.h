/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf_private.h - one check of SPF, as its files share it.
 *
 * spf.c       from outside: start, answers, end, cancel; and look-ups as seen from within
 * spf_eval.c  check_host(): policies, terms, include and redirect, limits
 * spf_name.c  target names, and the client's validated names (ptr, macro p)
 * spf_exp.c   the explanation of a fail
 * spf_lib.c   libspf2: does a mechanism match the client's address?
 *
 * All but spf.c run on the check's fiber, so that they read as if look-ups were calls. Once a check
 * is broken (a limit, no DNS, cancelled) every further look-up fails at once and all of them
 * return; that is also how a check under way is cancelled without a leak.
 */
#ifndef RELAIS_SPF_PRIVATE_H
#define RELAIS_SPF_PRIVATE_H

#include "fiber.h"
#include "spf.h"
#include "spf_macro.h"
#include "spf_record.h"

#define SPF_LOOKUPS_MAX      10 /* terms that ask, sec. 4.6.4 */
#define SPF_VOID_LOOKUPS_MAX 2
#define SPF_HOSTS_MAX        10 /* of one mx or ptr */
#define SPF_PROBLEM_MAX      300

struct spf_lib; /* libspf2's server */

struct spf_engine {
	struct fiber_pool *fibers;
	struct spf_lib *lib;
	struct spf_check *running; /* whose fiber runs; libspf2 does not say for whom it asks */
};

struct spf_check {
	struct spf_engine *engine;
	const struct mailauth_dns *dns;
	spf_done_fn *done;
	spf_trace_fn *trace;
	void *arg;
	struct fiber *fiber;
	struct arena arena; /* all texts; as long as the check */
	struct spf_macro_values values;
	struct spf_result result;
	bool broken, cancelled; /* broken: the verdict is made, nothing is asked any more */
	unsigned includes;      /* how deep in includes */
	bool unicode_sender;    /* the local-part is not ASCII, RFC 8616 sec. 4 */

	/* the look-up under way, and the answer to the last one */
	uint16_t ask_type;
	struct bytes ask_name;
	struct mailauth_question *question;
	bool asking, answered;
	enum dns_status status;
	bool cut;
	uint32_t count;
	struct bytes rdata[DNS_RECORDS_MAX]; /* in octets */
	struct buf octets;
	struct buf steps; /* lines for trace */

	/* what libspf2 is asked about: spf_lib.c */
	const struct spf_directive *directive;
	struct bytes target;
	char (*mx_hosts)[DNS_NAME_SIZE];
	unsigned mx_count;
};

/*
 * Asks and waits; the answer is in c until the next call. Without one (or if the check is broken)
 * its status is a temporary one. A status that is not temporary and not DNS_OK has no records.
 */
enum dns_status spf_ask(struct spf_check *c, uint16_t type, struct bytes name);

/* As above, for a term's own name: no answer breaks the check, and void ones count. */
enum dns_status spf_ask_counted(struct spf_check *c, uint16_t type, struct bytes name);

/* Counts the last answer if it is without records (sec. 4.6.4). */
void spf_count_void(struct spf_check *c, struct bytes name);

/* The verdict is temperror or permerror; the first one stays. Made clean for people. */
void spf_break(struct spf_check *c, enum spf_verdict verdict, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* A line for trace. Nothing if nobody listens. */
void spf_step(struct spf_check *c, const char *format, ...) PRINTF_LIKE(2, 3);

/* The whole check: fills c->result. */
void spf_check_host(struct spf_check *c);

/* Expands a domain-spec. false: it is no name that could be asked for (sec. 4.8), or broken. */
bool spf_expand_name(struct spf_check *c, struct bytes domain_spec, struct bytes *out);

/* Makes the value of macro p what it is, if the text uses it. */
void spf_need_validated(struct spf_check *c, struct bytes text);

/* Is one of the client's validated names the target's or within it (sec. 5.5)? */
bool spf_ptr_matches(struct spf_check *c, struct bytes target);

/* The explanation by a record's exp, empty if there is none to give (sec. 6.2). */
struct bytes spf_explanation(struct spf_check *c, struct bytes domain_spec);

struct spf_lib *spf_lib_new(struct spf_engine *e);
void spf_lib_free(struct spf_lib *lib);

/* a, mx, ip4, ip6, exists and all: does it match the client? target: expanded. */
bool spf_lib_matches(struct spf_check *c, const struct spf_directive *d, struct bytes target);

#endif
