/* SPDX-License-Identifier: ISC */
/* lib/daemon/local_users.h - the names of this machine's users, read before the jail hides them. */
#ifndef RELAIS_LOCAL_USERS_H
#define RELAIS_LOCAL_USERS_H

#include <stdint.h>

struct local_users;

/* As they are now; a new process knows new ones. */
struct local_users *local_users_read(void);
void local_users_free(struct local_users **u);

/* NULL: unknown. Of several names with one uid the first. */
const char *local_user_name(const struct local_users *u, uint32_t uid);

#endif
