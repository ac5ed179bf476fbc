/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_file.h - one plain file for a message that waits or is large. Pure.
 *
 * header, 128 octets, little-endian:
 *	 0 "RELAISQM"		 8 u32 version (1)	12 u32 CRC32C of octets 16 to 127
 *	16 u64 queue id		24 u64 envelope offset	32 u64 envelope size
 *	40 u64 content offset	48 u64 content size	56 u64 events offset
 *	64 u32 envelope CRC32C	68 u32 content CRC32C	72 u32 prefix size
 *	76 u32 flags		80 zeros
 *
 * then, where the header says: the envelope (envelope.h), the content with CRLF (its first
 * `prefix size` octets are the fields put in front by the door), and from the events offset
 * to the end of the file records of type EVENT (queue_record.h).
 */
#ifndef RELAIS_QUEUE_FILE_H
#define RELAIS_QUEUE_FILE_H

#include "buf.h"

#define QUEUE_FILE_HEADER   128
#define QUEUE_FILE_NAME_MAX 20 /* "xx/ID" with the NUL */

/* In a lent file the content goes here; header, envelope and prefix find room before. */
#define QUEUE_FILE_LENT_OFFSET 16384

struct queue_file {
	uint64_t queue_id;
	uint64_t envelope_offset, envelope_size;
	uint64_t content_offset, content_size;
	uint64_t events_offset;
	uint32_t envelope_crc, content_crc, prefix_size;
};

void queue_file_encode(const struct queue_file *f, uint8_t out[QUEUE_FILE_HEADER]);

/*
 * The header at the beginning of in; parts may not overlap the header or each other, and
 * envelope and content end within file_size.
 * returns: ERR_OK; ERR_CORRUPT; ERR_UNSUPPORTED (a later version)
 */
MUST_USE int queue_file_decode(struct bytes in, uint64_t file_size, struct queue_file *f);

/* "xx/ID" below queue/message: xx spreads the files over 256 folders. Returns out. */
char *queue_file_name(uint64_t queue_id, char out[QUEUE_FILE_NAME_MAX]);

#endif
