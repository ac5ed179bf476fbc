/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_id.h - the name of a message: 64 bits, and a text that log readers know.
 *
 * The number: seconds since 1970 (34 bits), microseconds (20 bits), instance (10 bits), so
 * numbers sort by time. An instance is one running process that makes ids; it never makes
 * the same one twice (the clock standing still or going back only makes it count on).
 * qmgr refuses a duplicate with a temporary error.
 *
 * The text is Postfix' "long queue id": 6 digits of seconds and 4 of microseconds in base
 * 52 (digits and consonants), 'z', then the instance in base 51: "4dGrJy1QtMz3".
 */
#ifndef RELAIS_QUEUE_ID_H
#define RELAIS_QUEUE_ID_H

#include "bytes.h"

#define QUEUE_ID_TEXT_SIZE    16 /* with the NUL */
#define QUEUE_ID_INSTANCE_MAX 1023

struct queue_id_maker {
	uint64_t last_us;
	unsigned instance; /* 0 to QUEUE_ID_INSTANCE_MAX */
};

/* A new id; wall_us is the wall clock (clock_wall_us()). Never 0. */
uint64_t queue_id_make(struct queue_id_maker *m, uint64_t wall_us);

/* When it was made, microseconds since 1970. */
uint64_t queue_id_time_us(uint64_t id);

/* Returns out. */
char *queue_id_text(uint64_t id, char out[QUEUE_ID_TEXT_SIZE]);

/* The text whole and nothing else: ERR_OK, ERR_SYNTAX. Exactly what queue_id_text() makes. */
MUST_USE int queue_id_parse(struct bytes text, uint64_t *id);

#endif
