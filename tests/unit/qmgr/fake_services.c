/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/fake_services.c - what directory, deliverers and other hosts say: see fake.h. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "fake_private.h"

/* ---- directory ---- */

static void
put_target(struct directory_resolve_answer *a, const char *account)
{
	struct directory_target *t = &a->targets[a->count++];

	t->kind = DIRECTORY_TARGET_ACCOUNT;
	t->address = t->account = t->home = bytes_from_str(account);
	t->uid = t->gid = 1000;
}

static void
put_targets(struct directory_resolve_answer *a, const char *accounts)
{
	static char names[4][64];
	struct bytes rest = bytes_from_str(accounts);

	while (rest.n > 0 && a->total < 4) {
		bytes_to_str(bytes_cut(&rest, ' '), names[a->total], sizeof(names[0]));
		put_target(a, names[a->total++]);
	}
}

/* As many as one answer has room for. */
static void
put_crowd(struct directory_resolve_answer *a, const char *alias)
{
	static char names[DIRECTORY_TARGETS_MAX][64];

	a->total = FAKE_CROWD;
	while (a->count < DIRECTORY_TARGETS_MAX && a->first + a->count < a->total) {
		const unsigned i = a->first + a->count;

		if (world->bad_crowd)
			snprintf(names[a->count], sizeof(names[0]), "bad@%u.example", i);
		else
			snprintf(names[a->count], sizeof(names[0]), "m%u%.32s", i,
				strchr(alias, '@'));
		put_target(a, names[a->count]);
	}
}

/* Two hosts, other mailboxes for another domain. */
static void
put_both(struct directory_resolve_answer *a, const char *domain)
{
	static const char *const hosts[] = { "one.far.example", "two.far.example" };
	static char names[2][440];

	a->total = 2;
	while (a->first + a->count < 2) {
		const uint32_t i = a->first + a->count;
		struct directory_target *t = &a->targets[a->count];

		snprintf(names[i], sizeof(names[i]), "%s@%s", domain, hosts[i]);
		put_target(a, names[i]);
		t->kind = DIRECTORY_TARGET_REMOTE;
		t->account = t->home = BYTES_NONE;
		t->next_hop = bytes_from_str(hosts[i]);
	}
}

void
answer_resolve(struct pending *p, struct buf *out)
{
	static const char *const members[] = { "a@example.org", "b@example.org",
		"full@example.org" };
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	struct directory_resolve_answer a = { .serial = 1 };
	struct directory_resolve m;
	static char account[400];

	assert_int_equal(directory_resolve_decode(&in, &m), ERR_OK);
	world->resolves++;
	bytes_to_str(m.address, account, sizeof(account));
	a.first = m.first;
	if (strncmp(account, "unknown@", 8) == 0)
		a.verdict = DIRECTORY_UNKNOWN;
	else if (strncmp(account, "temp@", 5) == 0)
		a.verdict = DIRECTORY_TEMPORARY;
	else if (strncmp(account, "none@", 5) == 0)
		a.total = 0;
	else if (strncmp(account, "all@", 4) == 0) {
		a.total = 3;
		for (uint32_t i = m.first; i < 3 && (world->page == 0 || i < m.first + world->page);
			i++)
			put_target(&a, members[(i + world->turned) % 3]);
	} else if (strncmp(account, "away@", 5) == 0) {
		a.total = 1;
		put_target(&a, "me@one.far.example");
		a.targets[0].kind = DIRECTORY_TARGET_REMOTE;
		a.targets[0].account = a.targets[0].home = BYTES_NONE;
		a.targets[0].next_hop = BYTES_LITERAL("one.far.example");
	} else if (strncmp(account, "both@", 5) == 0) {
		put_both(&a, strchr(account, '@') + 1);
	} else if (strncmp(account, "crowd@", 6) == 0) {
		put_crowd(&a, account);
	} else if (strncmp(account, "full@", 5) == 0 && world->full_leads_to != NULL) {
		put_targets(&a, world->full_leads_to);
	} else {
		a.total = 1;
		put_target(&a, account);
		if (bytes_search(m.address, BYTES_LITERAL(".far.example")) != BYTES_NOT_FOUND) {
			a.targets[0].kind = DIRECTORY_TARGET_REMOTE;
			a.targets[0].account = a.targets[0].home = BYTES_NONE;
			a.targets[0].next_hop =
				bytes_skip(m.address, bytes_find(m.address, '@') + 1);
			if (world->route != NULL)
				a.targets[0].next_hop = bytes_from_str(world->route);
		}
	}
	directory_resolve_answer_encode(out, &a);
}

