/* SPDX-License-Identifier: ISC */
/*
 * cli/queue_list.c - relais queue list: what waits, why, when it is tried next, how often it
 * was tried.
 *
 * Runs in:  relais.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "pages.h"
#include "queue.h"

#define RCPTS_SHOWN 3
#define RCPTS_JSON  50

struct listing {
	bool json;
	uint64_t n, octets, now_s;
	FILE *out;
};

static void
print_address(FILE *out, struct bytes b)
{
	putc('<', out);
	fprint_safely(out, b);
	putc('>', out);
}

static void
print_when(const struct listing *l, uint64_t next_s)
{
	char text[HUMAN_TEXT], date[CLI_TIME_TEXT];

	if (next_s <= l->now_s)
		fprintf(l->out, "next attempt now");
	else
		fprintf(l->out, "next attempt in %s (%s)", human_time(next_s - l->now_s, text),
			cli_time_text(next_s, date));
}

static void
print_rcpt(
	const struct listing *l, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	fprintf(l->out, "    ");
	print_address(l->out, r->address);
	if (r->original.n > 0) {
		fprintf(l->out, " (for ");
		print_address(l->out, r->original);
		putc(')', l->out);
	}
	if (r->reason.n == 0)
		fprintf(l->out, ": not tried yet");
	else {
		fprintf(l->out, ": ");
		fprint_safely(l->out, r->code);
		fputs(r->code.n > 0 ? " " : "", l->out);
		fprint_safely(l->out, r->reason);
	}
	fprintf(l->out, "\n        ");
	if (r->attempts > 0)
		fprintf(l->out, "tried %u time%s", r->attempts, r->attempts == 1 ? "" : "s");
	else
		fprintf(l->out, "not counted as tried yet");
	if (e->state == QUEUE_STATE_DEFERRED) {
		fprintf(l->out, ", ");
		print_when(l, r->next_s);
	}
	putc('\n', l->out);
}

/* One line for those whose reason is not the recipient's. */
static void
print_why(const struct listing *l, const struct queue_list_entry *e)
{
	char text[HUMAN_TEXT];

	if (e->state == QUEUE_STATE_HOLD)
		fprintf(l->out, "    held: waits for \"relais queue release\"\n");
	else if (e->state == QUEUE_STATE_ACTIVE)
		fprintf(l->out, "    being delivered, or about to be\n");
	if (e->dead_hop.n == 0 || e->state == QUEUE_STATE_HOLD)
		return;
	fprintf(l->out, "    ");
	fprint_safely(l->out, e->dead_hop);
	if (e->dead_until_s > l->now_s)
		fprintf(l->out, " gives no answer and is asked again in %s",
			human_time(e->dead_until_s - l->now_s, text));
	else
		fprintf(l->out, " gave no answer and is asked again now");
	fprintf(l->out, " (");
	fprint_safely(l->out, e->dead_reason);
	fprintf(l->out, ")\n");
}

static void
print_rest(
	const struct listing *l, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	print_why(l, e);
	for (uint32_t i = 0; i < e->n_rcpts; i++)
		print_rcpt(l, e, &r[i]);
	if (e->rcpts_left > e->n_rcpts)
		fprintf(l->out, "    ... and %u more recipients\n", e->rcpts_left - e->n_rcpts);
}

static void
print_entry(struct listing *l, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	const uint64_t arrival = e->arrival_us / 1000000;
	char id[QUEUE_ID_TEXT_SIZE], age[HUMAN_TEXT], size[HUMAN_TEXT];

	if (l->n == 0)
		fprintf(l->out, "%-16s %-9s %-12s %-9s %s\n", "ID", "STATE", "WAITS FOR", "SIZE",
			"SENDER");
	fprintf(l->out, "%-16s %-9s %-12s %-9s ", queue_id_text(e->queue_id, id),
		queue_state_name(e->state),
		human_time(l->now_s > arrival ? l->now_s - arrival : 0, age),
		human_size(e->size, size));
	print_address(l->out, e->reverse_path);
	if (e->login.n > 0) {
		fprintf(l->out, " (login ");
		fprint_safely(l->out, e->login);
		putc(')', l->out);
	}
	putc('\n', l->out);
	print_rest(l, e, r);
}

