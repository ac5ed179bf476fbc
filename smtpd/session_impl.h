/* SPDX-License-Identifier: ISC */
/*
 * smtpd/session_impl.h - what the session's own files share: replies, refusals, the mail
 * transaction, and the handlers of the verb table.
 */
#ifndef RELAIS_SMTPD_SESSION_IMPL_H
#define RELAIS_SMTPD_SESSION_IMPL_H

#include "rfc5321.h"
#include "session.h"

/* The one place that changes the state. */
void smtp_enter(struct smtp_session *s, enum smtp_state state);

/* A reply to the command under way. enhanced may be NULL. 2yz counts the verb as good, 5yz as
 * an error of the client. */
void smtp_reply(struct smtp_session *s, struct smtp_out *out, int code, const char *enhanced,
	const char *format, ...) PRINTF_LIKE(5, 6);

/* The same from an answer, with a "reject:" line in the log; stage is "RCPT", "DATA", ... */
void smtp_reject(struct smtp_session *s, struct smtp_out *out, const char *stage,
	struct bytes forward_path, const struct smtp_answer *answer);

/* Count a reply to the verb under way. */
void smtp_count_reply(struct smtp_session *s, int code);

/* Octets from outside into a log line: what would end or fake one becomes '?'. */
void smtp_log_bytes(struct buf *log, struct bytes b);

/* The client's name in the DNS, or "unknown". */
const char *smtp_shown_name(const struct smtp_session *s);

/* After each reply: has the client used up our patience, are we about to stop? */
void smtp_check_patience(struct smtp_session *s, struct smtp_out *out);

/* The session is over once the replies are sent. */
void smtp_close(struct smtp_session *s);

/* "with" of the Received field (RFC 3848, RFC 6531 sec. 4.3) and of the log. */
const char *smtp_protocol(const struct smtp_session *s);

/* Drop the mail transaction, if there is one. */
void smtp_txn_end(struct smtp_session *s);

/* All content is there: refuse it, or wait for the commit. stage for the log. */
void smtp_content_complete(struct smtp_session *s, const char *stage, struct smtp_out *out);

/* The refusal of faulty or unstorable content: false if there is nothing to refuse. */
bool smtp_content_refusal(const struct smtp_txn *txn, struct smtp_answer *answer);

/* Octets of content on their way out, through the header's fix-ups if the policy has some:
 * where content.c is to put them, and what to do once it has; from: length of out->content before.
 */
struct buf *smtp_content_to(struct smtp_session *s, struct smtp_out *out);
void smtp_content_came(struct smtp_session *s, struct smtp_out *out, size_t from);
void smtp_header_end(struct smtp_session *s, struct smtp_out *out); /* the content has ended */

/* May this client say a password now? */
bool smtp_auth_allowed(const struct smtp_session *s);

/* What decides which mechanisms this connection is offered. */
struct sasl_door smtp_sasl_door(const struct smtp_session *s);

/* A line of the AUTH exchange, without its CRLF. */
void smtp_auth_line(struct smtp_session *s, struct bytes line, struct smtp_out *out);

/* Who a message comes from, to its log line: ", sasl_method=PLAIN, sasl_username=x". */
void smtp_put_login(const struct smtp_session *s, struct buf *log);

/* The Received field of RFC 5321 sec. 4.4, with CRLF. */
void smtp_put_received(const struct smtp_session *s, struct buf *out);

/* Parameters of MAIL and RCPT: false if one was refused (the reply is made). */
bool smtp_mail_params(struct smtp_session *s, struct bytes params, struct smtp_out *out);
bool smtp_rcpt_params(struct smtp_session *s, struct bytes params, struct smtp_out *out);

typedef void smtp_handler(struct smtp_session *s, struct bytes args, struct smtp_out *out);

smtp_handler smtp_cmd_ehlo, smtp_cmd_helo, smtp_cmd_mail, smtp_cmd_rcpt, smtp_cmd_data,
	smtp_cmd_bdat, smtp_cmd_rset, smtp_cmd_noop, smtp_cmd_vrfy, smtp_cmd_expn, smtp_cmd_help,
	smtp_cmd_quit, smtp_cmd_starttls, smtp_cmd_auth;

/* Octets of a BDAT chunk; returns those used. */
size_t smtp_chunk_input(struct smtp_session *s, struct bytes in, struct smtp_out *out);

#endif
