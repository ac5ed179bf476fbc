/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/imapd/test_session.c - dialogues with the IMAP session on a real mailbox, each line
 * by line and octet by octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "dialogue.h"

/* Three small messages in INBOX, selected by A. The greeting lines are not looked at. */
#define APPEND(tag, flags, subject)                                                                \
	"A> " tag " APPEND INBOX (" flags ") \"17-Jul-1996 02:44:25 -0700\" {57+}\n"               \
	"A> From: Anna <anna@example.org>\n"                                                       \
	"A> Subject: " subject "\n"                                                                \
	"A> \n"                                                                                    \
	"A> Hello.\n"                                                                              \
	"A> \n"                                                                                    \
	"A< " tag " OK [APPENDUID ~] Append completed\n"

#define THREE                                                                                      \
	APPEND("x1", "", "one  ") APPEND("x2", "\\Seen", "two  ") APPEND("x3", "$Junk", "three")

#define SELECTED                                                                                   \
	"A> s SELECT INBOX\n"                                                                      \
	"A< * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\n"                       \
	"A< * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk \\*)] ~\n"   \
	"A< * 3 EXISTS\n"                                                                          \
	"A< * 3 RECENT\n"                                                                          \
	"A< * OK [UNSEEN 1] ~\n"                                                                   \
	"A< * OK [UIDVALIDITY ~] ~\n"                                                              \
	"A< * OK [UIDNEXT ~] ~\n"                                                                  \
	"A< s OK [READ-WRITE] SELECT completed\n"

#define B_SELECTED                                                                                 \
	"B> s SELECT INBOX\n"                                                                      \
	"B< * FLAGS ~\n"                                                                           \
	"B< * OK [PERMANENTFLAGS ~\n"                                                              \
	"B< * 3 EXISTS\n"                                                                          \
	"B< * 0 RECENT\n"                                                                          \
	"B< * OK [UNSEEN 1] ~\n"                                                                   \
	"B< * OK [UIDVALIDITY ~] ~\n"                                                              \
	"B< * OK [UIDNEXT ~] ~\n"                                                                  \
	"B< s OK [READ-WRITE] SELECT completed\n"

