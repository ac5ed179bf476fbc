/* SPDX-License-Identifier: ISC */
/*
 * cli/import/passwd_file.c - Dovecot's passwd-file as accounts:
 *
 *	user:password:uid:gid:gecos:home:shell:extra_field=value ...
 */
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "import.h"
#include "mail_address.h"
#include "password_record.h"

enum field {
	USER,
	PASSWORD,
	UID,
	GID,
	GECOS,
	HOME,
	SHELL,
	EXTRA,
	FIELDS
};

/* Fields parted by ':'; the last one has all the rest, IPv6 addresses too. */
static void
split(struct bytes line, struct bytes fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		fields[i] = i == EXTRA ? line : bytes_cut(&line, ':');
		fields[i] = bytes_trim(fields[i]);
	}
}

/* ---- the password ---- */

/* crypt(5)'s own form needs no name; of other schemes' records the name stands in front. */
static bool
take_password(struct import *im, const struct import_place *place, struct bytes written,
	struct bytes scheme, struct bytes *out)
{
	struct buf record = BUF_INIT;
	const char *why = "";
	bool ok;

	if (written.n == 0 || written.p[0] == '{')
		buf_put_bytes(&record, written);
	else if (bytes_is_nocase(scheme, "CRYPT") || scheme.n == 0)
		buf_put_bytes(&record, written);
	else
		buf_printf(&record, "{%.*s}%.*s", (int)scheme.n, (const char *)scheme.p,
			(int)written.n, (const char *)written.p);
	*out = arena_bytes(&im->arena, buf_bytes(&record));
	buf_free(&record);
	if (written.n == 0 || written.p[0] == '*' || written.p[0] == '!') { /* locked */
		*out = BYTES_NONE;
		return true;
	}
	ok = password_record_check(*out, &why) == ERR_OK &&
	     bytes_find(*out, ' ') == BYTES_NOT_FOUND;
	if (ok)
		return true;
	*out = BYTES_NONE;
	import_tell(im, place, IMPORT_BY_HAND,
		"its password: %s; relais user passwd gives a new one",
		why[0] == 0 ? "has a blank" : why);
	return false;
}

/* ---- extra fields ---- */

/* "*:storage=1G:messages=100" or "*:bytes=1000" as " quota=1G messages=100" */
static bool
take_quota(struct bytes rule, struct buf *out)
{
	struct bytes root = bytes_cut(&rule, ':');
	uint64_t octets;

	if (!bytes_is(root, "*") || rule.n == 0)
		return false;
	while (rule.n > 0) {
		struct bytes value = bytes_cut(&rule, ':'), name = bytes_cut(&value, '=');
		bool storage = bytes_is_nocase(name, "storage");

		if (bytes_is_nocase(name, "messages"))
			buf_printf(out, " messages=%.*s", (int)value.n, (const char *)value.p);
		else if (!storage && !bytes_is_nocase(name, "bytes"))
			return false;
		else if (bytes_to_u64(value, UINT64_MAX, &octets) == ERR_OK) /* storage: KiB */
			buf_printf(out, " quota=%.*s%s", (int)value.n, (const char *)value.p,
				storage ? "K" : "");
		else
			buf_printf(out, " quota=%.*s", (int)value.n, (const char *)value.p);
	}
	return true;
}

static void
take_extra(struct import *im, const struct import_place *place, struct bytes extra, struct buf *out)
{
	struct bytes word;

	while (import_word(&extra, &word)) {
		struct bytes value = word, name = bytes_cut(&value, '=');

		if (bytes_starts_with(name, BYTES_LITERAL("userdb_")))
			name = bytes_skip(name, strlen("userdb_"));
		if (bytes_is(name, "nologin"))
			buf_put_str(out, " state=no-login");
		else if (!bytes_is(name, "quota_rule") || !take_quota(value, out))
			import_tell(im, place, IMPORT_BY_HAND, "%.*s: no option of an account",
				(int)word.n, (const char *)word.p);
	}
}

/* ---- the folder ---- */

/* A path with its variables: %u %n %d %h, and ~ */
static struct bytes
expand(struct import *im, struct bytes t, const struct mail_address *address, struct bytes home)
{
	struct buf out = BUF_INIT;
	struct bytes path;

	for (size_t i = 0; i < t.n; i++) {
		uint8_t c = t.p[i], next = i + 1 < t.n ? t.p[i + 1] : 0;

		if (c == '~' && i == 0) {
			buf_put_bytes(&out, home);
		} else if (c == '%' && next != 0) {
			i++;
			if (next == 'u')
				buf_put_bytes(&out, address->key);
			else if (next == 'n')
				buf_put_bytes(&out, address->local);
			else if (next == 'd')
				buf_put_bytes(&out, address->domain);
			else if (next == 'h')
				buf_put_bytes(&out, home);
		} else {
			buf_put_u8(&out, c);
		}
	}
	path = arena_bytes(&im->arena, buf_bytes(&out));
	buf_free(&out);
	return path;
}

static struct bytes
maildir_of(struct import *im, const struct mail_address *address, struct bytes home)
{
	struct bytes path;

	if (home.n == 0)
		home = expand(im, im->home, address, BYTES_NONE);
	if (im->location.n == 0) /* nothing says where in it; most have no folder between */
		return im->dovecot_read ? BYTES_NONE : home;
	path = expand(im, im->location, address, home);
	return path.n > 0 && path.p[0] == '/' ? path : BYTES_NONE;
}

/* ---- a line ---- */

static bool
take_line(
	struct import *im, const struct import_place *place, struct bytes line, struct bytes scheme)
{
	struct import_account account = { .place = *place };
	struct bytes fields[FIELDS], name;
	struct mail_address address;
	struct buf options = BUF_INIT;

	split(line, fields);
	name = fields[USER];
	if (bytes_find(name, '@') == BYTES_NOT_FOUND && im->origin.n > 0)
		name = bytes_from_str(arena_printf(&im->arena, "%.*s@%.*s", (int)name.n,
			(const char *)name.p, (int)im->origin.n, (const char *)im->origin.p));
	if (mail_address_fold(&im->arena, name, &address) < 0 || address.domain.n == 0) {
		import_tell(im, place, IMPORT_BY_HAND,
			"%.*s: not an address; accounts have their domain here", (int)name.n,
			(const char *)name.p);
		return false;
	}
	account.address = address.key;
	account.told = !take_password(im, place, fields[PASSWORD], scheme, &account.password);
	take_extra(im, place, fields[EXTRA], &options);
	account.options = arena_bytes(&im->arena, buf_bytes(&options));
	buf_free(&options);
	account.maildir = maildir_of(im, &address, arena_bytes(&im->arena, fields[HOME]));
	import_account(im, &account);
	return true;
}

void
import_passwd_file(struct import *im, const char *path, struct bytes text, struct bytes scheme)
{
	unsigned number = 0;
	size_t lines = 0, taken = 0;

	while (text.n > 0) {
		struct bytes line = bytes_trim(bytes_cut(&text, '\n'));
		struct bytes rest = line, name = bytes_cut(&rest, ':');

		number++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		lines++;
		taken += take_line(im,
			&(struct import_place){ path, number, arena_str(&im->arena, name) }, line,
			scheme);
	}
	import_tell(im, &(struct import_place){ path, 0, "passwd-file" }, IMPORT_TAKEN,
		"%zu of %zu lines", taken, lines);
}
