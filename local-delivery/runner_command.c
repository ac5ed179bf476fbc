/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/runner_command.c - one command: its environment, its input, its end.
 *
 * Runs in:  a child of the runner (runner.c); the command in a child of that.
 * Trusts:   the command line: the administrator's. What comes from the message's envelope
 *           goes into the environment with odd characters replaced, never into the line.
 * Sources:  Postfix' local(8) and pipe(8); sysexits(3); RFC 3463.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "runner_private.h"

#define OUTPUT_MAX 1000 /* octets of what it says */
#define WORDS_MAX  64

/* ---- what its end means ---- */

static const struct {
	int status;
	const char *code, *text;
} exits[] = {
	{ 64, "5.3.0", "command line usage error" },
	{ 65, "5.6.0", "data format error" },
	{ 66, "5.3.0", "cannot open input" },
	{ 67, "5.1.1", "user unknown" },
	{ 68, "5.1.2", "host name unknown" },
	{ 69, "5.3.0", "service unavailable" },
	{ 70, "5.3.0", "internal software error" },
	{ 71, "4.3.0", "system resource problem" },
	{ 72, "5.3.0", "critical OS file missing" },
	{ 73, "5.2.0", "can't create user output file" },
	{ 74, "4.3.0", "input/output error" },
	{ 75, "4.3.0", "temporary failure" },
	{ 76, "5.5.0", "remote error in protocol" },
	{ 77, "5.7.0", "permission denied" },
	{ 78, "5.3.5", "local configuration error" },
};

/* "4.7.1 text": what the command itself says is wrong. Octets of the code, or 0. */
static size_t
said_code(struct bytes output)
{
	size_t i = 0, dots = 0, digits = 0;

	if (output.n < 6 || (output.p[0] != '4' && output.p[0] != '5') || output.p[1] != '.')
		return 0;
	for (; i < output.n && i <= DELIVERY_CODE_MAX && output.p[i] != ' '; i++) {
		if (output.p[i] == '.') {
			dots++;
			if (digits == 0)
				return 0;
			digits = 0;
		} else if (ascii_is_digit(output.p[i]) && digits < 3)
			digits++;
		else
			return 0;
	}
	return dots == 2 && digits > 0 && i < output.n && i <= DELIVERY_CODE_MAX ? i : 0;
}

/* Printable ASCII, one line. */
static void
put_output(char *text, size_t size, struct bytes output)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < output.n && n + 1 < size; i++)
		text[n++] = output.p[i] >= 0x20 && output.p[i] < 0x7f ? (char)output.p[i] : ' ';
	text[n] = 0;
}

static void
set(struct runner_outcome *o, const char *code, const char *text)
{
	o->status = code[0] == '2' ? DELIVERY_WRITTEN
				   : (code[0] == '4' ? DELIVERY_TEMPORARY : DELIVERY_PERMANENT);
	snprintf(o->code, sizeof(o->code), "%s", code);
	snprintf(o->text, sizeof(o->text), "%s", text);
}

void
runner_judge(int wait_status, struct bytes output, struct runner_outcome *o)
{
	char text[100];
	size_t n;
	int status;

	output = bytes_trim(output);
	if (WIFSIGNALED(wait_status)) {
		snprintf(text, sizeof(text), "command died with signal %d", WTERMSIG(wait_status));
		set(o, "4.3.0", text);
		return;
	}
	status = WEXITSTATUS(wait_status);
	if (status == 0) {
		set(o, "2.0.0", "delivered to command");
		return;
	}
	if ((n = said_code(output)) > 0) {
		bytes_to_str(bytes_head(output, n), text, sizeof(text));
		set(o, text, "");
		put_output(o->text, sizeof(o->text), bytes_trim(bytes_skip(output, n)));
		return;
	}
	snprintf(text, sizeof(text), "command ended with status %d", status);
	set(o, "5.3.0", text);
	for (size_t i = 0; i < NITEMS(exits); i++)
		if (exits[i].status == status)
			set(o, exits[i].code, exits[i].text);
	if (output.n > 0) {
		put_output(o->text, sizeof(o->text), BYTES_LITERAL(". Command output: "));
		put_output(o->text, sizeof(o->text), output);
	}
}

/* ---- what it gets ---- */

/* NAME=value; characters a shell could take for something become "_". */
static char *
variable(const char *name, struct bytes value)
{
	static const char fine[] = "1234567890!@%-_=+:,./"
				   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct buf b = BUF_INIT;
	char *s;

	buf_printf(&b, "%s=", name);
	for (size_t i = 0; i < value.n; i++)
		buf_put_u8(
			&b, value.p[i] != 0 && strchr(fine, value.p[i]) != NULL ? value.p[i] : '_');
	s = xstrdup(buf_str(&b));
	buf_free(&b);
	return s;
}

