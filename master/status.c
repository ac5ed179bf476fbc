/* SPDX-License-Identifier: ISC */
/*
 * master/status.c - what runs, and all counters: asked by the operator's command and by metrics.
 *
 * Master asks each process for its counters and puts before them what only it knows: states,
 * restarts, why the last one ended, memory and descriptors against their limits. Lines of text,
 * which lib/status reads (status_text.h says what they are).
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "common_conf.h"
#include "long_text.h"
#include "master.h"
#include "version.h"

#define STATS_TIMEOUT_MS 2000
#define GATHERINGS_MAX   8 /* that one who asks may have under way */

/* One question, until all have answered. */
struct gathering {
	TAILQ_ENTRY(gathering) link;
	struct master *master;
	struct ipc_channel *channel; /* who asked; NULL: has left */
	uint32_t id;
	unsigned waiting; /* processes that have not answered yet */
	struct buf text;
};

struct stats_wait {
	struct gathering *gathering;
	enum service service;
	unsigned instance;
	const char *kind; /* of its lines */
};

/* ---- what only master knows ---- */

/* /proc/PID/NAME, as a string; false: it is gone. */
static bool
read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* The i-th word, from 0; 0 if it is no number. */
static unsigned long long
word(const char *text, unsigned i)
{
	for (; i > 0 && text != NULL; i--) {
		text = strchr(text, ' ');
		text = text == NULL ? NULL : text + 1;
	}
	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* Pages in memory, and pages that count against the limit of private memory: proc(5). */
static void
put_memory(struct buf *out, pid_t pid)
{
	const unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE);
	char text[256];

	if (read_proc(pid, "statm", text, sizeof(text)))
		buf_printf(out, " rss=%llu data=%llu", word(text, 1) * page, word(text, 5) * page);
}

static void
put_cpu(struct buf *out, pid_t pid)
{
	const unsigned long long tick = (unsigned long long)sysconf(_SC_CLK_TCK);
	char text[1024];
	const char *at;

	if (!read_proc(pid, "stat", text, sizeof(text)))
		return;
	at = strrchr(text, ')'); /* the name may hold anything; 1 is the state behind it */
	if (at != NULL)
		buf_printf(out, " cpu_ms=%llu", (word(at, 12) + word(at, 13)) * 1000 / tick);
}

/* The folder's size is their number since Linux 6.2; before, they are counted. */
static void
put_files(struct buf *out, pid_t pid)
{
	unsigned long long n = 0;
	struct stat st;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (stat(path, &st) != 0)
		return;
	n = (unsigned long long)st.st_size;
	if (n == 0) {
		dir = opendir(path);
		if (dir == NULL)
			return;
		while (readdir(dir) != NULL)
			n++;
		closedir(dir);
		n -= n < 2 ? n : 2; /* . and .. */
	}
	buf_printf(out, " files=%llu", n);
}

static void
put_child(struct buf *out, const struct child *c)
{
	const uint64_t now = clock_mono_ms();
	const uint64_t up_s = c->pid > 0 ? (now - c->started_ms) / 1000 : 0;

	buf_printf(out, "service %s %u %s %d %llu %u", service_name(c->row->service), c->instance,
		child_state_name(c->state), (int)c->pid, (unsigned long long)up_s, c->restarts);
	if (c->leaving || c->trial)
		buf_put_str(out, c->leaving ? " beside=leaving" : " beside=trial");
	if (c->version != NULL && strcmp(c->version, relais_version()) != 0)
		buf_printf(out, " version=%s", c->version);
	if (c->ended_ms != 0)
		buf_printf(out, " ended=%s:%d ended_s=%llu",
			WIFSIGNALED(c->end_status) ? "signal" : "exit",
			WIFSIGNALED(c->end_status) ? WTERMSIG(c->end_status)
						   : WEXITSTATUS(c->end_status),
			(unsigned long long)(now - c->ended_ms) / 1000);
	if (c->pid > 0) {
		buf_printf(
			out, " started=%llu", (unsigned long long)(c->started_wall_us / 1000000));
		put_memory(out, c->pid);
		put_cpu(out, c->pid);
		put_files(out, c->pid);
	}
#ifndef RELAIS_SANITIZE /* there is none then: lib/daemon/jail.c */
	if (c->row->memory_limit > 0)
		buf_printf(out, " data_max=%llu", (unsigned long long)c->row->memory_limit);
#endif
	if (c->master->privileged)
		buf_printf(out, " files_max=%u", c->row->files_limit);
	buf_put_u8(out, '\n');
}

