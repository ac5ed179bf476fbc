/* SPDX-License-Identifier: ISC */
/*
 * lib/store/index_file.h - relais.index, the snapshot of a folder: header, fixed records
 * sorted by UID, keywords, names. Pure; the octets are described in docs/mailbox.md.
 */
#ifndef RELAIS_INDEX_FILE_H
#define RELAIS_INDEX_FILE_H

#include "buf.h"

#define INDEX_FILE_NAME    "relais.index"
#define INDEX_HEADER_SIZE  128
#define INDEX_RECORD_SIZE  64
#define INDEX_MESSAGES_MAX 10000000
#define INDEX_KEYWORDS_MAX 64
#define INDEX_KEYWORD_MAX  100

/* One message, as it lies in the snapshot and in APPEND records of the log (little-endian). */
struct index_record {
	uint32_t uid;
	uint8_t flags; /* enum store_flag */
	uint8_t state; /* INDEX_... below */
	uint16_t name_len;
	uint64_t keywords;
	uint64_t modseq;
	int64_t date;
	uint64_t size;     /* of the file */
	uint32_t lf;       /* line ends without CR: size + lf is RFC822.SIZE */
	uint32_t name_off; /* the file's name as last seen, in the heap of names */
	uint16_t key_len;  /* of the name: what no renaming changes */
	uint16_t spare;
	uint32_t cache_len; /* 0: not cached */
	uint64_t cache_off;
};
_Static_assert(sizeof(struct index_record) == INDEX_RECORD_SIZE, "records are 64 octets");

enum index_state {
	INDEX_IN_NEW = 1 << 0,       /* the file is in new/, else in cur/ */
	INDEX_SIZE_UNKNOWN = 1 << 1, /* lf was not counted yet */
	INDEX_NAME_STALE = 1 << 2,   /* the name does not show the flags yet */
	INDEX_ON_DISK = 0x07,
	INDEX_NAME_IN_TAIL = 1 << 6, /* in memory only: name_off counts in the tail's heap */
	INDEX_GONE = 1 << 7          /* in memory only: expunged */
};

struct index_header {
	uint64_t generation; /* the log of the same generation follows this snapshot */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	uint32_t recent_uid; /* messages from here on are \Recent for the next session */
	uint32_t count;
	uint32_t keyword_octets;
	uint32_t name_octets;
	uint32_t reserved;   /* UIDs up to here are ours by .uidvalidity */
	uint32_t incomplete; /* 1: made by a rebuild that has not compared it with the files */
};

struct index_view {
	struct index_header header;
	struct bytes records; /* count * 64 octets; 64-octet aligned if the file is */
	struct bytes keywords;
	struct bytes names;
};

/* How many octets the whole file has by its header; 0 if that is none of ours. */
uint64_t index_size(struct bytes header);

/* Checks everything: lengths, checksums, order of UIDs, that names lie in the heap.
 * returns: ERR_OK; ERR_CORRUPT; ERR_UNSUPPORTED (a later version) */
MUST_USE int index_decode(struct bytes file, struct index_view *out);

/* Header, checksums and the parts, appended to out; records already in disk order of octets. */
void index_encode(struct buf *out, const struct index_header *header, struct bytes records,
	struct bytes keywords, struct bytes names);

/* A name that a message file can have: one part of a path, not hidden. The owner of a mailbox
 * may write what he likes into its index; names are used as paths by processes that can reach
 * the mailboxes of others. */
bool index_name_ok(struct bytes name);

/* Between memory and disk; nothing to do on little-endian machines. */
void index_record_swap(struct index_record *r);

/* The next keyword of the list (length octet, name); empty at the end or on an error. */
struct bytes index_keyword_next(struct bytes *rest);

#endif