/* ---- deliverers ---- */

/* The message goes to a file of its own, as a deliverer would name it: whole, or not there. */
static void
write_delivery(const struct delivery_job *m, int content)
{
	struct buf all = BUF_INIT;
	char name[512], account[400], id[QUEUE_ID_TEXT_SIZE];
	int fd;

	snprintf(name, sizeof(name), "%s.%u.%s", queue_id_text(m->queue_id, id), m->recipient,
		bytes_to_str(m->account, account, sizeof(account)));
	world->deliveries++;
	buf_put_bytes(&all, m->prefix);
	if (m->content.in_fd) {
		assert_int_equal(pread(content, buf_room(&all, m->content.size + 1),
					 m->content.size, (off_t)m->content.offset),
			(ssize_t)m->content.size);
		buf_added(&all, m->content.size);
	} else {
		buf_put_bytes(&all, m->content.octets);
	}
	fd = openat(world->mail_fd, ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, all.data + all.start, all.len), (ssize_t)all.len);
	close(fd);
	buf_free(&all);
	if (renameat2(world->mail_fd, ".tmp", world->mail_fd, name, RENAME_NOREPLACE) == 0)
		return;
	world->repeated++;
	/* exactly once: it is there; but "first try" must not have been said of it */
	assert_int_equal(m->flags & DELIVERY_FIRST_TRY, 0);
}

int
answer_deliver(struct pending *p, struct buf *out)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	struct delivery_job m;
	struct delivery_result r = { .status = DELIVERY_WRITTEN,
		.code = BYTES_LITERAL("2.0.0"),
		.text = BYTES_LITERAL("delivered to mailbox") };

	if (world->q->active_rcpts > world->most_active)
		world->most_active = world->q->active_rcpts;
	assert_int_equal(
		p->fd < 0 ? delivery_job_decode(&in, &m) : delivery_job_fd_decode(&in, &m), ERR_OK);
	r.job_id = m.job_id;
	if (bytes_starts_with(m.account, BYTES_LITERAL("full@")) && !world->full_is_ok) {
		r.status = DELIVERY_TEMPORARY;
		r.code = BYTES_LITERAL("4.2.2");
		r.text = BYTES_LITERAL("mailbox full");
	} else if (bytes_starts_with(m.account, BYTES_LITERAL("busy@")) && world->busy++ == 0) {
		r.status = DELIVERY_BUSY;
		r.code = BYTES_LITERAL("4.2.0");
		r.text = BYTES_LITERAL("mailbox is locked");
	} else if (bytes_starts_with(m.account, BYTES_LITERAL("bad@"))) {
		r.status = DELIVERY_PERMANENT;
		r.code = BYTES_LITERAL("5.2.0");
		r.text = BYTES_LITERAL("no");
	} else if (bytes_starts_with(m.account, BYTES_LITERAL("lost@")) && world->lost++ == 0) {
		write_delivery(&m, p->fd);
		return ERR_PEER;
	} else {
		write_delivery(&m, p->fd);
	}
	delivery_result_encode(out, &r);
	return ERR_OK;
}

void
answer_sync(struct buf *out)
{
	struct delivery_sync_result r = { .status = world->sync_fails ? DELIVERY_TEMPORARY
								      : DELIVERY_WRITTEN };

	world->syncs++;
	delivery_sync_result_encode(out, &r);
}

/* ---- the signer ---- */

int
answer_sign(struct pending *p, struct buf *out)
{
	static char fields[SIGNER_FIELDS_MAX];
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	struct signer_signed a = { .err = ERR_NOT_FOUND };
	struct signer_sign m;

	assert_int_equal(
		p->fd < 0 ? signer_sign_decode(&in, &m) : signer_sign_fd_decode(&in, &m), ERR_OK);
	if (world->signs_for == NULL || world->signs_for[0] != '\0')
		assert_true(bytes_is(m.domain,
			world->signs_for != NULL ? world->signs_for : world->common.hostname));
	world->signs++;
	if (world->signer_down)
		return ERR_PEER;
	if (world->fields != NULL) {
		snprintf(fields, sizeof(fields), "%s", world->fields);
		if (world->signs_for != NULL && world->signs_for[0] == '\0')
			snprintf(fields, sizeof(fields), "%s%.*s\r\n", world->fields,
				(int)m.domain.n, (const char *)m.domain.p);
		a = (struct signer_signed){
			.err = ERR_OK, .fields = bytes_from_str(fields), .domain = m.domain
		};
	}
	signer_signed_encode(out, &a);
	return ERR_OK;
}

