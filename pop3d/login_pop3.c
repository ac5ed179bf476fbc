/* SPDX-License-Identifier: ISC */
/*
 * pop3d/login_pop3.c - POP3 in the AUTHORIZATION state, as a pure state machine.
 *
 * Runs in:  pop3-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 * Sources:  RFC 1939 sec. 4, 7; RFC 2449 sec. 5, 6, 8; RFC 3206 response codes; RFC 5034 AUTH;
 *           RFC 2595 STLS.
 */
#include "login_pop3.h"

#include "err.h"
#include "pop3_capability.h"
#include "rfc1939.h"

struct pop3_login {
	struct login_session base;
	struct buf line; /* of the line under way */
	struct buf name; /* what USER said, until PASS */
	bool has_user;
};

static struct pop3_login *
pop3_login_of(struct login_session *s)
{
	return (struct pop3_login *)s; /* base is its first member */
}

static void
bad(struct pop3_login *l, struct buf *out, const char *text)
{
	buf_printf(out, "-ERR %s\r\n", text);
	if (login_count_error(&l->base))
		buf_put_str(out, "-ERR Too many invalid commands.\r\n");
}

static bool
login_ok(struct pop3_login *l, struct buf *out)
{
	if (login_allowed(&l->base))
		return true;
	bad(l, out, "[AUTH] Plaintext authentication disallowed on non-secure connections.");
	return false;
}

/* ---- commands ---- */

static void
cmd_user(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	if (!login_ok(l, out))
		return;
	buf_clear(&l->name);
	buf_put_bytes(&l->name, bytes_head(c->text, LOGIN_USER_MAX + 1));
	l->has_user = true;
	buf_put_str(out, "+OK\r\n"); /* whether there is such a user or not */
}

static void
cmd_pass(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	if (!l->has_user) {
		bad(l, out, "No username given.");
		return;
	}
	login_ask(&l->base, "PLAIN", buf_bytes(&l->name), c->text);
	l->has_user = false; /* RFC 1939 sec. 7: a failed PASS begins anew with USER */
	buf_free(&l->name);
}

static void
on_sasl(struct pop3_login *l, enum login_sasl r, struct buf *out)
{
	static const char *const texts[LOGIN_SASL_RESULTS] = {
		[LOGIN_SASL_UNKNOWN] = "Unsupported authentication mechanism.",
		[LOGIN_SASL_INSECURE] =
			"[AUTH] Authentication disallowed on non-secure connections.",
		[LOGIN_SASL_INVALID] = "Invalid SASL response.",
		[LOGIN_SASL_ABORTED] = "Authentication aborted by client.",
	};

	if (texts[r] != NULL)
		bad(l, out, texts[r]);
}

/* The names of the mechanisms, each behind a blank. */
static unsigned
put_mechanisms(const struct pop3_login *l, const char *prefix, struct buf *out)
{
	const struct sasl_door door = login_sasl_door(&l->base);

	return sasl_mechanisms_put(out, &door, prefix);
}

static void
cmd_auth(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	if (c->text.n == 0) { /* the old form of asking for the mechanisms, a line for each */
		buf_put_str(out, "+OK");
		(void)put_mechanisms(l, "\r\n", out);
		buf_put_str(out, "\r\n.\r\n");
		return;
	}
	on_sasl(l, login_sasl_begin(&l->base, c->text, c->has_extra, c->extra, out), out);
}

static void
cmd_capa(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	struct buf names = BUF_INIT;

	buf_put_str(out, "+OK\r\n" POP3_CAPABILITIES);
	if (l->base.policy.starttls && !l->base.tls)
		buf_put_str(out, "STLS\r\n");
	if (put_mechanisms(l, " ", &names) > 0)
		buf_printf(out, "USER\r\nSASL%s\r\n", buf_str(&names));
	buf_put_str(out, ".\r\n");
	buf_free(&names);
}

/* RFC 2595 sec. 4 */
static void
cmd_stls(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	if (!l->base.policy.starttls || l->base.tls) {
		bad(l, out, l->base.tls ? "TLS is active already." : "STLS is not available.");
	} else if (!l->base.tls_ready) {
		bad(l, out, "[SYS/TEMP] TLS is not available now.");
	} else {
		buf_put_str(out, "+OK Begin TLS negotiation.\r\n");
		l->base.state = LOGIN_STARTTLS;
	}
}

static void
cmd_quit(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	buf_put_str(out, "+OK Logging out.\r\n");
	l->base.client_quit = true;
	l->base.state = LOGIN_OVER;
}

