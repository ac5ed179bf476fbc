/* SPDX-License-Identifier: ISC */
/*
 * lib/store/log_file.h - relais.log, the changes since the snapshot of the same generation.
 * Pure; the octets are described in docs/mailbox.md.
 *
 * A record counts from the moment its checksum is right; the first wrong one is the end.
 */
#ifndef RELAIS_LOG_FILE_H
#define RELAIS_LOG_FILE_H

#include "index_file.h"

#define LOG_FILE_NAME     "relais.log"
#define LOG_HEADER_SIZE   64
#define LOG_HINTS_AT      32
#define LOG_HINTS_SIZE    32
#define LOG_RECORD_HEADER 24
#define LOG_RECORD_MAX    (1 << 20)

enum log_type {
	LOG_APPEND = 1,  /* an index_record, then the file's name */
	LOG_FLAGS = 2,   /* entries of 16: uid, flags, 3 spare, keywords: the values now */
	LOG_EXPUNGE = 3, /* entries of 4: uid */
	LOG_KEYWORD = 4, /* the name of the next free bit */
	LOG_NAMES = 5,  /* entries: uid, state, spare, name length, key length, 2 spare; the name */
	LOG_RECENT = 6, /* recent_uid */
	LOG_UIDNEXT = 7, /* uidnext, reserved: the bound in .uidvalidity */
	LOG_FOLD = 8,    /* u64: a snapshot of that generation is about to replace this log */
	LOG_CACHED = 9   /* uid, lf, cache_len, state, 3 spare, cache_off: 24 octets */
};

struct log_header {
	uint64_t generation;
	uint32_t uidvalidity;
};

/* Written in place, now and then; wrong or missing ones only cost time. */
struct log_hints {
	uint32_t synced;          /* the log is durable up to here */
	uint32_t synced_reserved; /* .uidvalidity with this bound is durable */
	int64_t new_mtime_ns;     /* the directories were compared with the index, and were */
	int64_t cur_mtime_ns;     /* left, with these times; 0: not known */
	uint32_t end;             /* size of the log then: a shorter one has lost its tail */
};

struct log_record {
	enum log_type type;
	uint64_t modseq;
	struct bytes body;
};

void log_header_encode(uint8_t out[LOG_HEADER_SIZE], const struct log_header *header);
/* ERR_CORRUPT; ERR_UNSUPPORTED */
MUST_USE int log_header_decode(struct bytes in, struct log_header *out);
void log_hints_encode(uint8_t out[LOG_HINTS_SIZE], const struct log_hints *hints);
/* All zero if they are not valid. */
void log_hints_decode(struct bytes in, struct log_hints *out);

/*
 * The record at the start of in.
 * returns: > 0 octets used; 0: not whole yet; ERR_CORRUPT
 */
MUST_USE long log_record_decode(uint64_t generation, struct bytes in, struct log_record *out);

/* Begin a record, add its body to out, end it. */
size_t log_record_begin(struct buf *out, enum log_type type, uint64_t modseq);
void log_record_end(struct buf *out, size_t began, uint64_t generation);

/* The body of LOG_NAMES, entry by entry. */
struct log_name {
	uint32_t uid;
	uint8_t state;
	uint16_t key_len;
	struct bytes name;
};
void log_name_put(struct buf *out, const struct log_name *entry);
/* false at the end, or at something malformed */
bool log_name_next(struct bytes *rest, struct log_name *out);

#endif
