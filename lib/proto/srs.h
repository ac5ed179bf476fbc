/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/srs.h - the Sender Rewriting Scheme: a reverse-path of our own domain for mail that
 * is forwarded, so that SPF (RFC 7208) at the next hop finds a domain that we may send for, and
 * the way back for bounces.
 *
 *	joe@example.net, forwarded by example.org:
 *		SRS0=hhhhhh=tt=example.net=joe@example.org
 *	and that, forwarded by example.com (the hosts in between are left out):
 *		SRS1=hhhhhh=example.org==hhhhhh=tt=example.net=joe@example.com
 *
 * h: the first 30 bits of an HMAC-SHA-256 (the paper and others take SHA-1; nobody but the one
 * who made it checks it), t: the day, modulo 1024, both in base 32 (RFC 4648 sec. 6). Octets A-Z
 * count as a-z in all of it, since hosts on the way may change them. After "SRS0" and "SRS1" a
 * "+" or "-" does as well as "=" (a host may have its own idea of details).
 *
 * A hash proves that we made the address for that very mailbox, so who knows one may send mail to
 * that mailbox through us, until its days are over, and to no other.
 *
 * Pure: the day and the secrets are given. Sources: M. Wong, S. Rees, "The Sender Rewriting
 * Scheme" (2004).
 */
#ifndef RELAIS_SRS_H
#define RELAIS_SRS_H

#include "buf.h"

#define SRS_SECRETS_MAX 8
#define SRS_SECRET_SIZE 32
#define SRS_LOCAL_MAX   320 /* octets of a local-part that is looked at */

struct srs_secrets {
	size_t n;
	uint8_t keys[SRS_SECRETS_MAX][SRS_SECRET_SIZE]; /* the first signs, all verify */
};

enum srs_result {
	SRS_OK,
	SRS_NONE,   /* not in the form of an SRS address */
	SRS_FORGED, /* in the form, but no secret of ours made the hash */
	SRS_OLD,    /* ours, and too old */
};

/*
 * The local-part for a reverse-path local@domain (not quoted) at our SRS domain, appended to out.
 * An SRS0 or SRS1 address of somebody else becomes an SRS1 one. secrets->n > 0; day: days since
 * 1970. false: it would be longer than SRS_LOCAL_MAX; nothing is appended.
 */
MUST_USE bool srs_forward(struct buf *out, const struct srs_secrets *secrets, struct bytes local,
	struct bytes domain, uint32_t day);

/*
 * Whose is local (the local-part of a recipient at our SRS domain)? With SRS_OK *local_out
 * (appended; not quoted) and *domain_out (borrowed from local) are the one to send to: the
 * original, or for SRS1 the one who made the SRS0 address. days: how old it may be, < 1000.
 */
enum srs_result srs_reverse(struct buf *local_out, struct bytes *domain_out,
	const struct srs_secrets *secrets, struct bytes local, uint32_t day, uint32_t days);

/* Has a reverse-path the form of an SRS address, whoever made it? */
bool srs_is_one(struct bytes path);

#endif
