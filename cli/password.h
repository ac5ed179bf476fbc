/* SPDX-License-Identifier: ISC */
/* cli/password.h - asking for a password, and hashing it with crypt(3). */
#ifndef RELAIS_PASSWORD_H
#define RELAIS_PASSWORD_H

#include "buf.h"

/* "yescrypt" (the default for NULL), "sha512crypt", "bcrypt"; perhaps ":COST". */
struct password_method {
	const char *prefix;
	unsigned long cost; /* 0: the method's own */
};

bool password_method(const char *name, struct password_method *out);

/* Adds the hash as crypt(5) has it. false after printing why. */
bool password_hash(const struct password_method *method, struct bytes password, struct buf *out);

/* Ask twice at the terminal without echo, or read one line of stdin. */
bool password_read(bool from_stdin, const char *who, struct buf *out);

#endif
