/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_maildir_name.c - any octets as the name of a message's file, and as the name of a
 * folder in IMAP and on disk. A name and its directory lead to each other.
 */
#include <stdlib.h>

#include "err.h"
#include "folder_name.h"
#include "maildir_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
file_name(struct bytes in)
{
	struct maildir_name n, again;
	struct buf out = BUF_INIT;

	if (maildir_name_parse(in, &n) == ERR_OK) {
		ASSERT(n.key.n <= n.base.n && n.base.n <= in.n);
		maildir_name_put(&out, n.base, n.letters);
		if (out.len <= MAILDIR_NAME_MAX) {
			ASSERT(maildir_name_parse(buf_bytes(&out), &again) == ERR_OK);
			ASSERT(again.letters == n.letters && again.uid == n.uid);
			ASSERT(bytes_equal(again.base, n.base));
		}
		buf_clear(&out);
		maildir_base_with_uid(&out, n.base, 4000000000);
		if (out.len <= MAILDIR_NAME_MAX) {
			ASSERT(maildir_name_parse(buf_bytes(&out), &again) == ERR_OK);
			ASSERT(again.uid == 4000000000 && bytes_equal(again.key, n.key));
		}
	}
	buf_free(&out);
}

static void
folder_name(struct bytes in)
{
	struct buf dir = BUF_INIT, name = BUF_INIT, again = BUF_INIT;

	if (folder_name_to_dir(&dir, in) == ERR_OK) {
		ASSERT(bytes_find(buf_bytes(&dir), '/') == BYTES_NOT_FOUND && dir.len <= 250);
		ASSERT(!bytes_is(buf_bytes(&dir), ".."));
		if (!bytes_is(buf_bytes(&dir), ".")) {
			ASSERT(folder_name_from_dir(&name, buf_bytes(&dir)) == ERR_OK);
			ASSERT(folder_name_to_dir(&again, buf_bytes(&name)) == ERR_OK);
			ASSERT(bytes_equal(buf_bytes(&again), buf_bytes(&dir)));
		}
	}
	buf_clear(&name);
	if (folder_name_from_dir(&name, in) == ERR_OK)
		ASSERT(name.len > 0);
	buf_free(&dir);
	buf_free(&name);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	file_name(bytes_make(data, size));
	folder_name(bytes_make(data, size));
	return 0;
}
