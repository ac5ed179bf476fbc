/* SPDX-License-Identifier: ISC */
/* directory/main.c - who exists: the process. What it may do is in master/services.c. */
#include "directory.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&directory_spec, argc, argv);
}
