/* SPDX-License-Identifier: ISC */
/* cli/terminal.c - lines that a person types, see the header. */
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* As read() of one octet; a SIGINT that is blocked until here, and caught, ends it. */
static ssize_t
read_octet(int fd, char *c)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	sigset_t mask;

	if (sigprocmask(SIG_BLOCK, NULL, &mask) != 0 || sigdelset(&mask, SIGINT) != 0 ||
		ppoll(&p, 1, NULL, &mask) < 0)
		return -1;
	return read(fd, c, 1);
}

bool
terminal_read_line(int fd, int show, const char *prompt, bool hidden, struct buf *out)
{
	struct termios old, quiet;
	const bool changed = hidden && tcgetattr(fd, &old) == 0;
	ssize_t r;
	char c = 0;

	if (changed) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fd, TCSADRAIN, &quiet);
	}
	if (prompt[0] != 0)
		dprintf(show, "%s", prompt);
	buf_clear(out);
	while ((r = read_octet(fd, &c)) == 1 && c != '\n' && out->len <= TERMINAL_LINE_MAX)
		if (c != '\r')
			buf_put(out, &c, 1);
	if (changed)
		tcsetattr(fd, TCSADRAIN, &old);
	return out->len <= TERMINAL_LINE_MAX && (r == 1 || (r == 0 && out->len > 0));
}
