/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/submission_conf.h - The users' door: mail from our own users, ports 587 and 465.
 *
 * The doors share their code, so its values are a struct smtpd_conf too, with other rows.
 */
#ifndef RELAIS_SUBMISSION_CONF_H
#define RELAIS_SUBMISSION_CONF_H

#include "smtpd_conf.h"

extern const struct conf_section submission_section;

#endif
