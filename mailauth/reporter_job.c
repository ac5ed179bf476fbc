/* SPDX-License-Identifier: ISC */
/*
 * mailauth/reporter_job.c - one aggregate report: whom to, its rows, its text, the signature, the
 * queue, and only then ledger's data goes.
 *
 * Runs in:  dmarc-reporter.
 * Trusts:   nothing in the record, the rows and the DNS.
 * Sources:  RFC 9990 sec. 3 and 4.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "dmarc_destination.h"
#include "dmarc_mail.h"
#include "envelope.h"
#include "err.h"
#include "log.h"
#include "queue_msg.h"
#include "reporter.h"
#include "rfc5321.h"
#include "sign_link.h"
#include "sys.h"

#define LEDGER_TIMEOUT_MS 60000
#define QUEUE_TIMEOUT_MS  120000
#define DAY_S             86400u
#define PATIENCE_S        (2 * DAY_S) /* then a report goes unsigned, and to those who are known */
#define SEALS             (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct reporter_job {
	struct reporter *r;
	struct arena arena;
	struct dmarc_day day; /* strings in arena */
	struct dmarc_report report;
	struct dmarc_asking *asking;
	struct dmarc_destinations to; /* of asking */
	struct bytes from, from_domain;
	struct buf after; /* the last row's cursor */
	struct buf xml;
	uint64_t listed; /* messages in rows that are in it */
	uint64_t rows;
	struct buf message;
	struct buf fields; /* DKIM-Signature */
	int fd;            /* of the message, if it is not a small one; -1 */
	uint64_t queue_id;
};

#define B(b) (int)(b).n, (const char *)((b).n == 0 ? (const uint8_t *)"" : (b).p)

/* ---- the end ---- */

static void
finish(struct reporter_job *j, enum reporter_outcome how)
{
	struct reporter *r = j->r;

	r->job = NULL;
	dmarc_destinations_free(&j->asking);
	buf_free(&j->after);
	buf_free(&j->xml);
	buf_free(&j->message);
	buf_free(&j->fields);
	if (j->fd >= 0)
		close(j->fd);
	arena_reset(&j->arena);
	free(j);
	reporter_outcome(r, how);
}

static void
later(struct reporter_job *j, const char *why)
{
	log_warning("the report on %.*s waits: %s", B(j->day.policy_domain), why);
	finish(j, REPORT_LATER);
}

static bool
is_old(const struct reporter_job *j)
{
	return clock_wall_us() / 1000000 > (uint64_t)(j->day.day + 1) * DAY_S + PATIENCE_S;
}

static void
on_dropped(void *arg, const struct ipc_answer *a)
{
	struct reporter_job *j = arg;
	int err = reporter_done_err(a);

	if (err < 0) /* it will be sent again, which the receiver can see */
		log_warning("the report on %.*s is sent, but its data stays: %s",
			B(j->day.policy_domain), err_text(err));
	finish(j, j->queue_id != 0 ? REPORT_SENT : REPORT_UNWANTED);
}

/* It is in the queue, or nobody wants it. */
static void
drop_data(struct reporter_job *j)
{
	const struct dmarc_sent m = { j->day.day, j->day.part, j->day.policy_domain,
		j->day.messages };

	dmarc_sent_encode(link_compose(j->r->ledger), &m);
	link_request(j->r->ledger, DMARC_SENT, NULL, 0, LEDGER_TIMEOUT_MS, on_dropped, j);
}

static void
unwanted(struct reporter_job *j, const char *why)
{
	log_info("no report on %.*s: %s", B(j->day.policy_domain), why);
	drop_data(j);
}

/* ---- into the queue ---- */

static void
on_queued(void *arg, const struct ipc_answer *a)
{
	struct reporter_job *j = arg;
	struct ipc_reader in = ipc_reader(a->body);
	struct queue_commit_answer m = { .err = ERR_PEER };
	char id[QUEUE_ID_TEXT_SIZE];

	if (a->err < 0)
		m.err = a->err;
	else if (a->type != QUEUE_COMMIT_ANSWER || queue_commit_answer_decode(&in, &m) < 0)
		m.err = ERR_PEER;
	if (m.err < 0) {
		later(j, m.text.n > 0 ? arena_str(&j->arena, m.text) : err_text(m.err));
		return;
	}
	log_info("%s: report on %.*s, from=<%.*s>, to=<%.*s>%s, messages=%llu, rows=%llu, "
		 "size=%zu",
		queue_id_text(j->queue_id, id), B(j->day.policy_domain), B(j->from),
		B(j->to.mailbox[0]), j->to.n > 1 ? " and others" : "",
		(unsigned long long)j->day.messages, (unsigned long long)j->rows,
		(size_t)j->message.len);
	drop_data(j);
}

