/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/auth_results.h - results of SPF, DKIM and DMARC, and the Authentication-Results field
 * that carries them (RFC 8601): written and read.
 *
 * Writing, whatever the values hold (domains out of hostile mail) gives one well-formed field:
 *
 *	auth_results_begin(out, "mx.example.org");
 *	auth_results_method(out, "spf", AUTH_PASS);
 *	auth_results_property(out, "smtp.mailfrom", bytes);
 *	auth_results_end(out);
 */
#ifndef RELAIS_AUTH_RESULTS_H
#define RELAIS_AUTH_RESULTS_H

#include "arena.h"
#include "buf.h"

/* RFC 8601 sec. 2.7: one set of words for all methods; each uses some of them. */
enum auth_result {
	AUTH_NONE,
	AUTH_NEUTRAL,
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL, /* SPF only */
	AUTH_POLICY,   /* DKIM only: it verifies, but we do not accept such signatures */
	AUTH_TEMPERROR,
	AUTH_PERMERROR,
	AUTH_RESULT_COUNT
};

/* "pass"; never NULL */
const char *auth_result_name(enum auth_result result);

/* ---- writing ---- */

void auth_results_begin(struct buf *out, const char *authserv_id);
void auth_results_method(struct buf *out, const char *method, enum auth_result result);
void auth_results_comment(struct buf *out, struct bytes words); /* of the method just put */
void auth_results_reason(struct buf *out, struct bytes words);  /* before any property */
/* name: "header.d"; an empty value is left out */
void auth_results_property(struct buf *out, const char *name, struct bytes value);
void auth_results_end(struct buf *out); /* without any method: "none" */

/* ---- reading ---- */

/*
 * The authserv-id a field's value (folded or not, so far as it has come) begins with, quotes and
 * escapes undone: put to id, which is emptied first.
 * returns: > 0: octets up to its end; 0: the value must go on to tell; ERR_SYNTAX: there is none
 */
MUST_USE int auth_results_id(struct bytes value, struct buf *id);

struct auth_property {
	struct bytes name; /* "smtp.mailfrom" */
	struct bytes value;
};

#define AUTH_PROPERTIES_MAX 16

/* One method's result; strings live in the arena. */
struct auth_method {
	struct bytes method; /* "dkim"; lower case */
	struct bytes result; /* "pass"; lower case */
	struct bytes reason;
	size_t nproperties; /* what is more than AUTH_PROPERTIES_MAX is left out */
	struct auth_property properties[AUTH_PROPERTIES_MAX];
};

/*
 * The results one after the other: *rest is at first what follows the authserv-id.
 * returns: 1: one more; 0: that was all; ERR_SYNTAX
 */
MUST_USE int auth_results_next(struct bytes *rest, struct arena *a, struct auth_method *out);

#endif
