/* SPDX-License-Identifier: ISC */
/* tests/bench/directory/auth.h - the part of directory_bench that logs in. */
#ifndef RELAIS_BENCH_AUTH_H
#define RELAIS_BENCH_AUTH_H

#include "resolve.h"

#define BENCH_DOMAIN   "example.org"
#define BENCH_PASSWORD "correct horse"

/* The value of every account: yescrypt and SCRAM records of BENCH_PASSWORD, an app password. */
void bench_account_value(struct buf *out);

void bench_report(const char *what, double seconds, size_t n);

/* Log in to accounts user0.name@ to userN.name@, in each way. */
void bench_auth(struct directory_tables *t, size_t accounts);

#endif
