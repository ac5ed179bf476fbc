/* SPDX-License-Identifier: ISC */
/*
 * cli/import/accounts.c - accounts, of which one file knows the folder and another the password:
 * brought together by their address, and put into the table.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "mail_address.h"

void
import_account(struct import *im, const struct import_account *account)
{
	if (im->naccounts == im->accounts_cap) {
		im->accounts_cap = im->accounts_cap == 0 ? 64 : im->accounts_cap * 2;
		im->accounts = xrealloc(im->accounts, im->accounts_cap * sizeof(*im->accounts));
	}
	im->accounts[im->naccounts] = *account;
	im->accounts[im->naccounts].number = im->naccounts;
	im->naccounts++;
}

/* ---- the owner and the folder of all mailboxes ---- */

void
import_mail_user(struct import *im, const struct import_place *place, struct bytes user)
{
	const struct passwd *known;
	uint64_t uid;

	if (bytes_to_u64(user, UINT32_MAX - 1, &uid) < 0) {
		import_set(im, place, "", "mail_user", user);
		return;
	}
	known = getpwuid((uid_t)uid);
	if (known == NULL || uid == 0)
		import_tell(im, place, IMPORT_BY_HAND,
			"no user has uid %llu here; mail_user names the mailboxes' owner",
			(unsigned long long)uid);
	else
		import_set(im, place, "", "mail_user", bytes_from_str(known->pw_name));
}

bool
import_mail_root(struct import *im, const struct import_place *place, struct bytes path)
{
	const size_t percent = bytes_find(path, '%');
	struct bytes root = bytes_head(path, percent);

	root = bytes_head(root, bytes_find_last(root, '/'));
	if (percent == BYTES_NOT_FOUND || root.n < 2 || root.p[0] != '/')
		return false;
	im->mail_root = arena_bytes(&im->arena, root);
	return import_set(im, place, "", "mail_root", root);
}

/* The longest folder that both are in, without "/" at its end. */
static struct bytes
common_folder(struct bytes a, struct bytes b)
{
	size_t n = 0, end = 0;

	for (; n < a.n && n < b.n && a.p[n] == b.p[n]; n++)
		if (a.p[n] == '/')
			end = n;
	return bytes_head(a, end);
}

static struct bytes
parent(struct bytes path)
{
	size_t at = bytes_find_last(path, '/');

	return bytes_head(path, at == BYTES_NOT_FOUND ? 0 : at);
}

/* No setting says it: what all Maildirs have in common; of one alone, what DOMAIN/LOCAL-PART is in.
 */
static void
find_mail_root(struct import *im)
{
	struct bytes root = BYTES_NONE;
	const struct import_place *place = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < im->naccounts; i++) {
		struct bytes maildir = im->accounts[i].maildir;

		if (maildir.n == 0)
			continue;
		root = n++ == 0 ? parent(maildir) : common_folder(root, maildir);
		place = &im->accounts[i].place;
	}
	if (n == 1)
		root = parent(root);
	if (root.n < 2) /* "/" is no folder for mail */
		return;
	im->mail_root = root;
	import_set(im, place, "", "mail_root", root);
}

/* ---- merging ---- */

static int
by_address(const void *a, const void *b)
{
	const struct import_account *x = a, *y = b;
	int r = bytes_compare(x->address, y->address);

	return r != 0 ? r : (x->number > y->number) - (x->number < y->number);
}

/* What comes later knows better where mail is: Dovecot's word after Postfix'. */
static void
merge(struct import_account *into, const struct import_account *more)
{
	if (into->password.n == 0)
		into->password = more->password;
	if (more->maildir.n > 0)
		into->maildir = more->maildir;
	if (into->options.n == 0)
		into->options = more->options;
	into->told |= more->told;
}

