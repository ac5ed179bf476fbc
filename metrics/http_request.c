/* SPDX-License-Identifier: ISC */
/* metrics/http_request.c - the head of an HTTP/1.1 request. Pure. Runs in: metrics. */
#include "http_request.h"

/* RFC 9110 sec. 5.6.2 */
static bool
is_token(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (!ascii_is_alpha(b.p[i]) && !ascii_is_digit(b.p[i]) &&
			(b.p[i] == 0 || strchr("!#$%&'*+-.^_`|~", b.p[i]) == NULL))
			return false;
	return b.n > 0;
}

static bool
is_visible(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] <= ' ' || b.p[i] >= 127)
			return false;
	return b.n > 0;
}

/* RFC 9110 sec. 5.5, with octets above 127 left to whoever wants them */
static bool
is_field_value(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if ((b.p[i] < ' ' && b.p[i] != '\t') || b.p[i] == 127)
			return false;
	return true;
}

/* The line without its end, LF or CRLF (RFC 9112 sec. 2.2). */
static struct bytes
next_line(struct bytes *rest)
{
	struct bytes line = bytes_cut(rest, '\n');

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool
is_complete(struct bytes in)
{
	while (in.n > 0) {
		const size_t end = bytes_find(in, '\n');

		if (end == BYTES_NOT_FOUND)
			return false;
		if (end == 0 || (end == 1 && in.p[0] == '\r'))
			return true;
		in = bytes_skip(in, end + 1);
	}
	return false;
}

/* method SP request-target SP HTTP-version */
static enum http_status
request_line(struct bytes line, struct http_request *r)
{
	struct bytes target;

	r->method = bytes_cut(&line, ' ');
	target = bytes_cut(&line, ' ');
	if (!is_token(r->method) || !is_visible(target) || target.p[0] != '/' || line.n != 8 ||
		!bytes_starts_with(line, BYTES_LITERAL("HTTP/")) || !ascii_is_digit(line.p[5]) ||
		line.p[6] != '.' || !ascii_is_digit(line.p[7]))
		return HTTP_BAD;
	if (line.p[5] != '1')
		return HTTP_VERSION;
	r->path = bytes_cut(&target, '?');
	return HTTP_OK;
}

enum http_status
http_request_parse(struct bytes in, struct http_request *r)
{
	unsigned hosts = 0;
	enum http_status status;
	struct bytes line;

	while (in.n > 0 && (in.p[0] == '\r' || in.p[0] == '\n')) /* RFC 9112 sec. 2.2 */
		in = bytes_skip(in, 1);
	if (!is_complete(in))
		return in.n >= HTTP_HEAD_MAX ? HTTP_TOO_LARGE : HTTP_MORE;
	line = next_line(&in);
	status = request_line(line, r);
	if (status != HTTP_OK)
		return status;
	while ((line = next_line(&in)).n > 0) {
		const size_t colon = bytes_find(line, ':');
		const struct bytes name = bytes_head(line, colon == BYTES_NOT_FOUND ? 0 : colon);

		if (!is_token(name) || !is_field_value(bytes_skip(line, colon + 1)))
			return HTTP_BAD;
		hosts += bytes_is_nocase(name, "host");
	}
	/* RFC 9112 sec. 3.2; a client of HTTP/1.0 need not say */
	return hosts > 1 ? HTTP_BAD : HTTP_OK;
}

const char *
http_status_text(enum http_status status)
{
	static const struct {
		enum http_status status;
		const char *text;
	} rows[] = { { HTTP_OK, "OK" }, { HTTP_BAD, "Bad Request" },
		{ HTTP_NOT_FOUND, "Not Found" }, { HTTP_NOT_ALLOWED, "Method Not Allowed" },
		{ HTTP_TOO_LARGE, "Request Header Fields Too Large" },
		{ HTTP_UNAVAILABLE, "Service Unavailable" },
		{ HTTP_VERSION, "HTTP Version Not Supported" } };

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Error";
}
