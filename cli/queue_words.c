/* SPDX-License-Identifier: ISC */
/*
 * cli/queue_words.c - the words behind a verb of relais queue: filters, ids, switches.
 *
 * Runs in:  relais.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "queue.h"

struct unit {
	char letter;
	uint64_t factor;
};

static const struct unit times[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	{ 'w', 604800 }, { 0, 1 } };
static const struct unit sizes[] = { { 'k', 1u << 10 }, { 'm', 1u << 20 }, { 'g', 1u << 30 },
	{ 0, 1 } };

/* "90", "15m" */
static bool
parse_number(struct bytes text, const struct unit *units, uint64_t *out)
{
	uint64_t factor = 1;

	if (text.n > 1 && !ascii_is_digit(text.p[text.n - 1])) {
		while (units->letter != 0 && units->letter != (char)ascii_lower(text.p[text.n - 1]))
			units++;
		if (units->letter == 0)
			return false;
		factor = units->factor;
		text.n--;
	}
	if (bytes_to_u64(text, UINT64_C(1) << 40, out) < 0)
		return false;
	*out *= factor;
	return true;
}

bool
queue_parse_time(const char *text, uint64_t *seconds)
{
	return parse_number(bytes_from_str(text), times, seconds);
}

/* "A": at least; "-B": at most; "A-B". */
static bool
parse_range(const char *text, const struct unit *units, uint64_t *min, uint64_t *max)
{
	struct bytes rest = bytes_from_str(text), first = bytes_cut(&rest, '-');
	const bool range = strchr(text, '-') != NULL;

	*min = *max = 0;
	if (first.n > 0 && !parse_number(first, units, min))
		return false;
	if (rest.n > 0 && !parse_number(rest, units, max))
		return false;
	return (first.n > 0 || rest.n > 0) && (!range || rest.n > 0) && (*max == 0 || *max >= *min);
}

/* ---- the filter's ---- */

static uint64_t
ago_us(uint64_t now_us, uint64_t seconds)
{
	return seconds < now_us / 1000000 ? now_us - seconds * 1000000 : 1;
}

static bool
take_age(struct queue_words *w, const char *value)
{
	const uint64_t now = clock_wall_us();
	uint64_t min, max;

	if (!parse_range(value, times, &min, &max))
		return false;
	if (min > 0)
		w->filter.until_us = ago_us(now, min);
	if (max > 0)
		w->filter.from_us = ago_us(now, max);
	return true;
}

static bool
take_size(struct queue_words *w, const char *value)
{
	return parse_range(value, sizes, &w->filter.min_size, &w->filter.max_size);
}

static bool
take_attempts(struct queue_words *w, const char *value)
{
	uint64_t n;

	if (bytes_to_u64(bytes_from_str(value), UINT16_MAX, &n) < 0)
		return false;
	w->filter.min_attempts = (uint32_t)n;
	return true;
}

static bool
take_state(struct queue_words *w, const char *value)
{
	for (uint32_t s = QUEUE_STATE_ACTIVE; s <= QUEUE_STATE_HOLD; s++)
		if (strcmp(value, queue_state_name(s)) == 0 ||
			(s == QUEUE_STATE_HOLD && strcmp(value, "held") == 0)) {
			w->filter.states |= 1u << s;
			return true;
		}
	return false;
}

static bool
take_limit(struct queue_words *w, const char *value)
{
	return bytes_to_u64(bytes_from_str(value), UINT32_MAX, &w->limit) == ERR_OK;
}

static bool
take_interval(struct queue_words *w, const char *value)
{
	return parse_number(bytes_from_str(value), times, &w->interval_s) && w->interval_s > 0;
}

#define TEXT(name, member, max)                                                                    \
	{                                                                                          \
		name, WORD_FILTER, true, offsetof(struct queue_words, filter.member), max, NULL    \
	}
#define VALUE(name, word, take)                                                                    \
	{                                                                                          \
		name, word, true, 0, 0, take                                                       \
	}
