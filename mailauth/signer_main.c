/* SPDX-License-Identifier: ISC */
/* mailauth/signer_main.c - maker of DKIM signatures: the process. What it may do is in
 * master/services.c. */
#include "signer.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&signer_spec, argc, argv);
}
