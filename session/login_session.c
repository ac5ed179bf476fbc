/* SPDX-License-Identifier: ISC */
/*
 * session/login_session.c - the common part of the login halves' state machines.
 *
 * Runs in:  imap-login, pop3-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 */
#include "login_session.h"

#include <stdlib.h>

#include "encode.h"
#include "err.h"
#include "sasl_plain.h"

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
	protocol->init(s);
	return s;
}

/* A buffer that held a password: no copy stays behind in freed memory. */
static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void
login_session_free(struct login_session **s)
{
	if (*s == NULL)
		return;
	(*s)->protocol->cleanup(*s);
	buf_free(&(*s)->user);
	wipe(&(*s)->password);
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
	wipe(&s->password);
	if (why == LOGIN_BAD_PASSWORD || why == LOGIN_LOCKED)
		s->attempts++;
	s->state = s->attempts >= s->policy.attempts_max ? LOGIN_OVER : LOGIN_COMMAND;
	s->protocol->refuse(s, why, out);
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
	s->method = method;
	buf_clear(&s->user);
	buf_put_bytes(&s->user, bytes_head(user, LOGIN_USER_MAX)); /* also for the log */
	wipe(&s->password);
	if (user.n > 0 && user.n <= LOGIN_USER_MAX && password.n <= LOGIN_PASSWORD_MAX &&
		bytes_find(user, 0) == BYTES_NOT_FOUND &&
		bytes_find(password, 0) == BYTES_NOT_FOUND)
		buf_put_bytes(&s->password, password);
	s->state = LOGIN_ASKING;
}

bool
login_hopeless(const struct login_session *s)
{
	return s->password.len == 0;
}

int
login_ask_plain(struct login_session *s, struct bytes base64)
{
	struct buf text = BUF_INIT;
	struct sasl_plain plain = { 0 };
	int r = base64_decode(&text, base64);

	if (r == ERR_OK)
		r = sasl_plain_parse(buf_bytes(&text), &plain);
	if (r == ERR_OK)
		login_ask(s, "PLAIN", plain.authcid, plain.passwd);
	else if (r == ERR_DENIED) /* for somebody else: not even tried */
		login_ask(s, "PLAIN", plain.authcid, BYTES_NONE);
	wipe(&text);
	return r == ERR_DENIED ? ERR_OK : r;
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
