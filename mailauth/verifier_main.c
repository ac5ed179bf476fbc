/* SPDX-License-Identifier: ISC */
/* mailauth/verifier_main.c - SPF, DKIM and DMARC: the process. What it may do is in
 * master/services.c. */
#include "verifier.h"

int
main(int argc, char *argv[])
{
	return daemon_run(&verifier_spec, argc, argv);
}
