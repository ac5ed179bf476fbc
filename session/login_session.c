/* SPDX-License-Identifier: ISC */
/*
 * session/login_session.c - the common part of the login halves' state machines.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 */
#include "login_session.h"

#include <stdlib.h>

#define DELAY_FIRST_MS 2000
#define DELAY_MAX_MS   15000

struct login_session *
login_session_new(const struct login_protocol *protocol, const struct login_policy *policy)
{
	struct login_session *s = xcalloc(1, protocol->size);

	ASSERT(protocol->size >= sizeof(*s));
	s->protocol = protocol;
	s->policy = *policy;
	s->state = LOGIN_COMMAND;
	s->password = BUF_SECRET;
	s->response = BUF_SECRET;
	protocol->init(s);
	return s;
}

void
login_session_free(struct login_session **s)
{
	if (*s == NULL)
		return;
	(*s)->protocol->cleanup(*s);
	buf_free(&(*s)->user);
	buf_free(&(*s)->password);
	buf_free(&(*s)->response);
	free(*s);
	*s = NULL;
}

void
login_greet(struct login_session *s, struct buf *out)
{
	s->protocol->greet(s, out);
}

size_t
login_input(struct login_session *s, struct bytes in, struct buf *out)
{
	size_t used = 0;

	while (used < in.n && (s->state == LOGIN_COMMAND || s->state == LOGIN_SASL)) {
		size_t n = s->protocol->input(s, bytes_skip(in, used), out);

		if (n == 0)
			break;
		used += n;
	}
	return used;
}

void
login_refuse(struct login_session *s, enum login_refusal why, struct buf *out)
{
	buf_free(&s->password);
	buf_free(&s->response);
	s->exchange = false;
	if (why == LOGIN_BAD_PASSWORD || why == LOGIN_LOCKED || why == LOGIN_BANNED)
		s->attempts++;
	s->state = s->attempts >= s->policy.attempts_max ? LOGIN_OVER : LOGIN_COMMAND;
	if (why == LOGIN_MALFORMED)
		(void)login_count_error(s);
	s->protocol->refuse(s, why, out);
}

void
login_secured(struct login_session *s, bool binding)
{
	s->protocol->cleanup(s);
	s->protocol->init(s);
	buf_free(&s->user);
	s->method = NULL;
	s->tls = true;
	s->binding = binding;
	s->state = LOGIN_COMMAND;
}

bool
login_allowed(struct login_session *s)
{
	if (s->tls || s->policy.plaintext)
		return true;
	s->tried_disallowed = true;
	return false;
}

void
login_goodbye(struct login_session *s, enum login_goodbye why, struct buf *out)
{
	s->state = LOGIN_OVER;
	s->protocol->goodbye(s, why, out);
}

void
login_ask(struct login_session *s, const char *method, struct bytes user, struct bytes password)
{
	s->question = LOGIN_PASSWORD;
	s->method = method;
	buf_clear(&s->user);
	buf_put_bytes(&s->user, bytes_head(user, LOGIN_USER_MAX)); /* also for the log */
	buf_free(&s->password);
	if (user.n > 0 && user.n <= LOGIN_USER_MAX && password.n <= LOGIN_PASSWORD_MAX &&
		bytes_find(user, 0) == BYTES_NOT_FOUND &&
		bytes_find(password, 0) == BYTES_NOT_FOUND)
		buf_put_bytes(&s->password, password);
	s->state = LOGIN_ASKING;
}

bool
login_hopeless(const struct login_session *s)
{
	return s->question == LOGIN_PASSWORD && s->password.len == 0;
}

bool
login_count_error(struct login_session *s)
{
	if (++s->errors < s->policy.errors_max)
		return false;
	s->state = LOGIN_OVER;
	return true;
}

unsigned
login_refusal_delay_ms(const struct login_session *s)
{
	unsigned delay = DELAY_FIRST_MS;

	for (unsigned i = 0; i < s->attempts && delay < DELAY_MAX_MS; i++)
		delay *= 2;
	return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}
