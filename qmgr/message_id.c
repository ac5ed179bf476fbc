/* SPDX-License-Identifier: ISC */
/*
 * qmgr/message_id.c - the log line "message-id=<...>" of a message that was taken over, as
 * Postfix' cleanup writes it: by it users and other systems name a message.
 *
 * Runs in:  qmgr. Trusts: nothing: the header is the sender's; a beginning of it is looked at.
 */
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "rfc5322.h"

#define HEAD_MAX 16384 /* octets of content looked at */
#define SHOWN    250   /* octets of the id in the line */

/* Without blanks and folds, so that it can be searched for. */
static size_t
plain(struct bytes value, char out[SHOWN])
{
	size_t n = 0;

	for (size_t i = 0; i < value.n && n < SHOWN; i++)
		if (value.p[i] > 0x20 && value.p[i] != 0x7f)
			out[n++] = (char)value.p[i];
	return n;
}

static void
tell(uint64_t queue_id, struct bytes head)
{
	char id[QUEUE_ID_TEXT_SIZE], text[SHOWN];
	struct rfc5322_field f;
	size_t n;

	if (!rfc5322_field_find(head, "Message-ID", &f) || (n = plain(f.value, text)) == 0)
		return;
	log_info("%s: message-id=%.*s", queue_id_text(queue_id, id), (int)n, text);
}

void
line_message_id(uint64_t queue_id, struct bytes held, int fd, uint64_t offset)
{
	uint8_t octets[HEAD_MAX];
	ssize_t n = 0;

	if (held.n > 0) {
		tell(queue_id, bytes_head(held, HEAD_MAX));
		return;
	}
	if (fd >= 0)
		n = pread(fd, octets, sizeof(octets), (off_t)offset);
	if (n > 0)
		tell(queue_id, bytes_make(octets, (size_t)n));
}
