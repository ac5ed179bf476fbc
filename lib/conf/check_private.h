/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/check_private.h - the functions behind the rows of conf_check.c.
 *
 *	check_names.c	names, domains and addresses
 *	check_doors.c	listening addresses, TLS
 *	check_limits.c	numbers that contradict each other
 *	check_paths.c	folders and users
 *	check_mail.c	how mail leaves, what is verified and signed
 *	danger.c	what opens a relay or drops TLS
 */
#ifndef RELAIS_CHECK_PRIVATE_H
#define RELAIS_CHECK_PRIVATE_H

#include "conf_check.h"

void check_written_twice(struct conf_findings *f);
void check_hostname(struct conf_findings *f);
void check_domains(struct conf_findings *f);
void check_other_names(struct conf_findings *f);
void check_addresses(struct conf_findings *f);

void check_listen(struct conf_findings *f);
void check_listen_twice(struct conf_findings *f);
void check_doors(struct conf_findings *f);
void check_metrics_listen(struct conf_findings *f);
void check_certificate_options(struct conf_findings *f);

void check_orders(struct conf_findings *f);
void check_least(struct conf_findings *f);
void check_pointless(struct conf_findings *f);

void check_paths(struct conf_findings *f);
void check_run_path(struct conf_findings *f);
void check_users(struct conf_findings *f);
void check_system_uids(struct conf_findings *f);
void check_commands(struct conf_findings *f);

void check_smarthost(struct conf_findings *f);
void check_outbound(struct conf_findings *f);
void check_database(struct conf_findings *f);

void check_dangers(struct conf_findings *f);

#endif
