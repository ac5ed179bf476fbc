/* SPDX-License-Identifier: ISC */
/* imapd/fetch.h - the cursor of a FETCH; private to cmd_fetch.c and fetch_section.c. */
#ifndef RELAIS_FETCH_H
#define RELAIS_FETCH_H

#include "imap_core.h"
#include "mime.h"

enum fetch_state {
	FETCH_NEXT,    /* the next message's line is to begin */
	FETCH_SECTION, /* within a line: the next section, or its end */
	FETCH_OCTETS,  /* within a literal */
};

struct imap_fetch_cursor {
	struct imap_fetch fetch;
	struct imap_set set;
	struct imap_walk walk;
	bool needs_content; /* the file must be opened */
	bool needs_cache;
	bool sets_seen;
	bool missing; /* some messages were gone */

	enum fetch_state state;
	uint32_t seq;
	bool newly_seen, first_item;
	size_t section;

	/* the message under way */
	struct store_content content;
	bool open;
	struct mime_part *root; /* parsed when a part is asked for */
	struct arena arena;
	struct buf fields; /* HEADER.FIELDS put together */
	struct bytes rest; /* of the literal, still to go out */

	uint32_t *seen; /* UIDs to be marked */
	size_t seen_count;
};

/* Can it be answered from the store's cache, without the file? */
bool imap_section_is_cached(const struct imap_section *section);

/* The octets of a section (borrowed from the message or c->fields), the partial applied. *there is
 * false if the message has no such part. */
MUST_USE int imap_fetch_section(struct imap_session *s, struct imap_fetch_cursor *c,
	const struct imap_section *section, struct bytes *out, bool *there);

#endif
