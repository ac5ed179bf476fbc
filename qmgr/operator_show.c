/* SPDX-License-Identifier: ISC */
/*
 * qmgr/operator_show.c - SHOW: all that is known of one message, and its content.
 *
 * Runs in:  qmgr. Trusts: master's word that it is the operator.
 */
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "operator.h"
#include "sys.h"

static void
put_time(struct buf *out, const char *name, uint64_t seconds)
{
	char date[CLOCK_DATE_SIZE];

	buf_printf(out, "%s: %s\n", name, clock_rfc5322_date((time_t)seconds, date));
}

static void
put_value(struct buf *out, const char *name, struct bytes value)
{
	if (value.n == 0)
		return;
	buf_printf(out, "%s: ", name);
	for (size_t i = 0; i < value.n; i++)
		buf_put_u8(out, value.p[i] < 0x20 || value.p[i] == 0x7f ? '?' : value.p[i]);
	buf_put_u8(out, '\n');
}

static void
put_rcpt(struct buf *out, const struct queue_state *s, const struct queue_rcpt *r)
{
	static const char *const statuses[RCPT_STATUSES] = { "waiting", "deferred", "delivered",
		"bounced", "expanded", "dropped" };

	put_value(out, "recipient", r->address);
	if (r->parent != RCPT_NO_PARENT)
		put_value(out, "  of", s->rcpts[r->parent].address);
	buf_printf(out, "  status: %s, %u attempts\n", statuses[r->status], r->attempts);
	if (r->status == RCPT_DEFERRED)
		put_time(out, "  next", r->next_s);
	put_value(out, "  code", r->code);
	put_value(out, "  text", r->text);
	put_value(out, "  next hop", r->next_hop);
	put_value(out, "  answered by", r->remote_mta);
}

static void
put_dead(struct qmgr *q, struct buf *out, const struct entry *e)
{
	uint64_t until_s = 0;
	const struct destination *d = operator_dead(q, e, &until_s);

	if (d == NULL)
		return;
	put_value(out, "gives no answer", d->next_hop);
	put_value(out, "why not", bytes_from_str(d->reason));
	put_time(out, "asked again", until_s);
}

static void
put_state(struct qmgr *q, struct buf *out, const struct entry *e)
{
	static const char *const states[] = { "", "active", "deferred", "hold" };
	const struct queue_state *s = &e->msg->state;
	char id[QUEUE_ID_TEXT_SIZE];

	buf_printf(out, "id: %s\n", queue_id_text(e->id, id));
	buf_printf(out, "state: %s\n", states[entry_told_state(e)]);
	buf_printf(out, "kept in: %s\n", e->flags & ENTRY_IN_FILE ? "file" : "journal");
	put_time(out, "arrival", s->envelope.arrival_us / 1000000);
	buf_printf(out, "size: %llu\n", (unsigned long long)e->size);
	buf_put_str(out, "reverse-path: <");
	buf_put_bytes(out, s->envelope.reverse_path);
	buf_put_str(out, ">\n");
	put_value(out, "client", s->envelope.client_address);
	put_value(out, "client name", s->envelope.client_name);
	put_value(out, "helo", s->envelope.helo);
	put_value(out, "protocol", s->envelope.protocol);
	put_value(out, "session", s->envelope.session_id);
	put_value(out, "login", s->envelope.login);
	put_dead(q, out, e);
	for (uint32_t i = 0; i < s->n; i++)
		put_rcpt(out, s, &s->rcpts[i]);
}

/* One fd with prefix and content: a memfd with both, or the file. */
static int
whole_content(struct qmgr *q, struct message *m, struct queue_show_answer *a)
{
	struct buf all = BUF_INIT;
	struct content c;
	int copy, r = content_find(q, m, &c);

	if (r < 0)
		return r;
	if (c.source.in_fd && c.prefix.n == 0) {
		a->content_offset = c.source.offset;
		a->content_size = c.source.size;
		copy = fcntl(c.fd, F_DUPFD_CLOEXEC, 0);
		return copy < 0 ? ERR_RESOURCE : copy;
	}
	buf_put_bytes(&all, c.prefix);
	if ((r = content_read(&c, UINT64_MAX, &all)) == ERR_OK && (r = sys_memfd("show")) >= 0) {
		copy = r;
		if ((r = sys_write_all(copy, buf_bytes(&all))) < 0)
			close(copy);
		else
			r = copy;
	}
	a->content_size = all.len;
	buf_free(&all);
	return r;
}

static int
show(struct qmgr *q, struct entry *e, struct queue_show_answer *a, int fds[2])
{
	struct buf text = BUF_INIT;
	int r;

	if ((fds[0] = whole_content(q, e->msg, a)) < 0)
		return fds[0];
	put_state(q, &text, e);
	a->state_size = text.len;
	fds[1] = sys_memfd("state");
	r = fds[1] < 0 ? fds[1] : sys_write_all(fds[1], buf_bytes(&text));
	buf_free(&text);
	if (r < 0) {
		close(fds[0]);
		if (fds[1] >= 0)
			close(fds[1]);
	}
	return r;
}

void
operator_show(struct ipc_call *call, const void *msg)
{
	const struct queue_show *m = msg;
	struct daemon *d = call->ctx;
	struct qmgr *q = d->ctx;
	struct queue_show_answer a = { 0 };
	struct entry *e = index_find(&q->index, m->queue_id);
	const bool loaded = e != NULL && e->msg != NULL;
	int fds[2] = { -1, -1 };

	if (e == NULL || e->state == ENTRY_COMMITTING)
		a.err = ERR_NOT_FOUND;
	else if ((a.err = message_load(q, e)) == ERR_OK)
		a.err = show(q, e, &a, fds);
	if (e != NULL && e->msg != NULL && !loaded)
		message_free(q, e->msg);
	queue_show_answer_encode(ipc_compose(call->channel), &a);
	ipc_reply(call->channel, call->id, QUEUE_SHOW_ANSWER, fds, a.err < 0 ? 0 : 2);
}
