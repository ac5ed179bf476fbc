/* SPDX-License-Identifier: ISC */
/* local-delivery/local.h - private: what main.c's and system_main.c's specs name. */
#ifndef RELAIS_LOCAL_H
#define RELAIS_LOCAL_H

#include "intake.h"

/* local.c: virtual users */
int local_run(struct daemon *d);
void local_stop(struct daemon *d);

/* system.c: system users */
int system_start(struct daemon *d);
int system_run(struct daemon *d);

#endif
