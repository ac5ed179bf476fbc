/* SPDX-License-Identifier: ISC */
/*
 * qmgr/filter.c - see the header.
 *
 * Runs in:  qmgr. Pure. Trusts: the request passed its decoder.
 */
#include "filter.h"

#include "fnv.h"
#include "queue_id.h"

#define WORDS_RCPTS_MAX 1000 /* recipients whose answers are looked at */

/* Never 0. Only to find the few messages that are meant without reading all: who finds a collision
 * has some read in vain. */
static uint32_t
hash(struct bytes b)
{
	const uint32_t h = fnv_nocase(FNV_START, b);

	return h == 0 ? 1 : h;
}

uint32_t
login_hash(struct bytes login)
{
	return login.n == 0 ? 0 : hash(login);
}

/* ---- what the index keeps ---- */

static void
add_words(struct trigrams *t, const struct queue_rcpt *r)
{
	trigrams_add(t, r->code);
	trigrams_add(t, r->text);
	trigrams_add(t, r->next_hop);
}

static bool
has_same_words(const struct queue_rcpt *r, const struct queue_rcpt *last)
{
	return last != NULL && bytes_equal(r->code, last->code) &&
	       bytes_equal(r->text, last->text) && bytes_equal(r->next_hop, last->next_hop);
}

void
key_facts(const struct queue_state *s, struct key_facts *out)
{
	const struct queue_rcpt *last = NULL;
	uint32_t n = 0;

	memset(out, 0, sizeof(*out));
	out->sender = hash(s->envelope.reverse_path);
	out->from_domain = address_domain(s->envelope.reverse_path);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue_rcpt *r = &s->rcpts[i];
		const struct bytes domain = address_domain(r->address);

		if (rcpt_is_done(r))
			continue;
		if (n < WORDS_RCPTS_MAX && !has_same_words(r, last))
			add_words(&out->words, r);
		last = r;
		if (n++ == 0) {
			out->to_domain = domain;
			out->rcpt = r->parent == RCPT_NO_PARENT ? hash(r->address) : 0;
			continue;
		}
		out->rcpt = 0;
		out->several |= !bytes_equal_nocase(out->to_domain, domain);
	}
	if (n > WORDS_RCPTS_MAX) /* what the others' answers say, the file knows */
		trigrams_fill(&out->words);
}

void
entry_set_keys(struct index *x, struct entry *e, const struct key_facts *f)
{
	const uint32_t from = e->from_domain, to = e->to_domain;

	e->sender = f->sender;
	e->rcpt = f->rcpt;
	e->words = f->words;
	e->from_domain = domains_take(&x->domains, f->from_domain);
	e->to_domain = f->several ? DOMAINS_SEVERAL : domains_take(&x->domains, f->to_domain);
	domains_release(&x->domains, from);
	domains_release(&x->domains, to);
}

/* ---- the filter ---- */

static struct bytes
copy(struct filter *f, struct bytes b)
{
	return arena_bytes(&f->arena, b);
}

void
filter_init(struct filter *f, const struct queue_filter *want)
{
	memset(f, 0, sizeof(*f));
	f->want = *want;
	f->want.sender = copy(f, want->sender);
	f->want.recipient = copy(f, want->recipient);
	f->want.domain = copy(f, want->domain);
	f->want.next_hop = copy(f, want->next_hop);
	f->want.reason = copy(f, want->reason);
	f->want.login = copy(f, want->login);
	if (f->want.sender.n > 1 && f->want.sender.p[0] == '@')
		f->sender_domain = bytes_skip(f->want.sender, 1);
	if (f->want.recipient.n > 1 && f->want.recipient.p[0] == '@')
		f->rcpt_domain = bytes_skip(f->want.recipient, 1);
	f->sender = bytes_is(f->want.sender, "<>") ? hash(BYTES_NONE) : hash(f->want.sender);
	f->rcpt = hash(f->want.recipient);
	f->login = login_hash(f->want.login);
	trigrams_add(&f->words, f->want.reason);
	trigrams_add(&f->words, f->want.next_hop);
	f->needs_rcpt = f->want.recipient.n > 0 || f->want.domain.n > 0 || f->want.next_hop.n > 0 ||
			f->want.reason.n > 0;
	f->needs_state = f->needs_rcpt || f->want.sender.n > 0 || f->want.login.n > 0;
}

void
filter_free(struct filter *f)
{
	arena_reset(&f->arena);
}

static uint32_t
number_of(const struct index *x, struct bytes domain)
{
	return domain.n == 0 ? DOMAINS_SEVERAL : domains_find(&x->domains, domain);
}

void
filter_turn(struct filter *f, const struct index *x)
{
	f->from_domain = number_of(x, f->sender_domain);
	f->to_domain = number_of(x, f->want.domain.n > 0 ? f->want.domain : f->rcpt_domain);
}

