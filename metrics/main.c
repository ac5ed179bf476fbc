/* SPDX-License-Identifier: ISC */
/* metrics/main.c - who tells the counters: the process. What it may do is in
 * master/services.c. */
#include "metrics.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&metrics_spec, argc, argv);
}
