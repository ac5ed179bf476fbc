/* SPDX-License-Identifier: ISC */
/* cli/password.c - passwords of the operator's command. */
#include "password.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "err.h"
#include "random.h"
#include "sasl_prep.h"
#include "terminal.h"

#define PASSWORD_MAX 511 /* CRYPT_MAX_PASSPHRASE_SIZE - 1 */

static const struct {
	const char *name, *prefix;
} methods[] = { { "yescrypt", "$y$" }, { "sha512crypt", "$6$" }, { "bcrypt", "$2b$" } };

bool
password_method(const char *name, struct password_method *out)
{
	struct bytes cost = bytes_from_str(name == NULL ? "yescrypt" : name);
	struct bytes word = bytes_cut(&cost, ':');
	uint64_t n = 0;

	for (size_t i = 0; i < NITEMS(methods); i++) {
		if (!bytes_is(word, methods[i].name))
			continue;
		if (cost.n > 0 && bytes_to_u64(cost, 10000000, &n) < 0)
			break;
		*out = (struct password_method){ methods[i].prefix, (unsigned long)n };
		return true;
	}
	fprintf(stderr,
		"--hash: \"%s\" is not yescrypt, sha512crypt or bcrypt, perhaps with \":COST\"\n",
		name);
	return false;
}

/* As SASLprep has it, which is what clients of SCRAM hash; what it refuses stays as it is. */
static void
put_prepared(struct buf *out, struct bytes password)
{
	if (sasl_prep(out, password, 0) < 0)
		buf_put_bytes(out, password);
}

bool
password_hash(const struct password_method *method, struct bytes password, struct buf *out)
{
	char salt[32], setting[CRYPT_GENSALT_OUTPUT_SIZE], text[PASSWORD_MAX + 1];
	struct buf prepared = BUF_SECRET;
	struct crypt_data *data;
	const char *hash;
	size_t before = out->len;

	if (password.n == 0 || password.n > PASSWORD_MAX ||
		bytes_find(password, 0) != BYTES_NOT_FOUND) {
		fprintf(stderr, "a password has 1 to %d octets, none of them NUL\n", PASSWORD_MAX);
		return false;
	}
	random_fill(salt, sizeof(salt));
	if (crypt_gensalt_rn(method->prefix, method->cost, salt, sizeof(salt), setting,
		    sizeof(setting)) == NULL) {
		fprintf(stderr, "the hash can't have the cost %lu\n", method->cost);
		return false;
	}
	put_prepared(&prepared, password);
	bytes_to_str(buf_bytes(&prepared), text, sizeof(text));
	buf_free(&prepared);
	data = xcalloc(1, sizeof(*data));
	hash = crypt_rn(text, setting, data, sizeof(*data));
	if (hash != NULL && hash[0] == '$')
		buf_put_str(out, hash);
	else
		fprintf(stderr, "the password can't be hashed\n");
	explicit_bzero(text, sizeof(text));
	explicit_bzero(data->input, sizeof(data->input));
	free(data);
	return out->len > before;
}

void
password_put_scram(struct buf *out, const struct scram_record *like, struct bytes password)
{
	struct scram_record r = *like;
	struct buf prepared = BUF_SECRET;

	put_prepared(&prepared, password);
	scram_record_derive(&r, buf_bytes(&prepared));
	buf_put_str(out, r.hash == SCRAM_HASH_SHA_1 ? "{SCRAM-SHA-1}" : "{SCRAM-SHA-256}");
	scram_record_put(out, &r);
	buf_free(&prepared);
}

void
password_put_ssha256(struct buf *out, struct bytes password)
{
	uint8_t digest_and_salt[32 + 8];
	struct buf text = BUF_SECRET;

	random_fill(digest_and_salt + 32, 8);
	buf_put_bytes(&text, password);
	buf_put(&text, digest_and_salt + 32, 8);
	scram_digest(SCRAM_HASH_SHA_256, buf_bytes(&text), digest_and_salt);
	buf_put_str(out, "{SSHA256}");
	base64_encode(out, bytes_make(digest_and_salt, sizeof(digest_and_salt)));
	buf_free(&text);
}

static bool
read_line(const char *prompt, struct buf *out)
{
	return terminal_read_line(STDIN_FILENO, STDERR_FILENO, prompt, true, out) && out->len > 0;
}

static bool
ask(const char *who, const char *question, struct buf *out)
{
	char prompt[600];
	bool ok;

	snprintf(prompt, sizeof(prompt), "%s %s: ", question, who);
	ok = read_line(prompt, out);
	fputc('\n', stderr);
	return ok;
}

bool
password_read(bool from_stdin, const char *who, struct buf *out)
{
	struct buf again = BUF_INIT;
	bool ok;

	if (from_stdin || !isatty(STDIN_FILENO)) {
		ok = read_line("", out);
		if (!ok)
			fprintf(stderr, "no password on standard input\n");
		return ok;
	}
	ok = ask(who, "Password of", out) && ask(who, "Again, password of", &again);
	if (ok && !bytes_equal(buf_bytes(out), buf_bytes(&again))) {
		fprintf(stderr, "they are not the same\n");
		ok = false;
	}
	if (again.data != NULL)
		explicit_bzero(again.data, again.cap);
	buf_free(&again);
	return ok;
}
