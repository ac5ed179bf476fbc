/* SPDX-License-Identifier: ISC */
/*
 * ledger/listeners.c - who is to be told.
 *
 * Runs in:  ledger.
 */
#include "listeners.h"

#include <stdlib.h>

#include "buf.h"

struct listener *
listeners_add(struct listeners *all, struct ipc_channel *channel)
{
	struct listener *l;

	LIST_FOREACH (l, all, link)
		if (l->channel == channel)
			return NULL;
	l = xcalloc(1, sizeof(*l));
	l->channel = channel;
	LIST_INSERT_HEAD(all, l, link);
	return l;
}

void
listeners_remove(struct listeners *all, const struct ipc_channel *peer)
{
	struct listener *l;

	LIST_FOREACH (l, all, link)
		if (l->channel == peer)
			break;
	if (l == NULL)
		return;
	LIST_REMOVE(l, link);
	free(l);
}

void
listeners_clear(struct listeners *all)
{
	struct listener *l;

	while ((l = LIST_FIRST(all)) != NULL) {
		LIST_REMOVE(l, link);
		free(l);
	}
}