/* The message as a sealed memfd if it is too large for a frame. < 0: err */
static int
make_fd(struct reporter_job *j)
{
	int r;

	if (j->message.len <= CONTENT_INLINE_MAX)
		return ERR_OK;
	if ((j->fd = sys_memfd("report")) < 0)
		return j->fd;
	if ((r = sys_pwrite_all(j->fd, buf_bytes(&j->message), 0)) < 0)
		return r;
	return fcntl(j->fd, F_ADD_SEALS, SEALS) < 0 ? ERR_IO : ERR_OK;
}

static struct content_source
content_of(const struct reporter_job *j)
{
	return j->fd < 0 ? content_inline(buf_bytes(&j->message))
			 : content_in_fd(0, j->message.len);
}

/* For one message more that carries it; -1: it travels inside. */
static int
fd_copy(const struct reporter_job *j)
{
	return j->fd < 0 ? -1 : fcntl(j->fd, F_DUPFD_CLOEXEC, 3);
}

static bool
is_mailbox(const char *text)
{
	struct mailbox m;

	return rfc5321_parse_mailbox(bytes_from_str(text), 0, &m) == ERR_OK && !m.literal;
}

/* The option's mailbox; one that is none is the null reverse-path. */
static struct bytes
reverse_path(const struct reporter_job *j)
{
	const char *given = reporter_conf(j->r)->report_reverse_path;

	return is_mailbox(given) ? bytes_from_str(given) : BYTES_NONE;
}

static void
queue(struct reporter_job *j)
{
	struct envelope_rcpt rcpts[DMARC_URIS_MAX];
	struct envelope e = { .arrival_us = clock_wall_us(),
		.flags = ENVELOPE_LOCAL_ORIGIN,
		.reverse_path = reverse_path(j),
		.protocol = BYTES_LITERAL("local"),
		.n_rcpts = (uint32_t)j->to.n,
		.rcpts = rcpts };
	struct queue_commit m = { .prefix = buf_bytes(&j->fields), .content = content_of(j) };
	struct buf envelope = BUF_INIT;
	int fd = fd_copy(j);

	if (j->fd >= 0 && fd < 0) {
		later(j, "out of descriptors");
		return;
	}
	e.queue_id = m.queue_id = j->queue_id = queue_id_make(&j->r->ids, e.arrival_us);
	for (size_t i = 0; i < j->to.n; i++)
		rcpts[i] = (struct envelope_rcpt){ .forward_path = j->to.mailbox[i],
			.notify = ENVELOPE_NOTIFY_NEVER };
	envelope_encode(&envelope, &e);
	m.envelope = buf_bytes(&envelope);
	queue_commit_encode(link_compose(j->r->qmgr), &m);
	link_request(j->r->qmgr, fd < 0 ? QUEUE_COMMIT : QUEUE_COMMIT_FD, &fd, fd >= 0,
		QUEUE_TIMEOUT_MS, on_queued, j);
	buf_free(&envelope);
}

/* ---- the signature ---- */

static void
on_signed(void *arg, const struct signer_signed *m)
{
	struct reporter_job *j = arg;

	if (m->err == ERR_OK) {
		buf_put_bytes(&j->fields, m->fields);
	} else if (err_is_temporary(m->err) && !is_old(j)) {
		later(j, "it cannot be signed now");
		return;
	} else if (!j->r->unsigned_told) {
		j->r->unsigned_told = true;
		log_warning("reports go out unsigned, and may be refused: %.*s: %.*s",
			B(j->from_domain), B(m->words));
	}
	queue(j);
}

static void
sign(struct reporter_job *j)
{
	const struct signer_sign m = {
		.domain = j->from_domain, .reverse_path = reverse_path(j), .content = content_of(j)
	};
	int fd = fd_copy(j);

	if (!reporter_conf(j->r)->sign)
		queue(j);
	else if (j->fd >= 0 && fd < 0)
		later(j, "out of descriptors");
	else
		sign_link_ask(j->r->signer, &m, fd, 0, on_signed, j);
}

/* ---- the text ---- */

static void
make_message(struct reporter_job *j)
{
	char date[CLOCK_DATE_SIZE];
	struct buf gz = BUF_INIT;
	struct dmarc_mail m = { .report = &j->report,
		.submitter = bytes_from_str(j->r->d->common->hostname),
		.from = j->from,
		.to = j->to.mailbox,
		.to_count = j->to.n,
		.date = clock_rfc5322_date((time_t)(clock_wall_us() / 1000000), date),
		.messages = j->day.messages,
		.unlisted = j->day.messages > j->listed ? j->day.messages - j->listed : 0 };
	int r;

	dmarc_xml_end(&j->xml);
	r = dmarc_gzip(buf_bytes(&j->xml), &gz);
	buf_free(&j->xml);
	m.xml_gz = buf_bytes(&gz);
	if (r == ERR_OK)
		dmarc_mail_put(&j->message, &m);
	buf_free(&gz);
	if (r == ERR_OK)
		r = make_fd(j);
	if (r < 0)
		later(j, err_text(r));
	else
		sign(j);
}

/* ---- rows ---- */

static void ask_rows(struct reporter_job *j);

