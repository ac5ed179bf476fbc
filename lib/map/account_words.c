/* SPDX-License-Identifier: ISC */
/* lib/map/account_words.c - passwords and send-as= of an account's line, see the header. */
#include "account_words.h"

#include <stdio.h>

#include "err.h"
#include "mail_address.h"
#include "password_record.h"

static const struct {
	const char *name;
	unsigned bit;
} protocols[] = {
	{ "imap", ACCOUNT_IMAP },
	{ "pop3", ACCOUNT_POP3 },
	{ "submission", ACCOUNT_SUBMISSION },
};

int
account_protocols_parse(struct bytes in, unsigned *out)
{
	*out = 0;
	while (in.n > 0) {
		struct bytes word = bytes_cut(&in, ',');
		size_t i = 0;

		while (i < NITEMS(protocols) && !bytes_is(word, protocols[i].name))
			i++;
		if (i == NITEMS(protocols))
			return ERR_SYNTAX;
		*out |= protocols[i].bit;
	}
	return *out == 0 ? ERR_SYNTAX : ERR_OK;
}

char *
account_protocols_text(unsigned bits, char out[ACCOUNT_PROTOCOLS_TEXT])
{
	size_t n = 0;

	out[0] = 0;
	for (size_t i = 0; i < NITEMS(protocols); i++)
		if (bits & protocols[i].bit)
			n += (size_t)snprintf(out + n, ACCOUNT_PROTOCOLS_TEXT - n, "%s%s",
				n > 0 ? "," : "", protocols[i].name);
	return out;
}

bool
account_app_name_is_valid(struct bytes name)
{
	if (name.n == 0 || name.n > ACCOUNT_APP_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_alpha(name.p[i]) && !ascii_is_digit(name.p[i]) && name.p[i] != '-' &&
			name.p[i] != '_' && name.p[i] != '.')
			return false;
	return true;
}

/* As records.c cuts them. */
static struct bytes
next_word(struct bytes *rest)
{
	struct bytes in = bytes_trim(*rest);
	size_t n = 0;

	while (n < in.n && in.p[n] != ' ' && in.p[n] != '\t')
		n++;
	*rest = bytes_skip(in, n);
	return bytes_head(in, n);
}

static int
app_password(struct bytes word, struct account_password *out)
{
	out->name = bytes_cut(&word, ':');
	if (!account_app_name_is_valid(out->name) ||
		account_protocols_parse(bytes_cut(&word, ':'), &out->protocols) < 0 || word.n == 0)
		return ERR_SYNTAX;
	out->record = word;
	return 1;
}

int
account_next_password(struct bytes *rest, struct account_password *out)
{
	static const struct bytes password = BYTES_LITERAL("password=");
	static const struct bytes app = BYTES_LITERAL("app=");
	struct bytes word;

	while ((word = next_word(rest)).n > 0) {
		*out = (struct account_password){ BYTES_NONE, ACCOUNT_PROTOCOLS, word };
		if (word.p[0] == '$' || word.p[0] == '{' || word.p[0] == '*')
			return 1;
		if (bytes_starts_with(word, password)) {
			out->record = bytes_skip(word, password.n);
			return 1;
		}
		if (bytes_starts_with(word, app))
			return app_password(bytes_skip(word, app.n), out);
	}
	return 0;
}

int
account_next_send_as(struct bytes *rest, struct bytes *out)
{
	static const struct bytes send_as = BYTES_LITERAL("send-as=");
	struct bytes word;

	while ((word = next_word(rest)).n > 0)
		if (bytes_starts_with(word, send_as)) {
			*out = bytes_skip(word, send_as.n);
			return out->n > 0 ? 1 : ERR_SYNTAX;
		}
	return 0;
}

static int
check_send_as(struct arena *a, struct bytes in, const char **why)
{
	struct mail_address address;
	struct bytes domain;

	*why = "send-as= is an address, or \"@\" and a domain";
	if (in.p[0] == '@')
		return mail_domain_fold(a, bytes_skip(in, 1), &domain);
	if (mail_address_fold(a, in, &address) < 0 || address.domain.n == 0)
		return ERR_SYNTAX;
	return ERR_OK;
}

int
account_words_check(struct arena *a, struct bytes line, const char **why)
{
	struct account_password password;
	struct bytes rest = line, send_as;
	unsigned n = 0;
	int r, e;

	while ((r = account_next_password(&rest, &password)) > 0) {
		if (++n > ACCOUNT_PASSWORDS_MAX) {
			*why = "an account has too many passwords";
			return ERR_LIMIT;
		}
		if ((e = password_record_check(password.record, why)) < 0)
			return e;
	}
	if (r < 0) {
		*why = "app= is NAME:PROTOCOLS:RECORD, protocols imap, pop3, submission";
		return r;
	}
	for (rest = line; (r = account_next_send_as(&rest, &send_as)) > 0;)
		if ((e = check_send_as(a, send_as, why)) < 0)
			return e;
	if (r < 0)
		*why = "send-as= is an address, or \"@\" and a domain";
	return r;
}
