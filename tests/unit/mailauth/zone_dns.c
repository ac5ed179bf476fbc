/* SPDX-License-Identifier: ISC */
/* tests/unit/mailauth/zone_dns.c - a DNS out of zone data. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "zone_dns.h"

static struct bytes
wire_name(struct arena *a, struct bytes text)
{
	struct buf wire = BUF_INIT;
	struct bytes out;

	if (dns_name_write(text, &wire) < 0)
		return BYTES_NONE;
	for (size_t i = 0; i < wire.len; i++)
		wire.data[wire.start + i] = ascii_lower(wire.data[wire.start + i]);
	out = arena_bytes(a, buf_bytes(&wire));
	buf_free(&wire);
	return out;
}

/* "..." "...": each a string of the record */
static void
put_txt(struct buf *out, struct bytes text)
{
	while (text.n > 0) {
		struct buf string = BUF_INIT;

		ASSERT(text.p[0] == '"');
		for (text = bytes_skip(text, 1); text.p[0] != '"'; text = bytes_skip(text, 1))
			if (text.p[0] == '\\') {
				buf_put_u8(&string,
					(uint8_t)((text.p[1] - '0') * 100 + (text.p[2] - '0') * 10 +
						  (text.p[3] - '0')));
				text = bytes_skip(text, 3);
			} else {
				buf_put_u8(&string, text.p[0]);
			}
		ASSERT(string.len < 256);
		buf_put_u8(out, (uint8_t)string.len);
		buf_put_bytes(out, buf_bytes(&string));
		buf_free(&string);
		text = bytes_trim(bytes_skip(text, 1));
	}
}

static void
put_rdata(struct buf *out, uint16_t type, struct bytes data)
{
	uint64_t preference;
	char text[64];
	uint8_t address[16];

	switch (type) {
	case DNS_TYPE_TXT:
		put_txt(out, data);
		break;
	case DNS_TYPE_A:
		ASSERT(inet_pton(AF_INET, bytes_to_str(data, text, sizeof(text)), address) == 1);
		buf_put(out, address, 4);
		break;
	case DNS_TYPE_AAAA:
		ASSERT(inet_pton(AF_INET6, bytes_to_str(data, text, sizeof(text)), address) == 1);
		buf_put(out, address, 16);
		break;
	case DNS_TYPE_MX:
		ASSERT(bytes_to_u64(bytes_cut(&data, ' '), UINT16_MAX, &preference) == 0);
		buf_put_u8(out, (uint8_t)(preference >> 8));
		buf_put_u8(out, (uint8_t)preference);
		/* fall through */
	default:
		ASSERT(dns_name_write(data, out) == ERR_OK);
		break;
	}
}

void
zone_dns_add(struct zone_dns *z, struct bytes line)
{
	struct bytes name = bytes_cut(&line, ' '), type = bytes_cut(&line, ' ');
	struct zone_row *row = &z->rows[z->count++];
	struct buf rdata = BUF_INIT;

	ASSERT(z->count < ZONE_ROWS_MAX);
	*row = (struct zone_row){ .name = wire_name(&z->arena, name) };
	ASSERT(row->name.n > 0);
	if (!bytes_is(type, "TIMEOUT")) {
		ASSERT(dns_type_parse(type, &row->type) == ERR_OK);
		put_rdata(&rdata, row->type, line);
		row->rdata = arena_bytes(&z->arena, buf_bytes(&rdata));
	}
	buf_free(&rdata);
}

void
zone_dns_reset(struct zone_dns *z)
{
	ASSERT(z->waiting == 0);
	arena_reset(&z->arena);
	arena_reset(&z->names);
	z->count = 0;
}

static void
look_up(const struct zone_dns *z, uint16_t type, struct bytes name, struct dns_answer *out)
{
	bool exists = false, silent = false;

	for (size_t i = 0; i < z->count; i++) {
		const struct zone_row *row = &z->rows[i];

		if (!bytes_equal(row->name, name))
			continue;
		exists = true;
		silent = silent || row->type == 0;
		if (row->type == type && out->count < DNS_RECORDS_MAX)
			out->rdata[out->count++] = row->rdata;
	}
	out->total = out->count;
	out->status = out->count > 0 ? DNS_OK
		      : silent       ? DNS_TIMEOUT
		      : exists       ? DNS_NODATA
				     : DNS_NXDOMAIN;
}

static struct bytes
alias_of(const struct zone_dns *z, struct bytes name)
{
	for (size_t i = 0; i < z->count; i++)
		if (z->rows[i].type == DNS_TYPE_CNAME && bytes_equal(z->rows[i].name, name))
			return z->rows[i].rdata;
	return BYTES_NONE;
}

static void
answer(struct zone_dns *z, uint16_t type, struct bytes text, mailauth_dns_fn *done, void *arg)
{
	struct dns_answer *out = xcalloc(1, sizeof(*out));
	struct arena a = ARENA_INIT;
	struct bytes name = wire_name(&a, text);

	if (name.n == 0) {
		out->status = DNS_BAD_NAME;
	} else {
		for (int i = 0; i < 8; i++) {
			struct bytes alias = alias_of(z, name);
			char target[DNS_NAME_SIZE];

			if (alias.n == 0 || dns_name_read(&alias, target) < 0)
				break;
			name = wire_name(&a, bytes_from_str(target));
		}
		look_up(z, type, name, out);
	}
	done(arg, out);
	arena_reset(&a);
	free(out);
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	struct zone_dns *z = ctx;

	z->asked++;
	if (!z->later) {
		answer(z, type, name, done, arg);
		return;
	}
	ASSERT(z->waiting < ZONE_WAIT_MAX);
	z->questions[z->waiting].type = type;
	z->questions[z->waiting].name = arena_bytes(&z->names, name);
	z->questions[z->waiting].done = done;
	z->questions[z->waiting++].arg = arg;
}

bool
zone_dns_answer(struct zone_dns *z)
{
	size_t i;

	if (z->waiting == 0)
		return false;
	z->random = z->random * 6364136223846793005u + 1442695040888963407u;
	i = (size_t)(z->random >> 33) % z->waiting;
	{
		uint16_t type = z->questions[i].type;
		struct bytes name = z->questions[i].name;
		mailauth_dns_fn *done = z->questions[i].done;
		void *arg = z->questions[i].arg;

		z->questions[i] = z->questions[--z->waiting];
		answer(z, type, name, done, arg);
	}
	return true;
}

struct mailauth_dns
zone_dns_way(struct zone_dns *z)
{
	return (struct mailauth_dns){ ask, z };
}
