/* SPDX-License-Identifier: ISC */
/* cli/dmarc_sum.c - sums of received reports, see the header. */
#include "dmarc_sum.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "auth_results.h"
#include "random.h"
#include "rfc5321.h"
#include "rfc5322.h"
#include "siphash.h"

#define SLOTS      (1u << 18) /* at least twice what a table holds */
#define REPORT_MAX (SLOTS / 2)

/* What one source sent. */
struct source {
	const char *address;
	uint64_t messages, passed, dkim, spf, quarantined, rejected;
	const char *dkim_domain, *spf_domain; /* that passed last; "": none */
};

struct dmarc_sum {
	struct arena arena;
	struct bytes domain, authserv_id;
	uint64_t since_s;
	struct siphash_key key; /* reports are strangers' */
	struct source *slots[SLOTS];
	size_t n;
	struct source all, others;
	uint64_t seen[SLOTS]; /* of reports: a hash, 0: none */
	uint64_t reports, repeated, unreadable;
	uint64_t unproven; /* of the reports: whose message did not pass DMARC here */
	uint64_t first_s, last_s;
};

struct dmarc_sum *
dmarc_sum_new(struct bytes domain, uint64_t since_s, const char *authserv_id)
{
	struct dmarc_sum *s = xcalloc(1, sizeof(*s));

	s->arena = ARENA_INIT;
	s->domain = arena_bytes(&s->arena, domain);
	s->since_s = since_s;
	s->authserv_id = arena_bytes(&s->arena, bytes_from_str(authserv_id));
	s->all = (struct source){ .address = "all", .dkim_domain = "", .spf_domain = "" };
	s->others = (struct source){ .address = "others", .dkim_domain = "", .spf_domain = "" };
	random_fill(&s->key, sizeof(s->key));
	return s;
}

void
dmarc_sum_free(struct dmarc_sum **sp)
{
	if (*sp == NULL)
		return;
	arena_reset(&(*sp)->arena);
	free(*sp);
	*sp = NULL;
}

/* ---- adding ---- */

static struct source *
source_of(struct dmarc_sum *s, const char *address)
{
	size_t at = siphash(&s->key, bytes_from_str(address)) % SLOTS;

	for (; s->slots[at] != NULL; at = (at + 1) % SLOTS)
		if (strcmp(s->slots[at]->address, address) == 0)
			return s->slots[at];
	if (s->n == DMARC_SUM_SOURCES)
		return &s->others;
	s->n++;
	s->slots[at] = arena_zalloc(&s->arena, sizeof(struct source));
	*s->slots[at] = (struct source){ .address = arena_str(&s->arena, bytes_from_str(address)),
		.dkim_domain = "",
		.spf_domain = "" };
	return s->slots[at];
}

/* The numbers of a report may be of any size. */
static void
add(uint64_t *to, uint64_t n)
{
	*to = *to > INT64_MAX - n ? INT64_MAX : *to + n;
}

static void
keep_word(struct arena *a, const char **to, const char *word)
{
	if (strcmp(*to, word) != 0)
		*to = arena_str(a, bytes_from_str(word));
}

static bool
is_pass(const char *word)
{
	return bytes_is(bytes_from_str(word), "pass");
}

static void
add_record(struct dmarc_sum *s, struct source *to, const struct dmarc_read_record *r)
{
	const bool dkim = is_pass(r->dkim), spf = is_pass(r->spf);

	add(&to->messages, r->count);
	add(&to->passed, dkim || spf ? r->count : 0);
	add(&to->dkim, dkim ? r->count : 0);
	add(&to->spf, spf ? r->count : 0);
	add(&to->quarantined, strcmp(r->disposition, "quarantine") == 0 ? r->count : 0);
	add(&to->rejected, strcmp(r->disposition, "reject") == 0 ? r->count : 0);
	if (to == &s->all || to == &s->others)
		return;
	if (is_pass(r->dkim_result))
		keep_word(&s->arena, &to->dkim_domain, r->dkim_domain);
	if (is_pass(r->spf_result))
		keep_word(&s->arena, &to->spf_domain, r->spf_domain);
}

/* The first record of a document: is it of our domain and time, and new? What another sent, or who
 * is not proven, is another report: a forged one does not stand in for the right one. */
static bool
begin_report(struct dmarc_sum *s, const struct dmarc_read_report *r, struct bytes sender)
{
	struct buf name = BUF_INIT;
	uint64_t hash;
	size_t at;

	if (!rfc5321_is_within(bytes_from_str(r->domain), s->domain) || r->end_s < s->since_s)
		return false;
	buf_printf(&name, "%s\n%s\n%s\n", r->org_name, r->report_id, r->domain);
	buf_put_bytes(&name, sender);
	hash = siphash(&s->key, buf_bytes(&name)) | 1;
	buf_free(&name);
	for (at = hash % SLOTS; s->seen[at] != 0; at = (at + 1) % SLOTS) {
		if (s->seen[at] == hash) {
			s->repeated++;
			return false;
		}
	}
	if (s->reports >= REPORT_MAX)
		return false;
	s->seen[at] = hash;
	s->reports++;
	if (s->first_s == 0 || r->begin_s < s->first_s)
		s->first_s = r->begin_s;
	if (r->end_s > s->last_s)
		s->last_s = r->end_s;
	return true;
}

struct document {
	struct dmarc_sum *sum;
	struct bytes sender; /* whose message passed DMARC here; empty: it did not */
	char id[DMARC_READ_TEXT];
	bool begun;
};

