/* SPDX-License-Identifier: ISC */
/* cli/usage_check.c - words of a command line, checked against the forms of a usage text, and what
 * is wrong with them said: see usage.h. */
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "usage.h"

#define VERBS_MAX 3
#define NAMES_MAX 8
#define MUST_MAX  4
#define NO_END    1000

/* ---- what a form wants ---- */

struct shape {
	struct bytes verbs[VERBS_MAX]; /* "add|del" */
	bool may_miss[VERBS_MAX];      /* "[list]" */
	size_t nverbs;
	struct bytes names[NAMES_MAX]; /* of those that must be there */
	size_t min, max;               /* words that are no options */
	struct bytes must[MUST_MAX];   /* options that must be there */
	size_t nmust;
	struct bytes form;
};

static void
take_name(const struct command *c, struct shape *s, struct bytes word, bool must)
{
	struct bytes rest = word;
	size_t alternatives = 0, options = 0;

	while (rest.n > 0) {
		alternatives++;
		options += usage_is_options(c, bytes_cut(&rest, '|'));
	}
	if (options == alternatives)
		return;
	s->max++;
	if (must && options == 0 && s->min < NAMES_MAX)
		s->names[s->min++] = word;
}

static void
shape_of(const struct command *c, struct bytes form, struct shape *s)
{
	struct usage_token t = { 0 }, before = { 0 };
	unsigned depth = 0;

	*s = (struct shape){ .form = form };
	(void)usage_next_token(&form, &t); /* "relais" */
	for (bool in_verbs = true; usage_next_token(&form, &t); before = t) {
		if (t.kind == USAGE_LITERAL && in_verbs && s->nverbs < VERBS_MAX) {
			s->may_miss[s->nverbs] = depth > 0;
			s->verbs[s->nverbs++] = t.text;
			continue;
		}
		in_verbs &= t.kind == USAGE_OPEN || t.kind == USAGE_CLOSE;
		if (t.kind == USAGE_OPEN)
			depth++;
		else if (t.kind == USAGE_CLOSE)
			depth--;
		else if (t.kind == USAGE_MORE && !before.is_value)
			s->max = NO_END;
		else if (t.kind == USAGE_OPTION && depth == 0 && before.kind != USAGE_OR &&
			 s->nmust < MUST_MAX)
			s->must[s->nmust++] = t.text;
		else if (t.kind == USAGE_OR && depth == 0 && before.kind == USAGE_OPTION)
			s->nmust -= s->nmust > 0;
		else if (t.kind == USAGE_OR && depth == 0 && !before.is_value &&
			 (before.kind == USAGE_NAME || before.kind == USAGE_MORE))
			s->min -= s->min > 0;
		else if ((t.kind == USAGE_NAME || t.kind == USAGE_LITERAL) && !t.is_value)
			take_name(c, s, t.text, depth == 0 && before.kind != USAGE_OR);
	}
}

/* ---- the check ---- */

struct check {
	const struct command *c;
	int argc;
	char **argv;
	char why[300];
	bool too_many;     /* words: that is *why */
	int best;          /* how many words the form of *why has taken as verbs */
	struct bytes form; /* that form; empty: none */
};

/* How many of the words are the form's verbs; -1: it is another form. */
static int
match_verbs(const struct shape *s, int argc, char *argv[])
{
	int n = 0;

	for (size_t i = 0; i < s->nverbs; i++) {
		if (n < argc && usage_is_one_of(s->verbs[i], argv[n]))
			n++;
		else if (!s->may_miss[i])
			return -1;
	}
	return n;
}

static void
consider_options(struct nearest *near, struct bytes text)
{
	struct usage_token t = { 0 };

	while (usage_next_token(&text, &t)) {
		if (t.kind != USAGE_OPTION)
			continue;
		t.text.n -= strchr(",.:;)", t.text.p[t.text.n - 1]) != NULL;
		nearest_consider(near, t.text);
	}
}

static bool
wrong_option(struct check *k, const struct shape *s, const char *word)
{
	struct nearest near = nearest_to(bytes_from_str(word));
	struct bytes text;
	char found[64];

	for (size_t i = 0; (text = usage_options_text(k->c, s->form, i)).n > 0; i++)
		consider_options(&near, text);
	if (near.found.n > 0)
		snprintf(k->why, sizeof(k->why), "there is no option %s here (did you mean %s?)",
			word, bytes_to_str(near.found, found, sizeof(found)));
	else
		snprintf(k->why, sizeof(k->why), "there is no option %s here", word);
	return false;
}

/* An option and its value, at argv[i]: how many words; 0: wrong. */
static int
check_option(struct check *k, const struct shape *s, int i)
{
	struct bytes name = bytes_from_str(k->argv[i]), value;
	char text[64];

	if (!usage_form_option(k->c, s->form, name, &value))
		return wrong_option(k, s, k->argv[i]);
	if (value.n == 0 || i + 1 < k->argc)
		return value.n == 0 ? 1 : 2;
	snprintf(k->why, sizeof(k->why), "%s wants %s", k->argv[i],
		bytes_to_str(value, text, sizeof(text)));
	return 0;
}

static bool
is_among(const struct check *k, int from, struct bytes option)
{
	for (int i = from; i < k->argc; i++)
		if (bytes_is(option, k->argv[i]))
			return true;
	return false;
}

static bool
is_missing(struct check *k, struct bytes what)
{
	char name[64];

	snprintf(k->why, sizeof(k->why), "%s is missing", bytes_to_str(what, name, sizeof(name)));
	return false;
}

