/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_spf.c - whole checks of SPF, libspf2 within, whose every answer is the input's.
 *
 * The first line says how: a letter for the family of the client and the identity, then the HELO;
 * the second is the reverse-path. Each further line answers one question: 't' and a TXT record,
 * 'h' and a name (of a host, for MX and PTR), 'a' the client's own address, 'b' another one, 'x'
 * NXDOMAIN, 'f' a failure, 'l' that it comes later, 'c' that the check is cancelled then. The lines
 * begin anew at the end, so there is always an answer.
 */
#include "spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct bytes all, rest; /* lines */
	uint8_t client[16];
	unsigned questions;
	bool done;
	/* the question that waits */
	bool waits, cancel;
	mailauth_dns_fn *answer;
	void *answer_arg;
	uint16_t type;
	struct buf rdata;
};

static struct bytes
next_line(struct world *w)
{
	if (w->rest.n == 0)
		w->rest = w->all;
	return bytes_cut(&w->rest, '\n');
}

static void
make_rdata(struct world *w, struct bytes line)
{
	struct bytes text = bytes_skip(line, 1);

	switch (w->type) {
	case DNS_TYPE_TXT:
		while (text.n > 0) {
			struct bytes string = bytes_head(text, 255);

			buf_put_u8(&w->rdata, (uint8_t)string.n);
			buf_put_bytes(&w->rdata, string);
			text = bytes_skip(text, 255);
		}
		break;
	case DNS_TYPE_A:
		buf_put(&w->rdata, w->client, 4);
		break;
	case DNS_TYPE_AAAA:
		buf_put(&w->rdata, w->client, 16);
		break;
	case DNS_TYPE_MX:
		buf_put(&w->rdata, "\0\1", 2);
		/* fall through */
	default:
		if (dns_name_write(text, &w->rdata) < 0)
			buf_put_bytes(&w->rdata, text); /* nonsense, then */
	}
	if (line.p[0] == 'b' && w->rdata.len > 1)
		w->rdata.data[w->rdata.len - 1] ^= 1;
}

static void
answer_now(struct world *w, struct bytes line)
{
	static struct dns_answer out;
	mailauth_dns_fn *answer = w->answer;

	out = (struct dns_answer){ .status = DNS_NXDOMAIN };
	buf_clear(&w->rdata);
	if (line.n > 0 && line.p[0] == 'f') {
		out.status = DNS_SERVFAIL;
	} else if (line.n > 0 && line.p[0] != 'x') {
		out.status = DNS_OK;
		make_rdata(w, line);
		/* one, or as many as the line is long */
		out.count = w->type == DNS_TYPE_TXT || line.n < 2 ? 1 : (uint32_t)line.n % 14;
		out.total = out.count;
		for (uint32_t i = 0; i < out.count; i++)
			out.rdata[i] = buf_bytes(&w->rdata);
	}
	w->waits = false;
	answer(w->answer_arg, &out);
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	struct world *w = ctx;
	struct bytes line = next_line(w);
	struct buf wire = BUF_INIT;

	/* policy, ten terms of eleven questions, names of the client for each, explanation */
	ASSERT(++w->questions < 600);
	ASSERT(name.n > 0 && dns_name_write(name, &wire) == ERR_OK);
	buf_free(&wire);
	w->type = type;
	w->answer = done;
	w->answer_arg = arg;
	w->waits = line.n > 0 && (line.p[0] == 'l' || line.p[0] == 'c');
	w->cancel = w->waits && line.p[0] == 'c';
	if (!w->waits)
		answer_now(w, line);
}

static void
on_done(void *arg, const struct spf_result *result)
{
	struct world *w = arg;

	ASSERT(!w->done);
	w->done = true;
	ASSERT(result->lookups <= 10 && result->void_lookups <= 3);
	ASSERT(result->explanation.n == 0 || result->verdict == SPF_FAIL);
	ASSERT(result->explanation.n <= SPF_EXPLANATION_MAX);
	for (size_t i = 0; i < result->explanation.n; i++)
		ASSERT(result->explanation.p[i] >= 0x20 && result->explanation.p[i] < 0x7f);
	ASSERT(result->problem.n == 0 || result->verdict == SPF_NONE ||
		result->verdict >= SPF_TEMPERROR);
}

static void
on_step(void *arg, struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		ASSERT(line.p[i] >= 0x20 && line.p[i] < 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spf_engine *e;
	struct world w = { .rest = bytes_make(data, size),
		.client = { 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7 } };
	const struct mailauth_dns dns = { ask, &w };
	struct bytes helo = bytes_cut(&w.rest, '\n'), mail_from = bytes_cut(&w.rest, '\n');
	uint8_t flags = helo.n > 0 ? helo.p[0] : 0;
	struct spf_question q = { .identity = flags & 2 ? SPF_HELO : SPF_MAIL_FROM,
		.client = { .family = flags & 1 ? 6 : 4 },
		.helo = bytes_skip(helo, 1),
		.mail_from = mail_from,
		.receiver = BYTES_LITERAL("mx.example.net") };
	struct spf_check *c;

	if (e == NULL)
		e = spf_engine_new();
	w.all = w.rest;
	memcpy(q.client.addr, w.client, flags & 1 ? 16 : 4);
	c = spf_start(e, &dns, &q, on_done, flags & 4 ? on_step : NULL, &w);
	ASSERT((c == NULL) == w.done);
	while (!w.done) {
		ASSERT(w.waits);
		if (w.cancel) {
			spf_cancel(c);
			answer_now(&w, BYTES_LITERAL("x")); /* too late */
			ASSERT(!w.done);
			break;
		}
		answer_now(&w, next_line(&w));
	}
	buf_free(&w.rdata);
	return 0;
}
