/* SPDX-License-Identifier: ISC */
/*
 * submission/submission.c - the users' door, ports 587 and 465, as a description.
 *
 * Runs in:  submission, user relais-smtp, empty root, no files.
 * Sources:  RFC 6409, RFC 8314.
 */
#include "submission.h"

#include <stdlib.h>

#include "err.h"
#include "local_users.h"
#include "stats_rows.h"
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
	struct submission *own = xcalloc(1, sizeof(*own));

	own->users = local_users_read();
	d->ctx = own;
	return ERR_OK;
}

static int
run(struct daemon *d)
{
	struct submission *own = d->ctx;
	int r = smtpd_serve(d, &submission);
	struct smtpd *s = d->ctx;

	s->own = own;
	if (d->mailauth->sign) {
		own->signer = daemon_link(d, SERVICE_SIGNER, CONTROL_ANY, NULL, 0);
		link_open(own->signer);
	}
	return r;
}

static void
stop(struct daemon *d)
{
	struct smtpd *s = d->ctx;
	struct submission *own = s->own;

	smtpd_stop(d);
	local_users_free(&own->users);
	free(own);
}

static void
stats(struct daemon *d, struct buf *out)
{
	const struct smtpd *s = d->ctx;
	const struct submission *own = s->own;
	const struct stats_row rows[] = { { "signed_total", own->made },
		{ "unsigned_no_key_total", own->keyless },
		{ "unsigned_failed_total", own->failed } };

	smtpd_stats(d, out);
	stats_rows_put(out, s->kind->prefix, rows, NITEMS(rows));
}

const struct daemon_spec submission_spec = {
	.service = SERVICE_SUBMISSION,
	.section = &submission_section,
	.start = start,
	.run = run,
	.on_client = smtpd_on_client,
	.banned = "421 4.7.0 % too many failed logins from your address, try later",
	.is_busy = smtpd_is_busy,
	.drain = smtpd_drain,
	.stats = stats,
	.stop = stop,
};
