/* SPDX-License-Identifier: ISC */
/*
 * submission/submit_local.c - a user of this machine at the socket of sendmail(1).
 *
 * directory gets the connection's descriptor and asks the kernel itself who is at its other end, so
 * a submission process that was taken over can send in no local user's name but those of its
 * clients.
 *
 * Runs in:  submission.
 * Trusts:   the kernel's word on the uid; directory's answer after decoding.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "directory_msg.h"
#include "err.h"
#include "local_users.h"
#include "log.h"
#include "submission.h"

#define LOCAL_TIMEOUT_MS 60000

static struct directory_local_answer
read_answer(const struct ipc_answer *reply)
{
	struct directory_local_answer a = { 0 };
	struct ipc_reader in = ipc_reader(reply->body);

	if (reply->err < 0 || reply->type != DIRECTORY_LOCAL_ANSWER ||
		directory_local_answer_decode(&in, &a) < 0 ||
		(a.status == DIRECTORY_AUTH_OK && a.handle.n != DIRECTORY_HANDLE_SIZE))
		a = (struct directory_local_answer){ .status = DIRECTORY_AUTH_TEMPORARY };
	return a;
}

static void
on_answer(void *arg, const struct ipc_answer *reply)
{
	struct client *c = arg;
	struct directory_local_answer a = read_answer(reply);

	c->has_handle = a.status == DIRECTORY_AUTH_OK;
	if (c->has_handle)
		memcpy(c->handle, a.handle.p, sizeof(c->handle));
	if (!client_answered(c))
		return;
	if (c->has_handle)
		client_local(c, a.account, a.address);
	else
		client_refuse(c, a.status == DIRECTORY_AUTH_TEMPORARY
					 ? "421 4.3.0 try again later"
					 : "554 5.7.1 this user may not send");
}

bool
submit_local(struct client *c)
{
	const struct submission *own = c->smtpd->own;
	struct link *directory = c->smtpd->directory;
	struct directory_local m = { .session = c->number };
	struct ucred who;
	socklen_t len = sizeof(who);
	const char *name = NULL;
	int fd;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		name = local_user_name(own->users, who.uid);
	if (name == NULL) {
		log_warning("local user with uid %u is not known here; \"relais reload\" reads the "
			    "system's users again",
			(unsigned)who.uid);
		return false;
	}
	snprintf(c->address_text, sizeof(c->address_text), "userid %u", (unsigned)who.uid);
	if ((fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0)) < 0)
		return false;
	m.name = bytes_from_str(name);
	c->asking = true;
	directory_local_encode(link_compose(directory), &m);
	link_request(directory, DIRECTORY_LOCAL, &fd, 1, LOCAL_TIMEOUT_MS, on_answer, c);
	return true;
}
