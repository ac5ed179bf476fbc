/* SPDX-License-Identifier: ISC */
/* cli/screen.c - the whole terminal for one command. Runs in: relais. ECMA-48 sequences. */
#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "buf.h"

/* What handlers of signals have to know. */
static struct termios before;
static volatile sig_atomic_t is_ours, ended, resized;
static int stderr_before = -1;

static const char enter_sequence[] = "\033[?1049h\033[?25l\033[H\033[2J";
static const char leave_sequence[] = "\033[?25h\033[?1049l";

/* Only what a handler may call. */
static void
give_back(void)
{
	if (!is_ours)
		return;
	is_ours = 0;
	UNUSED(write(STDOUT_FILENO, leave_sequence, sizeof(leave_sequence) - 1) < 0);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

static void
take(void)
{
	struct termios raw = before;

	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	UNUSED(write(STDOUT_FILENO, enter_sequence, sizeof(enter_sequence) - 1) < 0);
	is_ours = 1;
}

static void
on_end(int number)
{
	ended = number;
}

static void
on_resize(int number)
{
	UNUSED(number);
	resized = 1;
}

/* ^Z: the shell gets its terminal; what follows runs when we are told to go on. */
static void
on_stop(int number)
{
	const int saved = errno;

	UNUSED(number);
	give_back();
	raise(SIGSTOP);
	take();
	resized = 1;
	errno = saved;
}

/* A fault of ours: the handler is gone (SA_RESETHAND), so it happens again and ends us. */
static void
on_fault(int number)
{
	give_back();
	raise(number);
}

static const struct {
	int number;
	void (*handler)(int);
	int flags;
} handlers[] = { { SIGINT, on_end, 0 }, { SIGTERM, on_end, 0 }, { SIGHUP, on_end, 0 },
	{ SIGQUIT, on_end, 0 }, { SIGPIPE, on_end, 0 }, { SIGWINCH, on_resize, 0 },
	{ SIGTSTP, on_stop, 0 }, { SIGSEGV, on_fault, (int)SA_RESETHAND },
	{ SIGABRT, on_fault, (int)SA_RESETHAND }, { SIGBUS, on_fault, (int)SA_RESETHAND } };

bool
screen_enter(void)
{
	if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 ||
		tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	for (size_t i = 0; i < NITEMS(handlers); i++) {
		struct sigaction action = { .sa_handler = handlers[i].handler,
			.sa_flags = handlers[i].flags };

		sigaction(handlers[i].number, &action, NULL);
	}
	stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	if (stderr_before >= 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null >= 0) {
			dup2(null, STDERR_FILENO);
			close(null);
		}
	}
	take();
	return true;
}

void
screen_leave(void)
{
	give_back();
	if (stderr_before >= 0) {
		dup2(stderr_before, STDERR_FILENO);
		close(stderr_before);
		stderr_before = -1;
	}
}

void
screen_size(unsigned *rows, unsigned *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
		*rows = size.ws_row;
		*columns = size.ws_col;
	}
}

void
screen_draw(struct bytes text, const char *foot)
{
	struct buf out = BUF_INIT;
	unsigned rows, columns;

	screen_size(&rows, &columns);
	buf_put_str(&out, "\033[H");
	for (unsigned i = 0; i + 1 < rows; i++) {
		buf_put_bytes(&out, bytes_head(bytes_cut(&text, '\n'), columns));
		buf_put_str(&out, "\033[K\r\n");
	}
	buf_put_str(&out, "\033[7m");
	buf_put_bytes(&out, bytes_head(bytes_from_str(foot), columns - 1));
	buf_put_str(&out, "\033[0m\033[K");
	for (struct bytes rest = buf_bytes(&out); rest.n > 0;) {
		const ssize_t n = write(STDOUT_FILENO, rest.p, rest.n);

		if (n < 0 && errno != EINTR) {
			ended = SIGHUP; /* nobody sees us any more */
			break;
		}
		rest = bytes_skip(rest, n > 0 ? (size_t)n : 0);
	}
	buf_free(&out);
}

int
screen_key(unsigned timeout_ms)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char key = 0;
	int n = 0;

	if (!ended && !resized)
		n = poll(&p, 1, (int)timeout_ms);
	if (ended)
		return SCREEN_END;
	if (resized) {
		resized = 0;
		return SCREEN_SIZE;
	}
	if (n <= 0)
		return n < 0 && errno != EINTR ? SCREEN_END : SCREEN_TIME;
	return read(STDIN_FILENO, &key, 1) == 1 && key > 0 ? key : SCREEN_END;
}
