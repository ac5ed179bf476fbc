/* SPDX-License-Identifier: ISC */
/* lib/conf/difference.c - what two configurations have differently, in a line each. */
#include "conf_check.h"

unsigned
conf_put_differences(struct buf *out, const struct conf *a, const struct conf *b)
{
	struct conf_option o, n;
	unsigned found = 0;

	for (size_t i = 0; conf_option_at(a, i, &o) && conf_option_at(b, i, &n); i++) {
		if (conf_option_equal(&o, &n))
			continue;
		found++;
		conf_option_put_name(out, &o);
		buf_put_str(out, ": ");
		conf_write_value(out, o.row, o.values);
		buf_put_str(out, " -> ");
		conf_write_value(out, n.row, n.values);
		if (n.origin->file == NULL)
			buf_put_str(out, " (the default)");
		else if (n.origin->line == 0)
			buf_printf(out, " (%s)", n.origin->file);
		else
			buf_printf(out, " (%s:%u)", n.origin->file, n.origin->line);
		buf_put_u8(out, '\n');
	}
	return found;
}
