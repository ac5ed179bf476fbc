/* SPDX-License-Identifier: ISC */
/*
 * imapd/session.c - the IMAP session: takes commands apart, runs them, ends them.
 *
 * Runs in:  imap session; the mailbox's uid, chroot to the mailbox.
 * Trusts:   nothing from the client; the store checks what it reads.
 * Sources:  RFC 3501 sec. 2.2, 3, 5.5, 6; RFC 5530; RFC 7888.
 */
#include "imap_core.h"

#include <stdarg.h>
#include <stdlib.h>

#include "err.h"

struct imap_session *
imap_session_new(struct store_account *account, struct charsets *charsets,
	const struct imap_host *host, const struct imap_limits *limits)
{
	struct imap_session *s = xcalloc(1, sizeof(*s));

	s->account = account;
	s->charsets = charsets;
	s->host = *host;
	s->limits = *limits;
	if (s->limits.message_octets == 0)
		s->limits.message_octets = IMAP_MESSAGE_MAX;
	s->state = IMAP_AUTHENTICATED;
	s->arena = ARENA_INIT;
	imap_reader_init(&s->reader, IMAP_COMMAND_MAX);
	return s;
}

void
imap_session_free(struct imap_session **sp)
{
	struct imap_session *s = *sp;

	if (s == NULL)
		return;
	imap_enter(s, IMAP_LOGOUT);
	imap_reader_free(&s->reader);
	buf_free(&s->out);
	arena_reset(&s->arena);
	free(s);
	*sp = NULL;
}

void
imap_note(struct imap_session *s, const char *format, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	if (s->host.note == NULL)
		return;
	va_start(ap, format);
	buf_vprintf(&line, format, ap);
	va_end(ap);
	s->host.note(s->host.ctx, buf_str(&line));
	buf_free(&line);
}

void
imap_report_quota(struct imap_session *s)
{
	struct store_usage u = store_take_delta(s->account);

	if ((u.octets != 0 || u.messages != 0) && s->host.quota_add != NULL)
		s->host.quota_add(s->host.ctx, u.octets, u.messages);
}

void
imap_enter(struct imap_session *s, enum imap_state state)
{
	imap_fetch_abort(s);
	imap_append_abort(s);
	imap_idle_end(s);
	if (state != IMAP_SELECTED && s->view != NULL) {
		store_close(&s->view);
		imap_report_quota(s);
		free((void *)(uintptr_t)s->folder.p);
		s->folder = BYTES_NONE;
		s->keywords_told = 0;
	}
	s->state = state;
	if (state == IMAP_LOGOUT)
		s->doing = IMAP_DOING_NOTHING;
}

void
imap_session_bye(struct imap_session *s, const char *text)
{
	if (s->state == IMAP_LOGOUT)
		return;
	/* in the midst of a literal nothing can be said any more */
	if (s->fetch == NULL)
		buf_printf(&s->out, "* BYE %s\r\n", text);
	imap_enter(s, IMAP_LOGOUT);
}

bool
imap_session_over(const struct imap_session *s)
{
	return s->state == IMAP_LOGOUT;
}

bool
imap_session_busy(const struct imap_session *s)
{
	return s->state != IMAP_LOGOUT &&
	       (s->doing == IMAP_DOING_STEPS || s->doing == IMAP_DOING_SYNC || s->idle_news);
}

void
imap_session_rest(struct imap_session *s)
{
	if (imap_reader_idle(&s->reader) && s->doing != IMAP_DOING_APPEND) {
		buf_free(&s->reader.text);
		s->reader.line_at = 0;
	}
	if (s->out.len == 0)
		buf_free(&s->out);
	if (s->doing == IMAP_DOING_NOTHING && imap_reader_idle(&s->reader))
		arena_reset(&s->arena);
	if (s->view != NULL && !imap_session_busy(s))
		store_view_rest(s->view);
}

/* -- the end of a command -----------------------------------------------------------------------
 */

/* Everything of the command is done: the next one. */
static void
end_command(struct imap_session *s)
{
	imap_append_abort(s);
	imap_idle_end(s);
	imap_report_quota(s);
	s->doing = IMAP_DOING_NOTHING;
	s->command = NULL;
	s->step = NULL;
	s->cursor = NULL;
	s->tag = s->result = BYTES_NONE;
	s->uid = false;
	arena_reset(&s->arena);
	imap_reader_next(&s->reader);
}

static void
put_tagged(struct imap_session *s)
{
	buf_put_bytes(&s->out, s->tag);
	buf_put_str(&s->out, " ");
	buf_put_bytes(&s->out, s->result);
	buf_put_str(&s->out, "\r\n");
	end_command(s);
}

