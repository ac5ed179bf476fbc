/* SPDX-License-Identifier: ISC */
/* tests/unit/session/login_script.c - see login_script.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "login_script.h"

struct play {
	struct login_session *s;
	const char *answers;
	struct buf out;
	bool taken_over;
};

static void
answer(struct play *p)
{
	static const char letters[] = "bltumB"; /* in the order of enum login_refusal */
	const char *why;
	bool password = p->s->question == LOGIN_PASSWORD;

	buf_put_str(&p->out, "?");
	if (!password)
		buf_printf(&p->out, "%s %s ", p->s->mechanism->name,
			p->s->question == LOGIN_SASL_BEGIN ? "begin" : "step");
	buf_printf(&p->out, "%s/", buf_str(&p->s->user));
	buf_printf(&p->out, "%s\n", buf_str(password ? &p->s->password : &p->s->response));
	assert_int_not_equal(*p->answers, 0);
	if (*p->answers == 'o') {
		p->s->protocol->first_reply(p->s, &p->out);
		p->taken_over = true;
		return;
	}
	if (*p->answers == 'c') {
		p->answers++;
		p->s->exchange = true;
		login_challenge(p->s, BYTES_LITERAL("more"), &p->out);
		return;
	}
	why = strchr(letters, *p->answers++);
	assert_non_null(why);
	login_refuse(p->s, (enum login_refusal)(why - letters), &p->out);
}

/* What came before TLS. */
static void
drop_early(struct buf *pending, struct bytes *input)
{
	size_t early = bytes_find(buf_bytes(pending), 1);

	if (early != BYTES_NOT_FOUND) {
		buf_consume(pending, early + 1);
		return;
	}
	buf_clear(pending);
	(void)bytes_cut(input, 1);
}

/* As the owner does: unused octets are offered again. step 0: all at once */
static void
play(struct play *p, struct bytes input, size_t step)
{
	struct buf pending = BUF_INIT;

	while (!p->taken_over && p->s->state != LOGIN_OVER && (input.n > 0 || pending.len > 0)) {
		struct bytes piece = bytes_head(input, step == 0 ? input.n : step);
		size_t used;

		buf_put_bytes(&pending, piece);
		input = bytes_skip(input, piece.n);
		used = login_input(p->s, buf_bytes(&pending), &p->out);
		buf_consume(&pending, used);
		if (p->s->state == LOGIN_ASKING) {
			answer(p);
		} else if (p->s->state == LOGIN_STARTTLS) {
			buf_put_str(&p->out, "!TLS\n");
			drop_early(&pending, &input);
			login_secured(p->s, true);
		}
		if (used == 0 && piece.n == 0)
			break;
	}
	buf_put_bytes(&pending, input);
	if (pending.len > 0)
		buf_printf(&p->out, "!%s\n", buf_str(&pending));
	buf_free(&pending);
}

static void
strip_cr(struct buf *b)
{
	struct buf plain = BUF_INIT;

	for (size_t i = 0; i < b->len; i++)
		if (buf_bytes(b).p[i] != '\r')
			buf_put_u8(&plain, buf_bytes(b).p[i]);
	buf_free(b);
	*b = plain;
}

static void
run(const struct login_protocol *protocol, const struct login_row *row, const char *greeting,
	size_t step)
{
	const struct login_policy policy = { .plaintext = !row->no_plaintext,
		.starttls = row->starttls,
		.mechanisms = SASL_DEFAULT,
		.attempts_max = 3,
		.errors_max = 3 };
	struct play p = { .s = login_session_new(protocol, &policy),
		.answers = row->answers == NULL ? "" : row->answers,
		.out = BUF_INIT };
	size_t n = strlen(greeting);

	p.s->tls_ready = !row->no_tls_now;
	login_greet(p.s, &p.out);
	assert_true(p.out.len >= n && memcmp(buf_bytes(&p.out).p, greeting, n) == 0);
	buf_clear(&p.out);
	play(&p, bytes_from_str(row->input), step);
	strip_cr(&p.out);
	assert_string_equal(buf_str(&p.out), row->output);
	assert_int_equal(p.s->state == LOGIN_OVER, row->over);
	login_session_free(&p.s);
	buf_free(&p.out);
}

void
login_script_run(
	const struct login_protocol *protocol, const struct login_row *row, const char *greeting)
{
	run(protocol, row, greeting, 0);
	run(protocol, row, greeting, 1);
}
