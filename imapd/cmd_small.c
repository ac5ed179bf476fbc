/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_small.c - CAPABILITY, NOOP (and CHECK), LOGOUT, NAMESPACE, ID.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.1 and 6.4.1; RFC 2342; RFC 2971.
 */
#include "capability.h"
#include "err.h"
#include "imap_core.h"
#include "imap_text.h"

int
cmd_capability(struct imap_session *s, struct imap_parser *args)
{
	int r = imap_get_end(args);

	if (r < 0)
		return r;
	buf_put_str(&s->out, "* CAPABILITY " IMAP_CAPABILITY_SESSION "\r\n");
	imap_finish(s, "OK Capability completed");
	return ERR_OK;
}

/* NOOP and CHECK: every change is durable already; the news come with the answer. */
int
cmd_noop(struct imap_session *s, struct imap_parser *args)
{
	int r = imap_get_end(args);

	if (r == ERR_OK)
		imap_finish(s, "OK %s completed", s->command->name);
	return r;
}

int
cmd_logout(struct imap_session *s, struct imap_parser *args)
{
	int r = imap_get_end(args);

	if (r < 0)
		return r;
	buf_put_str(&s->out, "* BYE Logging out\r\n");
	imap_enter(s, IMAP_AUTHENTICATED); /* flags go into the file names before OK */
	imap_finish(s, "OK Logout completed");
	imap_enter(s, IMAP_LOGOUT);
	s->client_left = true;
	return ERR_OK;
}

int
cmd_namespace(struct imap_session *s, struct imap_parser *args)
{
	int r = imap_get_end(args);

	if (r < 0)
		return r;
	buf_printf(&s->out, "* NAMESPACE ((\"\" \"%c\")) NIL NIL\r\n", STORE_DELIMITER);
	imap_finish(s, "OK Namespace completed");
	return ERR_OK;
}

/* Who the client says it is goes to the log: it helps to find out about broken ones. */
static void
note_client(struct imap_session *s, const struct bytes *words, size_t count)
{
	struct buf line = BUF_INIT;

	for (size_t i = 0; i + 1 < count; i += 2) {
		if (words[i + 1].p == NULL || (!bytes_is_nocase(words[i], "name") &&
						      !bytes_is_nocase(words[i], "version")))
			continue;
		buf_put_str(&line, line.len > 0 ? ", " : "ID sent: ");
		buf_put_bytes(&line, bytes_head(words[i], 30));
		buf_put_str(&line, "=");
		buf_put_bytes(&line, bytes_head(words[i + 1], 100));
	}
	if (line.len > 0)
		imap_note(s, "%s", buf_str(&line));
	buf_free(&line);
}

int
cmd_id(struct imap_session *s, struct imap_parser *args)
{
	struct bytes *words;
	size_t count;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_id(args, &words, &count)) < 0 ||
		(r = imap_get_end(args)) < 0)
		return r;
	note_client(s, words, count);
	buf_put_str(&s->out, "* ID (\"name\" \"relais\")\r\n");
	imap_finish(s, "OK ID completed");
	return ERR_OK;
}
