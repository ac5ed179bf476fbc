/* SPDX-License-Identifier: ISC */
/* lib/conf/manual.c - what people read about options, made from the same rows: the shipped
 * file, and lists of options in the man pages. */
#include "conf.h"

#define TEXT_LINE_MAX 76

void
conf_write_shipped_file(struct buf *out)
{
	struct conf c;

	conf_init(&c);
	buf_put_str(out,
		"# relais.conf - every option with its default. hostname and domain are enough.\n");
	for (size_t i = 0; i < conf_section_count(); i++) {
		const struct conf_section *s = conf_section_at(i);
		const char *indent = i > 0 ? "\t" : "";

		buf_printf(out, "\n# %s\n", s->doc);
		if (i > 0)
			buf_printf(out, "%s {\n", s->name);
		for (size_t j = 0; j < s->nrows; j++) {
			buf_printf(out, "%s# %s\n%s#%s = ", indent, s->rows[j].doc, indent,
				s->rows[j].name);
			conf_write_value(out, &s->rows[j], c.values[i]);
			buf_put_u8(out, '\n');
		}
		if (i > 0)
			buf_put_str(out, "}\n");
	}
	conf_free(&c);
}

static const char *
type_text(enum opt_type type)
{
	static const char *const texts[] = {
		[OPT_TYPE_BOOL] = "yes or no",
		[OPT_TYPE_UINT] = "a number",
		[OPT_TYPE_SIZE] = "a size in octets, or with K, M or G",
		[OPT_TYPE_TIME] = "a time with ms, s, m, h, d or w",
		[OPT_TYPE_STR] = "a text",
		[OPT_TYPE_LIST] = "a list with commas",
		[OPT_TYPE_WORD] = "one of",
		[OPT_TYPE_IPV4] = "an IPv4 address, none or nothing",
		[OPT_TYPE_IPV6] = "an IPv6 address, none or nothing",
		[OPT_TYPE_NETS] = "a list of addresses and networks with commas",
	};

	return texts[type];
}

static bool
has_range(enum opt_type type)
{
	return type == OPT_TYPE_UINT || type == OPT_TYPE_SIZE || type == OPT_TYPE_TIME;
}

/* mdoc(7) reads a backslash, and a dot or a quote that begins a line, as its own. */
static void
put_text(struct buf *out, struct bytes text)
{
	if (text.n > 0 && (text.p[0] == '.' || text.p[0] == '\''))
		buf_put_str(out, "\\&");
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			buf_put_str(out, "\\e");
		else
			buf_put_u8(out, text.p[i]);
	}
}

/* Words in lines that are not too long. */
static void
put_lines(struct buf *out, struct bytes text)
{
	while (text.n > 0) {
		size_t n = text.n, at;

		if (n > TEXT_LINE_MAX) {
			at = bytes_find_last(bytes_head(text, TEXT_LINE_MAX), ' ');
			n = at == BYTES_NOT_FOUND ? n : at;
		}
		put_text(out, bytes_head(text, n));
		text = bytes_trim(bytes_skip(text, n));
		if (text.n > 0)
			buf_put_u8(out, '\n');
	}
}

static void
put_option(struct buf *out, const struct opt_row *row, const void *defaults)
{
	struct buf value = BUF_INIT;

	conf_write_value(&value, row, defaults);
	buf_printf(out, ".It Va %s\n", row->name);
	put_lines(out, bytes_from_str(row->doc));
	buf_printf(out, ".\n%c%s", ascii_upper((uint8_t)type_text(row->type)[0]),
		type_text(row->type) + 1);
	if (row->words != NULL)
		buf_printf(out, " %s", row->words);
	if (has_range(row->type)) {
		buf_put_str(out, ", from ");
		conf_write_number(out, row, row->min);
		buf_put_str(out, " to ");
		conf_write_number(out, row, row->max);
	}
	buf_put_str(out, "; default:\n.Ql ");
	put_text(out, buf_bytes(&value));
	buf_put_str(out, " .\n");
	buf_free(&value);
}

static void
put_options(struct buf *out, size_t section, const struct conf *c)
{
	const struct conf_section *s = conf_section_at(section);

	buf_put_str(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < s->nrows; i++)
		put_option(out, &s->rows[i], c->values[section]);
	buf_put_str(out, ".El\n");
}

bool
conf_write_manual(struct buf *out, struct bytes section)
{
	bool found = false;
	struct conf c;

	conf_init(&c);
	for (size_t i = 0; i < conf_section_count(); i++) {
		const struct conf_section *s = conf_section_at(i);

		if (section.n > 0 && !bytes_is(section, i == 0 ? "common" : s->name))
			continue;
		if (section.n == 0)
			buf_printf(out, ".Ss %s%s%s\n", s->name, i == 0 ? "" : ": ", s->doc);
		put_options(out, i, &c);
		found = true;
	}
	conf_free(&c);
	return found;
}
