/* SPDX-License-Identifier: ISC */
/* keyholder/keyholder.h - the service, for main.c. */
#ifndef RELAIS_KEYHOLDER_H
#define RELAIS_KEYHOLDER_H

#include "daemon.h"

extern const struct daemon_spec keyholder_spec;

#endif