static _Noreturn void
run(const struct runner_spec *spec, const struct delivery_job *job)
{
	/* without these it needs no shell */
	static const char plain[] = "1234567890!@%-_=+:,./ "
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t at = bytes_find_last(job->forward_path, '@');
	struct bytes local = at == BYTES_NOT_FOUND ? job->forward_path
						   : bytes_head(job->forward_path, at),
		     domain = at == BYTES_NOT_FOUND ? BYTES_NONE
						    : bytes_skip(job->forward_path, at + 1);
	char *environment[] = { variable("PATH", bytes_from_str(spec->path)),
		variable("HOME", bytes_from_str(spec->home)),
		variable("USER", bytes_from_str(spec->user)),
		variable("LOGNAME", bytes_from_str(spec->user)),
		variable("SHELL", BYTES_LITERAL("/bin/sh")), variable("SENDER", job->reverse_path),
		variable("RECIPIENT", job->forward_path),
		variable("ORIGINAL_RECIPIENT", job->original_path), variable("LOCAL", local),
		variable("DOMAIN", domain), variable("EXTENSION", job->detail),
		variable("MAIL_CONFIG", BYTES_LITERAL("relais")), NULL };
	char line[DELIVERY_ACCOUNT_MAX + 1], parted[sizeof(line)], shell[] = "/bin/sh",
								   option[] = "-c", *rest, *word;
	char *by_shell[] = { shell, option, line, NULL }, *words[WORDS_MAX + 1] = { NULL };
	size_t n = 0;

	bytes_to_str(bytes_skip(job->account, 1), line, sizeof(line));
	memcpy(parted, line, sizeof(parted));
	if (line[strspn(line, plain)] == 0)
		for (rest = parted; n < WORDS_MAX && (word = strsep(&rest, " ")) != NULL;)
			if (*word != 0)
				words[n++] = word;
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	if (setenv("PATH", spec->path, 1) != 0) /* execvpe() looks at our own */
		_exit(71);
	if (n > 0)
		execvpe(words[0], words, environment);
	if (n == 0 || (errno == ENOENT && strchr(words[0], '/') == NULL))
		execve(shell, by_shell, environment); /* perhaps the shell knows it: "exit 75" */
	_exit(errno == ENOENT || errno == EACCES ? 72 : 71);
}

/* ---- running it ---- */

struct running {
	int pid, in, out; /* in: its input, -1 when it has all; out: what it says */
	uint64_t deadline_ms;
	struct buf output;
	bool closed, late;
};

static int
start(const struct runner_spec *spec, const struct delivery_job *job, struct running *p)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return ERR_RESOURCE;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return ERR_RESOURCE;
	}
	p->pid = (int)fork();
	if (p->pid == 0) {
		setsid();
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(out[1], 2) < 0)
			_exit(71);
		(void)close_range(3, ~0u, 0);
		run(spec, job);
	}
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	(void)fcntl(p->in, F_SETFL, O_NONBLOCK);
	(void)fcntl(p->out, F_SETFL, O_NONBLOCK);
	if (p->pid > 0)
		return ERR_OK;
	close(p->in);
	close(p->out);
	return ERR_RESOURCE;
}

static void
take_output(struct running *p)
{
	char room[512];
	ssize_t n;

	while ((n = read(p->out, room, sizeof(room))) > 0)
		if (p->output.len < OUTPUT_MAX)
			buf_put(&p->output, room, (size_t)n);
	p->closed |= n == 0;
}

/* Until there is something to do; false: its time is over. */
static bool
wait_for(struct running *p)
{
	struct pollfd fds[2] = { { .fd = p->closed ? -1 : p->out, .events = POLLIN },
		{ .fd = p->in, .events = POLLOUT } };
	uint64_t now = clock_mono_ms();

	if (now >= p->deadline_ms)
		p->late = true;
	else if (poll(fds, 2, (int)(p->deadline_ms - now)) > 0 && fds[0].revents != 0)
		take_output(p);
	return !p->late;
}

/* runner_put_fn: more input. A command that reads no more is judged by its status. */
static int
feed(void *arg, struct bytes part)
{
	struct running *p = arg;

	while (part.n > 0 && p->in >= 0) {
		ssize_t n = write(p->in, part.p, part.n);

		if (n > 0) {
			part = bytes_skip(part, (size_t)n);
		} else if (errno != EAGAIN && errno != EINTR) {
			close(p->in);
			p->in = -1;
		} else if (!wait_for(p))
			return ERR_TIMEOUT;
	}
	return ERR_OK;
}

/* Its status; it is killed when its time is over. */
static int
finish(struct running *p)
{
	int status = 0;

	if (p->late) /* before its input ends, which would look like the end of the message */
		kill(-p->pid, SIGKILL);
	if (p->in >= 0)
		close(p->in);
	p->in = -1;
	while (!p->closed && wait_for(p))
		;
	/* it may have closed its output and go on */
	while (!p->late && waitpid(p->pid, &status, WNOHANG) == 0) {
		(void)poll(NULL, 0, 20);
		p->late = clock_mono_ms() >= p->deadline_ms;
	}
	if (p->late) {
		kill(-p->pid, SIGKILL);
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(p->out);
	return status;
}

void
runner_command(const struct runner_spec *spec, const struct delivery_job *job, int content_fd,
	struct runner_outcome *o)
{
	struct running p = { .deadline_ms = clock_mono_ms() + spec->timeout_ms };
	int r, status;

	signal(SIGPIPE, SIG_IGN);
	if (start(spec, job, &p) < 0) {
		set(o, "4.3.0", "command could not be started");
		return;
	}
	r = runner_write_message(job, content_fd, false, feed, &p);
	if (r < 0 && r != ERR_TIMEOUT)
		p.late = true; /* half a message must not look like a whole one */
	status = finish(&p);
	if (r < 0 && r != ERR_TIMEOUT)
		set(o, "4.3.0", "message could not be read");
	else if (p.late)
		set(o, "5.3.0", "command time limit exceeded");
	else
		runner_judge(status, buf_bytes(&p.output), o);
	buf_free(&p.output);
}
