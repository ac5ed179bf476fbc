/* SPDX-License-Identifier: ISC */
/* ledger/sending.c - limits of what a login may send, see the header. */
#include "sending.h"

#include <stdlib.h>

#include "err.h"
#include "random.h"

#define HOUR_S      3600u
#define SENT_SIZE   (8 + SENDING_HOURS * 12)
#define SKETCH_BITS 16384u

/* ---- the day ---- */

struct sent_sum
sent_sum(const struct sent *s)
{
	struct sent_sum sum = { 0, 0, 0 };

	for (size_t i = 0; i < SENDING_HOURS; i++) {
		sum.messages += s->hours[i].messages;
		sum.recipients += s->hours[i].recipients;
		sum.new_recipients += s->hours[i].new_recipients;
	}
	return sum;
}

void
sent_move(struct sent *s, uint64_t now_s)
{
	uint64_t hour = now_s / HOUR_S, by = hour - s->hour;

	if (hour <= s->hour) /* a clock that went back: the slots stay where they are */
		return;
	if (by >= SENDING_HOURS)
		memset(s->hours, 0, sizeof(s->hours));
	else {
		memmove(s->hours, s->hours + by, (SENDING_HOURS - by) * sizeof(s->hours[0]));
		memset(s->hours + SENDING_HOURS - by, 0, by * sizeof(s->hours[0]));
	}
	s->hour = hour;
}

void
sent_encode(const struct sent *s, struct buf *out)
{
	buf_put_u64(out, s->hour);
	for (size_t i = 0; i < SENDING_HOURS; i++) {
		buf_put_u32(out, s->hours[i].messages);
		buf_put_u32(out, s->hours[i].recipients);
		buf_put_u32(out, s->hours[i].new_recipients);
	}
}

int
sent_decode(struct bytes in, struct sent *s)
{
	struct ipc_reader r = ipc_reader(in);

	s->hour = ipc_get_u64(&r);
	for (size_t i = 0; i < SENDING_HOURS; i++) {
		s->hours[i].messages = ipc_get_u32(&r);
		s->hours[i].recipients = ipc_get_u32(&r);
		s->hours[i].new_recipients = ipc_get_u32(&r);
	}
	return ipc_finish(&r) < 0 ? ERR_CORRUPT : ERR_OK;
}

/* ---- the ring ---- */

static bool
among(struct bytes ring, uint32_t hash)
{
	for (size_t i = 4; i + 4 <= ring.n; i += 4)
		if (get_u32(ring.p + i) == hash)
			return true;
	return false;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

size_t
sending_new(const struct siphash_key *key, struct bytes ring, struct bytes hashes, uint32_t *fresh)
{
	size_t n = hashes.n / 8, kept = 0;

	for (size_t i = 0; i < n; i++)
		fresh[i] = (uint32_t)siphash(key, bytes_make(hashes.p + i * 8, 8));
	if (n > 1)
		qsort(fresh, n, sizeof(*fresh), by_number);
	for (size_t i = 0; i < n; i++)
		if ((i == 0 || fresh[i] != fresh[i - 1]) && !among(ring, fresh[i]))
			fresh[kept++] = fresh[i];
	return kept;
}

void
sending_remember(struct buf *ring, const uint32_t *fresh, size_t n, uint64_t remembered)
{
	size_t max = (size_t)remembered, place, have;

	if (ring->len < 4 || ring->len % 4 != 0) {
		buf_clear(ring);
		buf_put_u32(ring, 0);
	}
	have = ring->len / 4 - 1;
	place = get_u32(ring->data);
	if (have > max) { /* the limit was lowered: begin anew with the first of them */
		ring->len = 4 + max * 4;
		have = max;
	}
	for (size_t i = n > max ? n - max : 0; i < n; i++) {
		if (have < max) {
			buf_put_u32(ring, fresh[i]);
			place = ++have;
		} else {
			if (place >= max)
				place = 0;
			set_u32(ring->data + 4 + place * 4, fresh[i]);
			place++;
		}
	}
	set_u32(ring->data, (uint32_t)place);
}

/* ---- the limits ---- */

/* Seconds until `more` fits under the limit, as the hours leave one by one. */
static uint32_t
retry_after(const struct sent *s, uint64_t sum, size_t offset, uint64_t limit, uint64_t more,
	uint64_t now_s)
{
	size_t i = 0;

	while (i < SENDING_HOURS && sum > 0 && (more > limit || sum > limit - more)) {
		const uint8_t *at = (const uint8_t *)&s->hours[i] + offset;
		uint32_t leaves;

		memcpy(&leaves, at, sizeof(leaves));
		sum -= leaves;
		i++;
	}
	/* slot 0 leaves at the end of the current hour */
	return (uint32_t)((s->hour + (i == 0 ? 1 : i)) * HOUR_S - now_s);
}

void
sending_ask(const struct sending_policy *p, struct sent *s, uint64_t recipients, uint64_t fresh,
	uint64_t now_s, struct ledger_send_answer *out)
{
	struct sent_hour *hour = &s->hours[SENDING_HOURS - 1];
	struct sent_sum sum;

	sent_move(s, now_s);
	sum = sent_sum(s);
	const struct {
		enum ledger_send_verdict verdict;
		uint64_t limit, sum, more;
		size_t offset;
	} rows[] = {
		{ LEDGER_SEND_MESSAGES, p->messages, sum.messages, 1,
			offsetof(struct sent_hour, messages) },
		{ LEDGER_SEND_RECIPIENTS, p->recipients, sum.recipients, recipients,
			offsetof(struct sent_hour, recipients) },
		{ LEDGER_SEND_NEW_RECIPIENTS, p->new_recipients, sum.new_recipients, fresh,
			offsetof(struct sent_hour, new_recipients) },
	};

	*out = (struct ledger_send_answer){ .verdict = LEDGER_SEND_OK };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		if (rows[i].limit == 0 || rows[i].more == 0 ||
			(rows[i].sum <= rows[i].limit &&
				rows[i].more <= rows[i].limit - rows[i].sum))
			continue;
		*out = (struct ledger_send_answer){ rows[i].verdict, rows[i].limit,
			retry_after(s, rows[i].sum, rows[i].offset, rows[i].limit, rows[i].more,
				now_s) };
		return;
	}
	if (recipients == 0)
		return;
	hour->messages++;
	hour->recipients += (uint32_t)recipients;
	hour->new_recipients += (uint32_t)fresh;
}

