/* SPDX-License-Identifier: ISC */
/* lib/conf/listen.c - where a door listens: one word of a listen option. Pure. */
#include "listen.h"

#include "err.h"
#include "ip_block.h"

const char *const listen_options[] = { "smtpd.listen", "submission.listen", "submission.listen_tls",
	"imapd.listen", "imapd.listen_tls", "pop3d.listen", "pop3d.listen_tls", "metrics.listen" };
const size_t nlisten_options = NITEMS(listen_options);

int
listen_parse(struct bytes text, struct listen_address *out)
{
	size_t colon = bytes_find_last(text, ':');
	struct bytes host = bytes_head(text, colon);

	if (colon == BYTES_NOT_FOUND || text.n - colon - 1 == 0 ||
		text.n - colon - 1 >= sizeof(out->port))
		return ERR_SYNTAX;
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = bytes_make(host.p + 1, host.n - 2);
	if (host.n == 0 || host.n >= sizeof(out->host))
		return ERR_SYNTAX;
	bytes_to_str(host, out->host, sizeof(out->host));
	bytes_to_str(bytes_skip(text, colon + 1), out->port, sizeof(out->port));
	return ERR_OK;
}

static struct ip_block
block_of(const struct listen_address *a)
{
	struct ip_block b = { 0 };

	if (ip_block_parse(bytes_from_str(a->host), &b) < 0)
		b.family = 0; /* "*", or an address with its interface */
	return b;
}

bool
listen_is_loopback(const struct listen_address *a)
{
	static const struct ip_block four = { 4, 8, { 127 } }, six = { 6, 128, { [15] = 1 } };
	const struct ip_block b = block_of(a);

	return b.family != 0 && (ip_block_contains(&four, &b) || ip_block_contains(&six, &b));
}

/* 0.0.0.0 or :: */
static bool
is_any_of_family(const struct ip_block *b)
{
	static const uint8_t zero[16];

	return memcmp(b->addr, zero, sizeof(zero)) == 0;
}

bool
listen_overlaps(const struct listen_address *a, const struct listen_address *b)
{
	struct ip_block one, other;

	if (strcmp(a->port, b->port) != 0)
		return false;
	if (strcmp(a->host, b->host) == 0 || strcmp(a->host, "*") == 0 || strcmp(b->host, "*") == 0)
		return true;
	one = block_of(a);
	other = block_of(b);
	if (one.family == 0 || one.family != other.family)
		return false;
	return memcmp(one.addr, other.addr, sizeof(one.addr)) == 0 || is_any_of_family(&one) ||
	       is_any_of_family(&other);
}
