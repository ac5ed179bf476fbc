/* SPDX-License-Identifier: ISC */
/*
 * cli/top.c - relais top: the state of the suite, live. One question to master for each picture;
 * the views of senders and domains ask qmgr too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"
#include "status.h"
#include "screen.h"

const char top_usage[] =
	"relais top [--interval TIME] [--once]\n"
	"                                    the state of the suite, live\n"
	"\n"
	"  --interval TIME  between two pictures (2s; 1s at least)\n"
	"  --once           one picture, to stdout; so too if that is no terminal\n"
	"\n"
	"Keys: v services, h next hops, d domains and s senders whose mail waits, l doors\n"
	"and logins; in services c by CPU, m by memory, r by restarts, n as listed;\n"
	"space: now, q: end. Exit status: 0, or 3 if relais does not run.";

enum sort {
	SORT_NONE,
	SORT_CPU,
	SORT_MEMORY,
	SORT_RESTARTS
};

struct top {
	struct cli *cli;
	int fd, qmgr_fd; /* -1: not connected */
	struct snapshot now, before;
	struct view view;
	char key; /* of the view that is shown */
	enum sort sort;
	uint64_t interval_ms;
	bool once;
};

/* ---- the views ---- */

static double
sort_key(const struct service_sum *sum, enum sort by)
{
	return by == SORT_CPU      ? sum->cpu
	       : by == SORT_MEMORY ? (double)sum->rss
				   : (double)sum->restarts;
}

static void
sort_sums(struct service_sum *sums, size_t n, enum sort by)
{
	for (size_t i = 1; i < n && by != SORT_NONE; i++) {
		const struct service_sum one = sums[i];
		size_t at = i;

		for (; at > 0 && sort_key(&one, by) > sort_key(&sums[at - 1], by); at--)
			sums[at] = sums[at - 1];
		sums[at] = one;
	}
}

static void
put_percent(struct buf *out, double percent)
{
	if (percent < 0)
		buf_put_str(out, "     -");
	else
		buf_printf(out, " %5.1f", percent);
}

static void
view_services(struct top *t, struct buf *out)
{
	size_t n;
	struct service_sum *sums = service_sums(&t->view, &n);

	sort_sums(sums, n, t->sort);
	buf_printf(out, "%-15s %-12s %6s %2s %5s %8s %4s %4s  %s\n", "SERVICE", "READY", "UP", "RE",
		"CPU %", "MEMORY", "MEM%", "FD %", "PIDS");
	for (size_t i = 0; i < n; i++) {
		const struct service_sum *s = &sums[i];
		char up[SHORT_TIME], size[HUMAN_TEXT], ready[32];

		snprintf(ready, sizeof(ready), "%u/%u %.*s", s->ready, s->n,
			s->ready < s->n ? (int)s->state.n : 0, (const char *)s->state.p);
		buf_printf(out, "%-15.*s %-12.12s %6s %2" PRIu64, (int)s->name.n,
			(const char *)s->name.p, ready, short_time(s->uptime_s, up), s->restarts);
		put_percent(out, s->cpu);
		buf_printf(out, " %8s %4.0f %4.0f  %s\n", human_size(s->rss, size), s->memory,
			s->files, s->pids);
	}
	free(sums);
}

static void
view_hops(struct top *t, struct buf *out)
{
	const size_t begun = out->len;

	put_destinations(&t->view, out, UINT32_MAX);
	if (out->len == begun)
		buf_put_str(out, "No next hop keeps mail waiting.\n");
}

static uint64_t
sum_of(const uint64_t counts[QUEUE_SHAPE_AGES], unsigned from)
{
	uint64_t sum = 0;

	for (unsigned i = from; i < QUEUE_SHAPE_AGES; i++)
		sum += counts[i];
	return sum;
}

