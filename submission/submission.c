/* SPDX-License-Identifier: ISC */
/*
 * submission/submission.c - the users' door, ports 587 and 465, as a description.
 *
 * Runs in:  submission, user relais-smtp, empty root, no files.
 * Sources:  RFC 6409, RFC 8314.
 */
#include "submission.h"

#include "err.h"
#include "local_users.h"
#include "submission_conf.h"
#include "submit_header.h"

static const struct smtpd_kind submission = {
	.prefix = "submission",
	.may_relay = DIRECTORY_MAY_RELAY,
	.header = submit_header,
	.local = submit_local,
	.begin = submit_begin,
	.auth = submit_auth,
	.commit = submit_commit,
	.cancel = submit_cancel,
	.secured = submit_forget,
	.closed = submit_forget,
};

static int
start(struct daemon *d)
{
	d->ctx = local_users_read();
	return ERR_OK;
}

static int
run(struct daemon *d)
{
	struct local_users *users = d->ctx;
	int r = smtpd_serve(d, &submission);
	struct smtpd *s = d->ctx;

	s->own = users;
	return r;
}

static void
stop(struct daemon *d)
{
	struct smtpd *s = d->ctx;
	struct local_users *users = s->own;

	smtpd_stop(d);
	local_users_free(&users);
}

const struct daemon_spec submission_spec = {
	.service = SERVICE_SUBMISSION,
	.section = &submission_section,
	.start = start,
	.run = run,
	.on_client = smtpd_on_client,
	.banned = "421 4.7.0 % too many failed logins from your address, try later",
	.drain = smtpd_drain,
	.stats = smtpd_stats,
	.stop = stop,
};
