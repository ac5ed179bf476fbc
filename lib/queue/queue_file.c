/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_file.c - the header of a message file.
 *
 * Runs in:  qmgr; tests and fuzzers. Pure.
 * Trusts:   nothing: a disk may hold anything after a power cut.
 */
#include "queue_file.h"

#include <stdio.h>

#include "crc32c.h"
#include "envelope.h"
#include "err.h"
#include "queue_id.h"

#define VERSION         1
#define CRC_FROM        16
#define SIZE_MAX_OCTETS (UINT64_C(1) << 40) /* of any offset: sums cannot overflow */

static const char magic[8] = "RELAISQM";

static uint32_t
header_crc(const uint8_t *p)
{
	return crc32c(0, bytes_make(p + CRC_FROM, QUEUE_FILE_HEADER - CRC_FROM));
}

void
queue_file_encode(const struct queue_file *f, uint8_t out[QUEUE_FILE_HEADER])
{
	memset(out, 0, QUEUE_FILE_HEADER);
	memcpy(out, magic, sizeof(magic));
	set_u32(out + 8, VERSION);
	set_u64(out + 16, f->queue_id);
	set_u64(out + 24, f->envelope_offset);
	set_u64(out + 32, f->envelope_size);
	set_u64(out + 40, f->content_offset);
	set_u64(out + 48, f->content_size);
	set_u64(out + 56, f->events_offset);
	set_u32(out + 64, f->envelope_crc);
	set_u32(out + 68, f->content_crc);
	set_u32(out + 72, f->prefix_size);
	set_u32(out + 12, header_crc(out));
}

/* Neither begins before the other has ended. */
static bool
apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a + a_size <= b || b + b_size <= a;
}

static bool
layout_is_sound(const struct queue_file *f, uint64_t file_size)
{
	const uint64_t envelope_end = f->envelope_offset + f->envelope_size;
	const uint64_t content_end = f->content_offset + f->content_size;

	return f->envelope_offset >= QUEUE_FILE_HEADER && f->content_offset >= QUEUE_FILE_HEADER &&
	       envelope_end <= f->events_offset && content_end <= f->events_offset &&
	       f->events_offset <= file_size &&
	       apart(f->envelope_offset, f->envelope_size, f->content_offset, f->content_size) &&
	       f->prefix_size <= f->content_size;
}

int
queue_file_decode(struct bytes in, uint64_t file_size, struct queue_file *f)
{
	if (in.n < QUEUE_FILE_HEADER || memcmp(in.p, magic, sizeof(magic)) != 0)
		return ERR_CORRUPT;
	if (get_u32(in.p + 12) != header_crc(in.p))
		return ERR_CORRUPT;
	if (get_u32(in.p + 8) != VERSION || get_u32(in.p + 76) != 0)
		return ERR_UNSUPPORTED;
	f->queue_id = get_u64(in.p + 16);
	f->envelope_offset = get_u64(in.p + 24);
	f->envelope_size = get_u64(in.p + 32);
	f->content_offset = get_u64(in.p + 40);
	f->content_size = get_u64(in.p + 48);
	f->events_offset = get_u64(in.p + 56);
	f->envelope_crc = get_u32(in.p + 64);
	f->content_crc = get_u32(in.p + 68);
	f->prefix_size = get_u32(in.p + 72);
	if (f->queue_id == 0 || f->envelope_size > ENVELOPE_SIZE_MAX ||
		f->envelope_offset > SIZE_MAX_OCTETS || f->content_offset > SIZE_MAX_OCTETS ||
		f->content_size > SIZE_MAX_OCTETS || !layout_is_sound(f, file_size))
		return ERR_CORRUPT;
	return ERR_OK;
}

char *
queue_file_name(uint64_t queue_id, char out[QUEUE_FILE_NAME_MAX])
{
	char text[QUEUE_ID_TEXT_SIZE];

	/* the microseconds' low bits: neighbours in time go to different folders */
	snprintf(out, QUEUE_FILE_NAME_MAX, "%02x/%s", (unsigned)(queue_id >> 10 & 0xff),
		queue_id_text(queue_id, text));
	return out;
}
