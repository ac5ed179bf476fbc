/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/runner.h - private: the process that runs the commands of aliases.
 *
 * system-delivery can run no program once it is in its jail. So, if the option commands is on,
 * it leaves a process behind before: the user command_user, no capabilities, never any again
 * (no_new_privs), outside of the mail root. What it gets are jobs with DELIVERY_COMMAND or
 * DELIVERY_FILE and the content's descriptor, one packet each; what it says is one
 * delivery_result for each.
 */
#ifndef RELAIS_RUNNER_H
#define RELAIS_RUNNER_H

#include "delivery.h"

struct runner_spec {
	uint32_t uid, gid; /* UINT32_MAX: stay who we are */
	const char *home, *user;
	const char *path; /* PATH of the commands */
	unsigned timeout_ms;
	const char *hostname;
};

/* Fork it. *fd: our end, SOCK_SEQPACKET. */
MUST_USE int runner_start(const struct runner_spec *spec, int *fd);

/* ---- for tests ---- */

/* What an exit status (of waitpid) means; output: what the command said, and the outcome's
 * strings may point into it. As Postfix' pipe(8) has it, sysexits.h. */
struct runner_outcome {
	enum delivery_status status;
	char code[DELIVERY_CODE_MAX + 1], text[DELIVERY_TEXT_MAX + 1];
};
void runner_judge(int wait_status, struct bytes output, struct runner_outcome *o);

/* The message as a command or a file gets it: "From " line, fields, content with LF line ends.
 * escape: ">From " within, as mbox wants it. put() gets it by parts; < 0 ends it. */
typedef int runner_put_fn(void *arg, struct bytes part);
int runner_write_message(
	const struct delivery_job *job, int content_fd, bool escape, runner_put_fn *put, void *arg);

#endif
