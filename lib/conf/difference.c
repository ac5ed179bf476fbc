/* SPDX-License-Identifier: ISC */
/* lib/conf/difference.c - what two configurations have differently, in a line each. */
#include "conf_check.h"

void
conf_put_difference(struct buf *out, const struct conf_option *a, const struct conf_option *b)
{
	conf_option_put_name(out, a);
	buf_put_str(out, ": ");
	conf_write_value(out, a->row, a->values);
	buf_put_str(out, " -> ");
	conf_write_value(out, b->row, b->values);
	if (b->origin->file == NULL)
		buf_put_str(out, " (the default)");
	else if (b->origin->line == 0)
		buf_printf(out, " (%s)", b->origin->file);
	else
		buf_printf(out, " (%s:%u)", b->origin->file, b->origin->line);
}

unsigned
conf_put_differences(struct buf *out, const struct conf *a, const struct conf *b)
{
	struct conf_option o, n;
	unsigned found = 0;

	for (size_t i = 0; conf_option_at(a, i, &o) && conf_option_at(b, i, &n); i++) {
		if (conf_option_equal(&o, &n))
			continue;
		found++;
		conf_put_difference(out, &o, &n);
		buf_put_u8(out, '\n');
	}
	return found;
}
