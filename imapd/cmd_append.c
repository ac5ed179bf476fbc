/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_append.c - APPEND: a message goes into a folder as its octets come, and is durable
 * before the tagged OK.
 *
 * The command is judged when its last literal is announced: what can be refused (no such
 * folder, too large, over quota) is refused before a synchronizing client sends a single octet.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.3.11; RFC 4315 sec. 3 APPENDUID; RFC 7888; RFC 3502 sec. 6.3.11 (an
 *           empty message is no message).
 */
#include <stdlib.h>

#include "err.h"
#include "imap_core.h"

struct imap_upload {
	struct store_append *append;
	struct imap_append what; /* in the command's arena */
	size_t text_end;         /* of the command's text when the message began */
	int error;               /* of a write; the rest of the message is dropped */
};

bool
imap_append_is(struct imap_session *s)
{
	struct imap_parser p;
	struct bytes tag, name;

	imap_parser_init(&p, buf_bytes(&s->reader.text), &s->arena);
	if (imap_get_tag(&p, &tag) < 0 || imap_get_space(&p) < 0 || imap_get_atom(&p, &name) < 0 ||
		!bytes_is_nocase(name, "APPEND"))
		return false;
	s->tag = arena_bytes(&s->arena, tag);
	s->command = imap_command_find(name);
	return true;
}

void
imap_append_abort(struct imap_session *s)
{
	if (s->upload == NULL)
		return;
	store_append_abort(&s->upload->append);
	free(s->upload);
	s->upload = NULL;
}

/*
 * Refuse with what imap_finish*() would say. Without a synchronizing literal the message comes
 * all the same: it is dropped, then the answer is given (RFC 7888 sec. 4).
 */
static void
refuse(struct imap_session *s, int err, const char *result)
{
	if (s->reader.literal_sync) {
		if (result != NULL)
			imap_finish(s, "%s", result);
		else
			imap_finish_error(s, err);
		return;
	}
	if (s->reader.literal_size > IMAP_DISCARD_MAX) {
		imap_session_bye(s, "[TOOBIG] The message is too large");
		return;
	}
	s->result = bytes_from_str(
		result != NULL ? arena_printf(&s->arena, "%s", result) : imap_error_result(err));
	imap_reader_discard(&s->reader);
}

/* May this message come? Opens the place for it. */
static int
begin(struct imap_session *s, const struct imap_append *what, struct store_append **append)
{
	int r;

	if (what->size > s->limits.message_octets)
		return ERR_LIMIT;
	if ((r = imap_quota_check(s, what->size, 1)) < 0)
		return r;
	return store_append_begin(s->account, what->mailbox, append);
}

void
imap_append_literal(struct imap_session *s)
{
	struct imap_append what;
	struct store_append *append;
	struct imap_parser p;
	struct bytes text;
	int r;

	/* what it parses must outlive the text, which grows */
	text = arena_bytes(&s->arena, buf_bytes(&s->reader.text));
	imap_parser_init(&p, bytes_skip(text, s->tag.n + sizeof(" APPEND") - 1), &s->arena);
	r = imap_get_append(&p, &what);
	if (r > 0) { /* the mailbox name */
		imap_take_literal(s);
		return;
	}
	if (r < 0) {
		refuse(s, r, arena_printf(&s->arena, "BAD Error in APPEND: %s", p.problem));
		return;
	}
	if (what.size == 0) {
		refuse(s, 0, "NO [CANNOT] An empty message cannot be stored");
		return;
	}
	r = begin(s, &what, &append);
	if (r == ERR_LIMIT)
		refuse(s, r, "NO [TOOBIG] The message is too large");
	else if (r == ERR_NOT_FOUND)
		refuse(s, r, "NO [TRYCREATE] No such mailbox");
	else if (r < 0)
		refuse(s, r, NULL);
	if (r < 0)
		return;
	s->upload = xcalloc(1, sizeof(*s->upload));
	s->upload->append = append;
	s->upload->what = what;
	s->doing = IMAP_DOING_APPEND;
	if (s->reader.literal_sync)
		buf_put_str(&s->out, "+ OK\r\n");
	imap_reader_stream(&s->reader);
	s->upload->text_end = s->reader.text.len;
}

void
imap_append_data(struct imap_session *s, struct bytes data)
{
	struct imap_upload *u = s->upload;

	if (u->error == ERR_OK)
		u->error = store_append_write(u->append, data);
}

static void
commit(struct imap_session *s)
{
	struct imap_upload *u = s->upload;
	struct store_placed placed;
	struct store_new attributes = {
		.flags = imap_store_flags(u->what.flags.system),
		.keywords = u->what.flags.keywords,
		.n_keywords = u->what.flags.keyword_count,
		.internal_date = u->what.has_date ? u->what.date : 0,
	};
	int r = store_append_commit(&u->append, &attributes, &placed);

	imap_append_abort(s);
	if (r == ERR_NOT_FOUND)
		imap_finish(s, "NO [TRYCREATE] No such mailbox");
	else if (r < 0)
		imap_finish_error(s, r);
	else
		imap_finish(
			s, "OK [APPENDUID %u %u] Append completed", placed.uidvalidity, placed.uid);
}

void
imap_append_end(struct imap_session *s)
{
	struct imap_upload *u = s->upload;
	int r = u->error;

	s->doing = IMAP_DOING_NOTHING;
	if (s->reader.text.len != u->text_end) {
		imap_append_abort(s);
		imap_finish_bad(s, "Error in APPEND: too many arguments");
	} else if (r < 0) {
		imap_append_abort(s);
		imap_finish_error(s, r);
	} else {
		s->bad_count = 0;
		commit(s);
	}
}

/* An APPEND that came to its end without a message literal. */
int
cmd_append(struct imap_session *s, struct imap_parser *args)
{
	struct imap_append what;
	int r = imap_get_append(args, &what);

	if (r >= 0)
		args->problem = "a message literal is missing";
	return ERR_SYNTAX;
}
