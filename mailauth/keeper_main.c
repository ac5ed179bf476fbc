/* SPDX-License-Identifier: ISC */
/* mailauth/keeper_main.c - the owner of DKIM keys: the process. What it may do is in
 * master/services.c. */
#include "keeper.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&keeper_spec, argc, argv);
}
