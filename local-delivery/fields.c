/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/fields.c - what final delivery puts in front of a message, and what it finds
 * there already.
 *
 * Runs in:  local-delivery; the children of system-delivery.
 * Trusts:   the job after decoding (no line ends in its paths); nothing of the content.
 * Sources:  RFC 5321 sec. 4.4 (Return-Path) and 6.3 (loops); RFC 9228 (Delivered-To).
 */
#include "delivery.h"

#include "imap_text.h"

struct bytes
delivery_fields(const struct delivery_job *job, bool delivered_to, struct arena *a)
{
	static const struct bytes path = BYTES_LITERAL("Return-Path: <");
	static const struct bytes path_end = BYTES_LITERAL(">\r\n");
	static const struct bytes to = BYTES_LITERAL("Delivered-To: ");
	static const struct bytes line_end = BYTES_LITERAL("\r\n");
	struct bytes parts[7] = { path, job->reverse_path, path_end };
	size_t n = 3, size = 0;
	uint8_t *out, *p;

	if (delivered_to) {
		parts[n++] = to;
		parts[n++] = job->account;
		parts[n++] = line_end;
	}
	parts[n++] = job->prefix;
	for (size_t i = 0; i < n; i++)
		size += parts[i].n;
	p = out = arena_alloc(a, size);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].n > 0)
			memcpy(p, parts[i].p, parts[i].n);
		p += parts[i].n;
	}
	return bytes_make(out, size);
}

bool
delivery_loops(struct bytes header, struct bytes account)
{
	static const struct bytes name = BYTES_LITERAL("Delivered-To:");

	while (header.n > 0) {
		struct bytes line = bytes_cut(&header, '\n');

		if (line.n == 0 || line.p[0] == '\r')
			return false; /* the empty line: the body begins */
		if (bytes_starts_with_nocase(line, name) &&
			bytes_equal_nocase(bytes_trim(bytes_skip(line, name.n)), account))
			return true;
	}
	return false;
}

struct bytes
delivery_folder(struct bytes detail, struct arena *a)
{
	struct buf name = BUF_INIT;
	struct bytes folder = BYTES_NONE;

	if (detail.n > 0 && imap_utf7_encode(&name, detail) == ERR_OK &&
		store_name_check(buf_bytes(&name)) == ERR_OK)
		folder = arena_bytes(a, buf_bytes(&name));
	buf_free(&name);
	return folder;
}
