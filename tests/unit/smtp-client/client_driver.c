/* SPDX-License-Identifier: ISC */
/* tests/unit/smtp-client/client_driver.c - see the header. */
#include "client_driver.h"

#include <stdio.h>

static const char message[] = "From: a@relais.test\r\nSubject: x\r\n\r\n.dot\r\nbody\r\n";

void
driver_init(struct client_driver *d, uint32_t n_rcpts)
{
	static const char *const paths[] = { "r1@mx.example", "r2@mx.example", "r3@mx.example",
		"r4@mx.example" };

	*d = (struct client_driver){ .said = BUF_INIT, .results = BUF_INIT };
	d->policy = (struct client_policy){
		.helo = "relais.test",
		.peer = "mx.example[192.0.2.1]",
		.pipelining = true,
		.timeouts = CLIENT_TIMEOUTS_DEFAULT,
	};
	d->content = bytes_from_str(message);
	for (uint32_t i = 0; i < n_rcpts; i++)
		d->rcpts[i] = (struct outbound_rcpt){ .number = i,
			.forward_path = bytes_from_str(paths[i % NITEMS(paths)]) };
	d->job = (struct client_job){
		.reverse_path = BYTES_LITERAL("a@relais.test"),
		.prefix = BYTES_LITERAL("Received: by relais.test\r\n"),
		.n_rcpts = n_rcpts,
		.rcpts = d->rcpts,
	};
}

void
driver_job(struct client_driver *d)
{
	d->job.content = d->chunk == 0 ? d->content : BYTES_NONE;
	d->job.content_octets = d->content.n;
	client_session_job(d->session, &d->job);
	driver_settle(d);
}

void
driver_start(struct client_driver *d)
{
	d->session = client_session_new(&d->policy);
	driver_job(d);
	client_session_connected(d->session);
	driver_settle(d);
}

void
driver_free(struct client_driver *d)
{
	client_session_free(&d->session);
	buf_free(&d->said);
	buf_free(&d->results);
}

/* One piece of content, if it is asked for. */
static bool
give_content(struct client_driver *d)
{
	size_t room = client_session_room(d->session);
	struct bytes left;

	if (client_session_want(d->session) == CLIENT_WANT_WHOLE) {
		client_session_whole(d->session, d->content);
		return true;
	}
	if (client_session_want(d->session) != CLIENT_WANT_CONTENT || room == 0)
		return false;
	if (d->stall > 0 && client_session_offset(d->session) >= d->stall)
		return false;
	left = bytes_skip(d->content, client_session_offset(d->session));
	ASSERT(left.n >= room);
	client_session_content(d->session, bytes_head(left, room < d->chunk ? room : d->chunk));
	return true;
}

void
driver_settle(struct client_driver *d)
{
	for (;;) {
		struct bytes out = client_session_output(d->session);

		if (out.n > 0) {
			size_t n = out.n > 1000 ? 1000 : out.n;

			buf_put(&d->said, out.p, n);
			client_session_sent(d->session, n);
		} else if (!give_content(d))
			return;
	}
}

void
driver_feed(struct client_driver *d, struct bytes in)
{
	client_session_input(d->session, in);
	driver_settle(d);
}

const char *
driver_want(const struct client_driver *d)
{
	static const char *const words[] = { [CLIENT_WANT_READ] = "READ",
		[CLIENT_WANT_CONTENT] = "CONTENT",
		[CLIENT_WANT_WHOLE] = "WHOLE",
		[CLIENT_WANT_TLS] = "TLS",
		[CLIENT_WANT_DONE] = "DONE",
		[CLIENT_WANT_JOB] = "JOB",
		[CLIENT_WANT_CLOSE] = "CLOSE" };

	return words[client_session_want(d->session)];
}

void
driver_take_result(struct client_driver *d)
{
	static const char *const hops[] = { "REACHED", "UNREACHABLE", "BUSY", "REFUSED" };
	static const char *const retries[] = { "", " PLAIN", " FRESH" };
	static const char *const statuses[] = { "SENT", "TEMPORARY", "PERMANENT" };
	static const char *const scopes[] = { "-", "recipient", "message", "connection", "host" };
	const struct client_result *r = client_session_result(d->session);

	buf_printf(&d->results, "R:%s%s\r\n", hops[r->hop], retries[r->retry]);
	ASSERT(r->n_rcpts == d->job.n_rcpts);
	for (uint32_t i = 0; i < r->n_rcpts; i++) {
		const struct client_rcpt_result *one = &r->rcpts[i];

		buf_printf(&d->results, "r:%s %s %s%s ", statuses[one->status], scopes[one->scope],
			one->code, one->relayed ? " relayed" : "");
		for (size_t k = 0; k < one->text.n; k++)
			ASSERT(one->text.p[k] >= ' ' && one->text.p[k] < 0x7f);
		ASSERT(one->text.n <= OUTBOUND_TEXT_MAX);
		ASSERT(one->status == OUTBOUND_SENT
				? one->code[0] == '2'
				: one->code[0] == (one->status == OUTBOUND_TEMPORARY ? '4' : '5'));
		buf_put_bytes(&d->results, one->text);
		buf_put_str(&d->results, "\r\n");
	}
	client_session_finish(d->session);
	driver_settle(d);
}
