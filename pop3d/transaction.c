/* SPDX-License-Identifier: ISC */
/*
 * pop3d/transaction.c - the commands of POP3's TRANSACTION state, and UPDATE.
 *
 * Runs in:  pop3 sessions, the mailbox's uid, chroot to the mailbox.
 * Trusts:   nothing from the client; the maildrop's store.
 * Sources:  RFC 1939 sec. 5 to 7; RFC 2449 sec. 5, 6.6, 8; RFC 3206.
 */
#include "transaction.h"

#include <inttypes.h>

#include "err.h"
#include "pop3_capability.h"

#define LINES_A_PIECE 500 /* of LIST and UIDL */

void
pop3_transaction_init(struct pop3_transaction *t, struct maildrop *drop)
{
	*t = (struct pop3_transaction){ .drop = drop };
}

void
pop3_transaction_cleanup(struct pop3_transaction *t)
{
	if (t->sending == POP3_SENDS_MESSAGE)
		store_content_close(&t->content);
	t->sending = POP3_SENDS_NOTHING;
}

static void
bad(struct pop3_transaction *t, struct buf *out, const char *text)
{
	buf_printf(out, "-ERR %s\r\n", text);
	if (++t->errors >= POP3_ERRORS_MAX)
		t->over = true;
}

/* ---- long replies ---- */

static void
send_message(struct pop3_transaction *t, struct buf *out)
{
	struct bytes piece = bytes_head(bytes_skip(t->content.text, t->sent), POP3_PIECE);

	rfc1939_body_add(&t->body, piece, out);
	t->sent += piece.n;
	if (t->sent < t->content.text.n && !t->body.done)
		return;
	rfc1939_body_end(&t->body, out);
	store_content_close(&t->content);
	t->sending = POP3_SENDS_NOTHING;
}

static void
put_list_line(struct pop3_transaction *t, uint32_t number, struct buf *out)
{
	buf_printf(out, "%" PRIu32 " %" PRIu64 "\r\n", number, maildrop_size(t->drop, number));
}

static void
put_uidl_line(struct pop3_transaction *t, uint32_t number, struct buf *out)
{
	char uidl[STORE_UIDL_SIZE];

	buf_printf(out, "%" PRIu32 " %s\r\n", number, store_uidl(t->drop->view, number, uidl));
}

static void
send_lines(struct pop3_transaction *t, struct buf *out)
{
	for (unsigned i = 0; i < LINES_A_PIECE && t->next <= t->drop->count; i++, t->next++) {
		if (!maildrop_has(t->drop, t->next))
			continue;
		if (t->sending == POP3_SENDS_LIST)
			put_list_line(t, t->next, out);
		else
			put_uidl_line(t, t->next, out);
	}
	if (t->next > t->drop->count) {
		buf_put_str(out, ".\r\n");
		t->sending = POP3_SENDS_NOTHING;
	}
}

void
pop3_send_more(struct pop3_transaction *t, struct buf *out)
{
	if (t->sending == POP3_SENDS_MESSAGE)
		send_message(t, out);
	else if (t->sending != POP3_SENDS_NOTHING)
		send_lines(t, out);
}

/* ---- commands; message-numbers are checked by the table ---- */

static void
cmd_capa(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	buf_put_str(out, "+OK\r\n" POP3_CAPABILITIES);
	if (t->mechanisms.n > 0)
		buf_printf(out, "USER\r\nSASL%.*s\r\n", (int)t->mechanisms.n,
			(const char *)t->mechanisms.p);
	buf_put_str(out, ".\r\n");
}

static void
cmd_stat(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	buf_printf(out, "+OK %" PRIu32 " %" PRIu64 "\r\n", t->drop->count - t->drop->n_deleted,
		t->drop->octets - t->drop->deleted_octets);
}

static void
cmd_list(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	if (c->has_number) {
		buf_put_str(out, "+OK ");
		put_list_line(t, c->number, out);
		return;
	}
	buf_printf(out, "+OK %" PRIu32 " messages (%" PRIu64 " octets)\r\n",
		t->drop->count - t->drop->n_deleted, t->drop->octets - t->drop->deleted_octets);
	t->sending = POP3_SENDS_LIST;
	t->next = 1;
}

