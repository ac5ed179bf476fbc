/* SPDX-License-Identifier: ISC */
/* ledger/ledger.h - the service, for main.c. */
#ifndef RELAIS_LEDGER_H
#define RELAIS_LEDGER_H

#include "daemon.h"

extern const struct daemon_spec ledger_spec;

#endif
