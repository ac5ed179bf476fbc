/* SPDX-License-Identifier: ISC */
/*
 * ledger/incidents.h - accounts that may not send until the operator has looked: their records.
 *
 * Runs in:  ledger.
 */
#ifndef RELAIS_INCIDENTS_H
#define RELAIS_INCIDENTS_H

#include "database.h"
#include "ledger_msg.h"

struct incident {
	bool told; /* the operator got a mail */
	uint64_t since_s;
	uint64_t messages, recipients, new_recipients; /* in the day before it */
	uint64_t refused;                              /* messages since */
	char text[LEDGER_REASON_MAX];
	size_t text_len;
};

/* ERR_NOT_FOUND: the login has none; else as in database.h */
MUST_USE int incident_get(struct database *db, struct bytes login, struct incident *out);
MUST_USE int incident_put(struct database *db, struct bytes login, const struct incident *i);
MUST_USE int incident_del(struct database *db, struct bytes login);

/* Rows as in database_walk(). */
typedef int incident_fn(void *arg, struct bytes login, const struct incident *i);
MUST_USE int incident_walk(struct database *db, struct bytes after, incident_fn *row, void *arg);

#endif