/* Is there room for more? */
static bool
put_rows(struct reporter_job *j, const struct dmarc_rows_answer *m)
{
	struct dmarc_row row;

	for (uint32_t i = 0; i < m->count; i++) {
		struct ipc_reader in = ipc_reader(m->rows[i].row);

		if (j->xml.len >= reporter_conf(j->r)->report_size)
			return false;
		if (dmarc_row_decode(&in, &row) < 0)
			continue; /* of an earlier version: not listed */
		dmarc_xml_record(&j->xml, &row, m->rows[i].messages);
		j->listed += m->rows[i].messages;
		j->rows++;
	}
	if (m->count == 0)
		return false;
	buf_clear(&j->after);
	buf_put_bytes(&j->after, m->rows[m->count - 1].cursor);
	return m->count == DMARC_ROWS_MAX;
}

static void
on_rows(void *arg, const struct ipc_answer *a)
{
	struct reporter_job *j = arg;
	struct ipc_reader in = ipc_reader(a->body);
	struct dmarc_rows_answer m;

	if (a->err < 0 || a->type != DMARC_ROWS_ANSWER || dmarc_rows_answer_decode(&in, &m) < 0)
		later(j, err_text(a->err < 0 ? a->err : ERR_PEER));
	else if (put_rows(j, &m))
		ask_rows(j);
	else if (j->rows == 0) /* a report has one record at least */
		unwanted(j, "there is no room for its rows");
	else
		make_message(j);
}

static void
ask_rows(struct reporter_job *j)
{
	const struct dmarc_rows m = { j->day.day, j->day.part, j->day.policy_domain,
		buf_bytes(&j->after) };

	dmarc_rows_encode(link_compose(j->r->ledger), &m);
	link_request(j->r->ledger, DMARC_ROWS, NULL, 0, LEDGER_TIMEOUT_MS, on_rows, j);
}

/* ---- the beginning ---- */

/* The option, or postmaster at the first domain, or at the host. */
static void
choose_from(struct reporter_job *j)
{
	const struct common_conf *common = j->r->d->common;
	const char *given = reporter_conf(j->r)->report_from;
	const bool good = is_mailbox(given);

	if (!good && given[0] != 0)
		log_warning("mailauth.report_from is no address: %s", given);
	j->from = bytes_from_str(
		good ? given
		     : arena_printf(&j->arena, "postmaster@%s",
			       common->domain.n > 0 ? common->domain.v[0] : common->hostname));
	j->from_domain = rfc5321_domain_of(j->from);
}

/* A whole day, unless it is not over or was reported in parts. */
static void
describe(struct reporter_job *j)
{
	const struct mailauth_conf *conf = reporter_conf(j->r);
	const char *host = j->r->d->common->hostname;
	const uint64_t begin = (uint64_t)j->day.day * DAY_S;
	const bool whole = j->day.part == 0 && clock_wall_us() / 1000000 >= begin + DAY_S;
	struct dmarc_report *r = &j->report;

	choose_from(j);
	r->org_name = bytes_from_str(conf->report_org[0] != 0 ? conf->report_org : host);
	r->email = j->from;
	r->contact = bytes_from_str(conf->report_contact);
	r->policy_domain = j->day.policy_domain;
	r->begin_s = whole ? begin : j->day.first_s;
	r->end_s = whole ? begin + DAY_S - 1 : j->day.last_s;
	r->error = bytes_from_str(r->tags.problem);
	/* with a new database a part comes again; the first message's time does not */
	r->id = bytes_from_str(arena_printf(&j->arena, "%u.%u.%llu.%.*s@%s", j->day.day,
		j->day.part, (unsigned long long)j->day.first_s, B(j->day.policy_domain), host));
}

static void
on_destinations(void *arg, const struct dmarc_destinations *to)
{
	struct reporter_job *j = arg;

	j->to = *to;
	if (to->unknown > 0 && !is_old(j))
		later(j, "the DNS could not tell who wants it");
	else if (to->n == 0)
		unwanted(j, to->refused + to->unknown > 0 ? "no address of its record wants it"
							  : "its record has no address");
	else {
		if (to->refused > 0)
			log_info("the report on %.*s does not go to %.*s, which does not say that "
				 "it wants it",
				B(j->day.policy_domain), B(to->words));
		dmarc_xml_begin(&j->xml, &j->report);
		ask_rows(j);
	}
}

void
reporter_job_start(struct reporter *r, const struct dmarc_day *day)
{
	struct reporter_job *j = xcalloc(1, sizeof(*j));

	r->job = j;
	j->r = r;
	j->fd = -1;
	j->arena = ARENA_INIT;
	j->day = *day;
	j->day.policy_domain = arena_bytes(&j->arena, day->policy_domain);
	j->day.record = arena_bytes(&j->arena, day->record);
	if (dmarc_record_parse(j->day.record, &j->report.tags) < 0)
		j->report.tags.rua.n = 0;
	describe(j);
	j->asking = dmarc_destinations_new(&r->dns);
	dmarc_destinations_run(
		j->asking, j->day.policy_domain, &j->report.tags.rua, on_destinations, j);
}
