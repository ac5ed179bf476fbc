/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/auth_results.c - the Authentication-Results field.
 *
 * Runs in:  smtpd (both), cli.
 * Trusts:   nothing: values come out of hostile mail.
 * Sources:  RFC 8601 sec. 2.2 (grammar), 2.7 (words); RFC 5322 sec. 3.2.2 (CFWS), RFC 2045
 *           sec. 5.1 (token).
 */
#include "auth_results.h"

#include "err.h"
#include "utf8.h"

#define LINE_MAX_OCTETS 76
#define COMMENT_DEPTH   50
/* of a value in quotes, which may double it: a line has 998 (RFC 5322 sec. 2.1.1) */
#define VALUE_MAX 400

static const char *const names[AUTH_RESULT_COUNT] = {
	[AUTH_NONE] = "none",
	[AUTH_NEUTRAL] = "neutral",
	[AUTH_PASS] = "pass",
	[AUTH_FAIL] = "fail",
	[AUTH_SOFTFAIL] = "softfail",
	[AUTH_POLICY] = "policy",
	[AUTH_TEMPERROR] = "temperror",
	[AUTH_PERMERROR] = "permerror",
};

const char *
auth_result_name(enum auth_result result)
{
	return result < AUTH_RESULT_COUNT ? names[result] : "unknown";
}

/* ---- writing ---- */

static bool
is_token_char(uint8_t c)
{
	return c > 32 && c != 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* A value that needs no quotes: a token, or a mailbox of such (sec. 2.2, pvalue). */
static bool
is_plain(struct bytes value)
{
	size_t at = bytes_find(value, '@');

	if (!utf8_is_valid(value))
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (i != at && !is_token_char(value.p[i]))
			return false;
	return value.n > 0 && value.n <= VALUE_MAX;
}

/* The line goes on, or a new one begins if n octets more do not fit. */
static void
put_gap(struct buf *out, size_t n)
{
	const struct bytes all = buf_bytes(out);
	const size_t lf = bytes_find_last(all, '\n');
	const size_t column = lf == BYTES_NOT_FOUND ? all.n : all.n - lf - 1;

	buf_put_str(out, column + 1 + n > LINE_MAX_OCTETS ? "\r\n\t" : " ");
}

/* What is not text is '?'. */
static void
put_quoted(struct buf *out, struct bytes value)
{
	uint8_t end;

	value = bytes_head(value, VALUE_MAX);
	end = utf8_is_valid(value) ? 0xff : 126;
	buf_put_u8(out, '"');
	for (size_t i = 0; i < value.n; i++) {
		const uint8_t c = value.p[i];

		if (c == '"' || c == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, c < 32 || c == 127 || c > end ? '?' : c);
	}
	buf_put_u8(out, '"');
}

static void
put_value(struct buf *out, struct bytes value)
{
	if (is_plain(value))
		buf_put_bytes(out, value);
	else
		put_quoted(out, value);
}

void
auth_results_begin(struct buf *out, const char *authserv_id)
{
	buf_put_str(out, "Authentication-Results: ");
	put_value(out, bytes_from_str(authserv_id));
}

void
auth_results_method(struct buf *out, const char *method, enum auth_result result)
{
	buf_printf(out, ";\r\n\t%s=%s", method, auth_result_name(result));
}

void
auth_results_comment(struct buf *out, struct bytes words)
{
	put_gap(out, words.n + 2);
	buf_put_u8(out, '(');
	for (size_t i = 0; i < words.n; i++) {
		const uint8_t c = words.p[i];
		buf_put_u8(out, c < 32 || c > 126 || c == '(' || c == ')' || c == '\\' ? '?' : c);
	}
	buf_put_u8(out, ')');
}

static void
put_pair(struct buf *out, const char *name, struct bytes value)
{
	put_gap(out, strlen(name) + 1 + value.n);
	buf_printf(out, "%s=", name);
	put_value(out, value);
}

void
auth_results_reason(struct buf *out, struct bytes words)
{
	if (words.n > 0)
		put_pair(out, "reason", words);
}

void
auth_results_property(struct buf *out, const char *name, struct bytes value)
{
	if (value.n > 0)
		put_pair(out, name, value);
}

void
auth_results_end(struct buf *out)
{
	if (bytes_find(buf_bytes(out), ';') == BYTES_NOT_FOUND)
		buf_put_str(out, "; none");
	buf_put_str(out, "\r\n");
}

/* ---- reading ---- */

/* Octets of the comments, blanks and line ends that b begins with; SIZE_MAX: they do not end, or
 * are too deep. */
static size_t
cfws(struct bytes b)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < b.n; i++) {
		const uint8_t c = b.p[i];

		if (c == '(' && depth == COMMENT_DEPTH)
			return SIZE_MAX;
		if (c == '(')
			depth++;
		else if (depth == 0 && (c != ' ' && c != '\t' && c != '\r' && c != '\n'))
			return i;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth > 0 && c == '\\')
			i++;
	}
	return depth > 0 ? SIZE_MAX : b.n;
}

