/* SPDX-License-Identifier: ISC */
/* cli/password.h - asking for a password, and making records of it (password_record.h). */
#ifndef RELAIS_PASSWORD_H
#define RELAIS_PASSWORD_H

#include "scram_record.h"

/* "yescrypt" (the default for NULL), "sha512crypt", "bcrypt"; perhaps ":COST". */
struct password_method {
	const char *prefix;
	unsigned long cost; /* 0: the method's own */
};

bool password_method(const char *name, struct password_method *out);

/* Adds the hash as crypt(5) has it. false after printing why. */
bool password_hash(const struct password_method *method, struct bytes password, struct buf *out);

/* The same for SCRAM: "{SCRAM-SHA-256}...". like: hash, salt and iterations to take. */
void password_put_scram(struct buf *out, const struct scram_record *like, struct bytes password);

/* "{SSHA256}...": fast, for passwords that nobody can guess. */
void password_put_ssha256(struct buf *out, struct bytes password);

/* Ask twice at the terminal without echo, or read one line of stdin. */
bool password_read(bool from_stdin, const char *who, struct buf *out);

#endif
