/* SPDX-License-Identifier: ISC */
/* cli/dmarc.h - private to the files of relais dmarc. */
#ifndef RELAIS_CLI_DMARC_H
#define RELAIS_CLI_DMARC_H

#include "cli.h"

/* relais dmarc seen: words behind the verb. */
int dmarc_seen(struct cli *cli, int argc, char *argv[]);

#endif
