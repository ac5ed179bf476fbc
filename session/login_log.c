/* SPDX-License-Identifier: ISC */
/*
 * session/login_log.c - log lines of the login halves, in Dovecot's form, so that fail2ban's
 * filter and people's habits go on working.
 *
 * A user name comes from a stranger: what could end its angle brackets is written as '?'.
 */
#include <stdio.h>

#include "clock.h"
#include "log.h"
#include "login_private.h"

#define NAME_SHOWN 200

static const char *
shown_name(const struct login_conn *c, char out[NAME_SHOWN])
{
	bytes_to_str(buf_bytes(&c->session->user), out, NAME_SHOWN);
	for (char *p = out; *p != 0; p++)
		if (*p == '<' || *p == '>')
			*p = '?';
	return out;
}

/* Who may have listened in, as Dovecot says it: ", TLS", ", secured" (the loopback) or nothing. */
static const char *
security(const struct login_conn *c)
{
	return c->tls != NULL && c->tls_failure == NULL ? ", TLS" : c->secured ? ", secured" : "";
}

void
login_log_login(const struct login_conn *c, uint32_t pid)
{
	char name[NAME_SHOWN];

	log_info("Login: user=<%s>, method=%s, rip=%s, lip=%s, mpid=%u%s, session=<%s>",
		shown_name(c, name), c->session->method, c->client, c->local, pid, security(c),
		c->id);
}

/* What was tried, as in "(auth failed, 3 attempts in 6 secs)". */
static void
attempts_text(const struct login_conn *c, char *out, size_t size)
{
	const struct login_session *s = c->session;
	unsigned seconds = (unsigned)((clock_mono_ms() - c->begun_ms) / 1000);

	if (s->attempts > 0)
		snprintf(out, size, "auth failed, %u attempts in %u secs", s->attempts, seconds);
	else if (s->tried_disallowed)
		snprintf(out, size, "tried to use disallowed plaintext auth");
	else
		snprintf(out, size, "no auth attempts in %u secs", seconds);
}

void
login_log_disconnect(const struct login_conn *c)
{
	char name[NAME_SHOWN], attempts[64];

	attempts_text(c, attempts, sizeof(attempts));
	log_info("Disconnected: %s (%s): user=<%s>,%s%s%s rip=%s, lip=%s%s%s, session=<%s>",
		c->reason == NULL ? "Connection closed" : c->reason, attempts, shown_name(c, name),
		c->session->method == NULL ? "" : " method=",
		c->session->method == NULL ? "" : c->session->method,
		c->session->method == NULL ? "" : ",", c->client, c->local,
		c->tls_failure == NULL ? security(c) : ", TLS handshaking: ",
		c->tls_failure == NULL ? "" : c->tls_failure, c->id);
}
