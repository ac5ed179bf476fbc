/* SPDX-License-Identifier: ISC */
/* cli/usage.c - usage texts, read: see the header. */
#include "usage.h"

#include <string.h>

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

/* ---- options ---- */

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

bool
usage_is_options(const struct command *c, struct bytes name)
{
	return bytes_search(paragraph(bytes_from_str(c->usage), name), BYTES_LITERAL("--")) !=
	       BYTES_NOT_FOUND;
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

			if (usage_is_options(c, name) && --i == 0)
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

bool
usage_is_one_of(struct bytes alternatives, const char *word)
{
	while (alternatives.n > 0)
		if (bytes_is(bytes_cut(&alternatives, '|'), word))
			return true;
	return false;
}
