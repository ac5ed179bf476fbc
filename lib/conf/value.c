/* SPDX-License-Identifier: ISC */
/* lib/conf/value.c - one option's value: from its written form and back. */
#include <stdlib.h>

#include "conf.h"
#include "err.h"
#include "ip_block.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = { { "", 1 }, { "K", OPT_KIB }, { "M", OPT_MIB },
	{ "G", OPT_GIB } };
static const struct unit time_units[] = { { "ms", 1 }, { "s", OPT_SECOND }, { "m", OPT_MINUTE },
	{ "h", OPT_HOUR }, { "d", OPT_DAY }, { "w", 7 * OPT_DAY } };
static const struct unit no_units[] = { { "", 1 } };

static const struct unit *
units_of(enum opt_type type, size_t *n)
{
	switch (type) {
	case OPT_TYPE_SIZE:
		*n = NITEMS(size_units);
		return size_units;
	case OPT_TYPE_TIME:
		*n = NITEMS(time_units);
		return time_units;
	default:
		*n = NITEMS(no_units);
		return no_units;
	}
}

static void *
member(void *values, const struct opt_row *row)
{
	return (uint8_t *)values + row->offset;
}

void
conf_write_number(struct buf *out, const struct opt_row *row, uint64_t v)
{
	size_t n;
	const struct unit *units = units_of(row->type, &n), *best = &units[0];

	for (size_t i = 1; i < n; i++)
		if (v != 0 && v % units[i].factor == 0)
			best = &units[i];
	if (v == 0 && row->type == OPT_TYPE_TIME)
		best = &time_units[1];
	buf_printf(out, "%llu%s", (unsigned long long)(v / best->factor), best->name);
}

static const char *
range_text(const struct opt_row *row, struct arena *a)
{
	struct buf b = BUF_INIT;
	char *text;

	buf_put_str(&b, "must be ");
	conf_write_number(&b, row, row->min);
	buf_put_str(&b, " to ");
	conf_write_number(&b, row, row->max);
	text = arena_str(a, buf_bytes(&b));
	buf_free(&b);
	return text;
}

static int
set_number(const struct opt_row *row, uint64_t *out, struct bytes value, struct arena *a,
	const char **why)
{
	size_t digits = 0, n;
	const struct unit *units = units_of(row->type, &n);
	uint64_t v, factor = 0;
	int r;

	while (digits < value.n && ascii_is_digit(value.p[digits]))
		digits++;
	r = bytes_to_u64(bytes_head(value, digits), UINT64_MAX, &v);
	for (size_t i = 0; i < n; i++)
		if (bytes_is_nocase(bytes_trim(bytes_skip(value, digits)), units[i].name))
			factor = units[i].factor;
	if (r == ERR_SYNTAX || factor == 0) {
		*why = row->type == OPT_TYPE_TIME
			       ? "is not a time (a number and ms, s, m, h, d or w)"
		       : row->type == OPT_TYPE_SIZE
			       ? "is not a size (a number and K, M, G or nothing)"
			       : "is not a number";
		return ERR_SYNTAX;
	}
	if (r < 0 || __builtin_mul_overflow(v, factor, &v) || v < row->min || v > row->max) {
		*why = range_text(row, a);
		return ERR_LIMIT;
	}
	*out = v;
	return ERR_OK;
}