/* The folder cannot be read any more: RFC 3501 knows no other way to say so. */
static void
lose_folder(struct imap_session *s, int err)
{
	imap_note(s, "folder lost: %s", err_text(err));
	imap_session_bye(s, err == ERR_NOT_FOUND ? "[UNAVAILABLE] The mailbox was deleted"
						 : "[UNAVAILABLE] The mailbox cannot be read");
}

static void
begin_sync(struct imap_session *s)
{
	unsigned flags = s->command == NULL ? IMAP_CMD_NO_SYNC : s->command->flags;
	int r;

	if (s->view == NULL || (flags & IMAP_CMD_NO_SYNC) != 0) {
		put_tagged(s);
		return;
	}
	r = imap_sync_begin(s, (flags & IMAP_CMD_HOLD) != 0 && !s->uid);
	if (r < 0)
		lose_folder(s, r);
	else
		s->doing = IMAP_DOING_SYNC;
}

void
imap_finish(struct imap_session *s, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	s->result = arena_bytes(&s->arena, buf_bytes(&text));
	buf_free(&text);
	begin_sync(s);
}

static const struct {
	int err;
	const char *result;
} error_results[] = {
	{ ERR_SYNTAX, "NO [CANNOT] The name is not allowed" },
	{ ERR_LIMIT, "NO [LIMIT] Over a limit" },
	{ ERR_NOT_FOUND, "NO [NONEXISTENT] No such mailbox" },
	{ ERR_EXISTS, "NO [ALREADYEXISTS] The mailbox exists already" },
	{ ERR_DENIED, "NO [NOPERM] Not permitted" },
	{ ERR_CORRUPT, "NO [CORRUPTION] Stored data is damaged" },
	{ ERR_UNSUPPORTED, "NO [CANNOT] Not supported" },
	{ ERR_QUOTA, "NO [OVERQUOTA] Over quota" },
	{ ERR_NO_SPACE, "NO [UNAVAILABLE] No space left on the server" },
	{ ERR_BUSY, "NO [INUSE] The mailbox is busy, try again" },
};

const char *
imap_error_result(int err)
{
	for (size_t i = 0; i < NITEMS(error_results); i++)
		if (error_results[i].err == err)
			return error_results[i].result;
	return "NO [UNAVAILABLE] Temporary failure, try again";
}

void
imap_finish_error(struct imap_session *s, int err)
{
	if (err_is_temporary(err) || err == ERR_CORRUPT)
		imap_note(s, "%s failed: %s", s->command != NULL ? s->command->name : "command",
			err_text(err));
	imap_finish(s, "%s", imap_error_result(err));
}

void
imap_begin_steps(struct imap_session *s, imap_step_fn *step, void *cursor)
{
	s->step = step;
	s->cursor = cursor;
	s->doing = IMAP_DOING_STEPS;
}

/* -- the beginning of a command ------------------------------------------------------------------
 */

void
imap_finish_bad(struct imap_session *s, const char *problem)
{
	if (++s->bad_count > IMAP_BAD_MAX) {
		imap_session_bye(s, "Too many commands in error");
		return;
	}
	s->result = bytes_from_str(arena_printf(&s->arena, "BAD %s", problem));
	put_tagged(s);
}

/* RFC 3501 sec. 7.1: a command without a usable tag is answered untagged. */
static void
finish_untagged_bad(struct imap_session *s, const char *problem)
{
	s->tag = BYTES_LITERAL("*");
	imap_finish_bad(s, problem);
}

/* Read "tag [UID] name"; sets tag, command, uid. A phrase on failure. */
static const char *
read_command(struct imap_session *s, struct imap_parser *p)
{
	struct bytes name;

	if (imap_get_space(p) < 0 || imap_get_atom(p, &name) < 0)
		return "A command is missing";
	s->uid = bytes_is_nocase(name, "UID");
	if (s->uid && (imap_get_space(p) < 0 || imap_get_atom(p, &name) < 0))
		return "A command is missing behind UID";
	s->command = imap_command_find(name);
	if (s->command == NULL || (s->uid && (s->command->flags & IMAP_CMD_UID) == 0))
		return "Unknown command";
	if ((s->command->allowed & s->state) == 0)
		return "No mailbox is selected";
	return NULL;
}

