/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/downgrade_plan.h - what is done with each octet of a message that is downgraded: a list
 * of segments that cover it. Private to downgrade_plan.c, which makes it, and downgrade.c, which
 * carries it out.
 */
#ifndef RELAIS_DOWNGRADE_PLAN_H
#define RELAIS_DOWNGRADE_PLAN_H

#include "arena.h"
#include "downgrade.h"

enum segment_kind {
	SEGMENT_RAW,
	SEGMENT_MASK, /* '*' for what isn't ASCII: between parts, and in base64, where it is nothing
		       */
	SEGMENT_MEND, /* broken quoted-printable: what isn't ASCII is escaped */
	SEGMENT_QP,
	SEGMENT_BASE64
};

struct segment {
	struct segment *next;
	enum segment_kind kind;
	struct bytes octets;
};

struct downgrade {
	struct arena arena;
	struct bytes content;
	enum downgrade_to to;
	size_t covered; /* of content, while the plan is made */
	struct segment *first, **end;
	uint64_t octets;
	/* carrying it out */
	struct segment *now;
	size_t done; /* of its octets */
	size_t column;
};

/* Cover prefix and content, from d->first on. ERR_OK; ERR_UNSUPPORTED: it can't be done. */
MUST_USE int downgrade_plan(struct downgrade *d, struct bytes prefix);

#endif