static void
put_master(struct buf *out, const struct master *m)
{
	const struct common_conf *common = conf_values(&m->conf, "");

	buf_printf(out, "master %d %s version=%s started=%llu uptime=%llu hostname=%s",
		(int)getpid(),
		m->stopping ? "stopping"
		: m->ready  ? "ready"
			    : "starting",
		relais_version(), (unsigned long long)(m->started_wall_us / 1000000),
		(unsigned long long)(clock_mono_ms() - m->started_ms) / 1000, common->hostname);
	put_memory(out, getpid());
	put_cpu(out, getpid());
	put_files(out, getpid());
	buf_put_u8(out, '\n');
}

/* ---- asking all ---- */

static void
answer(struct gathering *g)
{
	const bool is_long = g->text.len > LONG_TEXT_INLINE_MAX;
	const int fd = is_long && g->channel != NULL ? long_text_fd(buf_bytes(&g->text)) : -1;

	if (g->channel == NULL)
		return;
	control_text_encode(ipc_compose(g->channel),
		&(struct control_text){ is_long && fd < 0 ? ERR_RESOURCE : ERR_OK,
			is_long ? BYTES_NONE : buf_bytes(&g->text) });
	ipc_reply(g->channel, g->id, CONTROL_TEXT, &fd, fd >= 0 ? 1 : 0);
}

static void
one_less(struct gathering *g)
{
	if (--g->waiting > 0)
		return;
	answer(g);
	TAILQ_REMOVE(&g->master->gatherings, g, link);
	buf_free(&g->text);
	free(g);
}

static void
on_stats(void *arg, const struct ipc_answer *a)
{
	struct stats_wait *w = arg;
	struct gathering *g = w->gathering;
	struct ipc_reader in = ipc_reader(a->body);
	struct control_text m;

	if (a->err == ERR_OK && control_text_decode(&in, &m) == ERR_OK) {
		while (m.text.n > 0) {
			struct bytes line = bytes_cut(&m.text, '\n');

			buf_printf(&g->text, "%s %s %u %.*s\n", w->kind, service_name(w->service),
				w->instance, (int)line.n, (const char *)line.p);
		}
	}
	free(w);
	one_less(g);
}

/* metrics is jailed because it might be taken over: it is not to keep all others busy, or us. */
static bool
asks_too_much(const struct master *m, const struct ipc_channel *channel)
{
	const struct gathering *g;
	unsigned n = 0;

	TAILQ_FOREACH (g, &m->gatherings, link) {
		n += g->channel == channel;
	}
	return n >= GATHERINGS_MAX;
}

void
master_status(struct master *m, struct ipc_call *call)
{
	struct gathering *g;
	struct child *c;

	if (asks_too_much(m, call->channel)) {
		control_answer(call->channel, call->id, ERR_BUSY, BYTES_NONE);
		return;
	}
	g = xcalloc(1, sizeof(*g));
	*g = (struct gathering){
		.master = m, .channel = call->channel, .id = call->id, .waiting = 1
	};
	TAILQ_INSERT_TAIL(&m->gatherings, g, link);
	put_master(&g->text, m);
	TAILQ_FOREACH (c, &m->children, link) {
		struct stats_wait *w;

		put_child(&g->text, c);
		if (c->control == NULL || (c->state != CHILD_READY && c->state != CHILD_DRAINING))
			continue;
		w = xcalloc(1, sizeof(*w));
		*w = (struct stats_wait){ g, c->row->service, c->instance,
			c->leaving || c->trial ? "beside" : "stat" };
		g->waiting++;
		ipc_compose(c->control);
		ipc_request(c->control, CONTROL_STATS, NULL, 0, STATS_TIMEOUT_MS, on_stats, w);
	}
	one_less(g);
}

void
master_status_forget(struct master *m, const struct ipc_channel *channel)
{
	struct gathering *g;

	TAILQ_FOREACH (g, &m->gatherings, link) {
		if (g->channel == channel)
			g->channel = NULL;
	}
}
