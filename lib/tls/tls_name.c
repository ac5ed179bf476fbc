/* SPDX-License-Identifier: ISC */
/* lib/tls/tls_name.c - server names: cleaned and compared. */
#include "tls_name.h"

static bool
is_name_octet(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_';
}

int
tls_name_clean(struct bytes in, char out[TLS_NAME_SIZE])
{
	size_t label = 0;

	if (in.n > 0 && in.p[in.n - 1] == '.')
		in.n--;
	if (in.n == 0 || in.n >= TLS_NAME_SIZE)
		return ERR_SYNTAX;
	for (size_t i = 0; i < in.n; i++) {
		bool dot = in.p[i] == '.';

		if (dot ? label == 0 : !is_name_octet(in.p[i]) || ++label > 63)
			return ERR_SYNTAX;
		if (dot)
			label = 0;
		out[i] = (char)ascii_lower(in.p[i]);
	}
	out[in.n] = 0;
	return label == 0 ? ERR_SYNTAX : (int)in.n;
}

int
tls_name_clean_pattern(struct bytes in, char out[TLS_NAME_SIZE])
{
	char rest[TLS_NAME_SIZE];
	int n;

	if (in.n < 2 || in.p[0] != '*' || in.p[1] != '.')
		return tls_name_clean(in, out);
	n = tls_name_clean(bytes_skip(in, 2), rest);
	if (n < 0 || n + 2 >= TLS_NAME_SIZE || strchr(rest, '.') == NULL)
		return ERR_SYNTAX;
	out[0] = '*';
	out[1] = '.';
	memcpy(out + 2, rest, (size_t)n + 1);
	return n + 2;
}

bool
tls_name_matches(const char *pattern, const char *name)
{
	const char *dot;

	if (strcmp(pattern, name) == 0)
		return true;
	if (pattern[0] != '*' || (dot = strchr(name, '.')) == NULL)
		return false;
	return strcmp(pattern + 1, dot) == 0;
}
