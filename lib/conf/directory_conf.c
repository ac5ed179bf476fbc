/* SPDX-License-Identifier: ISC */
/* lib/conf/directory_conf.c - Who exists: domains, accounts, aliases, passwords. */
#include "directory_conf.h"

static const struct opt_row rows[] = {
	OPT_UINT(directory_conf, hash_threads, "0", 0, 64,
		"threads that check passwords; 0: one for each core"),
	OPT_STR(directory_conf, recipient_delimiter, "+",
		"what separates user and detail in a local-part; empty: nothing"),
};

const struct conf_section directory_section = { "directory",
	"Who exists: domains, accounts, aliases, passwords", sizeof(struct directory_conf), rows,
	NITEMS(rows) };
