/* SPDX-License-Identifier: ISC */
/* keyholder/main.c - the owner of TLS keys: the process. What it may do is in
 * master/services.c. */
#include "keyholder.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&keyholder_spec, argc, argv);
}
