/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dns_rdata.h - the data of DNS records: typed readers, and text for people.
 *
 * Pure. In goes the rdata of one record as on the wire, names not compressed (as resolver gives
 * it). Names come out in presentation form: lower case, no dot at the end ("" is the root), an
 * octet that is not printable or has a meaning of its own as \DDD or \c. So two names are the same
 * if their texts are. Every reader wants the whole rdata and nothing behind it: else ERR_SYNTAX.
 *
 * Sources: RFC 1035 sec. 3 and 5.1, RFC 3596 (AAAA), RFC 2782 (SRV), RFC 6698 (TLSA), RFC 3597
 * (unknown types), RFC 4343 (case), RFC 7505 (null MX).
 */
#ifndef RELAIS_DNS_RDATA_H
#define RELAIS_DNS_RDATA_H

#include "buf.h"
#include "err.h"

enum dns_rrtype {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_DS = 43,
	DNS_TYPE_DNSKEY = 48,
	DNS_TYPE_TLSA = 52,
	DNS_TYPE_CAA = 257,
};

#define DNS_LABEL_MAX     63
#define DNS_NAME_WIRE_MAX 255  /* octets on the wire, RFC 1035 sec. 2.3.4 */
#define DNS_NAME_SIZE     1024 /* of a name's text with its NUL: each octet may be \DDD */
#define DNS_REVERSE_SIZE  80   /* of dns_reverse_name()'s text with its NUL */

struct dns_mx {
	uint16_t preference;
	char host[DNS_NAME_SIZE]; /* "" is the null MX, RFC 7505 */
};

struct dns_srv {
	uint16_t priority, weight, port;
	char target[DNS_NAME_SIZE]; /* "": the service is decidedly not there */
};

struct dns_tlsa {
	uint8_t usage, selector, matching_type;
	struct bytes data; /* borrowed; may be of any length, also one that fits no type */
};

/* "MX", "mx", "TYPE257" (RFC 3597 sec. 5) to the number and back. ERR_SYNTAX. */
MUST_USE int dns_type_parse(struct bytes text, uint16_t *type);
void dns_type_put(struct buf *out, uint16_t type);

/*
 * A name at the front of *rest, which is moved behind it. A pointer (compression) is ERR_SYNTAX.
 * returns: the length of the text in out, >= 0; ERR_SYNTAX
 */
MUST_USE int dns_name_read(struct bytes *rest, char out[DNS_NAME_SIZE]);

/*
 * The other way: presentation form, a dot at the end or not, to octets on the wire. Case stays.
 * returns: ERR_OK; ERR_SYNTAX: an empty label, a bad escape; ERR_LIMIT: a label or the name is too
 * long. "" and "." are the root.
 */
MUST_USE int dns_name_write(struct bytes text, struct buf *out);

/* true if the text can be the name of a host: labels of letters, digits, '-' and '_' that neither
 * begin nor end with '-'; not empty, at most 253 octets. Fit for logs and trace fields. */
bool dns_name_is_host(struct bytes text);

MUST_USE int dns_a_read(struct bytes rdata, uint8_t out[4]);
MUST_USE int dns_aaaa_read(struct bytes rdata, uint8_t out[16]);
MUST_USE int dns_mx_read(struct bytes rdata, struct dns_mx *out);
MUST_USE int dns_srv_read(struct bytes rdata, struct dns_srv *out);
MUST_USE int dns_tlsa_read(struct bytes rdata, struct dns_tlsa *out);

/* PTR, CNAME, NS: one name. returns: its length, >= 0; ERR_SYNTAX */
MUST_USE int dns_name_rdata_read(struct bytes rdata, char out[DNS_NAME_SIZE]);

/* TXT: appends all its strings one behind the other, with nothing between (as SPF and DKIM want
 * them). ERR_OK; ERR_SYNTAX (nothing is appended). */
MUST_USE int dns_txt_read(struct bytes rdata, struct buf *out);

/* The strings one by one: returns 1 a string; 0 no more; ERR_SYNTAX. */
MUST_USE int dns_txt_next(struct bytes *rest, struct bytes *string);

/* Where the PTR record of an address is: n is 4 or 16, in network order. */
void dns_reverse_name(const uint8_t *address, size_t n, char out[DNS_REVERSE_SIZE]);

/* Appends rdata as a zone file would have it ("10 mx.example.org."); what cannot be read, or is of
 * a type that we know nothing about, as \# (RFC 3597). Printable ASCII in any case. */
void dns_rdata_put_text(struct buf *out, uint16_t type, struct bytes rdata);

#endif
