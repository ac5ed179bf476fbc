/* SPDX-License-Identifier: ISC */
/*
 * pop3d/maildrop.c - the INBOX as a POP3 session sees it.
 *
 * The view is never refreshed: message numbers stay what they were at login, whatever IMAP
 * sessions and deliveries do meanwhile.
 *
 * Runs in:  pop3 sessions, the mailbox's uid, chroot to the mailbox.
 * Sources:  RFC 1939 sec. 4 to 6.
 */
#include "maildrop.h"

#include <stdlib.h>

#include "err.h"

static int
open_inbox(struct maildrop *m)
{
	struct store_message message;
	int r = store_open(m->account, BYTES_LITERAL("INBOX"), 0, &m->view);

	if (r < 0)
		return r;
	m->count = store_count(m->view);
	m->marks = xcalloc(m->count + 1u, 1);
	for (uint32_t i = 1; i <= m->count; i++) {
		store_message(m->view, i, &message);
		m->octets += message.size;
	}
	return ERR_OK;
}

int
maildrop_open(int root_fd, const char *hostname, struct maildrop *out)
{
	const struct store_options options = { .hostname = hostname };
	int r;

	*out = (struct maildrop){ .account = NULL };
	r = store_account_open(root_fd, &options, &out->account);
	if (r < 0)
		return r;
	r = store_maildrop_lock(out->account);
	if (r == ERR_OK) {
		r = open_inbox(out);
		if (r < 0)
			store_maildrop_unlock(out->account);
	}
	if (r < 0)
		store_account_close(&out->account);
	return r;
}

void
maildrop_close(struct maildrop *m)
{
	store_close(&m->view);
	if (m->account != NULL)
		store_maildrop_unlock(m->account);
	store_account_close(&m->account);
	free(m->marks);
	m->marks = NULL;
}

bool
maildrop_has(const struct maildrop *m, uint32_t number)
{
	return number >= 1 && number <= m->count && (m->marks[number] & MAILDROP_DELETED) == 0;
}

uint64_t
maildrop_size(const struct maildrop *m, uint32_t number)
{
	struct store_message message;

	store_message(m->view, number, &message);
	return message.size;
}

void
maildrop_mark(struct maildrop *m, uint32_t number)
{
	m->marks[number] |= MAILDROP_DELETED;
	m->n_deleted++;
	m->deleted_octets += maildrop_size(m, number);
}

void
maildrop_mark_seen(struct maildrop *m, uint32_t number)
{
	m->marks[number] |= MAILDROP_SEEN;
}

void
maildrop_unmark_all(struct maildrop *m)
{
	for (uint32_t i = 1; i <= m->count; i++)
		m->marks[i] &= (uint8_t)~MAILDROP_DELETED;
	m->n_deleted = 0;
	m->deleted_octets = 0;
}

/* UIDs of the messages that have exactly these marks; freed by the caller. */
static uint32_t *
marked(const struct maildrop *m, uint8_t mask, uint8_t marks, size_t *n)
{
	uint32_t *uids = xmalloc((m->count + 1u) * sizeof(*uids));

	*n = 0;
	for (uint32_t i = 1; i <= m->count; i++)
		if ((m->marks[i] & mask) == marks)
			uids[(*n)++] = store_uid(m->view, i);
	return uids;
}

int
maildrop_update(struct maildrop *m, struct store_usage *change)
{
	uint32_t *uids;
	size_t n;
	int r;

	*change = (struct store_usage){ 0, 0 };
	if (m->n_deleted == 0)
		return ERR_OK;
	uids = marked(m, MAILDROP_DELETED, MAILDROP_DELETED, &n);
	r = store_expunge(m->view, uids, n, false);
	free(uids);
	*change = store_take_delta(m->account);
	return r;
}

int
maildrop_save_seen(struct maildrop *m)
{
	const struct store_flags_change change = { .how = STORE_ADD, .flags = STORE_SEEN };
	size_t n;
	uint32_t *uids = marked(m, MAILDROP_DELETED | MAILDROP_SEEN, MAILDROP_SEEN, &n);
	int r = n == 0 ? ERR_OK : store_change_flags(m->view, uids, n, &change, NULL, NULL);

	free(uids);
	for (uint32_t i = 1; i <= m->count; i++)
		m->marks[i] &= (uint8_t)~MAILDROP_SEEN;
	return r;
}
