/* SPDX-License-Identifier: ISC */
/* pop3d/login_pop3.h - POP3 in the AUTHORIZATION state, for session/login_session.h. */
#ifndef RELAIS_LOGIN_POP3_H
#define RELAIS_LOGIN_POP3_H

#include "login_session.h"

extern const struct login_protocol login_pop3;

#endif
