/* SPDX-License-Identifier: ISC */
/* tests/bench/directory/auth.h - the part of directory_bench that logs in. */
#ifndef RELAIS_BENCH_AUTH_H
#define RELAIS_BENCH_AUTH_H

#include "resolve.h"

#define BENCH_DOMAIN   "example.org"
#define BENCH_PASSWORD "correct horse"

/* The value of every account: yescrypt and SCRAM records of BENCH_PASSWORD, an app password. */
void bench_account_value(struct buf *out);

/* CPU time of all threads: what it costs, whatever else the machine does meanwhile. */
uint64_t bench_cpu_us(void);
double bench_cpu_since(uint64_t begin_us);

void bench_report(const char *what, double seconds, size_t n);

/* Log in to accounts user0.name@ to userN.name@, in each way. */
void bench_auth(struct directory_tables *t, size_t accounts);

#endif
