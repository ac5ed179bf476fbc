/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/home.c - the directory of one mailbox, found or made.
 *
 * A user's own session may put symbolic links into its mailbox; whoever can write in the mail
 * root could put one in a mailbox' place. So the way from the root to a home goes by
 * openat2(2): below the root, no link on the way, whatever happens meanwhile.
 *
 * Runs in:  local-delivery; the children of system-delivery and of the session spawners.
 * Trusts:   nothing: not the path, not what stands in the mail root.
 */
#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "session_msg.h"
#include "sys.h"

#define HOME_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW)

/* One more level down: dirfd is closed, the new one returned. */
static int
step_down(int dirfd, const char *name, bool last)
{
	int r = sys_mkdirat(dirfd, name, last ? HOME_MODE : HOME_PARENT_MODE), fd;

	if (r < 0 && r != ERR_EXISTS)
		fd = r;
	else
		fd = sys_open_beneath(dirfd, name, HOME_FLAGS, 0);
	close(dirfd);
	return fd;
}

static int
make_home(int mail_root_fd, const char *home)
{
	char name[HOME_PATH_MAX + 1];
	struct bytes rest = bytes_from_str(home);
	int fd = sys_open_beneath(mail_root_fd, ".", HOME_FLAGS, 0);
	mode_t mask = umask(0);

	while (fd >= 0 && rest.n > 0) {
		struct bytes part = bytes_cut(&rest, '/');

		fd = step_down(fd, bytes_to_str(part, name, sizeof(name)), rest.n == 0);
	}
	umask(mask);
	return fd;
}

int
home_open(int mail_root_fd, struct bytes home, bool make)
{
	char path[HOME_PATH_MAX + 1];
	int fd;

	if (home.n > HOME_PATH_MAX || !session_home_ok(home))
		return ERR_DENIED;
	bytes_to_str(home, path, sizeof(path));
	fd = sys_open_beneath(mail_root_fd, path, HOME_FLAGS, 0);
	if (fd == ERR_NOT_FOUND && errno == ENOTDIR)
		return ERR_DENIED; /* a file stands in the way */
	if (fd == ERR_NOT_FOUND && make)
		fd = make_home(mail_root_fd, path);
	return fd;
}
