/* SPDX-License-Identifier: ISC */
/*
 * cli/trace_show.c - stories for people, and as JSON.
 *
 * Runs in:  relais. Trusts: nothing in the stories: control characters do not reach a terminal.
 */
#include <stdio.h>
#include <time.h>

#include "pages.h"
#include "trace.h"

/* ---- for people ---- */

static void
print_when(uint64_t at)
{
	char date[CLI_TIME_TEXT];

	printf("  %s  ", cli_time_text(at, date));
}

static void
print_address(const char *before, struct bytes address)
{
	printf("%s<", before);
	print_safely(address);
	putchar('>');
}

static void
print_part(const char *before, struct bytes part)
{
	if (part.n == 0)
		return;
	printf("%s", before);
	print_safely(part);
}

static void
print_head(const struct story *s)
{
	printf("%s", s->id);
	if (s->parent[0] != '\0')
		printf(", a report about %s", s->parent);
	if (s->known_from)
		print_address("  from ", s->from);
	print_part(", ", s->size);
	if (s->size.n > 0)
		printf(" octets");
	print_part(", recipients: ", s->nrcpt);
	print_part(", message-id ", s->message_id);
	putchar('\n');
	if (s->client.n == 0)
		return;
	print_when(s->accepted_s);
	print_part("came in by ", s->service);
	print_part(" from ", s->client);
	print_part(", login ", s->login);
	print_part(" by ", s->method);
	print_part(", ", s->tls);
	if (s->tls.n == 0)
		printf(", without TLS");
	print_part(", session ", s->session);
	putchar('\n');
}

/* "0.03/0.01/0/0.02": before the queue, in it, connecting, sending */
static void
print_delays(const struct story_event *e)
{
	static const char *const parts[] = { "until this attempt", "in line", "connecting",
		"delivering" };
	struct bytes rest = e->delays;

	if (e->delay.n == 0)
		return;
	print_part("\n                         ", e->delay);
	printf(" s after it came");
	for (size_t i = 0; i < NITEMS(parts) && rest.n > 0; i++) {
		struct bytes part = bytes_cut(&rest, '/');

		print_part(i == 0 ? ": " : ", ", part);
		printf(" %s", parts[i]);
	}
}

static void
print_rcpt(const struct story_event *e)
{
	print_address("", e->to);
	if (e->orig_to.n > 0)
		print_address(" for ", e->orig_to);
	print_part(" ", e->status);
	if (!bytes_is(e->relay, "none"))
		print_part(" by ", e->relay);
	print_part(": ", e->dsn);
	print_part(" ", e->reply);
	print_delays(e);
}

static void
print_event(const struct story_event *e)
{
	print_when(e->time_s);
	if (e->kind == LOG_RCPT)
		print_rcpt(e);
	else
		print_part("", e->reply);
	putchar('\n');
}

static void
print_story(const struct story *s)
{
	print_head(s);
	for (size_t i = 0; i < s->n; i++)
		print_event(&s->events[i]);
	if (s->over > 0)
		printf("  ... and %zu more lines\n", s->over);
	if (s->removed_s != 0) {
		print_when(s->removed_s);
		printf("out of the queue: nothing is left to do\n");
	}
	if (s->now_text != NULL)
		printf("  now: %s", s->now_text);
	else if (s->removed_s == 0)
		printf("  its end is not in the log\n");
}

void
trace_print(const struct trace *t)
{
	for (size_t i = 0; i < t->n_refused; i++) {
		print_when(t->refused[i].time_s);
		print_part("", t->refused[i].service);
		print_part(": ", t->refused[i].reply);
		putchar('\n');
	}
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0 || t->n_refused > 0)
			putchar('\n');
		print_story(&t->stories[i]);
	}
}

/* ---- JSON ---- */

static void
set_text(json_t *o, const char *name, struct bytes b)
{
	if (b.n > 0)
		json_object_set_new(o, name, json_text(b));
}

static void
set_number(json_t *o, const char *name, struct bytes b)
{
	uint64_t v;

	if (bytes_to_u64(b, INT64_MAX, &v) == ERR_OK)
		json_object_set_new(o, name, json_integer((json_int_t)v));
}

static void
set_time(json_t *o, const char *name, uint64_t at)
{
	if (at != 0)
		json_object_set_new(o, name, json_integer((json_int_t)at));
}

static json_t *
event_json(const struct story_event *e)
{
	static const char *const kinds[] = { [LOG_OTHER] = "note",
		[LOG_RCPT] = "attempt",
		[LOG_CHILD] = "report",
		[LOG_REJECT] = "reject" };
	json_t *o = json_object();

	set_time(o, "time_s", e->time_s);
	if ((size_t)e->kind < NITEMS(kinds) && kinds[e->kind] != NULL)
		json_object_set_new(o, "kind", json_string(kinds[e->kind]));
	set_text(o, "service", e->service);
	set_text(o, "recipient", e->to);
	set_text(o, "original", e->orig_to);
	set_text(o, "relay", e->relay);
	set_text(o, "delay", e->delay);
	set_text(o, "delays", e->delays);
	set_text(o, "code", e->dsn);
	set_text(o, "status", e->status);
	set_text(o, "report", e->child);
	set_text(o, "text", e->reply);
	return o;
}

static json_t *
events_json(const struct story_event *events, size_t n)
{
	json_t *o = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(o, event_json(&events[i]));
	return o;
}

static json_t *
story_json(const struct story *s)
{
	json_t *o = json_object(), *client = json_object();

	json_object_set_new(o, "id", json_string(s->id));
	if (s->parent[0] != '\0')
		json_object_set_new(o, "report_about", json_string(s->parent));
	if (s->known_from)
		json_object_set_new(o, "reverse_path", json_text(s->from));
	set_number(o, "size", s->size);
	set_number(o, "recipients", s->nrcpt);
	set_text(o, "message_id", s->message_id);
	set_time(client, "time_s", s->accepted_s);
	set_text(client, "service", s->service);
	set_text(client, "client", s->client);
	set_text(client, "login", s->login);
	set_text(client, "method", s->method);
	set_text(client, "tls", s->tls);
	set_text(client, "session", s->session);
	if (json_object_size(client) > 0)
		json_object_set(o, "accepted", client);
	json_decref(client);
	json_object_set_new(o, "events", events_json(s->events, s->n));
	set_time(o, "removed_s", s->removed_s);
	if (s->now != NULL)
		json_object_set(o, "queue", s->now);
	return o;
}

void
trace_print_json(const struct trace *t)
{
	json_t *root = json_object(), *stories = json_array();

	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(stories, story_json(&t->stories[i]));
	json_object_set_new(root, "messages", stories);
	json_object_set_new(root, "refused", events_json(t->refused, t->n_refused));
	json_print(root);
	json_decref(root);
}