char *
queue_entry_text(const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	struct listing l = { .now_s = clock_wall_us() / 1000000 };
	char *text = NULL;
	size_t size = 0;

	l.out = open_memstream(&text, &size);
	if (l.out == NULL)
		return NULL;
	fprintf(l.out, "%s\n", queue_state_name(e->state));
	print_rest(&l, e, r);
	fclose(l.out);
	return text;
}

/* ---- JSON ---- */

static void
set_number(json_t *o, const char *name, uint64_t v)
{
	json_object_set_new(o, name, json_integer((json_int_t)v));
}

static void
set_text(json_t *o, const char *name, struct bytes b)
{
	if (b.n > 0)
		json_object_set_new(o, name, json_text(b));
}

static json_t *
rcpt_json(const struct queue_list_rcpt *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "address", json_text(r->address));
	set_text(o, "original", r->original);
	set_text(o, "code", r->code);
	set_text(o, "reason", r->reason);
	set_text(o, "next_hop", r->next_hop);
	set_number(o, "attempts", r->attempts);
	if (r->next_s != 0)
		set_number(o, "next_s", r->next_s);
	return o;
}

json_t *
queue_entry_json(const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	json_t *o = json_object(), *rcpts = json_array(), *dead;
	char id[QUEUE_ID_TEXT_SIZE];

	json_object_set_new(o, "id", json_string(queue_id_text(e->queue_id, id)));
	json_object_set_new(o, "state", json_string(queue_state_name(e->state)));
	set_number(o, "arrival_s", e->arrival_us / 1000000);
	set_number(o, "size", e->size);
	json_object_set_new(o, "reverse_path", json_text(e->reverse_path));
	set_text(o, "login", e->login);
	set_number(o, "attempts", e->attempts);
	set_number(o, "recipients_left", e->rcpts_left);
	if (e->next_s != 0)
		set_number(o, "next_s", e->next_s);
	if (e->dead_hop.n > 0) {
		dead = json_object();
		set_text(dead, "next_hop", e->dead_hop);
		set_text(dead, "reason", e->dead_reason);
		set_number(dead, "until_s", e->dead_until_s);
		json_object_set_new(o, "destination_dead", dead);
	}
	for (uint32_t i = 0; i < e->n_rcpts; i++)
		json_array_append_new(rcpts, rcpt_json(&r[i]));
	json_object_set_new(o, "recipients", rcpts);
	return o;
}

static void
print_json(
	const struct listing *l, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	json_t *o = queue_entry_json(e, r);

	printf("%s\n ", l->n == 0 ? "" : ",");
	json_dumpf(o, stdout, JSON_COMPACT);
	json_decref(o);
}

/* ---- the verb ---- */

static bool
show(void *ctx, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	struct listing *l = ctx;

	if (l->json)
		print_json(l, e, r);
	else
		print_entry(l, e, r);
	l->n += !e->continued;
	l->octets += e->continued ? 0 : e->size;
	return !ferror(stdout);
}

static void
print_end(const struct listing *l, const struct queue_walk *w, bool filtered)
{
	char size[HUMAN_TEXT];

	if (l->n == 0)
		printf(filtered && w->total > 0 ? "none of %llu messages\n"
						: "the queue is empty\n",
			(unsigned long long)w->total);
	else
		printf("-- %llu message%s%s, %s; %llu in the queue\n", (unsigned long long)l->n,
			l->n == 1 ? "" : "s", w->more ? " (there are more)" : "",
			human_size(l->octets, size), (unsigned long long)w->total);
}

int
queue_list(struct cli *cli, int fd, int argc, char *argv[])
{
	struct listing l = { .now_s = clock_wall_us() / 1000000, .out = stdout };
	struct queue_walk w = { .show = show, .ctx = &l };
	struct queue_words words;
	int r = ERR_SYNTAX;
	const bool ok = queue_words(&words, WORD_FILTER | WORD_JSON | WORD_LIMIT, argc, argv);

	free(words.ids);
	if (!ok)
		return CLI_USAGE;
	l.json = words.json;
	w.filter = words.filter;
	w.limit = words.limit;
	w.max_rcpts = l.json ? RCPTS_JSON : RCPTS_SHOWN;
	if (l.json)
		printf("[");
	r = queue_walk(cli, fd, &w);
	if (l.json)
		printf("%s]\n", l.n > 0 ? "\n" : "");
	else if (r == ERR_OK)
		print_end(&l, &w, words.filtered);
	return r < 0 ? CLI_FAILED : CLI_OK;
}
