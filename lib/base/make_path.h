/* SPDX-License-Identifier: ISC */
/* lib/base/make_path.h - a folder and those above it. */
#ifndef RELAIS_MAKE_PATH_H
#define RELAIS_MAKE_PATH_H

#include "check.h"
#include "err.h"

/* What is missing is made, mode 0755. returns: ERR_OK; ERR_LIMIT (an empty path, or a long one);
 * as err_from_errno(), with errno set */
MUST_USE int make_path(const char *path);

#endif
