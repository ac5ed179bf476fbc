/* SPDX-License-Identifier: ISC */
/* cli/usage.c - usage texts, read, and command lines, checked against them: see the header. */
#include "usage.h"

#include <stdlib.h>
#include <string.h>

#include "nearest.h"

#define VERBS_MAX 3
#define NAMES_MAX 8
#define MUST_MAX  4
#define NO_END    1000

/* ---- reading ---- */

static bool
goes_on(struct bytes next_line)
{
	size_t blanks = 0;

	while (blanks < next_line.n && next_line.p[blanks] == ' ')
		blanks++;
	return blanks > strlen("Usage: ") && blanks < next_line.n && next_line.p[blanks] == '[';
}

static struct bytes
skip_blanks(struct bytes b)
{
	while (b.n > 0 && b.p[0] == ' ')
		b = bytes_skip(b, 1);
	return b;
}

static size_t
form_size(struct bytes b)
{
	for (size_t n = 0; n < b.n; n++) {
		if (b.p[n] == '\n' && !goes_on(bytes_skip(b, n + 1)))
			return n;
		if (b.p[n] == '\n')
			n += bytes_skip(b, n + 1).n - skip_blanks(bytes_skip(b, n + 1)).n;
		else if (b.p[n] == ' ' && n + 1 < b.n && b.p[n + 1] == ' ')
			return n;
	}
	return b.n;
}

bool
usage_next_form(struct bytes *rest, struct bytes *form)
{
	while (rest->n > 0 && rest->p[0] != '\n') {
		struct bytes line = skip_blanks(*rest);

		if (bytes_starts_with(line, BYTES_LITERAL("relais "))) {
			*form = bytes_head(line, form_size(line));
			*rest = bytes_skip(line, form->n);
			(void)bytes_cut(rest, '\n');
			return true;
		}
		(void)bytes_cut(rest, '\n');
	}
	return false;
}

static bool
is_word(uint8_t c)
{
	return c > ' ' && c != '[' && c != ']';
}

bool
usage_next_token(struct bytes *form, struct usage_token *t)
{
	const uint8_t *before = form->p;
	size_t n = 0, blanks;

	*form = bytes_trim(*form);
	blanks = (size_t)(form->p - before);
	if (form->n > 0 && form->p[0] == '(') /* prose */
		*form = bytes_skip(*form, 1);
	if (form->n == 0)
		return false;
	if (form->p[0] == '[' || form->p[0] == ']') {
		*t = (struct usage_token){ form->p[0] == '[' ? USAGE_OPEN : USAGE_CLOSE,
			bytes_head(*form, 1), false };
		*form = bytes_skip(*form, 1);
		return true;
	}
	while (n < form->n && is_word(form->p[n]) &&
		!bytes_starts_with(bytes_skip(*form, n), BYTES_LITERAL("...")))
		n++;
	if (n == 0)
		n = 3;
	/* what an option's value is, follows from the token before; t has it still */
	t->is_value = t->kind == USAGE_OPTION && blanks == 1;
	t->text = bytes_head(*form, n);
	if (bytes_starts_with(t->text, BYTES_LITERAL("--")))
		t->kind = USAGE_OPTION;
	else if (bytes_is(t->text, "|"))
		t->kind = USAGE_OR;
	else if (bytes_is(t->text, "..."))
		t->kind = USAGE_MORE;
	else
		t->kind = t->text.p[0] >= 'a' && t->text.p[0] <= 'z' ? USAGE_LITERAL : USAGE_NAME;
	if (t->kind != USAGE_LITERAL && t->kind != USAGE_NAME)
		t->is_value = false;
	*form = bytes_skip(*form, n);
	return true;
}

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

/* The paragraph "NAME: ..." of the text; empty: there is none. */
static struct bytes
paragraph(struct bytes text, struct bytes name)
{
	while (text.n > 0) {
		struct bytes line = skip_blanks(text), rest = line;

		if (bytes_starts_with(line, name) &&
			bytes_starts_with(bytes_skip(line, name.n), BYTES_LITERAL(": "))) {
			size_t n = 0;

			while (n < line.n &&
				!(line.p[n] == '\n' && n + 1 < line.n && line.p[n + 1] == '\n'))
				n++;
			return bytes_head(line, n);
		}
		(void)bytes_cut(&rest, '\n');
		text = rest;
	}
	return BYTES_NONE;
}

/* Does the name stand for options? */
static bool
is_options(const struct command *c, struct bytes name)
{
	return bytes_search(paragraph(bytes_from_str(c->usage), name), BYTES_LITERAL("--")) !=
	       BYTES_NOT_FOUND;
}

static void
take_name(const struct command *c, struct shape *s, struct bytes word, bool must)
{
	struct bytes rest = word;
	size_t alternatives = 0, options = 0;

	while (rest.n > 0) {
		alternatives++;
		options += is_options(c, bytes_cut(&rest, '|'));
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

/* Is this option among those of the text? *value: its value's name, or empty. */
static bool
has_option(struct bytes text, struct bytes option, struct bytes *value)
{
	struct usage_token t = { 0 };

	while (usage_next_token(&text, &t)) {
		bool ends = strchr(",.:;)", t.text.p[t.text.n - 1]) != NULL; /* prose */

		t.text.n -= ends;
		if (t.kind != USAGE_OPTION || !bytes_equal(t.text, option))
			continue;
		*value = BYTES_NONE;
		if (!ends && usage_next_token(&text, &t) && t.is_value)
			*value = t.text;
		return true;
	}
	return false;
}

struct bytes
usage_options_text(const struct command *c, struct bytes form, size_t i)
{
	struct usage_token t = { 0 };

	if (i == 0)
		return form;
	while (usage_next_token(&form, &t)) {
		struct bytes names = t.kind == USAGE_NAME && !t.is_value ? t.text : BYTES_NONE;

		while (names.n > 0) {
			struct bytes name = bytes_cut(&names, '|');

			if (is_options(c, name) && --i == 0)
				return paragraph(bytes_from_str(c->usage), name);
		}
	}
	return BYTES_NONE;
}

bool
usage_form_option(
	const struct command *c, struct bytes form, struct bytes option, struct bytes *value)
{
	struct bytes text;

	for (size_t i = 0; (text = usage_options_text(c, form, i)).n > 0; i++)
		if (has_option(text, option, value))
			return true;
	return false;
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

bool
usage_is_one_of(struct bytes alternatives, const char *word)
{
	while (alternatives.n > 0)
		if (bytes_is(bytes_cut(&alternatives, '|'), word))
			return true;
	return false;
}

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
