/* SPDX-License-Identifier: ISC */
/*
 * imapd/capability.h - what we say we can do. The login half sends the first (greeting, CAPABILITY
 * before login) with STARTTLS, LOGINDISABLED and AUTH=... as they are right at that moment, the
 * session and the tagged OK of a login the second.
 */
#ifndef RELAIS_CAPABILITY_H
#define RELAIS_CAPABILITY_H

#define IMAP_CAPABILITY_BEFORE "IMAP4rev1 LITERAL+ SASL-IR ID IDLE"

#define IMAP_CAPABILITY_SESSION                                                                    \
	"IMAP4rev1 LITERAL+ ID IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SPECIAL-USE QUOTA"

#endif