static void
run_command(struct imap_session *s)
{
	struct imap_parser p;
	const char *problem;
	int r;

	imap_parser_init(&p, buf_bytes(&s->reader.text), &s->arena);
	if (imap_get_tag(&p, &s->tag) < 0) {
		finish_untagged_bad(s, "A tag is missing");
		return;
	}
	s->tag = arena_bytes(&s->arena, s->tag);
	if ((problem = read_command(s, &p)) != NULL) {
		imap_finish_bad(s, problem);
		return;
	}
	r = s->command->handler(s, &p);
	if (r < 0 && p.problem != NULL) {
		imap_finish_bad(
			s, arena_printf(&s->arena, "Error in %s: %s", s->command->name, p.problem));
		return;
	}
	s->bad_count = 0;
	if (r < 0)
		imap_finish_error(s, r);
}

/* -- events of the reader -----------------------------------------------------------------------
 */

/* The tag of a command of which only the head was kept. */
static void
set_tag(struct imap_session *s)
{
	struct imap_parser p;

	imap_parser_init(&p, buf_bytes(&s->reader.text), &s->arena);
	if (imap_get_tag(&p, &s->tag) < 0)
		s->tag = BYTES_LITERAL("*");
	s->tag = arena_bytes(&s->arena, s->tag);
}

void
imap_take_literal(struct imap_session *s)
{
	if (imap_reader_keep(&s->reader) == ERR_OK) {
		if (s->reader.literal_sync)
			buf_put_str(&s->out, "+ OK\r\n");
		return;
	}
	if (!s->reader.literal_sync) { /* RFC 7888 sec. 4: it comes anyway */
		if (s->reader.literal_size > IMAP_DISCARD_MAX)
			imap_session_bye(s, "[TOOBIG] The literal is too large");
		else
			imap_reader_discard(&s->reader);
		return;
	}
	set_tag(s);
	imap_finish_bad(s, "[TOOBIG] The literal is too large");
}

static void
on_command(struct imap_session *s)
{
	if (s->doing == IMAP_DOING_IDLE)
		imap_idle_line(s, buf_bytes(&s->reader.text));
	else if (s->doing == IMAP_DOING_APPEND)
		imap_append_end(s);
	else
		run_command(s);
}

static void
on_read(struct imap_session *s, enum imap_read event)
{
	switch (event) {
	case IMAP_READ_COMMAND:
		on_command(s);
		break;
	case IMAP_READ_LITERAL:
		if (s->doing == IMAP_DOING_NOTHING && imap_append_is(s))
			imap_append_literal(s);
		else
			imap_take_literal(s);
		break;
	case IMAP_READ_DATA:
		imap_append_data(s, s->reader.data);
		break;
	case IMAP_READ_TOO_LONG:
	case IMAP_READ_TOO_LARGE:
		imap_append_abort(s);
		if (s->doing != IMAP_DOING_NOTHING && s->doing != IMAP_DOING_APPEND) {
			imap_session_bye(s, "The line is too long"); /* within IDLE */
			break;
		}
		set_tag(s);
		if (s->result.n > 0) /* decided when the literal was announced */
			put_tagged(s);
		else
			imap_finish_bad(s, event == IMAP_READ_TOO_LONG
						   ? "The line is too long"
						   : "[TOOBIG] A literal is too large");
		break;
	case IMAP_READ_MORE:
	case IMAP_READ_DATA_END:
		break;
	}
}

/* News for an idle client. */
static void
tell_idle(struct imap_session *s)
{
	int r;

	if (!imap_sync_step(s))
		return;
	s->idle_news = s->idle_again;
	s->idle_again = false;
	if (s->idle_news && (r = imap_sync_begin(s, false)) < 0)
		lose_folder(s, r);
}

void
imap_session_changed(struct imap_session *s)
{
	if (s->doing != IMAP_DOING_IDLE || s->view == NULL)
		return;
	if (s->idle_news) {
		s->idle_again = true;
		return;
	}
	s->idle_news = true;
	s->changes = (struct store_changes){ .n_expunged = 0 };
	s->changes_at = 0;
	s->changes_exists_told = true;
	s->idle_again = true; /* nothing to tell yet: tell_idle() asks at once */
}

/* One piece of work that needs no input. */
static void
work_on(struct imap_session *s)
{
	if (s->idle_news)
		tell_idle(s);
	else if (s->doing == IMAP_DOING_STEPS)
		s->step(s);
	else if (imap_sync_step(s))
		put_tagged(s);
}

void
imap_session_work(struct imap_session *s, struct bytes *in)
{
	while (s->state != IMAP_LOGOUT && s->out.len < IMAP_OUT_MARK) {
		if (imap_session_busy(s))
			work_on(s);
		else if (in->n > 0)
			on_read(s, imap_reader_feed(&s->reader, in));
		else
			break;
	}
}