/* A quoted-string's octets after its opening quote, put to out: octets used with the closing
 * quote; 0: it does not end. */
static size_t
read_quoted(struct bytes b, struct buf *out)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '"')
			return i + 1;
		if (b.p[i] == '\\' && ++i == b.n)
			break;
		if (b.p[i] != '\r' && b.p[i] != '\n')
			buf_put_u8(out, b.p[i]);
	}
	return 0;
}

int
auth_results_id(struct bytes value, struct buf *id)
{
	const size_t skip = cfws(value);
	struct bytes rest = bytes_skip(value, skip);
	size_t n = 0;

	buf_clear(id);
	if (rest.n == 0)
		return 0;
	if (rest.p[0] == '"') {
		n = read_quoted(bytes_skip(rest, 1), id);
		return n == 0 ? 0 : (int)(skip + 1 + n);
	}
	while (n < rest.n && is_token_char(rest.p[n]))
		n++;
	if (n == rest.n)
		return 0;
	buf_put_bytes(id, bytes_head(rest, n));
	return n == 0 ? ERR_SYNTAX : (int)(skip + n);
}

static bool
skip_cfws(struct bytes *rest)
{
	const size_t n = cfws(*rest);

	*rest = bytes_skip(*rest, n);
	return n != SIZE_MAX;
}

/* The next word up to one of stops; CFWS around it is dropped. ERR_SYNTAX: there is none. */
static int
read_word(struct bytes *rest, const char *stops, struct buf *out)
{
	size_t n = 0;

	buf_clear(out);
	if (!skip_cfws(rest))
		return ERR_SYNTAX;
	if (rest->n > 0 && rest->p[0] == '"') {
		n = read_quoted(bytes_skip(*rest, 1), out);
		if (n == 0)
			return ERR_SYNTAX;
		*rest = bytes_skip(*rest, n + 1);
		return skip_cfws(rest) ? ERR_OK : ERR_SYNTAX;
	}
	while (n < rest->n && rest->p[n] > 32 && rest->p[n] != '(' &&
		strchr(stops, rest->p[n]) == NULL)
		n++;
	buf_put_bytes(out, bytes_head(*rest, n));
	*rest = bytes_skip(*rest, n);
	return n > 0 && skip_cfws(rest) ? ERR_OK : ERR_SYNTAX;
}

/* "name=value", both words as they stand. */
static int
read_pair(struct bytes *rest, struct arena *a, struct bytes *name, struct bytes *value)
{
	struct buf word = BUF_INIT;
	int r = read_word(rest, "=;", &word);

	for (size_t i = 0; i < word.len; i++)
		word.data[word.start + i] = ascii_lower(word.data[word.start + i]);
	*name = arena_bytes(a, buf_bytes(&word));
	if (r == ERR_OK && (rest->n == 0 || rest->p[0] != '='))
		r = ERR_SYNTAX;
	if (r == ERR_OK) {
		*rest = bytes_skip(*rest, 1);
		r = read_word(rest, ";", &word);
		*value = arena_bytes(a, buf_bytes(&word));
	}
	buf_free(&word);
	return r;
}

static int
read_properties(struct bytes *rest, struct arena *a, struct auth_method *out)
{
	struct auth_property p;
	int r;

	while (rest->n > 0 && rest->p[0] != ';') {
		if ((r = read_pair(rest, a, &p.name, &p.value)) < 0)
			return r;
		if (bytes_is(p.name, "reason"))
			out->reason = p.value;
		else if (out->nproperties < AUTH_PROPERTIES_MAX)
			out->properties[out->nproperties++] = p;
	}
	return 1;
}

int
auth_results_next(struct bytes *rest, struct arena *a, struct auth_method *out)
{
	int r;

	*out = (struct auth_method){ .nproperties = 0 };
	/* what stands before the first ';' is a version */
	while (rest->n > 0 && rest->p[0] != ';') {
		if (!skip_cfws(rest))
			return ERR_SYNTAX;
		if (rest->n > 0 && rest->p[0] != ';') {
			if (!ascii_is_digit(rest->p[0]))
				return ERR_SYNTAX;
			*rest = bytes_skip(*rest, 1);
		}
	}
	*rest = bytes_skip(*rest, 1);
	if (!skip_cfws(rest))
		return ERR_SYNTAX;
	if (rest->n == 0)
		return 0;
	if (bytes_is_nocase(bytes_trim(*rest), "none")) {
		*rest = BYTES_NONE;
		return 0;
	}
	if ((r = read_pair(rest, a, &out->method, &out->result)) < 0)
		return r;
	return read_properties(rest, a, out);
}
