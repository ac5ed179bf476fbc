/* SPDX-License-Identifier: ISC */
/*
 * lib/map/srs_file.h - the file of SRS secrets, STATE/directory/srs-secrets: one secret a line,
 * 64 hexadecimal digits, the newest first. The first signs, all are good for checking.
 *
 * Made by master at its first start, turned over by "relais srs rotate", read by directory. Only
 * root and directory's user may read it.
 */
#ifndef RELAIS_SRS_FILE_H
#define RELAIS_SRS_FILE_H

#include "srs.h"

#define SRS_FILE_NAME "srs-secrets"

/* returns: ERR_OK (perhaps none at all); ERR_SYNTAX */
MUST_USE int srs_file_parse(struct bytes text, struct srs_secrets *out);

/* returns: ERR_OK; ERR_NOT_FOUND; ERR_SYNTAX; ERR_IO, ... */
MUST_USE int srs_file_read(const char *path, struct srs_secrets *out);

/* A new secret in front of those there are, SRS_SECRETS_MAX at most. Durable when it returns;
 * until then the file is as it was. returns: ERR_OK; < 0 */
MUST_USE int srs_file_rotate(const char *path);

/* If there is no file, make it with a first secret. returns: ERR_OK; < 0 */
MUST_USE int srs_file_make(const char *path);

#endif