/* What is behind the verbs. */
static bool
check_rest(struct check *k, const struct shape *s, int from)
{
	size_t words = 0;
	int taken = 1;

	for (int i = from; i < k->argc; i += taken) {
		taken = 1;
		if (k->argv[i][0] == '-' && k->argv[i][1] != 0) {
			taken = check_option(k, s, i);
			if (taken == 0)
				return false;
		} else if (++words > s->max) {
			snprintf(k->why, sizeof(k->why), "\"%s\" is one word too many", k->argv[i]);
			k->too_many = true;
			return false;
		}
	}
	for (size_t i = 0; i < s->nmust; i++)
		if (!is_among(k, from, s->must[i]))
			return is_missing(k, s->must[i]);
	return words >= s->min || is_missing(k, s->names[words]);
}

static bool
is_listed(const char *all, struct bytes verb)
{
	struct bytes rest = bytes_from_str(all);

	while (rest.n > 0)
		if (bytes_equal(bytes_trim(bytes_cut(&rest, ',')), verb))
			return true;
	return false;
}

static void
consider_verbs(struct nearest *near, const struct shape *s, char *all, size_t size)
{
	for (struct bytes verbs = s->verbs[s->nverbs - 1]; s->nverbs > 1 && verbs.n > 0;) {
		struct bytes verb = bytes_cut(&verbs, '|');
		size_t at = strlen(all);

		nearest_consider(near, verb);
		if (is_listed(all, verb))
			continue;
		snprintf(all + at, size - at, "%s%.*s", at > 0 ? ", " : "", (int)verb.n,
			(const char *)verb.p);
	}
}

static int
words_of_name(const struct command *c)
{
	return strchr(c->name, ' ') != NULL ? 2 : 1;
}

/* No form begins with these words. */
static void
wrong_verb(struct check *k)
{
	struct bytes rest = bytes_from_str(k->c->usage), form;
	const int at = words_of_name(k->c);
	const char *word = at < k->argc ? k->argv[at] : "";
	struct nearest near = nearest_to(bytes_from_str(word));
	char all[200] = "", found[64];
	struct shape s;

	while (usage_next_form(&rest, &form)) {
		shape_of(k->c, form, &s);
		consider_verbs(&near, &s, all, sizeof(all));
	}
	if (word[0] == 0 || word[0] == '-')
		snprintf(k->why, sizeof(k->why), "a word is missing: %s", all);
	else if (near.found.n > 0)
		snprintf(k->why, sizeof(k->why), "there is no \"%s\" (did you mean \"%s\"?)", word,
			bytes_to_str(near.found, found, sizeof(found)));
	else
		snprintf(k->why, sizeof(k->why), "there is no \"%s\": %s", word, all);
	k->form = BYTES_NONE;
}

/* Is the word there a verb of some form? Then it is nothing else. */
static bool
is_verb(const struct check *k, int at)
{
	struct bytes rest = bytes_from_str(k->c->usage), form;
	struct shape s;

	while (at < k->argc && usage_next_form(&rest, &form)) {
		shape_of(k->c, form, &s);
		if (s.nverbs > (size_t)at && usage_is_one_of(s.verbs[at], k->argv[at]))
			return true;
	}
	return false;
}

static bool
check_words(struct check *k)
{
	struct bytes rest = bytes_from_str(k->c->usage), form;
	const int at = words_of_name(k->c);
	const bool said = is_verb(k, at);
	bool has_verbs = false, many;
	char why[sizeof(k->why)];
	struct shape s;

	k->best = -1;
	while (usage_next_form(&rest, &form)) {
		int n;

		shape_of(k->c, form, &s);
		has_verbs |= s.nverbs > (size_t)at;
		n = match_verbs(&s, k->argc, k->argv);
		if (said && n <= at)
			continue;
		many = k->too_many;
		k->too_many = false;
		if (n >= 0 && check_rest(k, &s, n))
			return true;
		if (n < 0 || n < k->best || (n == k->best && (k->too_many || !many))) {
			k->too_many = many;
		} else {
			k->best = n;
			k->form = form;
			memcpy(why, k->why, sizeof(why));
		}
	}
	if (k->best > 0)
		memcpy(k->why, why, sizeof(why));
	/* a default's word too many is rather a verb that there is not */
	if (k->best < 0 || (k->best == at && has_verbs && k->too_many))
		wrong_verb(k);
	return false;
}

static void
print_form(const char *before, struct bytes form)
{
	fputs(before, stderr);
	for (size_t i = 0; i < form.n; i++)
		putc(form.p[i], stderr);
	putc('\n', stderr);
}

static void
print_wrong(const struct check *k)
{
	struct bytes rest = bytes_from_str(k->c->usage), form;

	fprintf(stderr, "relais %s: %s\n", k->c->name, k->why);
	if (k->form.n > 0)
		print_form("Usage: ", k->form);
	else
		for (const char *before = "Usage: "; usage_next_form(&rest, &form);
			before = "       ")
			print_form(before, form);
	fprintf(stderr, "\"relais help %s\" tells more\n", k->c->name);
}

char **
usage_check(const struct command *c, int argc, char *argv[], int *count)
{
	struct check k = { .c = c };

	k.argv = xcalloc(2 * (size_t)argc + 1, sizeof(*k.argv));
	for (int i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');

		if (i > 0 && strncmp(argv[i], "--", 2) == 0 && equals != NULL) {
			k.argv[k.argc] = xstrdup(argv[i]);
			k.argv[k.argc++][equals - argv[i]] = 0;
			k.argv[k.argc++] = xstrdup(equals + 1);
		} else {
			k.argv[k.argc++] = xstrdup(argv[i]);
		}
	}
	*count = k.argc;
	if ((c->flags & COMMAND_OWN_WORDS) != 0 || check_words(&k))
		return k.argv;
	print_wrong(&k);
	usage_words_free(k.argv);
	return NULL;
}

void
usage_words_free(char **words)
{
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}
