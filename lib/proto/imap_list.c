/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_list.c - LIST's patterns.
 *
 * Runs in:  imap session.
 * Trusts:   nothing; pattern and name are at most IMAP_MAILBOX_MAX octets.
 * Sources:  RFC 3501 sec. 6.3.8.
 */
#include "imap_parse.h"

/*
 * One pass over the name; reached[i] says whether the first i octets of the pattern can
 * stand for the name so far. So a pattern full of stars costs length times length, never more.
 */
static bool
match(struct bytes pattern, struct bytes name, uint8_t delimiter, bool *reached)
{
	memset(reached, 0, pattern.n + 1);
	reached[0] = true;
	for (size_t n = 0;; n++) {
		bool before = false; /* reached[i - 1] as it was before this octet */

		/* wild cards may stand for nothing */
		for (size_t i = 0; i < pattern.n; i++)
			if (reached[i] && (pattern.p[i] == '*' || pattern.p[i] == '%'))
				reached[i + 1] = true;
		if (n == name.n)
			return reached[pattern.n];
		for (size_t i = 0; i <= pattern.n; i++) {
			bool here = reached[i];
			bool stays = i < pattern.n && here &&
				     (pattern.p[i] == '*' ||
					     (pattern.p[i] == '%' && name.p[n] != delimiter));
			bool moves = i > 0 && before && pattern.p[i - 1] == name.p[n] &&
				     pattern.p[i - 1] != '*' && pattern.p[i - 1] != '%';

			reached[i] = stays || moves;
			before = here;
		}
	}
}

bool
imap_list_match(struct bytes pattern, struct bytes name, char delimiter)
{
	bool reached[IMAP_MAILBOX_MAX + 1];

	if (pattern.n > IMAP_MAILBOX_MAX)
		return false;
	return match(pattern, name, (uint8_t)delimiter, reached);
}
