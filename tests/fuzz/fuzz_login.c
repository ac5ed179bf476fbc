/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_login.c - the login halves of IMAP and POP3, fed in pieces. The first octet
 * says which, and how large the pieces are; the next ones what directory answers.
 */
#include "login_imap.h"
#include "login_pop3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWERS 4

static void
answer(struct login_session *s, uint8_t choice, struct buf *out)
{
	ASSERT(s->user.len <= LOGIN_USER_MAX && s->password.len <= LOGIN_PASSWORD_MAX);
	ASSERT(s->response.len <= SASL_MESSAGE_MAX);
	if (choice % 8 == 7) {
		s->protocol->first_reply(s, out);
		s->state = LOGIN_OVER; /* the session half has it now */
	} else if (choice % 8 == 6 && s->question != LOGIN_PASSWORD) {
		s->exchange = true;
		login_challenge(s, BYTES_LITERAL("r=1,s=2,i=4096"), out);
	} else {
		login_refuse(s, (enum login_refusal)(choice % LOGIN_REFUSALS), out);
	}
}

static void
play(struct login_session *s, struct bytes in, const uint8_t *answers, size_t step)
{
	struct buf pending = BUF_INIT, out = BUF_INIT;
	unsigned asked = 0;

	login_greet(s, &out);
	while (s->state != LOGIN_OVER && (in.n > 0 || pending.len > 0)) {
		size_t used;

		buf_put_bytes(&pending, bytes_head(in, step));
		in = bytes_skip(in, step);
		used = login_input(s, buf_bytes(&pending), &out);
		ASSERT(used <= pending.len);
		buf_consume(&pending, used);
		if (s->state == LOGIN_ASKING) {
			answer(s, answers[asked++ % ANSWERS], &out);
		} else if (s->state == LOGIN_STARTTLS) {
			ASSERT(!s->tls);
			buf_clear(&pending);
			login_secured(s, (answers[0] & 16) != 0);
		} else if (used == 0 && in.n == 0) {
			break;
		}
		ASSERT(out.len == 0 || buf_bytes(&out).p[out.len - 1] == '\n');
		buf_clear(&out);
	}
	buf_free(&pending);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct login_policy policy = { .plaintext = true,
		.starttls = true,
		.mechanisms = SASL_DEFAULT,
		.attempts_max = 3,
		.errors_max = 5 };
	struct login_session *s;

	if (size < 1 + ANSWERS)
		return 0;
	policy.plaintext = (data[0] & 2) == 0;
	s = login_session_new((data[0] & 1) == 0 ? &login_imap : &login_pop3, &policy);
	s->tls_ready = (data[1] & 32) == 0;
	play(s, bytes_skip(bytes_make(data, size), 1 + ANSWERS), data + 1, 1 + (data[0] >> 2));
	login_session_free(&s);
	return 0;
}
