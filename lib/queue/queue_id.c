/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_id.c - queue ids: made, written, read.
 *
 * Runs in:  every process that names a message. No I/O, no clock.
 * Trusts:   nothing (texts come from the operator).
 */
#include "queue_id.h"

#include "err.h"

#define SECONDS_DIGITS  6
#define MICROS_DIGITS   4
#define INSTANCE_DIGITS 2 /* at most: 51 * 51 > 1023 */

static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

#define MICROS_BITS   20
#define INSTANCE_BITS 10
#define MICROS_SHIFT  INSTANCE_BITS
#define SECONDS_SHIFT (INSTANCE_BITS + MICROS_BITS)
#define SECONDS_MAX   ((UINT64_C(1) << 34) - 1)

uint64_t
queue_id_make(struct queue_id_maker *m, uint64_t wall_us)
{
	uint64_t s, us;

	if (wall_us <= m->last_us)
		wall_us = m->last_us + 1;
	m->last_us = wall_us;
	s = wall_us / 1000000;
	us = wall_us % 1000000;
	return (s & SECONDS_MAX) << SECONDS_SHIFT | us << MICROS_SHIFT |
	       (m->instance & QUEUE_ID_INSTANCE_MAX);
}

uint64_t
queue_id_time_us(uint64_t id)
{
	return (id >> SECONDS_SHIFT) * 1000000 + (id >> MICROS_SHIFT & ((1u << MICROS_BITS) - 1));
}

static void
put_digits(char *out, unsigned n, uint64_t v, unsigned base)
{
	while (n > 0) {
		out[--n] = digits[v % base];
		v /= base;
	}
}

char *
queue_id_text(uint64_t id, char out[QUEUE_ID_TEXT_SIZE])
{
	unsigned instance = (unsigned)(id & QUEUE_ID_INSTANCE_MAX);
	unsigned n = instance >= 51 ? 2 : 1;
	char *p = out;

	put_digits(p, SECONDS_DIGITS, id >> SECONDS_SHIFT, 52);
	p += SECONDS_DIGITS;
	put_digits(p, MICROS_DIGITS, id >> MICROS_SHIFT & ((1u << MICROS_BITS) - 1), 52);
	p += MICROS_DIGITS;
	*p++ = 'z';
	put_digits(p, n, instance, 51);
	p[n] = 0;
	return out;
}

/* The number that n digits make, or UINT64_MAX. */
static uint64_t
get_digits(struct bytes text, unsigned base)
{
	uint64_t v = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char *at = text.p[i] == 0 ? NULL : strchr(digits, text.p[i]);

		if (at == NULL || at - digits >= (int)base)
			return UINT64_MAX;
		v = v * base + (uint64_t)(at - digits);
	}
	return v;
}

int
queue_id_parse(struct bytes text, uint64_t *id)
{
	const size_t head = SECONDS_DIGITS + MICROS_DIGITS + 1;
	char again[QUEUE_ID_TEXT_SIZE];
	uint64_t s, us, instance, v;

	if (text.n <= head || text.n > head + INSTANCE_DIGITS || text.p[head - 1] != 'z')
		return ERR_SYNTAX;
	s = get_digits(bytes_head(text, SECONDS_DIGITS), 52);
	us = get_digits(bytes_make(text.p + SECONDS_DIGITS, MICROS_DIGITS), 52);
	instance = get_digits(bytes_skip(text, head), 51);
	if (s > SECONDS_MAX || us >= 1u << MICROS_BITS || instance > QUEUE_ID_INSTANCE_MAX)
		return ERR_SYNTAX;
	v = s << SECONDS_SHIFT | us << MICROS_SHIFT | instance;
	/* one text for one number: no leading zero of the instance */
	if (v == 0 || !bytes_is(text, queue_id_text(v, again)))
		return ERR_SYNTAX;
	*id = v;
	return ERR_OK;
}
