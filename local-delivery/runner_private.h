/* SPDX-License-Identifier: ISC */
/* local-delivery/runner_private.h - what runner.c and runner_command.c share. */
#ifndef RELAIS_RUNNER_PRIVATE_H
#define RELAIS_RUNNER_PRIVATE_H

#include "runner.h"

/* Both fill *o. */
void runner_append(const struct delivery_job *job, int content_fd, struct runner_outcome *o);
void runner_command(const struct runner_spec *spec, const struct delivery_job *job, int content_fd,
	struct runner_outcome *o);

#endif
