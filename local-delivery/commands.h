/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/commands.h - private: system-delivery's side of the runner (runner.h): jobs
 * for commands and files of aliases go out, results come in.
 */
#ifndef RELAIS_COMMANDS_H
#define RELAIS_COMMANDS_H

#include "intake.h"

struct commands;

/* Before the jail. *out is NULL if the option commands is off. < 0: it is on, and there is no
 * such user, or root. */
MUST_USE int commands_start(struct daemon *d, struct commands **out);

/* In the jail. */
void commands_run(struct commands *c, struct intake *in);

/* Is it such a job? Then it is taken, and answered in time; c may be NULL. */
bool commands_take(struct commands *c, struct intake *in, struct intake_job *j);

bool commands_idle(const struct commands *c);

#endif