static int
set_bool(bool *out, struct bytes value, const char **why)
{
	if (bytes_is_nocase(value, "yes") || bytes_is_nocase(value, "true") || bytes_is(value, "1"))
		*out = true;
	else if (bytes_is_nocase(value, "no") || bytes_is_nocase(value, "false") ||
		 bytes_is(value, "0"))
		*out = false;
	else {
		*why = "must be yes or no";
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

static void
set_list(struct conf_list *out, struct bytes value, struct arena *a)
{
	struct bytes rest = value;
	const char **v;
	size_t n = 1;

	for (size_t i = 0; i < value.n; i++)
		n += value.p[i] == ',';
	v = arena_alloc(a, n * sizeof(*v));
	n = 0;
	while (rest.n > 0) {
		struct bytes item = bytes_trim(bytes_cut(&rest, ','));

		if (item.n > 0)
			v[n++] = arena_str(a, item);
	}
	*out = (struct conf_list){ n, v };
}

/* The row's own form of the word, whatever the case of what was written. */
static int
set_word(const struct opt_row *row, const char **out, struct bytes value, struct arena *a,
	const char **why)
{
	struct bytes left = bytes_from_str(row->words);

	while (left.n > 0) {
		struct bytes word = bytes_cut(&left, ' ');

		if (bytes_equal_nocase(value, word)) {
			*out = arena_str(a, word);
			return ERR_OK;
		}
	}
	*why = arena_printf(a, "must be one of %s", row->words);
	return ERR_SYNTAX;
}

static int
set_address(const char **out, struct bytes value, uint8_t family, struct arena *a, const char **why)
{
	const uint8_t whole = family == 4 ? 32 : 128;
	struct ip_block b;

	if (value.n > 0 && !bytes_is_nocase(value, "none") &&
		(ip_block_parse(value, &b) < 0 || b.family != family || b.prefix != whole)) {
		*why = family == 4 ? "must be an IPv4 address, none or empty"
				   : "must be an IPv6 address, none or empty";
		return ERR_SYNTAX;
	}
	*out = arena_str(a, value);
	return ERR_OK;
}

static int
set_nets(struct conf_list *out, struct bytes value, struct arena *a, const char **why)
{
	struct ip_block b;

	set_list(out, value, a);
	for (size_t i = 0; i < out->n; i++)
		if (ip_block_parse(bytes_from_str(out->v[i]), &b) < 0) {
			*why = arena_printf(a, "\"%s\" is no address or network", out->v[i]);
			return ERR_SYNTAX;
		}
	return ERR_OK;
}

static int
set_row(const struct opt_row *row, void *values, struct bytes value, struct arena *a,
	const char **why)
{
	switch (row->type) {
	case OPT_TYPE_BOOL:
		return set_bool(member(values, row), value, why);
	case OPT_TYPE_STR:
		*(const char **)member(values, row) = arena_str(a, value);
		return ERR_OK;
	case OPT_TYPE_LIST:
		set_list(member(values, row), value, a);
		return ERR_OK;
	case OPT_TYPE_WORD:
		return set_word(row, member(values, row), value, a, why);
	case OPT_TYPE_IPV4:
		return set_address(member(values, row), value, 4, a, why);
	case OPT_TYPE_IPV6:
		return set_address(member(values, row), value, 6, a, why);
	case OPT_TYPE_NETS:
		return set_nets(member(values, row), value, a, why);
	default:
		return set_number(row, member(values, row), value, a, why);
	}
}

int
conf_set(const struct conf_section *section, void *values, struct bytes name, struct bytes value,
	struct arena *a, const char **why)
{
	*why = "is not an option";
	if (bytes_find(value, 0) != BYTES_NOT_FOUND) {
		*why = "holds a NUL";
		return ERR_SYNTAX;
	}
	for (size_t i = 0; i < section->nrows; i++)
		if (bytes_is(name, section->rows[i].name))
			return set_row(&section->rows[i], values, value, a, why);
	return ERR_NOT_FOUND;
}

void *
conf_defaults(const struct conf_section *section, struct arena *a)
{
	void *values = arena_zalloc(a, section->size);

	for (size_t i = 0; i < section->nrows; i++) {
		const struct opt_row *row = &section->rows[i];
		const char *why;

		/* a default that its own row refuses is a mistake in the source */
		ASSERT(set_row(row, values, bytes_from_str(row->value), a, &why) == ERR_OK);
	}
	return values;
}

void
conf_write_raw(struct buf *out, const struct opt_row *row, const void *values)
{
	const void *m = (const uint8_t *)values + row->offset;
	const struct conf_list *list;

	switch (row->type) {
	case OPT_TYPE_BOOL:
		buf_put_str(out, *(const bool *)m ? "yes" : "no");
		break;
	case OPT_TYPE_STR:
	case OPT_TYPE_WORD:
	case OPT_TYPE_IPV4:
	case OPT_TYPE_IPV6:
		buf_put_str(out, *(const char *const *)m);
		break;
	case OPT_TYPE_LIST:
	case OPT_TYPE_NETS:
		list = m;
		for (size_t i = 0; i < list->n; i++)
			buf_printf(out, "%s%s", i == 0 ? "" : ", ", list->v[i]);
		break;
	default:
		conf_write_number(out, row, *(const uint64_t *)m);
		break;
	}
}

static bool
needs_quotes(struct bytes v)
{
	if (v.p == NULL || v.n == 0 || v.p[0] == ' ' || v.p[v.n - 1] == ' ')
		return true;
	for (size_t i = 0; i < v.n; i++)
		if (strchr("#\"\\{}\n\t", v.p[i]) != NULL)
			return true;
	return false;
}

void
conf_write_value(struct buf *out, const struct opt_row *row, const void *values)
{
	struct buf raw = BUF_INIT;
	struct bytes v;

	conf_write_raw(&raw, row, values);
	v = buf_bytes(&raw);
	if (!needs_quotes(v)) {
		buf_put_bytes(out, v);
	} else {
		buf_put_u8(out, '"');
		for (size_t i = 0; i < v.n; i++) {
			if (v.p[i] == '"' || v.p[i] == '\\')
				buf_put_u8(out, '\\');
			buf_put_u8(out, v.p[i]);
		}
		buf_put_u8(out, '"');
	}
	buf_free(&raw);
}

void
conf_encode(struct buf *out, const struct conf_section *section, const void *values)
{
	for (size_t i = 0; i < section->nrows; i++) {
		struct buf raw = BUF_INIT;

		conf_write_raw(&raw, &section->rows[i], values);
		buf_put_u32(out, (uint32_t)raw.len);
		buf_put_bytes(out, buf_bytes(&raw));
		buf_free(&raw);
	}
}

int
conf_decode(struct bytes in, const struct conf_section *section, void *values, struct arena *a)
{
	for (size_t i = 0; i < section->nrows; i++) {
		const char *why;
		size_t n;

		if (in.n < 4)
			return ERR_SYNTAX;
		n = get_u32(in.p);
		in = bytes_skip(in, 4);
		if (n > in.n || set_row(&section->rows[i], values, bytes_head(in, n), a, &why) < 0)
			return ERR_SYNTAX;
		in = bytes_skip(in, n);
	}
	return in.n == 0 ? ERR_OK : ERR_SYNTAX;
}
