/* SPDX-License-Identifier: ISC */
/*
 * master/check.c - "relais-master --check": could this program take over?
 *
 * The running master starts the newly installed one so, before it gives way to it. The
 * configuration was read already; here: each service's program starts and is of our version
 * (an installation may be half done), and what the running master leaves can be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master.h"
#include "version.h"
#include "wire_version.h"

#define SAYS_MAX 256

/* What it says of itself, without the line's end; "" if it does not. */
static void
ask_program(const char *path, char says[SAYS_MAX])
{
	char *argv[] = { (char *)(uintptr_t)path, (char *)(uintptr_t) "--version", NULL };
	int ends[2], status = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	says[0] = 0;
	if (pipe(ends) != 0)
		return;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close_range(STDERR_FILENO + 1, ~0U, 0);
		execv(path, argv);
		_exit(127);
	}
	close(ends[1]);
	while (pid > 0 && n < SAYS_MAX - 1 && (got = read(ends[0], says + n, SAYS_MAX - 1 - n)) > 0)
		n += (size_t)got;
	close(ends[0]);
	if (pid <= 0 || waitpid(pid, &status, 0) != pid || status != 0)
		n = 0;
	says[n] = 0;
	says[strcspn(says, "\n")] = 0;
}

static int
check_program(const struct master *m, enum service s)
{
	char path[4096], says[SAYS_MAX], wanted[SAYS_MAX];

	snprintf(path, sizeof(path), "%s/%s", m->program_folder, service_name(s));
	snprintf(wanted, sizeof(wanted), "relais-%s %s wire %u", service_name(s), relais_version(),
		(unsigned)ipc_wire());
	ask_program(path, says);
	if (strcmp(says, wanted) == 0)
		return ERR_OK;
	if (says[0] == 0)
		fprintf(stderr, "%s: cannot be started\n", path);
	else
		fprintf(stderr, "%s: is \"%s\", not \"%s\"; is the installation complete?\n", path,
			says, wanted);
	return ERR_UNSUPPORTED;
}

int
master_check(struct master *m)
{
	struct handover h;
	const char *why = NULL;
	int r = ERR_OK;

	for (size_t i = 0; i < nservices; i++) {
		int ok = check_program(m, services[i].service);

		if (ok < 0)
			r = ok; /* go on: all at once */
	}
	if (m->take_over_fd >= 0) {
		int ok = handover_read(m->take_over_fd, &h, &why);

		if (ok < 0) {
			fprintf(stderr, "%s\n", why);
			r = ok;
		}
		handover_free(&h);
	}
	if (r == ERR_OK)
		printf("%s wire %u\n", relais_version(), (unsigned)ipc_wire());
	return r;
}