static bool
on_record(void *arg, const struct dmarc_read_report *report, const struct dmarc_read_record *r)
{
	struct document *d = arg;

	/* a message may hold several documents */
	if (!d->begun || strcmp(d->id, report->report_id) != 0) {
		d->begun = true;
		memcpy(d->id, report->report_id, sizeof(d->id));
		if (!begin_report(d->sum, report, d->sender)) {
			d->begun = false;
			return false;
		}
		d->sum->unproven += d->sender.n == 0;
	}
	add_record(d->sum, source_of(d->sum, r->source), r);
	add_record(d->sum, &d->sum->all, r);
	return true;
}

/* The author domain, if it passed; lives in the arena. */
static struct bytes
says_pass(struct arena *a, struct bytes results)
{
	struct auth_method m;

	while (auth_results_next(&results, a, &m) > 0) {
		if (!bytes_is(m.method, "dmarc"))
			continue;
		for (size_t i = 0; bytes_is(m.result, "pass") && i < m.nproperties; i++)
			if (bytes_is_nocase(m.properties[i].name, "header.from"))
				return m.properties[i].value;
		break;
	}
	return BYTES_NONE;
}

/* What our door wrote when the message came: the first field of our name, for forged ones are taken
 * out there. */
static struct bytes
proven_sender(const struct dmarc_sum *s, struct arena *a, struct bytes message)
{
	struct buf id = BUF_INIT;
	struct rfc5322_field f;
	struct bytes sender = BYTES_NONE;

	while (rfc5322_field_next(&message, &f)) {
		int n = bytes_is_nocase(f.name, "Authentication-Results")
				? auth_results_id(f.value, &id)
				: 0;

		if (n <= 0 || !bytes_equal_nocase(buf_bytes(&id), s->authserv_id))
			continue;
		sender = says_pass(a, bytes_skip(f.value, (size_t)n));
		break;
	}
	buf_free(&id);
	return sender;
}

void
dmarc_sum_message(struct dmarc_sum *s, struct bytes message)
{
	struct arena a = ARENA_INIT;
	struct document d = { .sum = s, .sender = proven_sender(s, &a, message) };
	int r = dmarc_read_message(message, on_record, &d);

	arena_reset(&a);
	s->unreadable += r < 0 && r != ERR_NOT_FOUND;
}

/* ---- printing ---- */

static int
most_first(const void *a, const void *b)
{
	const struct source *const *x = a, *const *y = b;

	if ((*x)->messages != (*y)->messages)
		return (*x)->messages < (*y)->messages ? 1 : -1;
	return strcmp((*x)->address, (*y)->address);
}

/* All sources, those with most messages first; to be freed. */
static const struct source **
sorted(const struct dmarc_sum *s)
{
	const struct source **list = xcalloc(s->n + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < SLOTS; i++)
		if (s->slots[i] != NULL)
			list[n++] = s->slots[i];
	qsort(list, n, sizeof(*list), most_first);
	if (s->others.messages > 0)
		list[n] = &s->others;
	return list;
}

static size_t
count_of(const struct dmarc_sum *s)
{
	return s->n + (s->others.messages > 0);
}

#define U(v) (unsigned long long)(v)

void
dmarc_sum_print(const struct dmarc_sum *s, FILE *out)
{
	const struct source **list = sorted(s), *a = &s->all;

	fprintf(out, "%.*s: %llu reports (%llu repeated ones and %llu unreadable ones left out)\n",
		(int)s->domain.n, (const char *)s->domain.p, U(s->reports), U(s->repeated),
		U(s->unreadable));
	if (s->unproven > 0)
		fprintf(out, "%llu of them came in messages that did not pass DMARC here\n",
			U(s->unproven));
	fprintf(out,
		"%llu messages, %llu pass (DKIM %llu, SPF %llu), %llu quarantined, %llu rejected\n",
		U(a->messages), U(a->passed), U(a->dkim), U(a->spf), U(a->quarantined),
		U(a->rejected));
	if (s->n > 0)
		fprintf(out, "%-39s %9s %9s %9s %9s %9s %9s  %s\n", "SOURCE", "MESSAGES", "PASS",
			"DKIM", "SPF", "JUNK", "REJECTED", "PASSED FOR (DKIM, SPF)");
	for (size_t i = 0; i < count_of(s); i++)
		fprintf(out, "%-39s %9llu %9llu %9llu %9llu %9llu %9llu  %s%s%s\n",
			list[i]->address, U(list[i]->messages), U(list[i]->passed),
			U(list[i]->dkim), U(list[i]->spf), U(list[i]->quarantined),
			U(list[i]->rejected),
			list[i]->dkim_domain[0] == 0 ? "-" : list[i]->dkim_domain, ", ",
			list[i]->spf_domain[0] == 0 ? "-" : list[i]->spf_domain);
	free(list);
}

static json_t *
source_json(const struct source *x)
{
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:s}", "source", x->address, "messages",
		(json_int_t)x->messages, "pass", (json_int_t)x->passed, "dkim", (json_int_t)x->dkim,
		"spf", (json_int_t)x->spf, "quarantine", (json_int_t)x->quarantined, "reject",
		(json_int_t)x->rejected, "dkim_domain", x->dkim_domain, "spf_domain",
		x->spf_domain);
}

void
dmarc_sum_print_json(const struct dmarc_sum *s, FILE *out)
{
	const struct source **list = sorted(s);
	json_t *sources = json_array(), *all;

	for (size_t i = 0; i < count_of(s); i++)
		json_array_append_new(sources, source_json(list[i]));
	all = json_pack("{s:s%,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "domain", s->domain.p,
		s->domain.n, "reports", (json_int_t)s->reports, "repeated", (json_int_t)s->repeated,
		"unreadable", (json_int_t)s->unreadable, "unproven", (json_int_t)s->unproven,
		"begin_s", (json_int_t)s->first_s, "end_s", (json_int_t)s->last_s, "all",
		source_json(&s->all), "sources", sources);
	json_dumpf(all, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(all);
	free(list);
}
