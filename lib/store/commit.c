/* SPDX-License-Identifier: ISC */
/*
 * lib/store/commit.c - changes: records are gathered, written to the log in one go, applied as
 * other processes will apply them, and made durable; UIDs are reserved.
 */
#include <unistd.h>

#include "err.h"
#include "folder.h"
#include "sys.h"

int
folder_write_hints(struct folder *f)
{
	uint8_t raw[LOG_HINTS_SIZE];

	log_hints_encode(raw, &f->hints);
	return sys_pwrite_all(f->log_fd, bytes_make(raw, sizeof(raw)), LOG_HINTS_AT);
}

void
folder_read_hints(struct folder *f)
{
	uint8_t raw[LOG_HINTS_SIZE];
	ssize_t got = sys_pread_full(f->log_fd, raw, sizeof(raw), LOG_HINTS_AT);

	log_hints_decode(bytes_make(raw, got < 0 ? 0 : (size_t)got), &f->hints);
}

size_t
folder_record(struct folder *f, enum log_type type)
{
	ASSERT(f->lock_depth > 0);
	f->modseq = f->state.header.highestmodseq + 1;
	return log_record_begin(&f->pending, type, f->modseq);
}

void
folder_record_end(struct folder *f, size_t began)
{
	log_record_end(&f->pending, began, f->state.header.generation);
}

void
folder_forget(struct folder *f)
{
	buf_clear(&f->pending);
}

int
folder_commit(struct folder *f, bool sync)
{
	struct bytes out = buf_bytes(&f->pending);
	uint64_t before = f->log_end;
	int r;

	ASSERT(f->lock_depth > 0);
	if (out.n == 0)
		return ERR_OK;
	if (f->log_end == 0) { /* an earlier failure: only a new lock can tell what is there */
		folder_forget(f);
		return ERR_IO;
	}
	r = sys_pwrite_all(f->log_fd, out, f->log_end);
	if (r == ERR_OK && folder_apply_records(&f->state, out, &f->log_end) < 0)
		r = ERR_CORRUPT;
	if (r < 0) {
		/* what was written of it ends at no good checksum, or is cut off here */
		if (sys_ftruncate(f->log_fd, before) < 0 || f->log_end != before)
			f->log_end = 0;
		folder_forget(f);
		return r;
	}
	ASSERT(f->log_end == before + out.n);
	folder_forget(f);
	return sync ? folder_sync_log(f) : ERR_OK;
}

int
folder_sync_log(struct folder *f)
{
	ASSERT(f->lock_depth > 0);
	/* a flush that failed is final for this file: the state goes into a new one */
	if (sys_fdatasync(f->log_fd) < 0)
		return folder_fold(f);
	folder_read_hints(f);
	f->hints.synced = (uint32_t)f->log_end;
	if (folder_write_hints(f) < 0)
		f->hints.synced = 0; /* it only costs a flush, at the next settling */
	return ERR_OK;
}

uint32_t
folder_reserve(struct folder *f, uint32_t n, int *r)
{
	struct index_header *h = &f->state.header;
	uint32_t validity = h->uidvalidity, before, bound, first = h->uidnext;
	size_t began;

	*r = ERR_LIMIT;
	if (n > 0x10000000 || first > UINT32_MAX - n - UID_BLOCK - 1)
		return 0;
	if (first + n - 1 <= h->reserved) {
		*r = ERR_OK;
		return first;
	}
	*r = folder_raise_uids(f, first + n - 1 + UID_BLOCK, &validity, &before, &bound);
	if (*r < 0)
		return 0;
	if (before != h->reserved && before >= first) {
		/* a foreign program took UIDs for itself: ours go on above them */
		first = before + 1;
		if (bound < first + n - 1)
			*r = folder_raise_uids(
				f, first + n - 1 + UID_BLOCK, &validity, &before, &bound);
	}
	if (*r < 0)
		return 0;
	began = folder_record(f, LOG_UIDNEXT);
	buf_put_u32(&f->pending, first);
	buf_put_u32(&f->pending, bound);
	folder_record_end(f, began);
	return first;
}

int
folder_settle(struct folder *f)
{
	uint32_t reserved = f->state.header.reserved, end = (uint32_t)f->log_end;
	int r;

	if (f->settled_uidnext == f->state.header.uidnext)
		return ERR_OK;
	folder_read_hints(f);
	if (f->hints.synced >= end && f->hints.synced_reserved == reserved)
		goto settled;
	if (f->hints.synced_reserved != reserved &&
		((r = uidfile_sync(f->dirfd)) < 0 || (r = sys_fsync(f->dirfd)) < 0))
		return r;
	if ((r = sys_fdatasync(f->log_fd)) < 0) {
		if (folder_lock(f) < 0)
			return r;
		r = folder_fold(f);
		folder_unlock(f);
		return r;
	}
	f->hints.synced = end;
	f->hints.synced_reserved = reserved;
	if ((r = folder_write_hints(f)) < 0)
		return r;
settled:
	f->settled_uidnext = f->state.header.uidnext;
	return ERR_OK;
}