static void
put_shape(struct buf *out, const struct queue_shape_answer *a, bool senders)
{
	buf_printf(out, "%-40s %9s %9s %9s %9s\n",
		senders ? "SENDER'S DOMAIN" : "RECIPIENTS' DOMAIN", "WAITING", "> 20 min", "> 3 h",
		"> 21 h");
	for (uint32_t i = 0; i < a->n; i++) {
		const struct queue_shape_row *row = &a->rows[i];
		char name[41];

		bytes_to_str(row->domain, name, sizeof(name));
		for (char *c = name; *c != 0; c++)
			if (*c < ' ' || *c == 127)
				*c = '?';
		buf_printf(out, "%-40s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n",
			row->domain.n > 0 ? name
			: senders         ? "(null sender)"
					  : "(local)",
			sum_of(row->ages, 0), sum_of(row->ages, 3), sum_of(row->ages, 6),
			sum_of(row->ages, 9));
	}
	if (a->n == 0)
		buf_put_str(out, "Nothing waits.\n");
}

static void
view_shape(struct top *t, struct buf *out)
{
	const struct queue_shape ask = { .senders = t->key == 's', .max = QUEUE_SHAPE_MAX };
	struct queue_shape_answer *a = xcalloc(1, sizeof(*a));

	if (t->qmgr_fd < 0)
		t->qmgr_fd = cli_connect(t->cli, SERVICE_QMGR);
	if (t->qmgr_fd >= 0 && queue_ask_shape(t->cli, t->qmgr_fd, &ask, a) == ERR_OK) {
		put_shape(out, a, ask.senders);
	} else {
		buf_put_str(out, "qmgr does not answer.\n");
		if (t->qmgr_fd >= 0)
			close(t->qmgr_fd);
		t->qmgr_fd = -1;
	}
	free(a);
}

static void
view_doors(struct top *t, struct buf *out)
{
	static const struct {
		const char *service, *clients, *connections, *refused, *logins, *wrong;
	} doors[] = {
		{ "smtpd", "relais_smtp_clients", "relais_smtp_connections_total",
			"relais_smtp_refused_connections_total", "relais_smtp_logins_total",
			"relais_smtp_failed_logins_total" },
		{ "submission", "relais_smtp_clients", "relais_smtp_connections_total",
			"relais_smtp_refused_connections_total", "relais_smtp_logins_total",
			"relais_smtp_failed_logins_total" },
		{ "imap-login", "relais_login_connections", "relais_login_connections_total",
			"relais_login_connections_refused_total", "relais_logins_total",
			"relais_login_failures_total" },
		{ "pop3-login", "relais_login_connections", "relais_login_connections_total",
			"relais_login_connections_refused_total", "relais_logins_total",
			"relais_login_failures_total" },
	};

	buf_printf(out, "%-14s %9s %12s %12s %10s %10s %10s\n", "DOOR", "NOW", "CONNECTS/s",
		"REFUSED/s", "BANNED/s", "LOGINS/s", "WRONG/s");
	for (size_t i = 0; i < NITEMS(doors); i++) {
		const char *service = doors[i].service;
		const struct view *v = &t->view;
		char a[16], b[16], c[16], d[16], e[16];

		buf_printf(out, "%-14s %9.0f %12s %12s %10s %10s %10s\n", service,
			status_gauge(&v->now->status, service, doors[i].clients, NULL),
			rate_text(v, service, doors[i].connections, a),
			rate_text(v, service, doors[i].refused, b),
			rate_text(v, service, "relais_banned_connections_total", c),
			rate_text(v, service, doors[i].logins, d),
			rate_text(v, service, doors[i].wrong, e));
	}
	buf_printf(out,
		"\nPasswords that wait for hashing %.0f, exchanges under way %.0f, bans %.0f\n",
		status_gauge(&t->view.now->status, NULL, "relais_directory_hash_waiting", NULL),
		status_gauge(&t->view.now->status, NULL, "relais_directory_sasl_open", NULL),
		status_gauge(&t->view.now->status, NULL, "relais_ledger_ban_records", NULL));
}

static const struct {
	char key;
	void (*put)(struct top *t, struct buf *out);
} views[] = { { 'v', view_services }, { 'h', view_hops }, { 'd', view_shape }, { 's', view_shape },
	{ 'l', view_doors } };

/* ---- pictures ---- */

static void
picture(struct top *t, struct buf *out)
{
	struct buf reasons = BUF_INIT;
	const bool healthy = is_healthy(t->cli, &t->view, &reasons);

	put_health(&t->view, healthy, buf_bytes(&reasons), out);
	put_doors(&t->view, out);
	put_queue(&t->view, out);
	put_resources(&t->view, out);
	buf_put_u8(out, '\n');
	for (size_t i = 0; i < NITEMS(views); i++)
		if (views[i].key == t->key)
			views[i].put(t, out);
	buf_free(&reasons);
}