bool
sending_is_incident(const struct sending_policy *p, const struct sent *s, uint64_t refused)
{
	if (p->incident_factor == 0 || p->new_recipients == 0)
		return false;
	return s->hours[SENDING_HOURS - 1].new_recipients + refused >=
	       p->incident_factor * p->new_recipients;
}

/* ---- pressure: distinct recipients refused, counted by the bits they set ---- */

struct pressed {
	uint64_t login; /* keyed hash; 0: empty */
	uint64_t hour, count;
	uint8_t bits[SKETCH_BITS / 8];
};

struct pressure {
	struct siphash_key key;
	struct pressed *logins[SENDING_PRESSED];
};

struct pressure *
pressure_new(void)
{
	struct pressure *p = xcalloc(1, sizeof(*p));

	random_fill(&p->key, sizeof(p->key));
	return p;
}

void
pressure_free(struct pressure **pp)
{
	struct pressure *p = *pp;

	*pp = NULL;
	for (size_t i = 0; p != NULL && i < SENDING_PRESSED; i++)
		free(p->logins[i]);
	free(p);
}

static struct pressed *
pressed_of(struct pressure *p, uint64_t login)
{
	struct pressed **oldest = &p->logins[0];

	for (size_t i = 0; i < SENDING_PRESSED; i++) {
		struct pressed *at = p->logins[i];

		if (at != NULL && at->login == login)
			return at;
		if (*oldest != NULL && (at == NULL || at->hour < (*oldest)->hour))
			oldest = &p->logins[i];
	}
	if (*oldest == NULL)
		*oldest = xmalloc(sizeof(**oldest));
	memset(*oldest, 0, sizeof(**oldest));
	(*oldest)->login = login;
	return *oldest;
}

struct pressure_news
pressure_add(
	struct pressure *p, struct bytes login, const uint32_t *fresh, size_t n, uint64_t now_s)
{
	uint64_t hour = now_s / HOUR_S;
	struct pressed *at = pressed_of(p, siphash(&p->key, login) | 1);
	struct pressure_news news = { .first = at->hour != hour };

	if (news.first) {
		at->hour = hour;
		at->count = 0;
		memset(at->bits, 0, sizeof(at->bits));
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t bit = (uint32_t)(fresh[i] * 2654435769u) / (UINT32_MAX / SKETCH_BITS + 1);
		uint8_t mask = (uint8_t)(1u << bit % 8);

		at->count += (at->bits[bit / 8] & mask) == 0;
		at->bits[bit / 8] |= mask;
	}
	news.refused = at->count;
	return news;
}

void
pressure_forget(struct pressure *p, struct bytes login)
{
	uint64_t hash = siphash(&p->key, login) | 1;

	for (size_t i = 0; i < SENDING_PRESSED; i++)
		if (p->logins[i] != NULL && p->logins[i]->login == hash) {
			free(p->logins[i]);
			p->logins[i] = NULL;
		}
}
