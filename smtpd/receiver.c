/* SPDX-License-Identifier: ISC */
/*
 * smtpd/receiver.c - the public door, port 25, as a description.
 *
 * Runs in:  smtpd.
 */
#include "err.h"
#include "smtpd.h"

static const struct smtpd_kind receiver = { .prefix = "smtpd", .commit = verify_commit };

static int
run(struct daemon *d)
{
	int r = smtpd_serve(d, &receiver);

	if (r == ERR_OK)
		((struct smtpd *)d->ctx)->verify = verify_new(d->ctx);
	return r;
}

const struct daemon_spec smtpd_spec = {
	.service = SERVICE_SMTPD,
	.section = &smtpd_section,
	.run = run,
	.on_client = smtpd_on_client,
	.banned = "421 4.7.0 % too many failed logins from your address, try later",
	.is_busy = smtpd_is_busy,
	.drain = smtpd_drain,
	.stats = smtpd_stats,
	.stop = smtpd_stop,
};
