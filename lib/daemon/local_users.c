/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/local_users.c - uid to name, for those who come by the socket of sendmail(1).
 *
 * Runs in:  submission, directory; local_users_read() before the jail.
 * Trusts:   the system's user database.
 */
#include "local_users.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define USERS_MAX 100000
#define NAME_SIZE 64

struct local_user {
	uint32_t uid, order;
	char name[NAME_SIZE];
};

struct local_users {
	struct local_user *v;
	size_t n, room;
};

static int
by_uid(const void *a, const void *b)
{
	const struct local_user *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
add(struct local_users *u, const struct passwd *pw)
{
	struct local_user *user;

	if (strlen(pw->pw_name) >= NAME_SIZE)
		return;
	if (u->n == u->room) {
		u->room = u->room == 0 ? 64 : u->room * 2;
		u->v = xrealloc(u->v, u->room * sizeof(*u->v));
	}
	user = &u->v[u->n];
	user->uid = pw->pw_uid;
	user->order = (uint32_t)u->n++;
	memcpy(user->name, pw->pw_name, strlen(pw->pw_name) + 1);
}

struct local_users *
local_users_read(void)
{
	struct local_users *u = xcalloc(1, sizeof(*u));
	const struct passwd *pw;

	setpwent();
	while (u->n < USERS_MAX && (pw = getpwent()) != NULL)
		add(u, pw);
	endpwent();
	if (u->n > 0)
		qsort(u->v, u->n, sizeof(*u->v), by_uid);
	return u;
}

void
local_users_free(struct local_users **u)
{
	if (*u != NULL)
		free((*u)->v);
	free(*u);
	*u = NULL;
}

const char *
local_user_name(const struct local_users *u, uint32_t uid)
{
	size_t low = 0, high = u->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (u->v[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < u->n && u->v[low].uid == uid ? u->v[low].name : NULL;
}