static const struct command {
	enum rfc1939_verb verb;
	void (*handler)(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out);
} commands[] = {
	{ POP3_USER, cmd_user },
	{ POP3_PASS, cmd_pass },
	{ POP3_AUTH, cmd_auth },
	{ POP3_CAPA, cmd_capa },
	{ POP3_STLS, cmd_stls },
	{ POP3_QUIT, cmd_quit },
};

/* ---- input ---- */

static void
on_line(struct pop3_login *l, struct bytes line, struct buf *out)
{
	struct rfc1939_command c;
	int r;

	if (l->base.state == LOGIN_SASL) {
		on_sasl(l, login_sasl_response(&l->base, line, out), out);
		return;
	}
	r = rfc1939_parse(line, &c);
	for (size_t i = 0; i < NITEMS(commands); i++) {
		if (commands[i].verb != c.verb)
			continue;
		if (r < 0)
			bad(l, out, "Invalid arguments.");
		else
			commands[i].handler(l, &c, out);
		return;
	}
	bad(l, out, "Unknown command, or not allowed before login.");
}

/* Too long for a line: what follows can't be told from commands, so it ends here. */
static void
on_too_long(struct pop3_login *l, struct buf *out)
{
	buf_put_str(out, "-ERR Line too long.\r\n");
	l->base.state = LOGIN_OVER;
}

static size_t
pop3_input(struct login_session *s, struct bytes in, struct buf *out)
{
	struct pop3_login *l = pop3_login_of(s);
	size_t lf = bytes_find(bytes_head(in, RFC1939_LINE_MAX), '\n');
	struct bytes part = bytes_head(in, lf == BYTES_NOT_FOUND ? RFC1939_LINE_MAX : lf + 1);
	struct bytes line;
	int r;

	buf_put_bytes(&l->line, part);
	r = rfc1939_line(buf_bytes(&l->line), &line);
	if (r > 0)
		on_line(l, line, out);
	else if (r < 0)
		on_too_long(l, out);
	if (r != 0)
		buf_free(&l->line);
	return part.n;
}

/* ---- the other rows of the protocol ---- */

static void
pop3_init(struct login_session *s)
{
	pop3_login_of(s)->line = BUF_SECRET; /* a password may be in it */
	pop3_login_of(s)->has_user = false;
}

static void
pop3_cleanup(struct login_session *s)
{
	buf_free(&pop3_login_of(s)->line);
	buf_free(&pop3_login_of(s)->name);
}

static void
pop3_greet(struct login_session *s, struct buf *out)
{
	buf_put_str(out, "+OK relais ready\r\n");
}

static void
pop3_refuse(struct login_session *s, enum login_refusal why, struct buf *out)
{
	static const char *const texts[LOGIN_REFUSALS] = {
		[LOGIN_BAD_PASSWORD] = "[AUTH] Authentication failed.",
		[LOGIN_LOCKED] = "[AUTH] This account may not log in.",
		[LOGIN_TOO_MANY_SESSIONS] = "[SYS/TEMP] Too many sessions of this user.",
		[LOGIN_UNAVAILABLE] =
			"[SYS/TEMP] Temporary authentication failure, try again later.",
		[LOGIN_MALFORMED] = "Invalid SASL response.",
		[LOGIN_BANNED] = "[SYS/TEMP] Too many failures, try again later.",
	};

	buf_printf(out, "-ERR %s\r\n", texts[why]);
}

static void
pop3_first_reply(const struct login_session *s, struct buf *out)
{
	/* The session says it itself: only it knows whether the maildrop is free ([IN-USE]). */
	UNUSED(s), UNUSED(out);
}

static void
pop3_goodbye(struct login_session *s, enum login_goodbye why, struct buf *out)
{
	static const char *const texts[LOGIN_GOODBYES] = {
		[LOGIN_BYE_IDLE] = "Disconnected for inactivity.",
		[LOGIN_BYE_SHUTDOWN] = "[SYS/TEMP] The service stops for a moment.",
		[LOGIN_BYE_BUSY] = "[SYS/TEMP] Too many connections, try again later.",
	};

	buf_printf(out, "-ERR %s\r\n", texts[why]);
}

const struct login_protocol login_pop3 = {
	.name = "pop3-login",
	.size = sizeof(struct pop3_login),
	.init = pop3_init,
	.cleanup = pop3_cleanup,
	.greet = pop3_greet,
	.input = pop3_input,
	.refuse = pop3_refuse,
	.first_reply = pop3_first_reply,
	.goodbye = pop3_goodbye,
};
