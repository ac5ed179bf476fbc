/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/at_start.c - options that a running suite does not take: their services are not replaced
 * at a reload (they own what two processes cannot own) and read them once.
 *
 * Runs in:  master.
 */
#include "conf.h"

/* "*" at the end: all options that begin so. */
static const struct {
	const char *section, *option;
} at_start[] = {
	{ "", "mail_root" },
	{ "", "queue" },
	{ "", "state" },
	{ "", "run" },
	{ "", "log" },
	{ "", "queue_user" },
	{ "", "directory_user" },
	{ "", "state_user" },
	{ "qmgr", "segment*" },
	{ "directory", "trusted_users" },
	{ "directory", "hash_*" },
	{ "directory", "auth_cache_*" },
	{ "directory", "sasl_limit" },
	{ "directory", "pam_*" },
	{ "directory", "postgresql*" },
	{ "ledger", "cache_size" },
	{ "ledger", "ban_limit" },
	{ "ledger", "attempt_table_size" },
};

static bool
is_like(const char *option, const char *pattern)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] != '*')
		return strcmp(option, pattern) == 0;
	return strncmp(option, pattern, n - 1) == 0;
}

static bool
is_read_at_start(const char *section, const char *option)
{
	for (size_t i = 0; i < NITEMS(at_start); i++)
		if (strcmp(at_start[i].section, section) == 0 &&
			is_like(option, at_start[i].option))
			return true;
	return false;
}

static bool
differs(const struct opt_row *row, const void *a, const void *b)
{
	struct buf one = BUF_INIT, other = BUF_INIT;
	bool r;

	conf_write_value(&one, row, a);
	conf_write_value(&other, row, b);
	r = !bytes_equal(buf_bytes(&one), buf_bytes(&other));
	buf_free(&one);
	buf_free(&other);
	return r;
}

unsigned
conf_changed_at_start(struct buf *out, const struct conf *running, const struct conf *fresh)
{
	unsigned n = 0;

	for (size_t i = 0; i < conf_section_count(); i++) {
		const struct conf_section *s = conf_section_at(i);

		for (size_t j = 0; j < s->nrows; j++) {
			if (!is_read_at_start(s->name, s->rows[j].name) ||
				!differs(&s->rows[j], running->values[i], fresh->values[i]))
				continue;
			buf_printf(out, "%s%s%s%s", n++ > 0 ? ", " : "", s->name, i > 0 ? "." : "",
				s->rows[j].name);
		}
	}
	return n;
}
