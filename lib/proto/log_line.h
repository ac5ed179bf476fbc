/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/log_line.h - the suite's own log lines, read again: who wrote what about which
 * message. Pure; fuzzed: texts in them come from strangers.
 *
 *	Nov 22 05:06:59 mx relais/qmgr[6020]: ID: to=<a@example.org>, relay=..., status=sent (...)
 *	2026-11-22T05:06:59.123456+00:00 mx relais/qmgr[6020]: ...		(rsyslog's form)
 *
 * A stranger's address cannot end its field early: quotes and brackets are read as RFC 5321 has
 * them. Everything borrows from the line.
 */
#ifndef RELAIS_LOG_LINE_H
#define RELAIS_LOG_LINE_H

#include "bytes.h"

struct log_time {
	unsigned year;                             /* 0: not told */
	unsigned month, day, hour, minute, second; /* month and day from 1 */
	bool zoned;                                /* offset_s is told */
	int offset_s;                              /* east of UTC */
};

struct log_line {
	struct log_time time;
	struct bytes service;  /* "qmgr" of "relais/qmgr"; the whole name if it has no '/' */
	struct bytes pid;      /* its digits */
	struct bytes queue_id; /* empty: it is about no message */
	struct bytes text;     /* behind the queue id, or all of it */
};

/* false: not a line of this form. */
bool log_line_parse(struct bytes line, struct log_line *out);

enum log_event {
	LOG_OTHER,      /* text */
	LOG_CLIENT,     /* client, method, login, session */
	LOG_MESSAGE_ID, /* message_id */
	LOG_ACTIVE,     /* from, size, nrcpt */
	LOG_RCPT,       /* to, orig_to, relay, delay, delays, dsn, status, reply */
	LOG_REMOVED,
	LOG_CHILD,  /* child, text: "sender non-delivery notification" */
	LOG_REJECT, /* text */
	LOG_TLS     /* no queue id: client, tls */
};

struct log_fields {
	enum log_event event;
	struct bytes client, method, login, session, tls;
	struct bytes message_id;
	struct bytes from, size, nrcpt;
	struct bytes to, orig_to, relay, delay, delays, dsn, status, reply;
	struct bytes child;
};

/* What the text says; fields that are not there are empty. */
void log_line_fields(const struct log_line *line, struct log_fields *out);

#endif
