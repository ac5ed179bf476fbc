/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_client_session.c - any octets of a server, whole and in pieces. The first three
 * octets say what session it is. What the client says and the results of all jobs must be the
 * same, every recipient has a result, no password goes in the clear, and no mail either if TLS is
 * wanted.
 */
#include "client_driver.h"

#define JOBS_MAX 3

struct play {
	struct client_driver d;
	struct buf said, said_clear;
	uint32_t jobs, handshakes;
};

static const char eight_bit[] =
	"Subject: \xc3\xa9\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\n\r\n\xff\r\n--b--\r\n";

static void
set_up(struct client_driver *d, const uint8_t *how)
{
	driver_init(d, how[1] % 5u + 1);
	d->policy.lmtp = (how[0] & 1) != 0;
	d->policy.tls = (enum client_tls)(how[0] >> 1 & 3);
	d->policy.wrapped = (how[0] & 0x18) == 0x18;
	d->policy.pipelining = (how[0] & 0x20) == 0;
	d->policy.chunking = (how[0] & 0x40) != 0;
	if (how[0] & 0x80) {
		d->policy.login = BYTES_LITERAL("user");
		d->policy.password = BYTES_LITERAL("pencil");
		/* SCRAM's nonces differ from run to run */
		d->policy.mechanisms =
			sasl_mechanism_bit(SASL_PLAIN) | sasl_mechanism_bit(SASL_LOGIN);
	}
	d->policy.transactions_max = how[1] >> 5 & 3;
	d->chunk = how[1] & 0x80 ? 5 : 0;
	d->job.flags = how[2] & OUTBOUND_FLAGS_ALL;
	if (how[2] & 0x20)
		d->content = bytes_make(eight_bit, sizeof(eight_bit) - 1);
	if (how[2] & 0x40)
		d->rcpts[0].forward_path = BYTES_LITERAL("\xc3\xa9@mx.example");
	if (how[2] & 0x80)
		d->rcpts[0].orcpt = BYTES_LITERAL("utf-8;\xf0\x9f\x98\x80\xff@x");
}

static void
collect(struct play *p)
{
	buf_put_bytes(&p->said, buf_bytes(&p->d.said));
	if (p->handshakes == 0)
		buf_put_bytes(&p->said_clear, buf_bytes(&p->d.said));
	buf_clear(&p->d.said);
}

/* Do what the session wants and only a caller can do. */
static void
attend(struct play *p)
{
	struct client_tls_state tls = { .authenticated = true };

	for (;;) {
		collect(p);
		switch (client_session_want(p->d.session)) {
		case CLIENT_WANT_TLS:
			/* the second time it doesn't work */
			if (p->handshakes++ == 0)
				client_session_secured(p->d.session, &tls);
			else
				client_session_tls_failed(p->d.session, "no");
			driver_settle(&p->d);
			break;
		case CLIENT_WANT_DONE:
			driver_take_result(&p->d);
			break;
		case CLIENT_WANT_JOB:
			if (++p->jobs < JOBS_MAX)
				driver_job(&p->d);
			else
				client_session_quit(p->d.session);
			driver_settle(&p->d);
			break;
		default:
			return;
		}
	}
}

static void
run(struct play *p, const uint8_t *how, struct bytes in, size_t piece)
{
	*p = (struct play){ .said = BUF_INIT, .said_clear = BUF_INIT };
	set_up(&p->d, how);
	driver_start(&p->d);
	attend(p);
	/* octets that come with the reply to STARTTLS are dropped, so pieces end at lines */
	while (in.n > 0) {
		size_t line = bytes_find(in, '\n');
		struct bytes now = bytes_head(
			bytes_head(in, line == BYTES_NOT_FOUND ? in.n : line + 1), piece);

		driver_feed(&p->d, now);
		attend(p);
		in = bytes_skip(in, now.n);
	}
	ASSERT(client_session_deadline(p->d.session).seconds > 0 ||
		client_session_want(p->d.session) == CLIENT_WANT_CLOSE);
	client_session_closed(p->d.session, NULL);
	attend(p);
	ASSERT(client_session_want(p->d.session) == CLIENT_WANT_CLOSE);
}

static void
check_clear(const struct play *p)
{
	struct bytes clear = buf_bytes(&p->said_clear);

	ASSERT(bytes_search(clear, BYTES_LITERAL("cGVuY2ls")) == BYTES_NOT_FOUND);
	ASSERT(bytes_search(clear, BYTES_LITERAL("AUTH ")) == BYTES_NOT_FOUND);
	if (p->d.policy.tls >= CLIENT_TLS_ENCRYPT || p->d.policy.wrapped)
		ASSERT(bytes_search(clear, BYTES_LITERAL("MAIL")) == BYTES_NOT_FOUND);
}

static void
free_play(struct play *p)
{
	driver_free(&p->d);
	buf_free(&p->said);
	buf_free(&p->said_clear);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play whole, pieces;

	if (size < 3)
		return 0;
	struct bytes in = bytes_make(data + 3, size - 3);

	run(&whole, data, in, size);
	run(&pieces, data, in, data[1] % 7u + 1);
	ASSERT(bytes_equal(buf_bytes(&whole.said), buf_bytes(&pieces.said)));
	ASSERT(bytes_equal(buf_bytes(&whole.d.results), buf_bytes(&pieces.d.results)));
	check_clear(&whole);
	free_play(&whole);
	free_play(&pieces);
	return 0;
}
