/* SPDX-License-Identifier: ISC */
/*
 * resolver/forwarders.c - who is asked: "192.0.2.53", "192.0.2.53:5353", "2001:db8::53",
 * "[2001:db8::53]:53", and the nameserver lines of resolv.conf(5).
 *
 * Pure. Trusts nothing.
 */
#include "forwarders.h"

#include <arpa/inet.h>
#include <net/if.h>

#define DNS_PORT 53

/* An address of either family; a link-local one may name its interface ("fe80::1%eth0"). */
static bool
is_address(const char *text)
{
	uint8_t octets[16];
	char plain[INET6_ADDRSTRLEN];
	const char *scope = strchr(text, '%');
	size_t n = scope == NULL ? strlen(text) : (size_t)(scope - text);

	if (inet_pton(AF_INET, text, octets) == 1)
		return true;
	if (n >= sizeof(plain) ||
		(scope != NULL && (strlen(scope) < 2 || strlen(scope) > IFNAMSIZ)))
		return false;
	memcpy(plain, text, n);
	plain[n] = 0;
	return inet_pton(AF_INET6, plain, octets) == 1;
}

/* "ADDRESS@PORT", or NULL. */
static const char *
parse(struct bytes text, struct arena *a)
{
	struct bytes address = text, port = BYTES_NONE;
	uint64_t number = DNS_PORT;
	const char *s;

	if (text.n > 0 && text.p[0] == '[') {
		port = bytes_skip(text, 1);
		address = bytes_cut(&port, ']');
		if (port.n > 0 && port.p[0] != ':')
			return NULL;
		port = bytes_skip(port, 1);
	} else if (bytes_find(text, ':') == bytes_find_last(text, ':')) {
		port = text;
		address = bytes_cut(&port, ':');
	}
	if (port.n > 0 && (bytes_to_u64(port, UINT16_MAX, &number) < 0 || number == 0))
		return NULL;
	s = arena_str(a, address);
	return is_address(s) ? arena_printf(a, "%s@%u", s, (unsigned)number) : NULL;
}

static void
add(struct forwarders *f, struct bytes text, struct arena *a)
{
	const char *s = parse(text, a);

	if (s == NULL && f->bad == NULL)
		f->bad = arena_str(a, text);
	if (s == NULL)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i], s) == 0)
			return;
	if (f->n == FORWARDERS_MAX)
		f->cut = true;
	else
		f->v[f->n++] = s;
}

static struct bytes
word(struct bytes *line)
{
	size_t n = 0;
	struct bytes w;

	*line = bytes_trim(*line);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	w = bytes_head(*line, n);
	*line = bytes_skip(*line, n);
	return w;
}

static void
add_system(struct forwarders *f, struct bytes resolv_conf, struct arena *a)
{
	const size_t before = f->n;

	while (resolv_conf.n > 0) {
		struct bytes line = bytes_cut(&resolv_conf, '\n');

		if (bytes_is(word(&line), "nameserver")) {
			struct bytes address = word(&line);

			/* it has no form with a port, but IPv6 without brackets */
			if (bytes_find(address, '[') == BYTES_NOT_FOUND)
				add(f, address, a);
		}
	}
	if (f->n == before)
		add(f, BYTES_LITERAL("127.0.0.1"), a);
}

void
forwarders_of(const struct conf_list *option, struct bytes resolv_conf, struct arena *a,
	struct forwarders *out)
{
	bool none = false;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < option->n; i++) {
		if (strcmp(option->v[i], "none") == 0)
			none = true;
		else if (strcmp(option->v[i], "system") == 0)
			add_system(out, resolv_conf, a);
		else
			add(out, bytes_from_str(option->v[i]), a);
	}
	/* what was meant cannot be read: rather the system's than the whole world */
	if (out->n == 0 && !none)
		add_system(out, resolv_conf, a);
}
