/* SPDX-License-Identifier: ISC */
/*
 * cli/trace_story.c - lines of the log become stories: one for each message, of bounded size.
 *
 * A report (DSN) is a message of its own, whose story is told too: the line "ID: sender
 * non-delivery notification: CHILD" comes before the child's own lines.
 *
 * Runs in:  relais. Trusts: nothing in the lines.
 */
#include <stdlib.h>
#include <time.h>

#include "err.h"
#include "fnv.h"
#include "trace.h"

#define SLOTS       2048 /* over twice STORIES_MAX; a power of two */
#define TLS_SLOTS   4096
#define REFUSED_MAX 50

void
trace_init(struct trace *t)
{
	memset(t, 0, sizeof(*t));
	t->stories = xcalloc(STORIES_MAX, sizeof(*t->stories));
	t->slots = xcalloc(SLOTS, sizeof(*t->slots));
	t->refused = xcalloc(REFUSED_MAX, sizeof(*t->refused));
}

void
trace_free(struct trace *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->stories[i].events);
		free(t->stories[i].now_text);
		json_decref(t->stories[i].now);
	}
	free(t->stories);
	free(t->slots);
	free(t->refused);
	arena_reset(&t->arena);
}

static uint32_t *
slot_of(struct trace *t, struct bytes id)
{
	for (uint32_t h = fnv(FNV_START, id);; h++) {
		uint32_t *slot = &t->slots[h & (SLOTS - 1)];

		if (*slot == 0 || bytes_is(id, t->stories[*slot - 1].id))
			return slot;
	}
}

struct story *
trace_find(struct trace *t, struct bytes id)
{
	const uint32_t at = id.n == 0 ? 0 : *slot_of(t, id);

	return at == 0 ? NULL : &t->stories[at - 1];
}

struct story *
trace_add(struct trace *t, struct bytes id)
{
	uint32_t *slot = slot_of(t, id);

	if (*slot != 0)
		return &t->stories[*slot - 1];
	if (t->n == STORIES_MAX || id.n == 0 || id.n >= STORY_ID_MAX)
		return NULL;
	bytes_to_str(id, t->stories[t->n].id, STORY_ID_MAX);
	*slot = (uint32_t)++t->n;
	return &t->stories[t->n - 1];
}

uint64_t
trace_time(const struct log_time *l, uint64_t mtime_s)
{
	const time_t written = (time_t)mtime_s;
	struct tm tm, now;
	time_t t;

	localtime_r(&written, &now);
	tm = (struct tm){ .tm_year = l->year != 0 ? (int)l->year - 1900 : now.tm_year,
		.tm_mon = (int)l->month - 1,
		.tm_mday = (int)l->day,
		.tm_hour = (int)l->hour,
		.tm_min = (int)l->minute,
		.tm_sec = (int)l->second,
		.tm_isdst = -1 };
	/* a December line in a file that was last written in January */
	if (l->year == 0 && tm.tm_mon > now.tm_mon)
		tm.tm_year--;
	t = l->zoned ? timegm(&tm) - l->offset_s : mktime(&tm);
	return t < 0 ? 0 : (uint64_t)t;
}

/* ---- TLS: told before there is a queue id, by the same process of the same client ---- */

struct tls_seen {
	struct {
		uint32_t hash;
		char client[128], tls[160];
	} rows[TLS_SLOTS];
};

struct tls_seen *
tls_seen_new(void)
{
	return xcalloc(1, sizeof(struct tls_seen));
}

static uint32_t
tls_hash(struct bytes pid, struct bytes client)
{
	const uint32_t h = fnv(fnv(FNV_START, pid), client);

	return h == 0 ? 1 : h;
}

static void
tls_keep(struct tls_seen *seen, const struct log_line *l)
{
	struct log_fields f;
	uint32_t h;

	if (bytes_search(bytes_head(l->text, 48), BYTES_LITERAL(" TLS ")) == BYTES_NOT_FOUND)
		return;
	log_line_fields(l, &f);
	if (f.event != LOG_TLS)
		return;
	h = tls_hash(l->pid, f.client);
	seen->rows[h % TLS_SLOTS].hash = h;
	bytes_to_str(f.client, seen->rows[h % TLS_SLOTS].client, 128);
	bytes_to_str(f.tls, seen->rows[h % TLS_SLOTS].tls, 160);
}

static const char *
tls_of(const struct tls_seen *seen, struct bytes pid, struct bytes client)
{
	const uint32_t h = tls_hash(pid, client);

	if (seen->rows[h % TLS_SLOTS].hash != h ||
		!bytes_is(client, seen->rows[h % TLS_SLOTS].client))
		return "";
	return seen->rows[h % TLS_SLOTS].tls;
}