/* Of a message that is not in memory: could it be one, by its keys? */
static bool
keys_fit(const struct filter *f, const struct entry *e)
{
	if (f->login != 0 && e->login != f->login)
		return false;
	if (!trigrams_cover(&e->words, &f->words))
		return false;
	if (f->from_domain != DOMAINS_SEVERAL && e->from_domain != f->from_domain)
		return false;
	if (f->want.sender.n > 0 && f->sender_domain.n == 0 && e->sender != f->sender)
		return false;
	if (e->to_domain == DOMAINS_SEVERAL)
		return true;
	if (f->to_domain != DOMAINS_SEVERAL && e->to_domain != f->to_domain &&
		!(f->rcpt_domain.n > 0 && f->want.domain.n == 0 && e->rcpt == 0))
		return false; /* an alias' target may stand for somebody at that domain */
	return f->want.recipient.n == 0 || f->rcpt_domain.n > 0 || e->rcpt == 0 ||
	       e->rcpt == f->rcpt;
}

static bool
state_fits(const struct filter *f, enum queue_told_state told)
{
	return f->want.states == 0 || (f->want.states & 1u << told) != 0;
}

enum filter_verdict
filter_entry(const struct filter *f, const struct entry *e, enum queue_told_state told)
{
	const struct queue_filter *w = &f->want;
	const uint64_t at = queue_id_time_us(e->id);
	const bool unread = (e->flags & ENTRY_UNREAD) != 0;

	if (e->state == ENTRY_COMMITTING || at < w->from_us ||
		(w->until_us != 0 && at >= w->until_us))
		return FILTER_NO;
	if (unread)
		return f->needs_state || w->states != 0 || w->min_size > 0 || w->max_size > 0 ||
				       w->min_attempts > 0
			       ? FILTER_READ
			       : FILTER_YES;
	if (!state_fits(f, told) || e->size < w->min_size ||
		(w->max_size != 0 && e->size > w->max_size) || e->attempts < w->min_attempts)
		return FILTER_NO;
	if (!f->needs_state)
		return FILTER_YES;
	if (e->msg == NULL && !keys_fit(f, e))
		return FILTER_NO;
	return FILTER_READ;
}

static bool
sender_fits(const struct filter *f, struct bytes reverse_path)
{
	const struct bytes want = f->want.sender;

	if (want.n == 0)
		return true;
	if (bytes_is(want, "<>"))
		return reverse_path.n == 0;
	if (f->sender_domain.n > 0)
		return bytes_equal_nocase(address_domain(reverse_path), f->sender_domain);
	return bytes_equal_nocase(reverse_path, want);
}

static bool
address_fits(const struct filter *f, struct bytes address)
{
	if (f->rcpt_domain.n > 0)
		return bytes_equal_nocase(address_domain(address), f->rcpt_domain);
	return bytes_equal_nocase(address, f->want.recipient);
}

static bool
occurs(struct bytes words, struct bytes in)
{
	for (; in.n >= words.n; in = bytes_skip(in, 1)) {
		if (bytes_starts_with_nocase(in, words))
			return true;
		if (in.n == 0)
			return false;
	}
	return false;
}

static bool
rcpt_fits(const struct filter *f, const struct queue_state *s, uint32_t i, filter_hop_fn *hop,
	const void *ctx)
{
	const struct queue_filter *w = &f->want;
	const struct queue_rcpt *r = &s->rcpts[i];

	if (rcpt_is_done(r))
		return false;
	if (w->domain.n > 0 && !bytes_equal_nocase(address_domain(r->address), w->domain))
		return false;
	if (w->recipient.n > 0 && !address_fits(f, r->address) &&
		(r->parent == RCPT_NO_PARENT || !address_fits(f, s->rcpts[r->parent].address)))
		return false;
	if (w->next_hop.n > 0 && (hop == NULL || !bytes_equal_nocase(hop(ctx, i), w->next_hop)))
		return false;
	return w->reason.n == 0 || occurs(w->reason, r->text) || occurs(w->reason, r->code);
}

bool
filter_state(const struct filter *f, const struct queue_state *s, uint64_t size,
	enum queue_told_state told, filter_hop_fn *hop, const void *ctx)
{
	const struct queue_filter *w = &f->want;

	if (!state_fits(f, told) || size < w->min_size ||
		(w->max_size != 0 && size > w->max_size) ||
		queue_state_attempts(s) < w->min_attempts)
		return false;
	if (w->login.n > 0 && !bytes_equal_nocase(s->envelope.login, w->login))
		return false;
	if (!sender_fits(f, s->envelope.reverse_path))
		return false;
	if (!f->needs_rcpt)
		return true;
	for (uint32_t i = 0; i < s->n; i++)
		if (rcpt_fits(f, s, i, hop, ctx))
			return true;
	return false;
}
