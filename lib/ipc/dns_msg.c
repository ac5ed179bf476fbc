/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/dns_msg.c - questions to resolver and their answers, as octets.
 *
 * Runs in:  resolver, and all that ask it.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "dns_msg.h"

static const char *const names[DNS_STATUS_COUNT] = {
	[DNS_OK] = "ok",
	[DNS_NODATA] = "nodata",
	[DNS_NXDOMAIN] = "nxdomain",
	[DNS_SERVFAIL] = "servfail",
	[DNS_BOGUS] = "bogus",
	[DNS_TIMEOUT] = "timeout",
	[DNS_BUSY] = "busy",
	[DNS_BAD_NAME] = "bad-name",
};

const char *
dns_status_name(enum dns_status status)
{
	return status < DNS_STATUS_COUNT ? names[status] : "unknown";
}

bool
dns_status_is_temporary(enum dns_status status)
{
	return status != DNS_OK && status != DNS_NODATA && status != DNS_NXDOMAIN &&
	       status != DNS_BAD_NAME;
}

void
dns_query_encode(struct buf *out, const struct dns_query *m)
{
	buf_put_u16(out, m->type);
	ipc_put_bytes(out, m->name);
	buf_put_u64(out, m->network);
}

int
dns_query_decode(struct ipc_reader *in, void *msg)
{
	struct dns_query *m = msg;

	m->type = ipc_get_u16(in);
	m->name = ipc_get_bytes(in, DNS_QUERY_NAME_MAX);
	m->network = ipc_get_u64(in);
	return ipc_finish(in);
}

void
dns_answer_encode(struct buf *out, const struct dns_answer *m)
{
	ASSERT(m->count <= DNS_RECORDS_MAX);
	buf_put_u8(out, (uint8_t)m->status);
	buf_put_u8(out, m->secure);
	buf_put_u8(out, m->cut);
	buf_put_u32(out, m->ttl);
	buf_put_u32(out, m->total);
	buf_put_u32(out, m->count);
	ipc_put_bytes(out, m->canonical);
	ipc_put_bytes(out, m->why);
	for (uint32_t i = 0; i < m->count; i++)
		ipc_put_bytes(out, m->rdata[i]);
}

/* What no honest resolver says. */
static bool
is_odd(const struct dns_answer *m)
{
	if ((m->status == DNS_OK) != (m->total > 0)) /* all of them may be cut */
		return true;
	if (m->total < m->count || m->cut != (m->total > m->count))
		return true;
	return m->secure && (dns_status_is_temporary(m->status) || m->status == DNS_BAD_NAME);
}

int
dns_answer_decode(struct ipc_reader *in, void *msg)
{
	struct dns_answer *m = msg;
	size_t octets = 0;

	m->status = ipc_get_enum(in, DNS_STATUS_COUNT);
	m->secure = ipc_get_enum(in, 2) != 0;
	m->cut = ipc_get_enum(in, 2) != 0;
	m->ttl = ipc_get_u32(in);
	m->total = ipc_get_u32(in);
	m->count = ipc_get_u32(in);
	m->canonical = ipc_get_bytes(in, DNS_NAME_SIZE - 1);
	m->why = ipc_get_bytes(in, DNS_WHY_MAX);
	if (in->bad || m->count > DNS_RECORDS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++) {
		m->rdata[i] = ipc_get_bytes(in, DNS_ANSWER_OCTETS);
		octets += m->rdata[i].n;
	}
	return octets > DNS_ANSWER_OCTETS || is_odd(m) ? ERR_SYNTAX : ipc_finish(in);
}

void
dns_answer_from(const struct ipc_answer *in, struct dns_answer *out)
{
	struct ipc_reader reader = ipc_reader(in->body);

	memset(out, 0, sizeof(*out));
	if (in->err == ERR_TIMEOUT) {
		out->status = DNS_TIMEOUT;
	} else if (in->err < 0) {
		out->status = DNS_BUSY;
	} else if (in->type != DNS_ANSWER || dns_answer_decode(&reader, out) < 0) {
		memset(out, 0, sizeof(*out));
		out->status = DNS_SERVFAIL;
	}
}
