/* SPDX-License-Identifier: ISC */
/*
 * lib/base/err.h - errors are values below zero, and each knows if a retry can help.
 *
 * 4yz or 5yz, retry or bounce follow from err_is_temporary(); no handler picks the digit.
 */
#ifndef RELAIS_ERR_H
#define RELAIS_ERR_H

#include <stdbool.h>

enum err {
	ERR_OK = 0,

	/* -1xx permanent: the same request will fail again (RFC 3463 class 5) */
	ERR_SYNTAX = -100,    /* not in the grammar */
	ERR_LIMIT = -101,     /* longer, larger or more than allowed */
	ERR_NOT_FOUND = -102, /* no such thing */
	ERR_EXISTS = -103,    /* there already */
	ERR_DENIED = -104,    /* may not */
	ERR_CORRUPT = -105,   /* stored data fails its checks */
	ERR_UNSUPPORTED = -106,
	ERR_QUOTA = -107, /* the account's quota, RFC 5321 552 / RFC 9208 OVERQUOTA */

	/* -2xx temporary: stay queued, try again (class 4) */
	ERR_IO = -200,       /* a system call failed */
	ERR_NO_SPACE = -201, /* ENOSPC, EDQUOT */
	ERR_BUSY = -202,     /* locked, or too much at once */
	ERR_PEER = -203,     /* the service asked died or is not there */
	ERR_TIMEOUT = -204,
	ERR_RESOURCE = -205, /* out of descriptors, processes, ... */
};

/* A short English phrase, never NULL; for logs and the operator. */
const char *err_text(int err);

/* true if the same request may succeed later. ERR_OK and above: false. */
bool err_is_temporary(int err);

/* The err that stands for an errno value, < 0. */
int err_from_errno(int errnum);

#endif
