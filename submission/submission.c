/* SPDX-License-Identifier: ISC */
/*
 * submission/submission.c - the users' door, ports 587 and 465, as a description.
 *
 * Runs in:  submission, user relais-smtp, empty root, no files.
 * Sources:  RFC 6409, RFC 8314.
 */
#include "submission.h"

#include "submission_conf.h"
#include "submit_header.h"

static const struct smtpd_kind submission = {
	.prefix = "submission",
	.may_relay = DIRECTORY_MAY_RELAY,
	.header = submit_header,
	.begin = submit_begin,
	.auth = submit_auth,
	.commit = submit_commit,
	.cancel = submit_cancel,
	.secured = submit_forget,
	.closed = submit_forget,
};

static int
run(struct daemon *d)
{
	return smtpd_serve(d, &submission);
}

const struct daemon_spec submission_spec = {
	.service = SERVICE_SUBMISSION,
	.section = &submission_section,
	.run = run,
	.on_client = smtpd_on_client,
	.banned = "421 4.7.0 % too many failed logins from your address, try later",
	.drain = smtpd_drain,
	.stats = smtpd_stats,
	.stop = smtpd_stop,
};
