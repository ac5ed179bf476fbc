/* SPDX-License-Identifier: ISC */
/*
 * imapd/login_imap.c - IMAP in Not Authenticated state, as a pure state machine.
 *
 * Runs in:  imap-login; user relais-login, empty chroot, no file access.
 * Trusts:   nothing from the client.
 * Sources:  RFC 9051 and 3501 sec. 3.1, 6.1, 6.2, 7.1; RFC 4959 SASL-IR; RFC 2971 ID; RFC 5530
 *           response codes; RFC 2595 STARTTLS.
 */
#include "login_imap.h"

#include "capability.h"
#include "err.h"
#include "imap_parse.h"
#include "imap_reader.h"

struct imap_login {
	struct login_session base;
	struct imap_reader reader;
	char tag[IMAP_TAG_MAX + 1]; /* of the command under way */
};

static struct imap_login *
imap_login_of(struct login_session *s)
{
	return (struct imap_login *)s; /* base is its first member */
}

static void
reply(struct imap_login *l, struct buf *out, const char *text)
{
	buf_printf(out, "%s %s\r\n", l->tag, text);
}

/* A command in error: answered, counted. */
static void
bad(struct imap_login *l, struct buf *out, const char *text)
{
	reply(l, out, text);
	if (login_count_error(&l->base))
		buf_put_str(out, "* BYE Too many invalid commands.\r\n");
}

/* RFC 9051 sec. 6.1.1, 6.2.3: what holds now; another one after STARTTLS. */
static void
put_capability(const struct login_session *s, struct buf *out)
{
	const struct sasl_door door = login_sasl_door(s);

	buf_put_str(out, IMAP_CAPABILITY_BEFORE);
	if (s->policy.starttls && !s->tls)
		buf_put_str(out, " STARTTLS");
	if (!door.secure)
		buf_put_str(out, " LOGINDISABLED");
	(void)sasl_mechanisms_put(out, &door, " AUTH=");
}

/* A password was in it: nothing of it stays. */
static void
wipe(struct bytes b)
{
	if (b.p != NULL)
		explicit_bzero((void *)(uintptr_t)b.p, b.n);
}

/* ---- commands: each gets the parser behind its name ---- */

static void
cmd_capability(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	buf_put_str(out, "* CAPABILITY ");
	put_capability(&l->base, out);
	buf_put_str(out, "\r\n");
	reply(l, out, "OK Capability completed.");
}

static void
cmd_noop(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	reply(l, out, "OK NOOP completed.");
}

static void
cmd_logout(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	buf_put_str(out, "* BYE Logging out\r\n");
	reply(l, out, "OK Logout completed.");
	l->base.client_quit = true;
	l->base.state = LOGIN_OVER;
}

static void
cmd_id(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	struct bytes *words;
	size_t count;

	if (imap_get_space(p) < 0 || imap_get_id(p, &words, &count) < 0 || imap_get_end(p) < 0) {
		bad(l, out, "BAD Error in IMAP command ID: invalid parameters.");
		return;
	}
	buf_put_str(out, "* ID (\"name\" \"relais\")\r\n");
	reply(l, out, "OK ID completed.");
}

static void
cmd_starttls(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	if (!l->base.policy.starttls || l->base.tls) {
		bad(l, out,
			l->base.tls ? "BAD TLS is active already."
				    : "BAD STARTTLS is not available.");
	} else if (!l->base.tls_ready) {
		bad(l, out, "NO [UNAVAILABLE] TLS is not available now.");
	} else {
		reply(l, out, "OK Begin TLS negotiation now.");
		l->base.state = LOGIN_STARTTLS;
	}
}

/* true if one may log in on this connection; else the command is answered */
static bool
login_ok(struct imap_login *l, struct buf *out)
{
	if (login_allowed(&l->base))
		return true;
	bad(l, out,
		"NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure "
		"connections.");
	return false;
}

static void
cmd_login(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	struct bytes user, password = BYTES_NONE;

	if (!login_ok(l, out))
		return;
	if (imap_get_space(p) < 0 || imap_get_astring(p, &user) < 0 || imap_get_space(p) < 0 ||
		imap_get_astring(p, &password) < 0 || imap_get_end(p) < 0)
		bad(l, out,
			"BAD Error in IMAP command LOGIN: it takes a user name and a password.");
	else
		login_ask(&l->base, "PLAIN", user, password);
	wipe(password);
}

