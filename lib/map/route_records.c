/* SPDX-License-Identifier: ISC */
/*
 * lib/map/route_records.c - keys and values of the tables that say how mail leaves.
 *
 * Runs in:  the operator's command (checking text), directory (reading compiled values).
 * Trusts:   nothing; a value that does not parse is an error of the table.
 */
#include "route_records.h"

#include <arpa/inet.h>

#include "err.h"

#define LOGIN_MAX    320
#define PASSWORD_MAX 1024
#define NAMES_MAX    1024

/* ---- keys ---- */

static int
key_address(struct arena *a, struct bytes in, struct bytes *out)
{
	struct mail_address address;
	int r = mail_address_fold(a, in, &address);

	if (r == ERR_OK && address.domain.n == 0)
		r = ERR_SYNTAX;
	if (r == ERR_OK)
		*out = address.key;
	return r;
}

/* mark and a domain name: "@example.org", ".example.org" */
static int
key_marked_domain(struct arena *a, struct bytes in, struct bytes *out)
{
	struct bytes domain;
	uint8_t *p;
	int r = mail_domain_fold(a, bytes_skip(in, 1), &domain);

	if (r < 0)
		return r;
	p = arena_alloc(a, domain.n + 1);
	p[0] = in.p[0];
	memcpy(p + 1, domain.p, domain.n);
	*out = bytes_make(p, domain.n + 1);
	return ERR_OK;
}

int
route_key_transport(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	*why = "neither user@domain, domain, .domain nor *";
	if (bytes_is(in, "*")) {
		*out = in;
		return ERR_OK;
	}
	if (in.n > 1 && in.p[0] == '.')
		return key_marked_domain(a, in, out);
	if (bytes_find(in, '@') != BYTES_NOT_FOUND)
		return key_address(a, in, out);
	return mail_domain_fold(a, in, out);
}

int
route_key_sender(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	*why = "neither user@domain, @domain nor <>";
	if (bytes_is(in, "<>")) {
		*out = in;
		return ERR_OK;
	}
	if (in.n > 1 && in.p[0] == '@')
		return key_marked_domain(a, in, out);
	return key_address(a, in, out);
}

struct bytes
route_host_key(struct arena *a, struct bytes host, uint16_t port)
{
	bool brackets = bytes_find(host, ':') != BYTES_NOT_FOUND;
	struct buf b = BUF_INIT;
	struct bytes key;

	if (brackets)
		buf_put_u8(&b, '[');
	for (size_t i = 0; i < host.n; i++)
		buf_put_u8(&b, ascii_lower(host.p[i]));
	if (brackets)
		buf_put_u8(&b, ']');
	if (port != 0)
		buf_printf(&b, ":%u", port);
	key = arena_bytes(a, buf_bytes(&b));
	buf_free(&b);
	return key;
}

/* A host as next hops have it: its name as A-labels. */
static int
fold_host(struct arena *a, struct next_hop_alternative *alternative)
{
	bool ascii = true;

	for (size_t i = 0; i < alternative->host.n; i++)
		ascii &= alternative->host.p[i] < 0x80;
	if (ascii) /* "_tcp" is no name of a host, but fine in front of one */
		return ERR_OK;
	return mail_domain_fold(a, alternative->host, &alternative->host);
}

/* "host", "[host]", with ":port" or without. */
static int
key_host(struct arena *a, struct bytes in, struct bytes *out)
{
	struct next_hop h;
	struct bytes place;
	const char *why;
	int r;

	/* "smtp:" in front: a host may have any name, "lmtp" or "error" too */
	place = bytes_from_str(arena_printf(a, "smtp:inet:%.*s", (int)in.n, (const char *)in.p));
	if ((r = next_hop_parse(place, &h, &why)) < 0)
		return r;
	if (h.count != 1 || fold_host(a, &h.alternatives[0]) < 0)
		return ERR_SYNTAX;
	*out = route_host_key(a, h.alternatives[0].host, h.alternatives[0].port);
	return ERR_OK;
}

int
route_key_policy(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	*why = "neither a host, host:port nor .domain";
	if (in.n > 1 && in.p[0] == '.')
		return key_marked_domain(a, in, out);
	return key_host(a, in, out);
}

int
route_key_credentials(struct arena *a, struct bytes in, struct bytes *out, const char **why)
{
	*why = "neither a host, host:port, user@domain nor @domain";
	if (in.n > 1 && in.p[0] == '@')
		return key_marked_domain(a, in, out);
	if (bytes_find(in, '@') != BYTES_NOT_FOUND)
		return key_address(a, in, out);
	return key_host(a, in, out);
}

/* ---- transport, sender_transport ---- */

int
transport_record_parse(
	struct arena *a, struct bytes value, struct bytes *next_hop, const char **why)
{
	struct buf b = BUF_INIT;
	struct next_hop h;
	int r;

	*next_hop = BYTES_NONE;
	if (bytes_is_nocase(bytes_trim(value), "smtp:"))
		return ERR_OK;
	if ((r = next_hop_parse(value, &h, why)) < 0)
		return r;
	for (unsigned i = 0; i < h.count; i++)
		if (fold_host(a, &h.alternatives[i]) < 0) {
			*why = "not a domain name";
			return ERR_SYNTAX;
		}
	next_hop_put(&b, &h);
	*next_hop = arena_bytes(a, buf_bytes(&b));
	buf_free(&b);
	*why = "a next hop is up to 512 octets";
	return next_hop->n > NEXT_HOP_MAX ? ERR_LIMIT : ERR_OK;
}

int
route_check_transport(struct arena *a, struct bytes value, const char **why)
{
	struct bytes next_hop;

	return transport_record_parse(a, value, &next_hop, why);
}