/* clang-format off */
static const struct row {
	const char *label, *script;
} rows[] = {
	{ "noop, capability, logout",
		"A> a NOOP\n"
		"A< a OK NOOP completed\n"
		"A> b capability\n"
		"A< * CAPABILITY IMAP4rev1 ~UIDPLUS~\n"
		"A< b OK ~\n"
		"A> c LOGOUT\n"
		"A< * BYE ~\n"
		"A< c OK ~\n"
		"A.\n" },
	{ "bad commands",
		"A> \n"
		"A< * BAD A tag is missing\n"
		"A> a\n"
		"A< a BAD A command is missing\n"
		"A> a NONSENSE\n"
		"A< a BAD Unknown command\n"
		"A> a UID NOOP\n"
		"A< a BAD Unknown command\n"
		"A> a FETCH 1 FLAGS\n"
		"A< a BAD No mailbox is selected\n"
		"A> a NOOP x\n"
		"A< a BAD Error in NOOP: too many arguments\n"
		"A> * NOOP\n"
		"A< * BAD A tag is missing\n" },
	{ "namespace, id, quota",
		"A> a NAMESPACE\n"
		"A< * NAMESPACE ((\"\" \"/\")) NIL NIL\n"
		"A< a OK ~\n"
		"A> a ID (\"name\" \"test\" \"x\" NIL)\n"
		"A< * ID (\"name\" \"relais\"~)\n"
		"A< a OK ~\n"
		"A> a ID NIL\n"
		"A< * ID ~\n"
		"A< a OK ~\n"
		"A> a GETQUOTAROOT INBOX\n"
		"A< * QUOTAROOT INBOX \"User quota\"\n"
		"A< * QUOTA \"User quota\" (STORAGE 977 1024)\n"
		"A< a OK ~\n"
		"A> a GETQUOTA \"User quota\"\n"
		"A< * QUOTA \"User quota\" (STORAGE 977 1024)\n"
		"A< a OK ~\n"
		"A> a GETQUOTA x\n"
		"A< a NO [NONEXISTENT] ~\n" },
	{ "select nothing",
		"A> a SELECT nowhere\n"
		"A< a NO [NONEXISTENT] ~\n"
		"A> a SELECT INBOX\n"
		"A< * FLAGS ~\nA< * OK [PERM~\nA< * 0 EXISTS\nA< * 0 RECENT\nA< * OK [UIDV~\n"
		"A< * OK [UIDNEXT 1] ~\nA< a OK [READ-WRITE] ~\n"
		"A> b SELECT nowhere\n"
		"A< * OK [CLOSED] ~\n"
		"A< b NO [NONEXISTENT] ~\n"
		"A> c FETCH 1 FLAGS\n"
		"A< c BAD ~\n" },
	{ "an empty folder",
		"A> a SELECT INBOX\n"
		"A< * FLAGS ~\nA< * OK [PERM~\nA< * 0 EXISTS\nA< * 0 RECENT\nA< * OK [UIDV~\n"
		"A< * OK [UIDNEXT 1] ~\nA< a OK [READ-WRITE] ~\n"
		"A> a FETCH 1:* FLAGS\n"
		"A< a BAD ~\n"
		"A> a UID FETCH 1:* FLAGS\n"
		"A< a OK ~\n"
		"A> a SEARCH 1:*\n"
		"A< * SEARCH\n"
		"A< a OK ~\n"
		"A> a EXPUNGE\n"
		"A< a OK ~\n" },
	{ "append and select",
		THREE SELECTED },
	{ "append refused",
		"A> a APPEND nowhere {5}\n"
		"A< a NO [TRYCREATE] ~\n"
		"A> a APPEND nowhere {5+}\n"
		"A> hello\n"
		"A< a NO [TRYCREATE] ~\n"
		"A> a APPEND INBOX {300000}\n"
		"A< a NO [TOOBIG] ~\n"
		"A> a APPEND INBOX {60000}\n"
		"A< a NO [OVERQUOTA] ~\n"
		"A> a APPEND INBOX {0}\n"
		"A< a NO [CANNOT] ~\n"
		"A> a APPEND INBOX (\\Nonsense) {5}\n"
		"A< a BAD Error in APPEND: ~\n"
		"A> a APPEND INBOX (\\Nonsense) {8+}\n"
		"A> b NOOP\n"
		"A> \n"
		"A< a BAD Error in APPEND: ~\n"
		"A> a APPEND INBOX {99999999999}\n"
		"A< a NO [TOOBIG] ~\n"
		"A> a APPEND INBOX \"x\"\n"
		"A< a BAD ~\n"
		"A> a APPEND INBOX {99999999999+}\n"
		"A< * BYE [TOOBIG] ~\n"
		"A.\n" },
	{ "append with a literal name, synchronizing",
		"A> a APPEND {5}\n"
		"A< + OK\n"
		"A> INBOX {6}\n"
		"A< + OK\n"
		"A> a: b\n"
		"A> \n"
		"A< a OK [APPENDUID ~ 1] ~\n" },
	{ "append with more behind it",
		"A> a APPEND INBOX {3+}\n"
		"A> abc x\n"
		"A< a BAD ~too many arguments\n"
		"A> b STATUS INBOX (MESSAGES)\n"
		"A< * STATUS INBOX (MESSAGES 0)\n"
		"A< b OK ~\n" },
	{ "append to the selected folder is told",
		THREE SELECTED
		"A> a APPEND INBOX {6+}\n"
		"A> a: b\n"
		"A> \n"
		"A< * 4 EXISTS\n"
		"A< * 4 RECENT\n"
		"A< a OK [APPENDUID ~ 4] ~\n" },
	{ "fetch items",
		THREE SELECTED
		"A> a FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)\n"
		"A< * 1 FETCH (UID 1 FLAGS (\\Recent) INTERNALDATE \"17-Jul-1996 09:44:25 +0000\" "
		"RFC822.SIZE 57)\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 1:* FLAGS\n"
		"A< * 1 FETCH (FLAGS (\\Recent))\n"
		"A< * 2 FETCH (FLAGS (\\Seen \\Recent))\n"
		"A< * 3 FETCH (FLAGS ($Junk \\Recent))\n"
		"A< a OK Fetch completed\n"
		"A> a UID FETCH 2:3 RFC822.SIZE\n"
		"A< * 2 FETCH (UID 2 RFC822.SIZE 57)\n"
		"A< * 3 FETCH (UID 3 RFC822.SIZE 57)\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 3 ENVELOPE\n"
		"A< * 3 FETCH (ENVELOPE (NIL \"three\" ((\"Anna\" NIL \"anna\" \"example.org\")) "
		"((\"Anna\" NIL \"anna\" \"example.org\")) ((\"Anna\" NIL \"anna\" "
		"\"example.org\")) NIL NIL NIL NIL NIL))\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 3 (BODY BODYSTRUCTURE)\n"
		"A< * 3 FETCH (BODY (\"text\" \"plain\" ~ NIL NIL \"7bit\" 8 1) BODYSTRUCTURE (~))\n"
		"A< a OK Fetch completed\n" },
	{ "fetch numbers",
		THREE SELECTED
		"A> a FETCH 4 FLAGS\n"
		"A< a BAD ~\n"
		"A> a FETCH 3:7 FLAGS\n"
		"A< a BAD ~\n"
		"A> a FETCH 7:* UID\n"
		"A< * 3 FETCH (UID 3)\n"
		"A< a OK ~\n"
		"A> a UID FETCH 7:* UID\n"
		"A< * 3 FETCH (UID 3)\n"
		"A< a OK ~\n"
		"A> a UID FETCH 7:9 UID\n"
		"A< a OK ~\n"
		"A> a FETCH 3,1:2,2 UID\n"
		"A< * 1 FETCH (UID 1)\n"
		"A< * 2 FETCH (UID 2)\n"
		"A< * 3 FETCH (UID 3)\n"
		"A< a OK ~\n"
		"A> a FETCH $ UID\n"
		"A< a BAD ~\n" },
	{ "fetch sections",
		THREE SELECTED
		"A> a FETCH 1 BODY[]\n"
		"A< * 1 FETCH (FLAGS (\\Seen \\Recent) BODY[] {57}\n"
		"A< From: Anna <anna@example.org>\n"
		"A< Subject: one  \n"
		"A< \n"
		"A< Hello.\n"
		"A< )\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 3 BODY.PEEK[HEADER.FIELDS (subject x-none)]\n"
		"A< * 3 FETCH (BODY[HEADER.FIELDS (subject x-none)] {18}\n"
		"A< Subject: three\n"
		"A< \n"
		"A< )\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 3 BODY.PEEK[HEADER.FIELDS.NOT (subject)]\n"
		"A< * 3 FETCH (BODY[HEADER.FIELDS.NOT (subject)] {33}\n"
		"A< From: Anna <anna@example.org>\n"
		"A< \n"
		"A< )\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 3 (BODY.PEEK[TEXT]<1.3> BODY.PEEK[1] BODY.PEEK[2] BODY.PEEK[]<57.5>)\n"
		"A< * 3 FETCH (BODY[TEXT]<1> {3}\n"
		"A< ell BODY[1] {8}\n"
		"A< Hello.\n"
		"A<  BODY[2] NIL BODY[]<57> {0}\n"
		"A< )\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 3 RFC822.HEADER\n"
		"A< * 3 FETCH (RFC822.HEADER {49}\n"
		"A< From: ~\n"
		"A< Subject: three\n"
		"A< \n"
		"A< )\n"
		"A< a OK Fetch completed\n"
		"A> a FETCH 2:3 RFC822.TEXT\n"
		"A< * 2 FETCH (RFC822.TEXT {8}\n"
		"A< Hello.\n"
		"A< )\n"
		"A< * 3 FETCH (FLAGS (\\Seen $Junk \\Recent) RFC822.TEXT {8}\n"
		"A< Hello.\n"
		"A< )\n"
		"A< a OK Fetch completed\n" },
	{ "examine changes nothing",
		THREE
		"A> s EXAMINE inbox\n"
		"A< * FLAGS ~\n"
		"A< * OK [PERMANENTFLAGS ()] ~\n"
		"A< * 3 EXISTS\n"
		"A< * 3 RECENT\n"
		"A< * OK [UNSEEN 1] ~\nA< * OK [UIDV~\nA< * OK [UIDN~\n"
		"A< s OK [READ-ONLY] EXAMINE completed\n"
		"A> a FETCH 1 BODY[TEXT]\n"
		"A< * 1 FETCH (BODY[TEXT] {8}\n"
		"A< Hello.\n"
		"A< )\n"
		"A< a OK ~\n"
		"A> a STORE 1 +FLAGS (\\Seen)\n"
		"A< a NO [NOPERM] ~\n"
		"A> a EXPUNGE\n"
		"A< a NO [NOPERM] ~\n"
		"A> a CLOSE\n"
		"A< a OK ~\n" },
	{ "store",
		THREE SELECTED
		"A> a STORE 1:2 +FLAGS (\\Flagged new)\n"
		"A< * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk new)\n"
		"A< * OK [PERMANENTFLAGS ~\n"
		"A< * 1 FETCH (FLAGS (\\Flagged new \\Recent))\n"
		"A< * 2 FETCH (FLAGS (\\Flagged \\Seen new \\Recent))\n"
		"A< a OK Store completed\n"
		"A> a UID STORE 2 -FLAGS.SILENT (\\Seen NEW unheard-of)\n"
		"A< a OK Store completed\n"
		"A> a UID STORE 2,3 FLAGS \\Draft\n"
		"A< * 2 FETCH (UID 2 FLAGS (\\Draft \\Recent))\n"
		"A< * 3 FETCH (UID 3 FLAGS (\\Draft \\Recent))\n"
		"A< a OK Store completed\n"
		"A> a STORE 9 FLAGS ()\n"
		"A< a BAD ~\n"
		"A> a UID STORE 9 FLAGS ()\n"
		"A< a OK ~\n" },
	{ "expunge",
		THREE SELECTED
		"A> a STORE 1,3 +FLAGS.SILENT (\\Deleted)\n"
		"A< a OK ~\n"
		"A> a UID EXPUNGE 2:3\n"
		"A< * 3 EXPUNGE\n"
		"A< a OK ~\n"
		"A> a EXPUNGE\n"
		"A< * 1 EXPUNGE\n"
		"A< a OK ~\n"
		"A> a FETCH 1 UID\n"
		"A< * 1 FETCH (UID 2)\n"
		"A< a OK ~\n" },
	{ "close and unselect",
		THREE SELECTED
		"A> a STORE 1 +FLAGS.SILENT (\\Deleted)\n"
		"A< a OK ~\n"
		"A> a UNSELECT\n"
		"A< a OK ~\n"
		"A> a STATUS INBOX (MESSAGES)\n"
		"A< * STATUS INBOX (MESSAGES 3)\n"
		"A< a OK ~\n"
		"A> s SELECT INBOX\n"
		"A< * FLAGS ~\nA< * OK [P~\nA< * 3 EXISTS\nA< * 0 RECENT\nA< * OK [UNS~\n"
		"A< * OK [UIDV~\nA< * OK [UIDN~\nA< s OK ~\n"
		"A> a CLOSE\n"
		"A< a OK ~\n"
		"A> a STATUS INBOX (MESSAGES UNSEEN RECENT UIDNEXT)\n"
		"A< * STATUS INBOX (MESSAGES 2 RECENT 0 UIDNEXT 4 UNSEEN 1)\n"
		"A< a OK ~\n" },
	{ "copy and move",
		THREE SELECTED
		"A> a COPY 1:2 other\n"
		"A< a NO [TRYCREATE] ~\n"
		"A> a CREATE other\n"
		"A< a OK ~\n"
		"A> a COPY 1:2 other\n"
		"A< a OK [COPYUID ~ 1:2 1:2] ~\n"
		"A> a UID MOVE 3 other\n"
		"A< * OK [COPYUID ~ 3 3] ~\n"
		"A< * 3 EXPUNGE\n"
		"A< a OK ~\n"
		"A> a UID COPY 99 other\n"
		"A< a OK No messages to copy\n"
		"A> a STATUS other (MESSAGES)\n"
		"A< * STATUS other (MESSAGES 3)\n"
		"A< a OK ~\n"
		"A> a MOVE 1:* other\n"
		"A< * OK [COPYUID ~ 1:2 4:5] ~\n"
		"A< * ~ EXPUNGE\n"
		"A< * 1 EXPUNGE\n"
		"A< a OK ~\n" },
	{ "search",
		THREE SELECTED
		"A> a SEARCH ALL\n"
		"A< * SEARCH 1 2 3\n"
		"A< a OK ~\n"
		"A> a SEARCH UNSEEN\n"
		"A< * SEARCH 1 3\n"
		"A< a OK ~\n"
		"A> a UID SEARCH OR SUBJECT ONE KEYWORD $junk\n"
		"A< * SEARCH 1 3\n"
		"A< a OK ~\n"
		"A> a SEARCH NOT (UID 2:3) FROM anna@EXAMPLE\n"
		"A< * SEARCH 1\n"
		"A< a OK ~\n"
		"A> a SEARCH TEXT three BODY hello\n"
		"A< * SEARCH 3\n"
		"A< a OK ~\n"
		"A> a SEARCH SMALLER 57\n"
		"A< * SEARCH\n"
		"A< a OK ~\n"
		"A> a SEARCH LARGER 56 2:*\n"
		"A< * SEARCH 2 3\n"
		"A< a OK ~\n"
		"A> a SEARCH ON 17-Jul-1996 BEFORE 18-Jul-1996 SINCE 17-Jul-1996 RECENT\n"
		"A< * SEARCH 1 2 3\n"
		"A< a OK ~\n"
		"A> a SEARCH SENTSINCE 1-Jan-1970\n"
		"A< * SEARCH\n"
		"A< a OK ~\n"
		"A> a SEARCH HEADER From \"\" NOT HEADER To \"\" HEADER X-None x\n"
		"A< * SEARCH\n"
		"A< a OK ~\n"
		"A> a SEARCH HEADER Received \"\"\n"
		"A< * SEARCH\n"
		"A< a OK ~\n"
		"A> a SEARCH UNKEYWORD unheard-of KEYWORD unheard-of\n"
		"A< * SEARCH\n"
		"A< a OK ~\n"
		"A> a SEARCH CHARSET X-UNKNOWN TEXT x\n"
		"A< a NO [BADCHARSET ~\n"
		"A> a SEARCH CHARSET UTF-8 SUBJECT {3+}\n"
		"A> TWO\n"
		"A< * SEARCH 2\n"
		"A< a OK ~\n"
		"A> a SEARCH NONSENSE\n"
		"A< a BAD ~\n"
		"A> a SEARCH 9\n"
		"A< * SEARCH\n"
		"A< a OK ~\n"
		"A> a SEARCH 2:9\n"
		"A< * SEARCH 2 3\n"
		"A< a OK ~\n" },
	{ "folders",
		"A> a CREATE a\n"
		"A< a OK ~\n"
		"A> a CREATE a\n"
		"A< a NO [ALREADYEXISTS] ~\n"
		"A> a CREATE b/c/d/\n"
		"A< a OK ~\n"
		"A> a CREATE \"\"\n"
		"A< a NO [CANNOT] ~\n"
		"A> a CREATE Sent\n"
		"A< a OK ~\n"
		"A> a LIST \"\" *\n"
		"A< * LIST (\\HasNoChildren) \"/\" INBOX\n"
		"A< * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
		"A< * LIST (\\HasNoChildren) \"/\" a\n"
		"A< * LIST (\\HasChildren \\Noselect) \"/\" b\n"
		"A< * LIST (\\HasChildren \\Noselect) \"/\" b/c\n"
		"A< * LIST (\\HasNoChildren) \"/\" b/c/d\n"
		"A< a OK ~\n"
		"A> a LIST \"\" %\n"
		"A< * LIST (\\HasNoChildren) \"/\" INBOX\n"
		"A< * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
		"A< * LIST (\\HasNoChildren) \"/\" a\n"
		"A< * LIST (\\HasChildren \\Noselect) \"/\" b\n"
		"A< a OK ~\n"
		"A> a LIST b/ %\n"
		"A< * LIST (\\HasChildren \\Noselect) \"/\" b/c\n"
		"A< a OK ~\n"
		"A> a LIST \"\" inbox\n"
		"A< * LIST (\\HasNoChildren) \"/\" INBOX\n"
		"A< a OK ~\n"
		"A> a LIST \"\" \"\"\n"
		"A< * LIST (\\Noselect) \"/\" \"\"\n"
		"A< a OK ~\n"
		"A> a LIST (SPECIAL-USE) \"\" * RETURN (CHILDREN)\n"
		"A< * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
		"A< a OK ~\n"
		"A> a RENAME b/c x\n"
		"A< a OK ~\n"
		"A> a LIST \"\" (x/% b*)\n"
		"A< * LIST (\\HasNoChildren) \"/\" x/d\n"
		"A< a OK ~\n"
		"A> a RENAME nowhere y\n"
		"A< a NO [NONEXISTENT] ~\n"
		"A> a DELETE a\n"
		"A< a OK ~\n"
		"A> a DELETE a\n"
		"A< a NO [NONEXISTENT] ~\n"
		"A> a DELETE inbox\n"
		"A< a NO [NOPERM] ~\n" },
	{ "subscriptions",
		"A> a CREATE p/q\n"
		"A< a OK ~\n"
		"A> a CREATE p/r\n"
		"A< a OK ~\n"
		"A> a SUBSCRIBE p/q\n"
		"A< a OK ~\n"
		"A> a SUBSCRIBE p/r\n"
		"A< a OK ~\n"
		"A> a LSUB \"\" *\n"
		"A< * LSUB (\\HasNoChildren) \"/\" p/q\n"
		"A< * LSUB (\\HasNoChildren) \"/\" p/r\n"
		"A< a OK ~\n"
		"A> a LSUB \"\" %\n"
		"A< * LSUB (\\HasChildren \\Noselect) \"/\" p\n"
		"A< a OK ~\n"
		"A> a LIST (SUBSCRIBED) \"\" *\n"
		"A< * LIST (\\HasNoChildren \\Subscribed) \"/\" p/q\n"
		"A< * LIST (\\HasNoChildren \\Subscribed) \"/\" p/r\n"
		"A< a OK ~\n"
		"A> a UNSUBSCRIBE p/q\n"
		"A< a OK ~\n"
		"A> a DELETE p/r\n"
		"A< a OK ~\n"
		"A> a LSUB \"\" *\n"
		"A< * LSUB (~) \"/\" p/r\n"
		"A< a OK ~\n" },
	{ "delete the selected folder",
		"A> a CREATE z\n"
		"A< a OK ~\n"
		"A> s SELECT z\n"
		"A< * FLAGS ~\nA< * OK [P~\nA< * 0 EXISTS\nA< * 0 RECENT\n"
		"A< * OK [UIDV~\nA< * OK [UIDN~\nA< s OK ~\n"
		"A> a DELETE z\n"
		"A< * OK [CLOSED] ~\n"
		"A< a OK ~\n"
		"A> a EXPUNGE\n"
		"A< a BAD ~\n" },
	{ "two sessions: flags",
		THREE SELECTED B_SELECTED
		"B> b STORE 1 +FLAGS (\\Seen)\n"
		"B< * 1 FETCH (FLAGS (\\Seen))\n"
		"B< b OK ~\n"
		"A> a NOOP\n"
		"A< * 1 FETCH (FLAGS (\\Seen \\Recent))\n"
		"A< a OK ~\n"
		"A> a NOOP\n"
		"A< a OK ~\n" },
	{ "two sessions: expunge waits for a command that may tell it",
		THREE SELECTED B_SELECTED
		"B> b STORE 1:2 +FLAGS.SILENT (\\Deleted)\n"
		"B< b OK ~\n"
		"B> b EXPUNGE\n"
		"B< * ~ EXPUNGE\n"
		"B< * 1 EXPUNGE\n"
		"B< b OK ~\n"
		"A> a FETCH 3 UID\n"
		"A< * 3 FETCH (UID 3)\n"
		"A< a OK ~\n"
		"A> a FETCH 1:3 (UID FLAGS)\n"
		"A< * 3 FETCH (UID 3 FLAGS ($Junk \\Recent))\n"
		"A< a OK [EXPUNGEISSUED] ~\n"
		"A> a SEARCH ALL\n"
		"A< * SEARCH 3\n"
		"A< a OK ~\n"
		"A> a STORE 1 +FLAGS (\\Seen)\n"
		"A< a OK [EXPUNGEISSUED] ~\n"
		"A> a NOOP\n"
		"A< * ~ EXPUNGE\n"
		"A< * 1 EXPUNGE\n"
		"A< a OK ~\n"
		"A> a FETCH 1 UID\n"
		"A< * 1 FETCH (UID 3)\n"
		"A< a OK ~\n" },
	{ "idle",
		THREE SELECTED B_SELECTED
		"A> a IDLE\n"
		"A< + idling\n"
		"B> b APPEND INBOX {6+}\n"
		"B> a: b\n"
		"B> \n"
		"B< * 4 EXISTS\n"
		"B< * ~ RECENT\n"
		"B< b OK ~\n"
		"A!\n"
		"A< * 4 EXISTS\n"
		"A< * ~ RECENT\n"
		"B> b STORE 1 +FLAGS.SILENT (\\Deleted)\n"
		"B< b OK ~\n"
		"A!\n"
		"A< * 1 FETCH (FLAGS (\\Deleted \\Recent))\n"
		"B> b EXPUNGE\n"
		"B< * 1 EXPUNGE\n"
		"B< b OK ~\n"
		"A!\n"
		"A!\n"
		"A< * 1 EXPUNGE\n"
		"A> done\n"
		"A< a OK Idle completed\n"
		"A> a IDLE\n"
		"A< + idling\n"
		"A> b NOOP\n"
		"A< a BAD Expected DONE\n" },
	{ "pipelined",
		"A>> a NOOP$b NOOP$c LOGOUT$d NOOP$\n"
		"A< a OK ~\n"
		"A< b OK ~\n"
		"A< * BYE ~\n"
		"A< c OK ~\n"
		"A.\n" },
	{ "too many errors",
		"A>> a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$\n"
		"A< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\n"
		"A< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\n"
		"A< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\n"
		"A< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\nA< a BAD ~\n"
		"A< * BYE ~\n"
		"A.\n" },
};
/* clang-format on */

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	static const size_t steps[] = { 0, 1, 3 };

	for (size_t i = 0; i < NITEMS(steps); i++) {
		struct mailbox m;
		const char *problem;

		mailbox_open(&m);
		problem = dialogue_run(&m, t->script, steps[i]);
		mailbox_close(&m);
		if (problem != NULL)
			fail_msg("step %zu: %s", steps[i], problem);
	}
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows)];

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("imapd/session", tests, NULL, NULL);
}
