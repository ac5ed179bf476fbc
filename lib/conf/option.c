/* SPDX-License-Identifier: ISC */
/* lib/conf/option.c - one option of a whole configuration, by its name or its number. */
#include "conf.h"

static struct conf_option
option_of(const struct conf *c, size_t section, size_t row)
{
	const struct conf_section *s = conf_section_at(section);

	return (struct conf_option){ s, &s->rows[row], c->values[section],
		&c->origins[section][row] };
}

bool
conf_option_at(const struct conf *c, size_t i, struct conf_option *out)
{
	for (size_t k = 0; k < conf_section_count(); k++) {
		const size_t n = conf_section_at(k)->nrows;

		if (i < n) {
			*out = option_of(c, k, i);
			return true;
		}
		i -= n;
	}
	return false;
}

bool
conf_option_named(const struct conf *c, const char *name, struct conf_option *out)
{
	struct bytes rest = bytes_from_str(name), section = BYTES_NONE;

	if (bytes_find(rest, '.') != BYTES_NOT_FOUND)
		section = bytes_cut(&rest, '.');
	for (size_t i = 0; i < conf_section_count(); i++) {
		const struct conf_section *s = conf_section_at(i);

		for (size_t j = 0; bytes_is(section, s->name) && j < s->nrows; j++)
			if (bytes_is(rest, s->rows[j].name)) {
				*out = option_of(c, i, j);
				return true;
			}
	}
	return false;
}

const void *
conf_option_value(const struct conf *c, const char *name)
{
	struct conf_option o = { 0 };

	ASSERT(conf_option_named(c, name, &o));
	return (const uint8_t *)o.values + o.row->offset;
}

void
conf_option_put_name(struct buf *out, const struct conf_option *o)
{
	buf_printf(
		out, "%s%s%s", o->section->name, o->section->name[0] != 0 ? "." : "", o->row->name);
}

bool
conf_option_equal(const struct conf_option *a, const struct conf_option *b)
{
	struct buf one = BUF_INIT, other = BUF_INIT;
	bool equal;

	conf_write_value(&one, a->row, a->values);
	conf_write_value(&other, b->row, b->values);
	equal = bytes_equal(buf_bytes(&one), buf_bytes(&other));
	buf_free(&one);
	buf_free(&other);
	return equal;
}