static int
compare_bytes(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static int
by_number(const void *a, const void *b)
{
	const struct import_account *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* A domain that no setting named is local, since it has accounts. */
static void
add_domains(struct import *im)
{
	const struct import_table *t = &im->tables[TABLE_DOMAINS];
	size_t n = t->count;
	struct bytes *known = xcalloc(n + 1, sizeof(*known)), last = BYTES_NONE;

	for (size_t i = 0; i < n; i++)
		known[i] = t->entries[i].key;
	qsort(known, n, sizeof(*known), compare_bytes);
	for (size_t i = 0; i < im->naccounts; i++) {
		struct bytes address = im->accounts[i].address;
		struct bytes domain = bytes_skip(address, bytes_find_last(address, '@') + 1);

		if (bytes_equal(domain, last) ||
			bsearch(&domain, known, n, sizeof(*known), compare_bytes) != NULL)
			continue;
		last = domain;
		if (!import_has(im, TABLE_DOMAINS, domain) &&
			import_put(im, &im->accounts[i].place, TABLE_DOMAINS, domain,
				BYTES_LITERAL("local")))
			import_tell(im, &im->accounts[i].place, IMPORT_TAKEN,
				"domain %.*s is local", (int)domain.n, (const char *)domain.p);
	}
	free(known);
}

/* Its Maildir below the mail root; false if it is elsewhere. Empty: where we would put it. */
static bool
home_of(const struct import *im, const struct import_account *account, struct bytes *home)
{
	struct bytes maildir = account->maildir, address = account->address;
	size_t at = bytes_find_last(address, '@');
	struct buf ours = BUF_INIT;

	*home = BYTES_NONE;
	while (maildir.n > 0 && maildir.p[maildir.n - 1] == '/')
		maildir.n--;
	if (maildir.n == 0)
		return true;
	if (im->mail_root.n == 0 || maildir.n <= im->mail_root.n + 1 ||
		!bytes_starts_with(maildir, im->mail_root) || maildir.p[im->mail_root.n] != '/')
		return false;
	maildir = bytes_skip(maildir, im->mail_root.n + 1);
	mail_address_home(&ours, bytes_head(address, at), bytes_skip(address, at + 1));
	if (!bytes_equal(maildir, buf_bytes(&ours)))
		*home = maildir;
	buf_free(&ours);
	return true;
}

static void
put_account(struct import *im, const struct import_account *account)
{
	struct buf line = BUF_INIT;
	struct bytes home;

	if (!home_of(im, account, &home))
		import_tell(im, &account->place, IMPORT_BY_HAND,
			"%.*s: its mail is in %.*s, which is not below the mail root %.*s; move it "
			"there",
			(int)account->address.n, (const char *)account->address.p,
			(int)account->maildir.n, (const char *)account->maildir.p,
			(int)im->mail_root.n, (const char *)im->mail_root.p);
	if (account->password.n == 0 && !account->told)
		import_tell(im, &account->place, IMPORT_BY_HAND,
			"%.*s has no password in any file; relais user passwd gives it one",
			(int)account->address.n, (const char *)account->address.p);
	buf_put_bytes(&line, account->password.n > 0 ? account->password : BYTES_LITERAL("*"));
	buf_put_bytes(&line, account->options);
	if (home.n > 0)
		buf_printf(&line, " home=%.*s", (int)home.n, (const char *)home.p);
	(void)import_put(im, &account->place, TABLE_ACCOUNTS, account->address, buf_bytes(&line));
	buf_free(&line);
}

void
import_accounts_finish(struct import *im)
{
	size_t n = 0;

	if (im->mail_root.n == 0)
		find_mail_root(im);
	if (im->naccounts > 0)
		qsort(im->accounts, im->naccounts, sizeof(*im->accounts), by_address);
	for (size_t i = 0; i < im->naccounts; i++) {
		if (n > 0 && bytes_equal(im->accounts[n - 1].address, im->accounts[i].address))
			merge(&im->accounts[n - 1], &im->accounts[i]);
		else
			im->accounts[n++] = im->accounts[i];
	}
	im->naccounts = n;
	if (n > 0)
		qsort(im->accounts, n, sizeof(*im->accounts), by_number);
	add_domains(im);
	for (size_t i = 0; i < n; i++)
		put_account(im, &im->accounts[i]);
}
