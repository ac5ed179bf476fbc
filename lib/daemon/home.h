/* SPDX-License-Identifier: ISC */
/* lib/daemon/home.h - the directory of one mailbox, found or made, never outside the mail root. */
#ifndef RELAIS_HOME_H
#define RELAIS_HOME_H

#include "bytes.h"

#define HOME_PATH_MAX    1024
#define HOME_PARENT_MODE 0711 /* a domain's folder: pass through, see nothing */
#define HOME_MODE        0700

/* An open O_PATH descriptor of the home below mail_root_fd; it and what is above it are made if
 * make, owned by who we are. ERR_DENIED: the path leads out of the root or over a symbolic
 * link, or is no path (session_home_ok()), or another's. */
MUST_USE int home_open(int mail_root_fd, struct bytes home, bool make);

#endif
