/* SPDX-License-Identifier: ISC */
/* mailauth/reporter_main.c - sender of DMARC reports: the process. What it may do is in
 * master/services.c. */
#include "reporter.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&reporter_spec, argc, argv);
}
