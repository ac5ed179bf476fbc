/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_library.h - libopendmarc's opinion on a verdict of ours.
 *
 * Of what DMARC is, libopendmarc 1.4.2 does one thing right: from results that are aligned or not
 * and a policy it comes to pass, none, quarantine or reject. Alignment, organizational domains,
 * records and np, psd, t it has wrong or not at all (docs/dmarc.md), so all that is dmarc.c's. Here
 * it is asked with what is left, as a second pair of eyes: should the two ever differ, ours holds
 * and the log says so.
 *
 * Runs in:  mailauth-verify. What the library gets are names of hosts and words of ours.
 */
#ifndef RELAIS_DMARC_LIBRARY_H
#define RELAIS_DMARC_LIBRARY_H

#include "dmarc.h"

/* false: it says otherwise. true too if there is nothing to ask it about (neither pass nor fail).
 */
bool dmarc_library_agrees(const struct dmarc_result_row *row);

#endif
