/* SPDX-License-Identifier: ISC */
/* ledger/main.c - the owner of state: the process. What it may do is in master/services.c. */
#include "ledger.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&ledger_spec, argc, argv);
}
