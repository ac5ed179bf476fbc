/* SPDX-License-Identifier: ISC */
/*
 * lib/base/log.h - where log lines go. Daemons log; libraries return errors.
 *
 * A line: "Nov 21 22:04:57 host relais/smtpd[123]: TEXT", the form that Postfix' users and
 * their tools know. Lines gather in memory and leave with log_flush(), each line whole (the event
 * loop sees to it that none waits long; a warning or an error, and all that was gathered before
 * it, leaves at once): one write of whole lines to an O_APPEND file, or, where
 * the descriptor is a socket (syslog), one datagram for each with "<22>" (mail.info) in front.
 * Octets below 0x20 and 0x7f in a line are written as '?': no peer can forge a line.
 */
#ifndef RELAIS_LOG_H
#define RELAIS_LOG_H

#include "check.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
};

/* name: "smtpd" makes "relais/smtpd"; hostname is cut at its first dot. fd: not owned. A
 * process that never opens a log writes to stderr. Strings are copied. */
void log_open(int fd, const char *name, const char *hostname, enum log_level lowest);

/* After fork(): the pid in later lines; drops what the parent had gathered. */
void log_after_fork(void);

/* Another name in later lines: a child with a role of its own. */
void log_rename(const char *name);

void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2); /* "warning: " is put in front */
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);   /* "error: " is put in front */

void log_flush(void);

/* The sink is this from now on, under the descriptor's number that it had. fd is closed. */
void log_replace(int fd);
/* The process is about to be aborted: what can be written is. */
void log_last_words(void);

/* Octets that wait for log_flush(). */
size_t log_gathered(void);

#endif
