/* SPDX-License-Identifier: ISC */
/*
 * smtpd/receiver.c - the public door, port 25, as a description.
 *
 * Runs in:  smtpd.
 */
#include "smtpd.h"

static const struct smtpd_kind receiver = { .prefix = "smtpd" };

static int
run(struct daemon *d)
{
	return smtpd_serve(d, &receiver);
}

const struct daemon_spec smtpd_spec = {
	.service = SERVICE_SMTPD,
	.section = &smtpd_section,
	.run = run,
	.on_client = smtpd_on_client,
	.banned = "421 4.7.0 % too many failed logins from your address, try later",
	.drain = smtpd_drain,
	.stats = smtpd_stats,
	.stop = smtpd_stop,
};
