/* SPDX-License-Identifier: ISC */
/* submission/submission.h - private to the daemon: the users' door. */
#ifndef RELAIS_SUBMISSION_H
#define RELAIS_SUBMISSION_H

#include "smtpd.h"

extern const struct daemon_spec submission_spec;

#endif
