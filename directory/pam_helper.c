/* SPDX-License-Identifier: ISC */
/*
 * directory/pam_helper.c - the process that asks PAM, see pam.h.
 *
 * Runs in:  its own process, forked by directory before its jail; a child for each question.
 * Trusts:   directory to ask what a client said; PAM's configuration.
 * Sources:  pam(3), pam_conv(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "jail.h"
#include "log.h"
#include "pam.h"

#define CHILD_SECONDS 60

/* ---- the question ---- */

static void
put_text(struct buf *out, struct bytes text)
{
	buf_put_u16(out, (uint16_t)text.n);
	buf_put_bytes(out, text);
}

void
pam_question_encode(struct buf *out, const struct pam_question *q)
{
	buf_put_u64(out, q->number);
	put_text(out, q->user);
	put_text(out, q->password);
	put_text(out, q->client);
}

static int
get_text(struct bytes *in, size_t max, struct bytes *out)
{
	size_t n;

	if (in->n < 2 || (n = get_u16(in->p)) > max || n > in->n - 2)
		return ERR_SYNTAX;
	*out = bytes_make(in->p + 2, n);
	*in = bytes_skip(*in, 2 + n);
	return bytes_find(*out, 0) == BYTES_NOT_FOUND ? ERR_OK : ERR_SYNTAX;
}

int
pam_question_decode(struct bytes in, struct pam_question *q)
{
	if (in.n < 8)
		return ERR_SYNTAX;
	q->number = get_u64(in.p);
	in = bytes_skip(in, 8);
	if (get_text(&in, PAM_NAME_MAX, &q->user) < 0 ||
		get_text(&in, PAM_PASSWORD_MAX, &q->password) < 0 ||
		get_text(&in, PAM_NAME_MAX, &q->client) < 0 || in.n > 0 || q->user.n == 0)
		return ERR_SYNTAX;
	return ERR_OK;
}

/* ---- PAM ---- */

/* Every hidden question is for the password; there is nobody to answer another. */
static int
converse(int n, const struct pam_message **messages, struct pam_response **responses, void *arg)
{
	struct pam_response *r =
		n > 0 && n <= PAM_MAX_NUM_MSG ? calloc((size_t)n, sizeof(*r)) : NULL;

	if (r == NULL)
		return PAM_CONV_ERR;
	for (int i = 0; i < n; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			r[i].resp = strdup(arg); /* PAM frees it */
	*responses = r;
	return PAM_SUCCESS;
}

/* directory delays wrong answers itself */
static void
no_delay(int status, unsigned microseconds, void *arg)
{
	UNUSED(status), UNUSED(microseconds), UNUSED(arg);
}

static enum pam_verdict
verdict_of(int r)
{
	static const int later[] = { PAM_OPEN_ERR, PAM_SYMBOL_ERR, PAM_SERVICE_ERR, PAM_SYSTEM_ERR,
		PAM_BUF_ERR, PAM_AUTHINFO_UNAVAIL, PAM_ABORT, PAM_MODULE_UNKNOWN, PAM_CONV_ERR };

	if (r == PAM_SUCCESS)
		return PAM_SAYS_YES;
	for (size_t i = 0; i < NITEMS(later); i++)
		if (r == later[i])
			return PAM_SAYS_LATER;
	return PAM_SAYS_NO;
}

static void
set(pam_handle_t *h, int item, const void *value)
{
	(void)pam_set_item(h, item, value); /* a module that misses it says so itself */
}

/* All are C strings. */
static enum pam_verdict
ask_pam(const char *service, const char *user, char *password, const char *client)
{
	const struct pam_conv conversation = { converse, password };
	union {
		void (*delay)(int, unsigned, void *);
		const void *item;
	} delay = { no_delay };
	pam_handle_t *h = NULL;
	int r = pam_start(service, user, &conversation, &h);

	if (r != PAM_SUCCESS)
		return PAM_SAYS_LATER;
	set(h, PAM_RHOST, client);
	set(h, PAM_TTY, "relais");
	set(h, PAM_FAIL_DELAY, delay.item);
	r = pam_authenticate(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (r == PAM_SUCCESS)
		r = pam_acct_mgmt(h, PAM_SILENT);
	if (verdict_of(r) == PAM_SAYS_LATER)
		log_error("PAM: %s", pam_strerror(h, r));
	(void)pam_end(h, r);
	return verdict_of(r);
}

/* ---- the process ---- */

static _Noreturn void
answer(int socket, const char *service, const struct pam_question *q)
{
	char user[PAM_NAME_MAX + 1], client[PAM_NAME_MAX + 1], password[PAM_PASSWORD_MAX + 1];
	struct buf out = BUF_INIT;

	signal(SIGCHLD, SIG_DFL);
	alarm(CHILD_SECONDS);
	bytes_to_str(q->user, user, sizeof(user));
	bytes_to_str(q->client, client, sizeof(client));
	bytes_to_str(q->password, password, sizeof(password));
	buf_put_u64(&out, q->number);
	buf_put_u8(&out, (uint8_t)ask_pam(service, user, password, client));
	explicit_bzero(password, sizeof(password));
	(void)!send(socket, out.data + out.start, out.len, MSG_NOSIGNAL);
	log_flush();
	_exit(0);
}

static int
confine(bool privileged, bool read_only)
{
	const struct rlimit no_core = { 0, 0 };
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), r = ERR_OK;

	if (setrlimit(RLIMIT_CORE, &no_core) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || root < 0)
		r = err_from_errno(errno);
	if (r == ERR_OK && privileged && setgroups(0, NULL) != 0)
		r = err_from_errno(errno);
	if (r == ERR_OK && privileged)
		r = jail_drop_capabilities(false);
	if (r == ERR_OK && read_only)
		r = jail_landlock(SANDBOX_READ | SANDBOX_CONNECT, root);
	if (root >= 0)
		close(root);
	return r;
}

void
pam_helper_live(int socket, const char *service, bool privileged, bool read_only)
{
	uint8_t packet[PAM_PACKET_MAX];
	int keep[2] = { LOG_FD, socket };
	ssize_t n;

	log_after_fork();
	jail_close_others(keep, 2);
	signal(SIGCHLD, SIG_IGN); /* nobody waits: they answer themselves */
	if (confine(privileged, read_only) < 0) {
		log_error("PAM: the helper could not be confined: %m");
		log_flush();
		_exit(1);
	}
	while ((n = recv(socket, packet, sizeof(packet), 0)) > 0 || (n < 0 && errno == EINTR)) {
		struct pam_question q;

		if (n > 0 && pam_question_decode(bytes_make(packet, (size_t)n), &q) == ERR_OK &&
			fork() == 0)
			answer(socket, service, &q);
		explicit_bzero(packet, sizeof(packet));
	}
	_exit(0);
}
