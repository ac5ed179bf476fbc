/* SPDX-License-Identifier: ISC */
/*
 * imapd/capability.h - what we say we can do. The login half sends the first (greeting, CAPABILITY
 * before login), the session and the tagged OK of a login the second.
 */
#ifndef RELAIS_CAPABILITY_H
#define RELAIS_CAPABILITY_H

#define IMAP_CAPABILITY_LOGIN "IMAP4rev1 LITERAL+ SASL-IR ID IDLE AUTH=PLAIN"

/* where passwords may not travel: RFC 3501 sec. 7.2.1 */
#define IMAP_CAPABILITY_LOGIN_DISABLED "IMAP4rev1 LITERAL+ SASL-IR ID IDLE LOGINDISABLED"

#define IMAP_CAPABILITY_SESSION                                                                    \
	"IMAP4rev1 LITERAL+ ID IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE SPECIAL-USE QUOTA"

#endif
