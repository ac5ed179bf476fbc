/* SPDX-License-Identifier: ISC */
/*
 * pop3d/login_pop3.c - POP3 in the AUTHORIZATION state, as a pure state machine.
 *
 * Runs in:  pop3-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 * Sources:  RFC 1939 sec. 4, 7; RFC 2449 sec. 5, 6, 8; RFC 3206 response codes; RFC 5034 AUTH;
 *           RFC 4616 PLAIN.
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
plaintext_ok(struct pop3_login *l, struct buf *out)
{
	if (l->base.policy.plaintext)
		return true;
	l->base.tried_disallowed = true;
	bad(l, out, "[AUTH] Plaintext authentication disallowed on non-secure connections.");
	return false;
}

/* ---- commands ---- */

static void
cmd_user(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	if (!plaintext_ok(l, out))
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
sasl_response(struct pop3_login *l, struct bytes text, struct buf *out)
{
	l->base.state = LOGIN_COMMAND;
	if (bytes_is(text, "*"))
		bad(l, out, "Authentication aborted by client.");
	else if (login_ask_plain(&l->base, text) < 0)
		bad(l, out, "Invalid SASL response.");
}

static void
cmd_auth(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	if (c->text.n == 0) { /* the old form of asking for the mechanisms */
		buf_printf(out, "+OK\r\n%s.\r\n", l->base.policy.plaintext ? "PLAIN\r\n" : "");
		return;
	}
	if (!bytes_is_nocase(c->text, "PLAIN")) {
		bad(l, out, "Unsupported authentication mechanism.");
		return;
	}
	if (!plaintext_ok(l, out))
		return;
	if (c->has_extra) {
		sasl_response(l, bytes_is(c->extra, "=") ? BYTES_NONE : c->extra, out);
		return;
	}
	l->base.state = LOGIN_SASL;
	buf_put_str(out, "+ \r\n");
}

static void
cmd_capa(struct pop3_login *l, const struct rfc1939_command *c, struct buf *out)
{
	buf_put_str(out, "+OK\r\n" POP3_CAPABILITIES);
	if (l->base.policy.plaintext)
		buf_put_str(out, "USER\r\nSASL PLAIN\r\n");
	buf_put_str(out, ".\r\n");
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
	{ POP3_QUIT, cmd_quit },
};

/* ---- input ---- */

static void
on_line(struct pop3_login *l, struct bytes line, struct buf *out)
{
	struct rfc1939_command c;
	int r;

	if (l->base.state == LOGIN_SASL) {
		sasl_response(l, line, out);
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

static void
wipe_line(struct pop3_login *l)
{
	if (l->line.data != NULL) /* a password may have been in it */
		explicit_bzero(l->line.data, l->line.cap);
	buf_free(&l->line);
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
		wipe_line(l);
	return part.n;
}

/* ---- the other rows of the protocol ---- */

static void
pop3_init(struct login_session *s)
{
	UNUSED(s);
}

static void
pop3_cleanup(struct login_session *s)
{
	wipe_line(pop3_login_of(s));
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