/* A new snapshot in place of the last, which becomes the one before. */
static int
look(struct top *t)
{
	struct snapshot fresh = { .text = BUF_INIT };
	int status = CLI_DOWN;

	if (t->fd < 0)
		t->fd = cli_connect_master(t->cli);
	if (t->fd >= 0)
		status = snapshot_take(t->cli, t->fd, &fresh);
	if (status != CLI_OK) {
		if (t->fd >= 0)
			close(t->fd);
		t->fd = -1;
		snapshot_free(&fresh);
		return status;
	}
	snapshot_free(&t->before);
	t->before = t->now;
	t->now = fresh;
	if (t->before.text.len == 0) /* the first picture */
		(void)snapshot_before(t->cli, &t->now, &t->before);
	t->view.seconds =
		t->before.text.len == 0 ? 0 : (double)(t->now.taken_ms - t->before.taken_ms) / 1000;
	return CLI_OK;
}

/* ---- keys ---- */

static void
on_key(struct top *t, int key)
{
	static const struct {
		char key;
		enum sort sort;
	} sorts[] = { { 'c', SORT_CPU }, { 'm', SORT_MEMORY }, { 'r', SORT_RESTARTS },
		{ 'n', SORT_NONE } };

	for (size_t i = 0; i < NITEMS(views); i++)
		if (views[i].key == key)
			t->key = (char)key;
	for (size_t i = 0; i < NITEMS(sorts); i++)
		if (sorts[i].key == key)
			t->sort = sorts[i].sort;
}

static int
live(struct top *t)
{
	static const char foot[] =
		" q end  v services  h next hops  d domains  s senders  l doors  c m r n order ";
	uint64_t next_ms = clock_mono_ms() + t->interval_ms;
	int key = ' ', status = look(t);

	if (status != CLI_OK)
		return status;
	if (!screen_enter())
		return CLI_FAILED;
	while (key != 'q' && key != SCREEN_END) {
		struct buf out = BUF_INIT;
		uint64_t now;

		screen_size(&t->view.rows, &t->view.columns);
		if (status != CLI_OK)
			buf_put_str(&out, "relais does not answer; trying again\n\n");
		picture(t, &out);
		screen_draw(buf_bytes(&out), foot);
		buf_free(&out);
		now = clock_mono_ms();
		key = screen_key(next_ms > now ? (unsigned)(next_ms - now) : 0);
		on_key(t, key);
		if (key == SCREEN_TIME || key == ' ') {
			status = look(t);
			next_ms = clock_mono_ms() + t->interval_ms;
		}
	}
	screen_leave();
	return status == CLI_OK ? CLI_OK : CLI_DOWN;
}

static int
one_picture(struct top *t)
{
	struct buf out = BUF_INIT;
	int status = look(t);

	if (status == CLI_OK) {
		picture(t, &out);
		fwrite(buf_bytes(&out).p, 1, out.len, stdout);
	}
	buf_free(&out);
	return status;
}

static bool
take_words(struct top *t, int argc, char *argv[])
{
	uint64_t seconds = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--once") == 0)
			t->once = true;
		else if (strcmp(argv[i], "--interval") == 0 && i + 1 < argc &&
			 queue_parse_time(argv[++i], &seconds) && seconds > 0 && seconds <= 3600)
			t->interval_ms = seconds * 1000;
		else
			return false;
	}
	return true;
}

int
cmd_top(struct cli *cli, int argc, char *argv[])
{
	struct top t = { .cli = cli, .fd = -1, .qmgr_fd = -1, .key = 'v', .interval_ms = 2000 };
	int status;

	if (!take_words(&t, argc, argv))
		return cli_usage(top_usage, NULL);
	t.view.now = &t.now;
	t.view.before = &t.before;
	if (t.once || isatty(STDOUT_FILENO) != 1 || isatty(STDIN_FILENO) != 1)
		status = one_picture(&t);
	else
		status = live(&t);
	snapshot_free(&t.now);
	snapshot_free(&t.before);
	if (t.fd >= 0)
		close(t.fd);
	if (t.qmgr_fd >= 0)
		close(t.qmgr_fd);
	return status;
}