#define SWITCH(name, word, member)                                                                 \
	{                                                                                          \
		name, word, false, offsetof(struct queue_words, member), 0, NULL                   \
	}

static const struct option {
	const char *name;
	unsigned word;
	bool has_value;
	size_t at, max;
	bool (*take)(struct queue_words *w, const char *value);
} options[] = {
	TEXT("--sender", sender, QUEUE_LOGIN_MAX),
	TEXT("--recipient", recipient, QUEUE_LOGIN_MAX),
	TEXT("--domain", domain, QUEUE_DOMAIN_MAX),
	TEXT("--next-hop", next_hop, QUEUE_HOP_MAX),
	TEXT("--reason", reason, QUEUE_WORDS_MAX),
	TEXT("--login", login, QUEUE_LOGIN_MAX),
	VALUE("--age", WORD_FILTER, take_age),
	VALUE("--size", WORD_FILTER, take_size),
	VALUE("--attempts", WORD_FILTER, take_attempts),
	VALUE("--state", WORD_FILTER, take_state),
	VALUE("--limit", WORD_LIMIT, take_limit),
	VALUE("--interval", WORD_INTERVAL, take_interval),
	SWITCH("--json", WORD_JSON, json),
	SWITCH("--yes", WORD_YES, yes),
	SWITCH("--all", WORD_YES, all),
	SWITCH("--content", WORD_CONTENT, content),
	SWITCH("--senders", WORD_SENDERS, senders),
	SWITCH("--once", WORD_INTERVAL, once),
};

static const struct option *
find_option(const char *name, unsigned known)
{
	for (size_t i = 0; i < NITEMS(options); i++)
		if ((options[i].word & known) != 0 && strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static bool
take_option(struct queue_words *w, const struct option *o, const char *value)
{
	uint8_t *at = (uint8_t *)w + o->at;

	if (!o->has_value) {
		*(bool *)(void *)at = true;
		return true;
	}
	w->filtered |= (o->word & WORD_FILTER) != 0;
	if (o->take != NULL)
		return o->take(w, value);
	*(struct bytes *)(void *)at = bytes_from_str(value);
	return *value != '\0' && strlen(value) <= o->max;
}

static bool
take_word(struct queue_words *w, unsigned known, const char *word)
{
	if ((known & WORD_IDS) != 0 &&
		queue_id_parse(bytes_from_str(word), &w->ids[w->n_ids]) == ERR_OK) {
		w->n_ids++;
		return true;
	}
	if ((known & WORD_SITE) != 0 && w->site == NULL && strchr(word, '.') != NULL) {
		w->site = word;
		w->filter.domain = bytes_from_str(word);
		w->filtered = true;
		return strlen(word) <= QUEUE_DOMAIN_MAX;
	}
	fprintf(stderr, "%s: %s\n", word,
		(known & WORD_IDS) != 0 ? "not a queue id" : "not understood");
	return false;
}

bool
queue_words(struct queue_words *w, unsigned known, int argc, char *argv[])
{
	memset(w, 0, sizeof(*w));
	w->ids = xcalloc((size_t)argc + 1, sizeof(*w->ids));
	for (int i = 1; i < argc; i++) {
		const struct option *o = find_option(argv[i], known);

		if (o == NULL && argv[i][0] == '-') {
			fprintf(stderr, "%s: no such option here\n", argv[i]);
			return false;
		}
		if (o == NULL) {
			if (!take_word(w, known, argv[i]))
				return false;
			continue;
		}
		if (o->has_value && i + 1 >= argc) {
			fprintf(stderr, "%s wants a value\n", argv[i]);
			return false;
		}
		if (!take_option(w, o, o->has_value ? argv[i + 1] : NULL)) {
			fprintf(stderr, "%s %s: not understood\n", argv[i], argv[i + 1]);
			return false;
		}
		i += o->has_value;
	}
	return true;
}