/* ---- words ---- */

/* The next word of *rest, parted by blanks; empty at the end. */
static struct bytes
cut_word(struct bytes *rest)
{
	struct bytes in = bytes_trim(*rest);
	size_t n = 0;

	while (n < in.n && in.p[n] != ' ' && in.p[n] != '\t')
		n++;
	*rest = bytes_skip(in, n);
	return bytes_head(in, n);
}

/* *word without "name=", if it begins so. */
static bool
take_name(struct bytes *word, const char *name)
{
	struct bytes head = bytes_from_str(name);

	if (!bytes_starts_with_nocase(*word, head) || word->n == head.n || word->p[head.n] != '=')
		return false;
	*word = bytes_skip(*word, head.n + 1);
	return true;
}

/* ---- tls_policy ---- */

static int
put_policy_name(struct arena *a, struct bytes word, struct buf *names)
{
	bool below = word.n > 1 && word.p[0] == '.';
	struct bytes domain;

	if (next_hop_is_address(word))
		domain = word;
	else if (mail_domain_fold(a, bytes_skip(word, below), &domain) < 0 || domain.p[0] == '[')
		return ERR_SYNTAX;
	if (names->len > 0)
		buf_put_u8(names, ' ');
	if (below)
		buf_put_u8(names, '.');
	buf_put_bytes(names, domain);
	return ERR_OK;
}

int
tls_policy_record_parse(
	struct arena *a, struct bytes value, struct tls_policy_record *out, const char **why)
{
	struct bytes word = cut_word(&value);
	struct buf names = BUF_INIT;
	int r = tls_level_parse(word, &out->level), n = 0;

	*why = "a policy is none, may, encrypt, verify, dane or dane-only";
	while (r == ERR_OK && (word = cut_word(&value)).n > 0) {
		*why = "behind the level only name=NAME or name=.NAME";
		r = take_name(&word, "name") ? put_policy_name(a, word, &names) : ERR_SYNTAX;
		n++;
	}
	if (r == ERR_OK && n > TLS_LEVEL_NAMES_MAX) {
		*why = "up to 8 names";
		r = ERR_LIMIT;
	}
	if (r == ERR_OK && names.len > 0 && out->level != TLS_LEVEL_VERIFY) {
		*why = "name= goes with verify";
		r = ERR_SYNTAX;
	}
	if (r == ERR_OK && names.len > NAMES_MAX) {
		*why = "the names are longer than 1024 octets";
		r = ERR_LIMIT;
	}
	out->names = arena_bytes(a, buf_bytes(&names));
	buf_free(&names);
	return r;
}

int
route_check_policy(struct arena *a, struct bytes value, const char **why)
{
	struct tls_policy_record r;

	return tls_policy_record_parse(a, value, &r, why);
}

/* ---- relay_credentials ---- */

int
credentials_record_parse(struct bytes value, struct credentials_record *out, const char **why)
{
	out->password = bytes_trim(value);
	*why = "not LOGIN:PASSWORD";
	if (bytes_find(out->password, ':') == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	out->login = bytes_cut(&out->password, ':');
	if (out->login.n == 0 || out->password.n == 0)
		return ERR_SYNTAX;
	*why = "login or password is too long";
	return out->login.n > LOGIN_MAX || out->password.n > PASSWORD_MAX ? ERR_LIMIT : ERR_OK;
}

int
route_check_credentials(struct arena *a, struct bytes value, const char **why)
{
	struct credentials_record r;

	UNUSED(a);
	return credentials_record_parse(value, &r, why);
}

/* ---- source_address ---- */

static bool
is_family(int family, struct bytes word)
{
	uint8_t binary[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (word.n >= sizeof(text))
		return false;
	return inet_pton(family, bytes_to_str(word, text, sizeof(text)), binary) == 1;
}

/* false: it means nothing here */
static bool
take_source(struct arena *a, struct bytes word, struct source_record *out)
{
	struct bytes v4 = word, v6 = word;

	if (take_name(&word, "helo"))
		return out->helo.n == 0 && mail_domain_fold(a, word, &out->helo) == ERR_OK;
	if (take_name(&v4, "ipv4") ? bytes_is(v4, "none") || is_family(AF_INET, v4)
				   : is_family(AF_INET, v4)) {
		if (out->ipv4.n > 0)
			return false;
		out->ipv4 = v4;
		return true;
	}
	if (take_name(&v6, "ipv6") ? bytes_is(v6, "none") || is_family(AF_INET6, v6)
				   : is_family(AF_INET6, v6)) {
		if (out->ipv6.n > 0)
			return false;
		out->ipv6 = v6;
		return true;
	}
	return false;
}

int
source_record_parse(
	struct arena *a, struct bytes value, struct source_record *out, const char **why)
{
	struct bytes word;

	*out = (struct source_record){ .ipv4 = BYTES_NONE };
	*why = "not an IPv4 address, an IPv6 address, ipv4=none, ipv6=none or helo=NAME, each once";
	while ((word = cut_word(&value)).n > 0)
		if (!take_source(a, word, out))
			return ERR_SYNTAX;
	*why = "both none: no mail could leave";
	if (bytes_is(out->ipv4, "none") && bytes_is(out->ipv6, "none"))
		return ERR_SYNTAX;
	*why = "there is nothing";
	return out->ipv4.n + out->ipv6.n + out->helo.n == 0 ? ERR_SYNTAX : ERR_OK;
}

int
route_check_source(struct arena *a, struct bytes value, const char **why)
{
	struct source_record r;

	return source_record_parse(a, value, &r, why);
}
