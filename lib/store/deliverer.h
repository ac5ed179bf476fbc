/* SPDX-License-Identifier: ISC */
/* lib/store/deliverer.h - inside lib/store: the folders a deliverer keeps open. */
#ifndef RELAIS_STORE_DELIVERER_H
#define RELAIS_STORE_DELIVERER_H

#include "account.h"

struct slot {
	char *path; /* below the mail root */
	struct folder *f;
	dev_t dev;
	ino_t ino;
	uint64_t used;
	uint32_t hash;  /* of path */
	uint32_t batch; /* found to be current in this one */
	bool checked;   /* files were compared with the index since it was opened */
};

/* A folder whose owner kept its lock when it was to be opened. */
struct busy_folder {
	dev_t dev;
	ino_t ino;
	uint64_t at_us;
};

#define BUSY_KEPT 64

struct store_deliverer {
	int rootfd;
	char host[STORE_HOST_MAX + 1];
	unsigned max_open, n;
	uint32_t batch; /* counts them */
	int pid;
	struct slot *slots;
	struct buf text, texts, name, key, cached; /* reused: scratch of one delivery */
	struct arena arena;
	struct busy_folder busy[BUSY_KEPT];
	unsigned next_busy;
};

/* The folder asked for, or INBOX if there is none of that name; as many as allowed stay open. */
MUST_USE int deliverer_folder(
	struct store_deliverer *d, const struct store_delivery *job, struct slot **out);
void deliverer_close(struct store_deliverer *d, unsigned i);

#endif
