/* SPDX-License-Identifier: ISC */
/*
 * lib/store/keywords.c - dovecot-keywords: which keyword a small letter in file names stands
 * for ("0 $Junk\n", 0 is a). So keywords survive the loss of the index, and Dovecot sees them.
 */
#include <fcntl.h>
#include <unistd.h>

#include "err.h"
#include "folder.h"
#include "sys.h"

#define KEYWORDS_NAME    "dovecot-keywords"
#define KEYWORDS_LETTERS 26U

void
keywords_save(const struct folder *f)
{
	struct buf out = BUF_INIT;
	int fd;

	for (unsigned i = 0; i < f->state.n_keywords && i < KEYWORDS_LETTERS; i++)
		buf_printf(&out, "%u %s\n", i, f->state.keywords[i]);
	fd = sys_openat(f->dirfd, KEYWORDS_NAME ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
		FOLDER_FILE_MODE);
	if (fd >= 0) {
		int r = sys_write_all(fd, buf_bytes(&out));

		close(fd);
		/* only a help for a later rebuild: nothing depends on it */
		if (r == ERR_OK)
			r = sys_renameat(f->dirfd, KEYWORDS_NAME ".tmp", f->dirfd, KEYWORDS_NAME);
		UNUSED(r);
	}
	buf_free(&out);
}

static void
put_keyword(struct folder *f, struct bytes name)
{
	size_t began = folder_record(f, LOG_KEYWORD);

	buf_put_bytes(&f->pending, name);
	folder_record_end(f, began);
}

void
keywords_load(struct folder *f)
{
	uint8_t text[8192];
	struct bytes rest, line, number;
	uint64_t i, next = f->state.n_keywords;
	ssize_t n;
	int fd = sys_openat(f->dirfd, KEYWORDS_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd < 0)
		return;
	n = sys_pread_full(fd, text, sizeof(text), 0);
	close(fd);
	for (rest = bytes_make(text, n < 0 ? 0 : (size_t)n); rest.n > 0;) {
		line = bytes_cut(&rest, '\n');
		number = bytes_cut(&line, ' ');
		if (bytes_to_u64(number, KEYWORDS_LETTERS - 1, &i) < 0 || i < next || line.n == 0 ||
			line.n > STORE_KEYWORD_MAX || bytes_find(line, 0) != BYTES_NOT_FOUND)
			continue;
		for (; next < i; next++) /* a letter nobody uses any more */
			put_keyword(f, BYTES_LITERAL("unused"));
		put_keyword(f, line);
		next++;
	}
}
