/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/signer_msg.c - what the signer is asked and answers, as octets.
 *
 * Runs in:  mailauth-sign, submission, qmgr, dmarc-reporter.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "signer_msg.h"

void
signer_sign_encode(struct buf *out, const struct signer_sign *m)
{
	ipc_put_bytes(out, m->domain);
	ipc_put_bytes(out, m->login);
	buf_put_u64(out, m->queue_id);
	ipc_put_bytes(out, m->reverse_path);
	ipc_put_bytes(out, m->ticket);
	ipc_put_bytes(out, m->prefix);
	content_source_put(out, &m->content);
}

static int
decode(struct ipc_reader *in, struct signer_sign *m, bool in_fd)
{
	m->domain = ipc_get_bytes(in, SIGNER_DOMAIN_MAX);
	m->login = ipc_get_bytes(in, IPC_ACCOUNT_MAX);
	m->queue_id = ipc_get_u64(in);
	m->reverse_path = ipc_get_bytes(in, SIGNER_PATH_MAX);
	m->ticket = ipc_get_bytes(in, SIGNER_TICKET_MAX);
	m->prefix = ipc_get_bytes(in, SIGNER_PREFIX_MAX);
	m->content = content_source_get(in, in_fd, SIGNER_CONTENT_MAX);
	return ipc_finish(in);
}

int
signer_sign_decode(struct ipc_reader *in, void *m)
{
	return decode(in, m, false);
}

int
signer_sign_fd_decode(struct ipc_reader *in, void *m)
{
	return decode(in, m, true);
}

void
signer_signed_encode(struct buf *out, const struct signer_signed *m)
{
	ipc_put_err(out, m->err);
	ipc_put_bytes(out, m->fields);
	ipc_put_bytes(out, m->domain);
	ipc_put_bytes(out, bytes_head(m->words, SIGNER_WORDS_MAX));
}

int
signer_signed_decode(struct ipc_reader *in, void *msg)
{
	struct signer_signed *m = msg;

	m->err = ipc_get_err(in);
	m->fields = ipc_get_bytes(in, SIGNER_FIELDS_MAX);
	m->domain = ipc_get_bytes(in, SIGNER_DOMAIN_MAX);
	m->words = ipc_get_bytes(in, SIGNER_WORDS_MAX);
	if ((m->err == ERR_OK) != (m->fields.n > 0))
		in->bad = true;
	return ipc_finish(in);
}
