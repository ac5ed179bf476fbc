/* SPDX-License-Identifier: ISC */
/* tests/unit/session/login_script.h - plays a client's octets to a login half, by rows. */
#ifndef RELAIS_LOGIN_SCRIPT_H
#define RELAIS_LOGIN_SCRIPT_H

#include "login_session.h"

struct login_row {
	const char *label;
	const char *input; /* the client's octets; NULs can't be in it */
	/* One letter for each question: b(ad password), l(ocked), t(oo many), u(navailable),
	 * m(alformed), B(anned); c(hallenge): SASL goes on with "more"; o(k): the session half
	 * takes over, what it says first is appended and the row ends. */
	const char *answers;
	/* All replies; each question stands in it as "?user/password\n", for SASL as "?MECHANISM
	 * begin|step user/response\n"; the beginning of TLS as "!TLS\n"; the octets left over at
	 * the end as "!rest\n". CR LF is written as "\n". */
	const char *output;
	bool no_plaintext;
	bool starttls;   /* is offered; what comes up to an octet 1 in the input, came too early */
	bool no_tls_now; /* but there is no certificate */
	bool over;       /* the connection is to be closed */
};

/* Fed whole and octet by octet; asserts. */
void login_script_run(
	const struct login_protocol *protocol, const struct login_row *row, const char *greeting);

#endif
