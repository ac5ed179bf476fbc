/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/next_hop.h - the words that say where mail goes next: values of the tables transport
 * and sender_transport, of the option smtp_client.smarthost, and the key by which qmgr groups.
 *
 *	next-hop    = error / alternative *( "," alternative )
 *	error       = "error:" [ enhanced-code SP ] text
 *	alternative = [ protocol ":" ] place
 *	protocol    = "smtp" / "smtps" / "lmtp"		; smtp if none is given
 *	place       = "[" host "]" [ ":" port ]		; the host itself: A and AAAA
 *	            / domain [ ":" port ]		; smtp: its MX hosts; lmtp: the host itself
 *	            / "srv:" domain			; smtp, smtps: its SRV records
 *	            / "unix:" name			; lmtp: a socket in RUN/outbound
 *	host        = domain / IPv4 / [ "IPv6:" ] IPv6
 *
 * Blanks around commas are skipped. Alternatives are tried in their order: the next one is for
 * when no host of those before could be spoken to. smtps is TLS from the first octet (RFC 8314),
 * whatever tls_policy says. "inet:" in front of a host is taken and dropped (Postfix' lmtp).
 *
 * The ports if none is given: smtp the option smtp_client.port, smtps 465, lmtp 24. "srv:" looks
 * up _submission._tcp, with smtps _submissions._tcp, in front of the domain (RFC 6186, RFC 8314);
 * a domain that begins with "_" is looked up as it is.
 *
 * In a table "smtp:" alone means the recipient's domain by MX; next_hop_parse() has no recipient
 * and refuses it. Pure; all bytes are borrowed.
 */
#ifndef RELAIS_NEXT_HOP_H
#define RELAIS_NEXT_HOP_H

#include "buf.h"

#define NEXT_HOP_MAX              512 /* octets of the whole */
#define NEXT_HOP_ALTERNATIVES_MAX 8
#define NEXT_HOP_HOST_MAX         255
#define NEXT_HOP_TEXT_MAX         200 /* of an error */
#define NEXT_HOP_LMTP_PORT        24  /* RFC 2033 sec. 5 leaves it open; 24 is customary */
#define NEXT_HOP_SMTPS_PORT       465 /* RFC 8314 */

enum next_hop_protocol {
	NEXT_HOP_SMTP,
	NEXT_HOP_SMTPS, /* TLS from the first octet */
	NEXT_HOP_LMTP,
	NEXT_HOP_PROTOCOLS
};

enum next_hop_kind {
	NEXT_HOP_MX,   /* the MX hosts of host; without any, host itself */
	NEXT_HOP_HOST, /* host: a name by A and AAAA, or an address */
	NEXT_HOP_SRV,  /* host is the name of the SRV records, "_submission._tcp.example.org" */
	NEXT_HOP_UNIX, /* host is the name of a socket, without "/" */
	NEXT_HOP_KINDS
};

struct next_hop_alternative {
	enum next_hop_protocol protocol;
	enum next_hop_kind kind;
	/* A domain, an address without brackets and "IPv6:", a socket's name; not folded. With
	 * NEXT_HOP_SRV the domain as given. */
	struct bytes host;
	uint16_t port; /* 0: none given, and always with SRV and UNIX */
};

struct next_hop {
	bool is_error;
	bool is_temporary;     /* error: code is 4.y.z */
	struct bytes enhanced; /* error: "5.1.2"; as given, or "5.0.0" */
	struct bytes text;     /* error: printable ASCII; may be empty */
	unsigned count;        /* else: 1 to NEXT_HOP_ALTERNATIVES_MAX */
	struct next_hop_alternative alternatives[NEXT_HOP_ALTERNATIVES_MAX];
};

/* why: on an error what is wrong, constant. returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT */
MUST_USE int next_hop_parse(struct bytes in, struct next_hop *out, const char **why);

/* The one way to write it: domains in lower case, nothing that is the default. Appends; parses
 * to the same again. */
void next_hop_put(struct buf *out, const struct next_hop *h);
void next_hop_alternative_put(struct buf *out, const struct next_hop_alternative *a);

/* "smtp" */
const char *next_hop_protocol_name(enum next_hop_protocol p);

/* Is it an IPv4 or IPv6 address, without brackets? */
bool next_hop_is_address(struct bytes host);

#endif
