/* SPDX-License-Identifier: ISC */
/*
 * directory/forwarding.h - the reverse-path of what is forwarded: SRS (srs.h) as the options say.
 *
 * Runs in:  directory.
 */
#ifndef RELAIS_DIRECTORY_FORWARDING_H
#define RELAIS_DIRECTORY_FORWARDING_H

#include "tables.h"

/* What was accepted may wait in the queue: its SRS address is good for so many days beyond the
 * time for which new mail is taken. */
#define FORWARDING_QUEUE_DAYS 14

/*
 * The address that stands for reverse_path when its mail is forwarded: *out in the arena; empty
 * if it stays what it is (null, of a local domain, or SRS is off or not possible).
 * returns: ERR_OK; ERR_IO (temporary)
 */
MUST_USE int forwarding_path(
	struct directory_tables *t, struct arena *a, struct bytes reverse_path, struct bytes *out);

/* Is it an SRS address at our SRS domain? With SRS_OK *original in the arena is where its mail
 * goes. queued: the address was accepted before. */
enum srs_result forwarding_original(struct directory_tables *t, struct arena *a,
	const struct mail_address *address, bool queued, struct bytes *original);

#endif
