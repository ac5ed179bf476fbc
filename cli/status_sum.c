/* SPDX-License-Identifier: ISC */
/* cli/status_sum.c - all processes of a service together. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "health.h"
#include "status.h"

static void
add_pid(struct service_sum *sum, uint64_t pid)
{
	const size_t at = strlen(sum->pids);

	if (pid != STATUS_UNKNOWN && pid > 0)
		snprintf(sum->pids + at, sizeof(sum->pids) - at, "%s%" PRIu64, at > 0 ? " " : "",
			pid);
}

static double
worse(double percent, uint64_t used, uint64_t most)
{
	const double is = used == STATUS_UNKNOWN || most == STATUS_UNKNOWN
				  ? 0
				  : health_percent((double)used, (double)most);

	return is > percent ? is : percent;
}

/* What it used of a core since the other snapshot. */
static double
cpu_percent(const struct view *v, const struct status_process *p)
{
	const struct status *before = &v->before->status;

	for (size_t i = 0; i < before->n_processes; i++)
		if (before->processes[i].pid == p->pid && p->cpu_ms >= before->processes[i].cpu_ms)
			return (double)(p->cpu_ms - before->processes[i].cpu_ms) /
			       (10 * v->seconds);
	return 0;
}

static void
add_process(const struct view *v, struct service_sum *sum, const struct status_process *p)
{
	if (sum->n++ == 0 || p->uptime_s < sum->uptime_s)
		sum->uptime_s = p->uptime_s;
	sum->restarts += p->restarts;
	if (bytes_is(p->state, "ready"))
		sum->ready++;
	else
		sum->state = p->state;
	sum->rss += p->rss == STATUS_UNKNOWN ? 0 : p->rss;
	sum->memory = worse(sum->memory, p->data, p->data_max);
	sum->files = worse(sum->files, p->files, p->files_max);
	if (v->seconds > 0 && p->cpu_ms != STATUS_UNKNOWN && p->pid != STATUS_UNKNOWN)
		sum->cpu = (sum->cpu < 0 ? 0 : sum->cpu) + cpu_percent(v, p);
	add_pid(sum, p->pid);
}

struct service_sum *
service_sums(const struct view *v, size_t *n)
{
	const struct status *s = &v->now->status;
	struct service_sum *sums = xcalloc(s->n_processes + 1, sizeof(*sums));

	*n = 0;
	for (size_t i = 0; i < s->n_processes; i++) {
		const struct status_process *p = &s->processes[i];
		size_t at = 0;

		if (p->beside)
			continue;
		while (at < *n && !bytes_equal(sums[at].name, p->service))
			at++;
		if (at == *n)
			sums[(*n)++] = (struct service_sum){ .name = p->service, .cpu = -1 };
		add_process(v, &sums[at], p);
	}
	return sums;
}