static void
on_sasl(struct imap_login *l, enum login_sasl r, struct buf *out)
{
	static const char *const texts[LOGIN_SASL_RESULTS] = {
		[LOGIN_SASL_UNKNOWN] = "NO [CANNOT] Unsupported authentication mechanism.",
		[LOGIN_SASL_INSECURE] = ("NO [PRIVACYREQUIRED] Authentication disallowed on "
					 "non-secure connections."),
		[LOGIN_SASL_INVALID] = "BAD Invalid SASL response.",
		[LOGIN_SASL_ABORTED] = "BAD Authentication aborted by client.",
	};

	if (texts[r] != NULL)
		bad(l, out, texts[r]);
}

static void
cmd_authenticate(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	struct bytes mechanism;
	bool has_initial;

	if (imap_get_space(p) < 0 || imap_get_atom(p, &mechanism) < 0) {
		bad(l, out, "BAD Error in IMAP command AUTHENTICATE: it takes a mechanism.");
		return;
	}
	has_initial = imap_get_space(p) == ERR_OK;
	if (!has_initial && imap_get_end(p) < 0) {
		bad(l, out, "BAD Error in IMAP command AUTHENTICATE: invalid parameters.");
		return;
	}
	on_sasl(l, login_sasl_begin(&l->base, mechanism, has_initial, p->in, out), out);
}

static const struct command {
	const char *name;
	bool bare; /* takes no arguments */
	void (*handler)(struct imap_login *l, struct imap_parser *p, struct buf *out);
} commands[] = {
	{ "CAPABILITY", true, cmd_capability },
	{ "NOOP", true, cmd_noop },
	{ "LOGOUT", true, cmd_logout },
	{ "ID", false, cmd_id },
	{ "STARTTLS", true, cmd_starttls },
	{ "LOGIN", false, cmd_login },
	{ "AUTHENTICATE", false, cmd_authenticate },
};

/* ---- input ---- */

/* The tag for a reply to text; "*" if it has none. true: the parser stands behind it. */
static bool
take_tag(struct imap_login *l, struct imap_parser *p)
{
	struct bytes tag;

	if (imap_get_tag(p, &tag) < 0 || tag.n > IMAP_TAG_MAX || tag.n == 0) {
		bytes_to_str(BYTES_LITERAL("*"), l->tag, sizeof(l->tag));
		return false;
	}
	bytes_to_str(tag, l->tag, sizeof(l->tag));
	return true;
}

static void
run_command(struct imap_login *l, struct imap_parser *p, struct buf *out)
{
	struct bytes name;

	if (!take_tag(l, p)) {
		bad(l, out, "BAD Error in IMAP command: invalid tag.");
		return;
	}
	if (imap_get_space(p) < 0 || imap_get_atom(p, &name) < 0) {
		bad(l, out, "BAD Error in IMAP command: no command.");
		return;
	}
	for (size_t i = 0; i < NITEMS(commands); i++) {
		if (!bytes_is_nocase(name, commands[i].name))
			continue;
		if (commands[i].bare && imap_get_end(p) < 0)
			bad(l, out, "BAD Error in IMAP command: it takes no parameters.");
		else
			commands[i].handler(l, p, out);
		return;
	}
	bad(l, out, "BAD Unknown command, or not allowed before login.");
}

/* A whole command, or in the SASL state a response line. */
static void
on_text(struct imap_login *l, struct buf *out)
{
	struct bytes text = buf_bytes(&l->reader.text);
	struct arena arena = ARENA_INIT;
	struct imap_parser p;

	if (l->base.state == LOGIN_SASL) {
		on_sasl(l, login_sasl_response(&l->base, text, out), out);
		return;
	}
	imap_parser_init(&p, text, &arena);
	run_command(l, &p, out);
	arena_reset(&arena);
}

/* Longer than any honest command before login. */
static void
on_too_long(struct imap_login *l, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	struct imap_parser p;

	imap_parser_init(&p, buf_bytes(&l->reader.text), &arena);
	if (l->base.state != LOGIN_SASL)
		(void)take_tag(l, &p); /* "*" will do */
	l->base.state = LOGIN_COMMAND;
	bad(l, out, "BAD Error in IMAP command: too long.");
	arena_reset(&arena);
}

