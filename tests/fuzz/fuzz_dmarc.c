/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_dmarc.c - the DMARC check of a hostile message over a hostile DNS. Input: lines;
 * the first is the From field, the second SPF's domain, the third a signature's, each further one
 * an answer of the DNS (the record; "!": no answer; "?": it comes too late, but for the first of
 * these; "": none), used round and round.
 */
#include "dmarc.h"
#include "mailauth_dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ASKED_MAX 200

struct late {
	mailauth_dns_fn *done;
	void *arg;
};

struct world {
	struct bytes answers, rest;
	unsigned asked;
	bool done;
	unsigned nlate;
	struct late late[ASKED_MAX];
};

static void
answer_late(struct world *w, unsigned i)
{
	const struct dns_answer a = { .status = DNS_NXDOMAIN };

	w->late[i].done(w->late[i].arg, &a);
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	struct world *w = ctx;
	struct dns_answer a = { .status = DNS_NODATA };
	struct buf rdata = BUF_INIT;
	struct bytes line;

	ASSERT(++w->asked < ASKED_MAX && name.n < 1024);
	if (w->rest.n == 0)
		w->rest = w->answers;
	line = bytes_head(bytes_cut(&w->rest, '\n'), 4000);
	if (bytes_is(line, "?")) {
		w->late[w->nlate++] = (struct late){ done, arg };
		return;
	}
	if (bytes_is(line, "!")) {
		a.status = DNS_SERVFAIL;
	} else if (line.n > 0 && type == DNS_TYPE_TXT) {
		for (; line.n > 0; line = bytes_skip(line, 200)) {
			struct bytes part = bytes_head(line, 200);

			buf_put_u8(&rdata, (uint8_t)part.n);
			buf_put_bytes(&rdata, part);
		}
		a.status = DNS_OK;
		a.rdata[0] = buf_bytes(&rdata);
		a.count = a.total = 1;
	}
	done(arg, &a);
	buf_free(&rdata);
}

static void
on_trace(void *arg, struct bytes line)
{
	UNUSED(arg);
	for (size_t i = 0; i < line.n; i++)
		ASSERT(line.p[i] >= ' ' && line.p[i] <= '~');
}

static void
on_done(void *arg, const struct dmarc_result_row *row)
{
	struct world *w = arg;

	ASSERT(!w->done && row->result < DMARC_RESULTS && row->policy < DMARC_POLICIES);
	ASSERT(row->result != DMARC_RESULT_PASS || row->spf_aligned || row->dkim_aligned);
	w->done = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_make(data, size);
	struct dmarc_question q = { .from_count = 1, .dkim_count = 1 };
	struct world w = { .done = false };
	const struct mailauth_dns dns = { ask, &w };
	struct dmarc_check *c = dmarc_new(&dns);
	unsigned answered = 0;

	q.from[0] = bytes_cut(&rest, '\n');
	q.spf = (struct dmarc_identifier){ DMARC_AUTH_PASS, bytes_cut(&rest, '\n') };
	q.dkim[0] = (struct dmarc_identifier){ DMARC_AUTH_PASS, bytes_cut(&rest, '\n') };
	w.answers = w.rest = rest;
	dmarc_trace(c, on_trace, NULL);
	dmarc_run(c, &q, on_done, &w);
	if (w.nlate > 0)
		answer_late(&w, answered++);
	if (!w.done)
		dmarc_give_up(c);
	ASSERT(w.done);
	dmarc_free(&c);
	while (answered < w.nlate)
		answer_late(&w, answered++);
	return 0;
}
