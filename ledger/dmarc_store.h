/* SPDX-License-Identifier: ISC */
/*
 * ledger/dmarc_store.h - data of DMARC aggregate reports in ledger's database: rows summed by day,
 * part of the day, policy domain, and all that a row says.
 *
 * A message's row is made of what strangers chose, so both the rows of one domain and all of them
 * are limited; what finds no room is counted with its domain, or else not at all.
 *
 * Runs in:  ledger.
 */
#ifndef RELAIS_DMARC_STORE_H
#define RELAIS_DMARC_STORE_H

#include "database.h"
#include "dmarc_report_msg.h"

#define DMARC_DAY_SECONDS 86400u

struct dmarc_limits {
	uint64_t rows;  /* of one domain in one part */
	uint64_t total; /* of all, with one for each domain and part */
};

struct dmarc_part {
	uint32_t day, part;
};

/* How many there are, and the last part of that day: with data, or that dmarc_store_open() named (0
 * if it has none). */
MUST_USE int dmarc_store_count(
	struct database *db, uint32_t day, uint64_t *total, uint32_t *last_part);

/* This part is open from now on, also after a restart: what is in those before it may be told, and
 * nothing is to come to it. */
MUST_USE int dmarc_store_open(struct database *db, struct dmarc_part part);

/* One message more, in a transaction of the caller's. total: as counted, changed with it.
 * returns: ERR_OK; ERR_LIMIT: there is no room even for the domain; errors of database.h */
MUST_USE int dmarc_store_add(struct database *db, struct database_txn *txn, struct dmarc_part part,
	const struct dmarc_row *row, uint64_t now_s, const struct dmarc_limits *limits,
	uint64_t *total);

/* Up to max days behind after, in order. What fn gets lives during the call; open is not set.
 * Returns how many. */
typedef int dmarc_day_fn(void *arg, const struct dmarc_day *day);
MUST_USE int dmarc_store_days(
	struct database *db, struct bytes after, unsigned max, dmarc_day_fn *fn, void *arg);

/* Rows likewise. */
typedef int dmarc_row_fn(void *arg, const struct dmarc_rows_row *row);
MUST_USE int dmarc_store_rows(struct database *db, const struct dmarc_rows *which, unsigned max,
	dmarc_row_fn *fn, void *arg);

/*
 * All of a domain's part goes, in one transaction. messages: how many were reported; UINT64_MAX:
 * whatever there is. returns: ERR_OK; ERR_NOT_FOUND; ERR_BUSY: there are other than so many
 */
MUST_USE int dmarc_store_drop(struct database *db, struct dmarc_part part, struct bytes domain,
	uint64_t messages, uint64_t *total);

#endif
