/* SPDX-License-Identifier: ISC */
/* cli/say.c - errors, told with what to do about them where that is always the same. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "err.h"

void
cli_say_cure(int err)
{
	static const struct {
		int err;
		const char *cure;
	} cures[] = {
		{ ERR_DENIED,
			"only root, or the user who runs relais, may do that: try it with sudo" },
		{ ERR_NO_SPACE, "make room first (df -h tells where), then say it again" },
		{ ERR_IO, "the disk, or what is mounted there, is at fault: see dmesg" },
	};

	for (size_t i = 0; i < NITEMS(cures); i++)
		if (cures[i].err == err)
			fprintf(stderr, "%s\n", cures[i].cure);
}

void
cli_say_err(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, err_text(err));
	cli_say_cure(err);
}

void
cli_say_errno(const char *what)
{
	const int error = errno;

	fprintf(stderr, "%s: %s\n", what, strerror(error));
	if (error != EROFS)
		cli_say_cure(err_from_errno(error));
	errno = error;
}