static void
cmd_uidl(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	if (c->has_number) {
		buf_put_str(out, "+OK ");
		put_uidl_line(t, c->number, out);
		return;
	}
	buf_put_str(out, "+OK\r\n");
	t->sending = POP3_SENDS_UIDL;
	t->next = 1;
}

/* RETR and TOP: false if it could not be opened (answered). */
static bool
open_message(struct pop3_transaction *t, uint32_t number, struct buf *out)
{
	int r = store_content_open(t->drop->view, number, &t->content);

	if (r == ERR_OK) {
		t->sending = POP3_SENDS_MESSAGE;
		t->sent = 0;
		return true;
	}
	if (r == ERR_NOT_FOUND)
		buf_put_str(out, "-ERR That message was removed by another session.\r\n");
	else
		buf_printf(out, "-ERR [SYS/%s] The message can't be read.\r\n",
			err_is_temporary(r) ? "TEMP" : "PERM");
	return false;
}

static void
cmd_retr(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	if (!open_message(t, c->number, out))
		return;
	maildrop_mark_seen(t->drop, c->number);
	t->retr++;
	t->retr_octets += t->content.text.n;
	rfc1939_body_start(&t->body);
	buf_printf(out, "+OK %zu octets\r\n", t->content.text.n);
}

static void
cmd_top(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	if (!open_message(t, c->number, out))
		return;
	t->top++;
	t->top_octets += t->content.text.n;
	rfc1939_body_start_top(&t->body, c->lines);
	buf_put_str(out, "+OK\r\n");
}

static void
cmd_dele(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	maildrop_mark(t->drop, c->number);
	buf_put_str(out, "+OK Marked to be deleted.\r\n");
}

static void
cmd_rset(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	maildrop_unmark_all(t->drop);
	buf_put_str(out, "+OK\r\n");
}

static void
cmd_noop(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	buf_put_str(out, "+OK\r\n");
}

/* UPDATE: +OK only when the removal would survive a power cut. A \Seen that cannot be kept is no
 * reason to tell the client that its messages are still there. */
static void
cmd_quit(struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out)
{
	int r = maildrop_update(t->drop, &t->change);
	int seen = maildrop_save_seen(t->drop);

	UNUSED(seen);
	t->over = t->quit = true;
	if (r == ERR_OK) {
		t->removed = t->drop->n_deleted;
		buf_put_str(out, "+OK Logging out.\r\n");
	} else {
		buf_printf(out, "-ERR [SYS/%s] Some deleted messages not removed.\r\n",
			err_is_temporary(r) ? "TEMP" : "PERM");
	}
}

static const struct command {
	enum rfc1939_verb verb;
	void (*handler)(
		struct pop3_transaction *t, const struct rfc1939_command *c, struct buf *out);
} commands[] = {
	{ POP3_CAPA, cmd_capa },
	{ POP3_STAT, cmd_stat },
	{ POP3_LIST, cmd_list },
	{ POP3_UIDL, cmd_uidl },
	{ POP3_RETR, cmd_retr },
	{ POP3_TOP, cmd_top },
	{ POP3_DELE, cmd_dele },
	{ POP3_RSET, cmd_rset },
	{ POP3_NOOP, cmd_noop },
	{ POP3_QUIT, cmd_quit },
};

static void
on_line(struct pop3_transaction *t, struct bytes line, struct buf *out)
{
	struct rfc1939_command c;
	int r = rfc1939_parse(line, &c);

	for (size_t i = 0; i < NITEMS(commands); i++) {
		if (commands[i].verb != c.verb)
			continue;
		if (r < 0)
			bad(t, out, "Invalid arguments.");
		else if (c.has_number && !maildrop_has(t->drop, c.number))
			buf_printf(out, "-ERR There is no message %" PRIu32 ".\r\n", c.number);
		else
			commands[i].handler(t, &c, out);
		return;
	}
	bad(t, out, "Unknown command.");
}

size_t
pop3_input(struct pop3_transaction *t, struct bytes in, struct buf *out)
{
	size_t used = 0;

	while (!t->over && !pop3_is_sending(t)) {
		struct bytes line;
		int r = rfc1939_line(bytes_skip(in, used), &line);

		if (r == 0)
			break;
		if (r < 0) { /* what follows can't be told from commands */
			buf_put_str(out, "-ERR Line too long.\r\n");
			t->over = true;
			break;
		}
		used += (size_t)r;
		on_line(t, line, out);
	}
	return used;
}
