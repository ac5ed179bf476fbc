/* SPDX-License-Identifier: ISC */
/* qmgr/main.c - the queue manager: owner of the queue. All logic is in qmgr_core. */
#include "qmgr.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&qmgr_spec, argc, argv);
}
