/* SPDX-License-Identifier: ISC */
/*
 * metrics/http_request.h - the head of an HTTP/1.1 request, as far as a server of one page needs
 * it.
 *
 * Strict where a request can be told from an attack: no folded lines, no bare CR or other control
 * characters, one Host. A body is not read: the connection ends with the answer.
 *
 * Pure. Runs in: metrics. Trusts: nothing. Sources: RFC 9112 sec. 2 to 5, RFC 9110.
 */
#ifndef RELAIS_HTTP_REQUEST_H
#define RELAIS_HTTP_REQUEST_H

#include "bytes.h"

#define HTTP_HEAD_MAX 4096

struct http_request {
	struct bytes method, path; /* borrowed; path without its query */
};

enum http_status {
	HTTP_MORE = 0, /* the head is not complete */
	HTTP_OK = 200,
	HTTP_BAD = 400,
	HTTP_NOT_FOUND = 404,
	HTTP_NOT_ALLOWED = 405, /* the method */
	HTTP_TOO_LARGE = 431,   /* the head */
	HTTP_UNAVAILABLE = 503,
	HTTP_VERSION = 505
};

/* in: all that came so far. HTTP_MORE, HTTP_OK (with *r), or why it is none. */
enum http_status http_request_parse(struct bytes in, struct http_request *r);

const char *http_status_text(enum http_status status); /* "Not Found" */

#endif