static void
next_command(struct imap_login *l)
{
	imap_reader_next(&l->reader);
	buf_shrink(&l->reader.text);
}

static void
on_literal(struct imap_login *l, struct buf *out)
{
	if (l->base.state != LOGIN_SASL && imap_reader_keep(&l->reader) == ERR_OK) {
		if (l->reader.literal_sync)
			buf_put_str(out, "+ OK\r\n");
	} else if (l->reader.literal_sync) {
		on_too_long(l, out);
		next_command(l);
	} else {
		imap_reader_discard(&l->reader); /* TOO_LARGE comes at its end */
	}
}

static size_t
imap_input(struct login_session *s, struct bytes in, struct buf *out)
{
	struct imap_login *l = imap_login_of(s);
	struct bytes rest = in;

	switch (imap_reader_feed(&l->reader, &rest)) {
	case IMAP_READ_COMMAND:
		on_text(l, out);
		next_command(l);
		break;
	case IMAP_READ_LITERAL:
		on_literal(l, out);
		break;
	case IMAP_READ_TOO_LONG:
	case IMAP_READ_TOO_LARGE:
		on_too_long(l, out);
		next_command(l);
		break;
	case IMAP_READ_MORE:
	case IMAP_READ_DATA: /* never: nothing is streamed */
	case IMAP_READ_DATA_END:
		break;
	}
	return in.n - rest.n;
}

/* ---- the other rows of the protocol ---- */

static void
imap_init(struct login_session *s)
{
	imap_reader_init(&imap_login_of(s)->reader, LOGIN_IMAP_COMMAND_MAX);
	imap_login_of(s)->reader.text = BUF_SECRET; /* passwords are in it */
}

static void
imap_cleanup(struct login_session *s)
{
	imap_reader_free(&imap_login_of(s)->reader);
}

static void
imap_greet(struct login_session *s, struct buf *out)
{
	buf_put_str(out, "* OK [CAPABILITY ");
	put_capability(s, out);
	buf_put_str(out, "] relais ready\r\n");
}

static void
imap_refuse(struct login_session *s, enum login_refusal why, struct buf *out)
{
	static const char *const texts[LOGIN_REFUSALS] = {
		[LOGIN_BAD_PASSWORD] = "NO [AUTHENTICATIONFAILED] Authentication failed.",
		[LOGIN_LOCKED] = "NO [AUTHORIZATIONFAILED] This account may not log in.",
		[LOGIN_TOO_MANY_SESSIONS] = "NO [LIMIT] Too many sessions of this user.",
		[LOGIN_UNAVAILABLE] =
			"NO [UNAVAILABLE] Temporary authentication failure, try again later.",
		[LOGIN_MALFORMED] = "BAD Invalid SASL response.",
		[LOGIN_BANNED] = "NO [UNAVAILABLE] Too many failures, try again later.",
	};

	reply(imap_login_of(s), out, texts[why]);
	if (s->state == LOGIN_OVER)
		buf_put_str(out, "* BYE Too many failed logins.\r\n");
}

static void
imap_first_reply(const struct login_session *s, struct buf *out)
{
	const struct imap_login *l = (const struct imap_login *)s;

	buf_printf(out, "%s OK [CAPABILITY " IMAP_CAPABILITY_SESSION "] Logged in\r\n", l->tag);
}

static void
imap_goodbye(struct login_session *s, enum login_goodbye why, struct buf *out)
{
	static const char *const texts[LOGIN_GOODBYES] = {
		[LOGIN_BYE_IDLE] = "Disconnected for inactivity.",
		[LOGIN_BYE_SHUTDOWN] = "The service stops for a moment.",
		[LOGIN_BYE_BUSY] = "[UNAVAILABLE] Too many connections, try again later.",
	};

	buf_printf(out, "* BYE %s\r\n", texts[why]);
}

const struct login_protocol login_imap = {
	.name = "imap-login",
	.size = sizeof(struct imap_login),
	.init = imap_init,
	.cleanup = imap_cleanup,
	.greet = imap_greet,
	.input = imap_input,
	.refuse = imap_refuse,
	.first_reply = imap_first_reply,
	.goodbye = imap_goodbye,
};