/* ---- events ---- */

static struct bytes
keep(struct trace *t, struct bytes b)
{
	return b.n == 0 ? BYTES_NONE : arena_bytes(&t->arena, b);
}

static struct story_event
make_event(struct trace *t, const struct log_line *l, const struct log_fields *f, uint64_t at)
{
	const bool whole = f->event == LOG_OTHER || f->event == LOG_REJECT ||
			   f->event == LOG_CHILD || l->queue_id.n == 0;

	return (struct story_event){ .time_s = at,
		.kind = f->event,
		.service = keep(t, l->service),
		.to = keep(t, f->to),
		.orig_to = keep(t, f->orig_to),
		.relay = keep(t, f->relay),
		.delay = keep(t, f->delay),
		.delays = keep(t, f->delays),
		.dsn = keep(t, f->dsn),
		.status = keep(t, f->status),
		.child = keep(t, f->child),
		.reply = keep(t, whole ? l->text : f->reply) };
}

static void
add_event(struct trace *t, struct story *s, const struct log_line *l, const struct log_fields *f,
	uint64_t at)
{
	if (s->n == STORY_EVENTS_MAX) {
		s->over++;
		return;
	}
	if ((s->n & (s->n - 1)) == 0) /* at 0, 1, 2, 4, ...: room for twice as many */
		s->events = xrealloc(s->events, (s->n == 0 ? 1 : 2 * s->n) * sizeof(*s->events));
	s->events[s->n++] = make_event(t, l, f, at);
}

static void
take_client(struct trace *t, struct story *s, const struct tls_seen *seen, const struct log_line *l,
	const struct log_fields *f, uint64_t at)
{
	s->accepted_s = at;
	s->service = keep(t, l->service);
	s->client = keep(t, f->client);
	s->method = keep(t, f->method);
	s->login = keep(t, f->login);
	s->session = keep(t, f->session);
	s->tls = keep(t, bytes_from_str(tls_of(seen, l->pid, f->client)));
}

static void
take_child(struct trace *t, struct story *s, const struct log_fields *f)
{
	struct story *child = trace_add(t, f->child);

	if (child != NULL)
		bytes_to_str(bytes_from_str(s->id), child->parent, STORY_ID_MAX);
}

/* Whose report is the one that is asked for? */
static void
take_parent(struct trace *t, const struct log_line *l)
{
	struct log_fields f;
	struct story *child;

	if (bytes_search(l->text, BYTES_LITERAL(" notification: ")) == BYTES_NOT_FOUND)
		return;
	log_line_fields(l, &f);
	if (f.event == LOG_CHILD && (child = trace_find(t, f.child)) != NULL)
		bytes_to_str(l->queue_id, child->parent, STORY_ID_MAX);
}

void
trace_take(struct trace *t, struct tls_seen *seen, const struct log_line *l, uint64_t mtime_s)
{
	struct story *s;
	struct log_fields f;
	uint64_t at;

	if (l->queue_id.n == 0) {
		tls_keep(seen, l);
		return;
	}
	if ((s = trace_find(t, l->queue_id)) == NULL) {
		take_parent(t, l);
		return;
	}
	at = trace_time(&l->time, mtime_s);
	if (at < t->since_s)
		return;
	if (s->first_s == 0)
		s->first_s = at;
	log_line_fields(l, &f);
	switch (f.event) {
	case LOG_CLIENT:
		take_client(t, s, seen, l, &f, at);
		break;
	case LOG_MESSAGE_ID:
		s->message_id = keep(t, f.message_id);
		break;
	case LOG_ACTIVE:
		s->known_from = true;
		s->from = keep(t, f.from);
		s->size = keep(t, f.size);
		s->nrcpt = keep(t, f.nrcpt);
		break;
	case LOG_REMOVED:
		s->removed_s = at;
		break;
	case LOG_CHILD:
		add_event(t, s, l, &f, at);
		take_child(t, s, &f);
		break;
	default:
		add_event(t, s, l, &f, at);
		break;
	}
}

void
trace_keep_refused(struct trace *t, const struct log_line *l, uint64_t mtime_s)
{
	const struct log_fields f = { .event = LOG_REJECT };

	if (t->n_refused == REFUSED_MAX) /* the last ones are of interest */
		memmove(t->refused, t->refused + 1, --t->n_refused * sizeof(*t->refused));
	t->refused[t->n_refused++] = make_event(t, l, &f, trace_time(&l->time, mtime_s));
}
