/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/downgrade_check.h - a message made fit for 7-bit peers is the same message:
 * its parts are found again, and decode to the octets they had. For tests and the fuzz target.
 */
#ifndef RELAIS_TEST_DOWNGRADE_CHECK_H
#define RELAIS_TEST_DOWNGRADE_CHECK_H

#include "downgrade.h"

/* Convert, and stop the process if the result isn't what it must be. returns: what
 * downgrade_new() said; *out is the result, or empty. */
int downgrade_check(
	struct bytes prefix, struct bytes content, enum downgrade_to to, struct buf *out);

#endif
