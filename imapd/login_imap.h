/* SPDX-License-Identifier: ISC */
/* imapd/login_imap.h - IMAP before login, for session/login_session.h. */
#ifndef RELAIS_LOGIN_IMAP_H
#define RELAIS_LOGIN_IMAP_H

#include "login_session.h"

/* Octets of one command with its literals, before login: user name and password fit. */
#define LOGIN_IMAP_COMMAND_MAX 4096

extern const struct login_protocol login_imap;

#endif
