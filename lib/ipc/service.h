/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/service.h - the names of the suite's services: who speaks and who is spoken to.
 *
 * The numbers travel between processes of one running suite only, but during an upgrade
 * these are of two versions: new ones come at the end, old ones stay what they were. Who may call
 * whom is master/services.c's matter.
 */
#ifndef RELAIS_SERVICE_H
#define RELAIS_SERVICE_H

#include <stdint.h>

#include "bytes.h"

enum service {
	SERVICE_NONE,
	SERVICE_MASTER,
	SERVICE_CLI, /* the operator's command; root, or whoever runs the suite */
	SERVICE_SMTPD,
	SERVICE_QMGR,
	SERVICE_LOCAL_DELIVERY,
	SERVICE_SYSTEM_DELIVERY,
	SERVICE_DIRECTORY,
	SERVICE_LEDGER,
	SERVICE_IMAP_LOGIN,
	SERVICE_POP3_LOGIN,
	SERVICE_IMAP_SPAWNER,
	SERVICE_POP3_SPAWNER,
	SERVICE_SESSION, /* a session process, on its channel to its spawner */
	SERVICE_SUBMISSION,
	SERVICE_KEYHOLDER,
	SERVICE_RESOLVER,
	SERVICE_SMTP_CLIENT,
	SERVICE_VERIFIER,
	SERVICE_SIGNER,
	SERVICE_DKIM_KEEPER,
	SERVICE_DMARC_REPORTER,
	SERVICE_METRICS,
	SERVICE_COUNT
};

/* "smtpd"; never NULL */
const char *service_name(enum service s);

/* A set of services, for the "from" column of route tables. */
#define FROM(s) ((uint32_t)1 << (s))

#endif
