/* SPDX-License-Identifier: ISC */
/*
 * cli/mailbox.c - Maildirs made for new accounts.
 *
 * Runs in:  relais, as root or whoever owns the folders.
 * Trusts:   no folder below the mail root: links are not followed.
 */
#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
mailbox_owner(struct cli *cli, uint32_t *uid, uint32_t *gid)
{
	const struct passwd *pw;

	*uid = geteuid();
	*gid = getegid();
	if (geteuid() != 0)
		return true;
	pw = getpwnam(cli_common(cli)->mail_user);
	if (pw == NULL) {
		fprintf(stderr,
			"there is no user \"%s\" (option mail_user): systemd-sysusers makes it, or "
			"adduser --system\n",
			cli_common(cli)->mail_user);
		return false;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

/* mkdir below dirfd, owned, and opened without following a link. Closes dirfd. */
static int
enter(int dirfd, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
{
	int fd = -1;
	bool made;

	made = mkdirat(dirfd, name, mode) == 0;
	if (made || errno == EEXIST)
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && made &&
		((geteuid() == 0 && fchown(fd, uid, gid) < 0) || fchmod(fd, mode) < 0)) {
		close(fd);
		fd = -1;
	}
	close(dirfd);
	return fd;
}

static bool
make_below(const char *root, struct bytes path, uint32_t uid, uint32_t gid, uint32_t mail_uid,
	uint32_t mail_gid)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	bool foreign = uid != mail_uid; /* its owner must be able to pass the folders above */
	char name[300];
	int fd, sub;

	if (mkdir(root, 0711) == 0) {
		if ((geteuid() == 0 && chown(root, mail_uid, mail_gid) < 0) ||
			chmod(root, 0711) < 0)
			return false;
	} else if (errno != EEXIST) {
		return false;
	}
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && path.n > 0) {
		struct bytes part = bytes_cut(&path, '/');
		bool last = path.n == 0;

		bytes_to_str(part, name, sizeof(name));
		fd = last ? enter(fd, name, 0700, uid, gid)
			  : enter(fd, name, foreign ? 0711 : 0700, mail_uid, mail_gid);
	}
	for (size_t i = 0; fd >= 0 && i < NITEMS(parts); i++) {
		sub = enter(dup(fd), parts[i], 0700, uid, gid);
		if (sub < 0) {
			close(fd);
			return false;
		}
		close(sub);
	}
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool
mailbox_make(struct cli *cli, const char *home, uint32_t uid, uint32_t gid)
{
	const char *root = cli_common(cli)->mail_root;
	uint32_t mail_uid, mail_gid;
	char path[1200];

	if (!mailbox_owner(cli, &mail_uid, &mail_gid))
		return false;
	if (make_below(root, bytes_from_str(home), uid, gid, mail_uid, mail_gid))
		return true;
	snprintf(path, sizeof(path), "%s/%s", root, home);
	cli_say_errno(path);
	return false;
}