/* ---- other hosts ---- */

static const struct fake_host *
host_of(const struct fake *f, struct bytes next_hop)
{
	for (size_t i = 0; i < NITEMS(f->hosts) && f->hosts[i].next_hop != NULL; i++)
		if (bytes_is(next_hop, f->hosts[i].next_hop))
			return &f->hosts[i];
	return NULL;
}

/* What it says of a recipient stands in the local-part, as with directory. */
static void
answer_rcpt(const struct outbound_rcpt *in, struct outbound_rcpt_result *out)
{
	*out = (struct outbound_rcpt_result){ .number = in->number,
		.status = OUTBOUND_SENT,
		.code = BYTES_LITERAL("2.0.0"),
		.text = BYTES_LITERAL("250 2.0.0 Ok: queued as 4X") };
	if (bytes_starts_with(in->forward_path, BYTES_LITERAL("never"))) {
		out->status = OUTBOUND_PERMANENT;
		out->code = BYTES_LITERAL("5.1.1");
		out->text = BYTES_LITERAL("host mx.far.example[192.0.2.7] said: 550 5.1.1 no "
					  "(in reply to RCPT TO command)");
	} else if (bytes_starts_with(in->forward_path, BYTES_LITERAL("later")) &&
		   world->later++ < world->later_most) {
		out->status = OUTBOUND_TEMPORARY;
		out->code = BYTES_LITERAL("4.2.0");
		out->text = BYTES_LITERAL("host mx.far.example[192.0.2.7] said: 450 4.2.0 "
					  "greylisted (in reply to RCPT TO command)");
	}
}

int
answer_send(struct pending *p, struct buf *out)
{
	struct ipc_reader in = ipc_reader(buf_bytes(&p->body));
	static struct outbound_job m;
	static struct outbound_result r;
	const struct fake_host *host;

	assert_int_equal(
		p->fd < 0 ? outbound_job_decode(&in, &m) : outbound_job_fd_decode(&in, &m), ERR_OK);
	world->jobs++;
	world->signed_jobs +=
		world->fields != NULL && bytes_starts_with(m.prefix, bytes_from_str(world->fields));
	world->signed_for_org +=
		bytes_search(m.prefix, BYTES_LITERAL("d=example.org\r\n")) != BYTES_NOT_FOUND;
	if (m.n_rcpts > world->most_rcpts)
		world->most_rcpts = m.n_rcpts;
	if (world->lose_jobs > 0 && world->lose_jobs-- > 0)
		return ERR_PEER;
	r = (struct outbound_result){ .job_id = m.job_id, .n_rcpts = m.n_rcpts, .n_hosts = 1 };
	r.hosts[0] = (struct outbound_host){ .name = BYTES_LITERAL("mx.far.example"),
		.address = BYTES_LITERAL("192.0.2.7"),
		.port = 25 };
	host = host_of(world, m.next_hop);
	if (host != NULL)
		r.hop = host->hop;
	for (uint32_t i = 0; i < m.n_rcpts; i++) {
		answer_rcpt(&m.rcpts[i], &r.rcpts[i]);
		if (r.hop == OUTBOUND_UNREACHABLE || r.hop == OUTBOUND_BUSY) {
			r.rcpts[i].status = OUTBOUND_TEMPORARY;
			r.rcpts[i].code = BYTES_LITERAL("4.4.1");
			r.rcpts[i].text = BYTES_LITERAL(
				"connect to mx.far.example[192.0.2.7]:25: Connection refused");
			r.rcpts[i].host = OUTBOUND_NO_HOST;
		}
		world->sent += r.rcpts[i].status == OUTBOUND_SENT;
	}
	if (world->bad_answers > 0) { /* of another job; one is missing; nonsense; too many */
		const unsigned which = world->bad_answers--;

		world->sent -= r.n_rcpts;
		r.job_id += which == 4;
		r.n_rcpts -= which == 3 ? 1 : 0;
		r.rcpts[0].number += which == 1 ? 40 : 0;
		if (which == 2) {
			buf_put_str(out, "nonsense");
			return ERR_OK;
		}
	}
	outbound_result_encode(out, &r);
	return ERR_OK;
}
