/* SPDX-License-Identifier: ISC */
/*
 * submission/submit_header.h - what is done with the header of a submitted message: who it says
 * it is from is found out, what must not leave is removed, what is missing is added. Pure.
 *
 *	From, Sender, Resent-From, Resent-Sender	their mailboxes are the message's senders
 *	Bcc, Resent-Bcc, Return-Path			removed, with all their lines
 *	Date, Message-ID				added if missing
 *
 * Refused (550 5.6.0), because readers would not agree on whom it is from: no From or two, two
 * Sender, no mailbox in them or more than one in Sender, a mailbox without a domain, brackets,
 * quotes or comments that do not close, words between mailboxes, over DIRECTORY_SENDERS_MAX
 * mailboxes, a line that is no field (but an mbox' "From " at the top, which is removed).
 */
#ifndef RELAIS_SUBMIT_HEADER_H
#define RELAIS_SUBMIT_HEADER_H

#include "session.h"

smtp_header_fn submit_header;

#endif
