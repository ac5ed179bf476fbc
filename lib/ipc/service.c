/* SPDX-License-Identifier: ISC */
/* lib/ipc/service.c - the names of the services. */
#include "service.h"

static const char *const names[SERVICE_COUNT] = {
	[SERVICE_NONE] = "none",
	[SERVICE_MASTER] = "master",
	[SERVICE_CLI] = "cli",
	[SERVICE_SMTPD] = "smtpd",
	[SERVICE_QMGR] = "qmgr",
	[SERVICE_LOCAL_DELIVERY] = "local-delivery",
	[SERVICE_SYSTEM_DELIVERY] = "system-delivery",
	[SERVICE_DIRECTORY] = "directory",
	[SERVICE_LEDGER] = "ledger",
	[SERVICE_IMAP_LOGIN] = "imap-login",
	[SERVICE_POP3_LOGIN] = "pop3-login",
	[SERVICE_IMAP_SPAWNER] = "imap-spawner",
	[SERVICE_POP3_SPAWNER] = "pop3-spawner",
	[SERVICE_SESSION] = "session",
	[SERVICE_KEYHOLDER] = "keyholder",
	[SERVICE_SUBMISSION] = "submission",
	[SERVICE_RESOLVER] = "resolver",
	[SERVICE_SMTP_CLIENT] = "smtp-client",
	[SERVICE_VERIFIER] = "mailauth-verify",
	[SERVICE_SIGNER] = "mailauth-sign",
	[SERVICE_DKIM_KEEPER] = "dkim-keeper",
	[SERVICE_DMARC_REPORTER] = "dmarc-reporter",
	[SERVICE_METRICS] = "metrics",
};

const char *
service_name(enum service s)
{
	return s < SERVICE_COUNT ? names[s] : "unknown";
}
