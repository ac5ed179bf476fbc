/* SPDX-License-Identifier: ISC */
/* resolver/main.c - DNS for the suite: the process. What it may do is in master/services.c. */
#include "resolver.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&resolver_spec, argc, argv);
}
