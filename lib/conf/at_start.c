/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/at_start.c - options that a running suite does not take: their services are not replaced
 * at a reload (they own what two processes cannot own) and read them once.
 *
 * Runs in:  master.
 */
#include "conf.h"
#include "err.h"

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

bool
conf_option_is_at_start(const struct conf_option *o)
{
	return is_read_at_start(o->section->name, o->row->name);
}

unsigned
conf_changed_at_start(struct buf *out, const struct conf *running, const struct conf *fresh)
{
	struct conf_option o, n;
	unsigned found = 0;

	for (size_t i = 0; conf_option_at(running, i, &o) && conf_option_at(fresh, i, &n); i++) {
		if (!conf_option_is_at_start(&o) || conf_option_equal(&o, &n))
			continue;
		buf_put_str(out, found++ > 0 ? ", " : "");
		conf_option_put_name(out, &o);
	}
	return found;
}

void
conf_keep_at_start(struct conf *fresh, const struct conf *running)
{
	struct conf_option o, n;

	for (size_t i = 0; conf_option_at(running, i, &o) && conf_option_at(fresh, i, &n); i++) {
		struct buf value = BUF_INIT;
		const char *why;

		if (!conf_option_is_at_start(&o) || conf_option_equal(&o, &n))
			continue;
		conf_write_raw(&value, o.row, o.values);
		/* it was taken once already */
		ASSERT(conf_set(n.section, conf_values(fresh, n.section->name),
			       bytes_from_str(n.row->name), buf_bytes(&value), &fresh->arena,
			       &why) == ERR_OK);
		buf_free(&value);
	}
}
