/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc5322.c - lines and fields of a header.
 *
 * Runs in:  every process that looks at content.
 * Trusts:   nothing; any octets are a header.
 * Sources:  RFC 5322 sec. 2.2, 3.6.8, 4.
 */
#include "rfc5322.h"

size_t
rfc5322_line_len(struct bytes b)
{
	size_t at = bytes_find(b, '\n');

	return at == BYTES_NOT_FOUND ? b.n : at + 1;
}

bool
rfc5322_has_bare_lf(struct bytes b)
{
	size_t at = 0, step;

	while ((step = bytes_find(bytes_skip(b, at), '\n')) != BYTES_NOT_FOUND) {
		at += step;
		if (at == 0 || b.p[at - 1] != '\r')
			return true;
		at++;
	}
	return false;
}

void
rfc5322_put_crlf(struct buf *out, struct bytes b)
{
	while (b.n > 0) {
		size_t at = bytes_find(b, '\n');

		if (at == BYTES_NOT_FOUND) {
			buf_put_bytes(out, b);
			return;
		}
		buf_put(out, b.p, at > 0 && b.p[at - 1] == '\r' ? at - 1 : at);
		buf_put(out, "\r\n", 2);
		b = bytes_skip(b, at + 1);
	}
}

static bool
is_blank_line(struct bytes b)
{
	return b.n > 0 && (b.p[0] == '\n' || (b.n > 1 && b.p[0] == '\r' && b.p[1] == '\n'));
}

size_t
rfc5322_header_len(struct bytes message)
{
	struct bytes rest = message;

	while (rest.n > 0 && !is_blank_line(rest))
		rest = bytes_skip(rest, rfc5322_line_len(rest));
	if (rest.n > 0)
		rest = bytes_skip(rest, rest.p[0] == '\n' ? 1 : 2);
	return message.n - rest.n;
}

/* b without its last line end */
static struct bytes
without_line_end(struct bytes b)
{
	if (b.n > 0 && b.p[b.n - 1] == '\n')
		b.n--;
	if (b.n > 0 && b.p[b.n - 1] == '\r')
		b.n--;
	return b;
}

bool
rfc5322_field_next(struct bytes *rest, struct rfc5322_field *out)
{
	struct bytes text;
	size_t n, colon, end;

	if (rest->n == 0 || is_blank_line(*rest))
		return false;
	n = rfc5322_line_len(*rest);
	end = n;
	while (end < rest->n && (rest->p[end] == ' ' || rest->p[end] == '\t'))
		end += rfc5322_line_len(bytes_skip(*rest, end));

	out->raw = bytes_head(*rest, end);
	text = without_line_end(out->raw);
	/* the name stands in the first line */
	colon = bytes_find(bytes_head(text, n), ':');
	if (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
		out->name = bytes_head(text, 0);
		out->value = text;
	} else if (colon == BYTES_NOT_FOUND) {
		out->name = without_line_end(bytes_head(out->raw, n));
		out->value = bytes_skip(text, text.n);
	} else {
		out->name = bytes_trim(bytes_head(text, colon));
		out->value = bytes_skip(text, colon + 1);
	}
	*rest = bytes_skip(*rest, end);
	return true;
}

bool
rfc5322_field_find(struct bytes header, const char *name, struct rfc5322_field *out)
{
	struct bytes want = bytes_from_str(name);

	while (rfc5322_field_next(&header, out))
		if (bytes_equal_nocase(out->name, want))
			return true;
	return false;
}

void
rfc5322_unfold(struct buf *out, struct bytes value)
{
	value = bytes_trim(value);
	while (value.n > 0) {
		size_t at = bytes_find(value, '\n');
		struct bytes line;

		if (at == BYTES_NOT_FOUND) {
			buf_put_bytes(out, value);
			return;
		}
		line = bytes_head(value, at + 1);
		value = bytes_skip(value, at + 1);
		buf_put_bytes(out, without_line_end(line));
	}
}

struct bytes
rfc5322_unfolded(struct arena *a, struct bytes value)
{
	struct buf tmp = BUF_INIT;

	value = bytes_trim(value);
	if (bytes_find(value, '\n') == BYTES_NOT_FOUND)
		return value;
	rfc5322_unfold(&tmp, value);
	value = arena_bytes(a, buf_bytes(&tmp));
	buf_free(&tmp);
	return value;
}

bool
rfc5322_msgid_next(struct bytes *rest, struct bytes *id)
{
	size_t open = BYTES_NOT_FOUND;

	for (size_t i = 0; i < rest->n; i++) {
		if (rest->p[i] == '<') {
			open = i;
		} else if (rest->p[i] == '>' && open != BYTES_NOT_FOUND) {
			*id = bytes_head(bytes_skip(*rest, open), i + 1 - open);
			*rest = bytes_skip(*rest, i + 1);
			return true;
		}
	}
	*rest = bytes_skip(*rest, rest->n);
	return false;
}
