/* SPDX-License-Identifier: ISC */
/*
 * directory/local_login.c - a local user at the socket of sendmail(1): who he is, by the kernel's
 * word. Which addresses are his is local_owner.c's matter.
 *
 * Runs in:  directory.
 * Trusts:   the kernel (SO_PEERCRED of the passed socket, which only a connection of that user
 *           has) and the system's users; submission with nothing.
 */
#include "directory.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "directory_conf.h"
#include "err.h"
#include "local_users.h"
#include "log.h"
#include "logins.h"
#include "mail_address.h"

struct local {
	LIST_ENTRY(local) link;
	struct directory *d;
	struct ipc_channel *channel; /* NULL: the one who asked is gone */
	uint32_t id;
	uint64_t session;
	uid_t uid;
	struct arena arena;
	struct bytes name, key, address;
	enum directory_auth_status status;
};

/* What programs of this machine take its name to be. */
static void
find_host_names(struct directory *d)
{
	struct utsname system;
	char mailname[256] = "";
	FILE *f = fopen("/etc/mailname", "re");
	size_t n = 0;

	if (f != NULL && fscanf(f, "%255s", mailname) != 1)
		mailname[0] = '\0';
	if (f != NULL)
		fclose(f);
	d->local_hosts[n++] = d->daemon->common->hostname;
	d->local_hosts[n++] = "localhost";
	if (uname(&system) == 0)
		d->local_hosts[n++] = arena_str(&d->local_names, bytes_from_str(system.nodename));
	if (mailname[0] != '\0')
		d->local_hosts[n++] = arena_str(&d->local_names, bytes_from_str(mailname));
}

void
directory_local_prepare(struct directory *d)
{
	const struct directory_conf *conf = d->daemon->conf;

	find_host_names(d);
	d->local_users = local_users_read();
	d->trusted_uids = xcalloc(conf->trusted_users.n + 1, sizeof(*d->trusted_uids));
	for (size_t i = 0; i < conf->trusted_users.n; i++) {
		const struct passwd *pw = getpwnam(conf->trusted_users.v[i]);

		if (pw == NULL)
			log_warning("directory.trusted_users: there is no user \"%s\"",
				conf->trusted_users.v[i]);
		else
			d->trusted_uids[d->ntrusted_uids++] = pw->pw_uid;
	}
}

/* root; who runs the suite, where that is not root; those of the option. */
static bool
is_trusted(const struct directory *d, uid_t uid)
{
	bool trusted = uid == 0 || (!d->daemon->privileged && uid == geteuid());

	for (size_t i = 0; i < d->ntrusted_uids; i++)
		trusted |= d->trusted_uids[i] == uid;
	return trusted;
}

/*
 * His name: as the system had it for his uid when we started; of a user who is newer the one that
 * the door says, if the compiled tables have it with this uid. Perhaps in a thread.
 */
static int
find_name(struct directory_tables *t, struct local *l, struct bytes *name)
{
	const char *known = local_user_name(l->d->local_users, l->uid);
	struct account account;
	int r;

	if (known != NULL)
		return mail_local_fold(&l->arena, bytes_from_str(known), name);
	if ((r = mail_local_fold(&l->arena, l->name, name)) < 0 ||
		(r = tables_system_user(t, &l->arena, *name, &account)) < 0)
		return r;
	return account.record.uid == l->uid ? ERR_OK : ERR_NOT_FOUND;
}

static void
look_up(struct directory_tables *t, void *arg)
{
	struct local *l = arg;
	struct bytes name;
	int r = find_name(t, l, &name);

	l->status = r == ERR_OK || r == ERR_NOT_FOUND || r == ERR_SYNTAX || r == ERR_LIMIT
			    ? DIRECTORY_AUTH_FAILED
			    : DIRECTORY_AUTH_TEMPORARY;
	if (r < 0)
		return;
	l->key = mail_address_key(&l->arena, name, BYTES_LITERAL(SYSTEM_USERS_DOMAIN));
	if (l->key.n > DIRECTORY_ACCOUNT_MAX)
		return;
	l->address = local_address(t, &l->arena, l->key, l->d->local_hosts);
	l->status = DIRECTORY_AUTH_OK;
}

static void
local_free(struct local *l)
{
	LIST_REMOVE(l, link);
	arena_reset(&l->arena);
	free(l);
}

static void
answer(void *arg)
{
	struct local *l = arg;
	struct directory_local_answer m = { .status = l->status };
	struct login login = { .channel = l->channel,
		.session = l->session,
		.system_user = true,
		.power = is_trusted(l->d, l->uid) ? LOGIN_TRUSTED : LOGIN_LOCAL,
		.account = l->key,
		.client = BYTES_LITERAL("local") };

	if (l->channel == NULL) {
		local_free(l);
		return;
	}
	if (m.status == DIRECTORY_AUTH_OK && logins_add(l->d->handles, &login) < 0)
		m.status = DIRECTORY_AUTH_TEMPORARY;
	if (m.status == DIRECTORY_AUTH_OK) {
		m.account = l->key;
		m.address = l->address;
		m.handle = bytes_make(login.handle, sizeof(login.handle));
	}
	directory_local_answer_encode(ipc_compose(l->channel), &m);
	ipc_reply(l->channel, l->id, DIRECTORY_LOCAL_ANSWER, NULL, 0);
	local_free(l);
}

void
directory_on_local(struct ipc_call *call, const void *msg)
{
	const struct directory_local *m = msg;
	const struct daemon *daemon = call->ctx;
	struct directory *d = daemon->ctx;
	struct local *l = xcalloc(1, sizeof(*l));
	struct ucred who;
	socklen_t len = sizeof(who);

	l->d = d;
	l->channel = call->channel;
	l->id = call->id;
	l->session = m->session;
	l->name = arena_bytes(&l->arena, m->name);
	l->status = DIRECTORY_AUTH_FAILED;
	LIST_INSERT_HEAD(&d->locals, l, link);
	if (getsockopt(call->fds[0], SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || who.pid == 0) {
		log_warning("%s %u passed a socket without a user",
			service_name(ipc_peer(call->channel)), ipc_peer_instance(call->channel));
		answer(l);
		return;
	}
	l->uid = who.uid;
	l->status = DIRECTORY_AUTH_TEMPORARY;
	if (!directory_look_up(d, look_up, answer, l))
		answer(l);
}

void
directory_local_peer_down(struct directory *d, const struct ipc_channel *peer)
{
	struct local *l;

	LIST_FOREACH (l, &d->locals, link)
		if (l->channel == peer)
			l->channel = NULL;
}

void
directory_local_stop(struct directory *d)
{
	struct local *l, *next;

	for (l = LIST_FIRST(&d->locals); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		local_free(l);
	}
	local_users_free(&d->local_users);
	arena_reset(&d->local_names);
	free(d->trusted_uids);
	d->trusted_uids = NULL;
}
