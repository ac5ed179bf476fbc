/* SPDX-License-Identifier: ISC */
/*
 * cli/ports.h - the ports that a configuration's doors want: may we have them, and who sits there?
 *
 * Looked at by binding them for a moment, so only while the suite does not run. Who sits there is
 * known to root (and to that program's user).
 */
#ifndef RELAIS_PORTS_H
#define RELAIS_PORTS_H

#include <sys/types.h>

#include "conf.h"

/* One that is not to be had. */
struct port_trouble {
	const char *option;  /* "smtpd.listen" */
	const char *address; /* "*:25" */
	const char *why;     /* "Address already in use" */
	const char *program; /* who has it; "" if that is not known */
	pid_t pid;
};

typedef void port_trouble_fn(void *arg, const struct port_trouble *t);

/* Tell each; how many there were. */
unsigned ports_check(const struct conf *c, port_trouble_fn *tell, void *arg);

#endif
