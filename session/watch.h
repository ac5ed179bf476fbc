/* SPDX-License-Identifier: ISC */
/*
 * session/watch.h - one inotify instance for all sessions of a spawner.
 *
 * The kernel allows 128 instances for one uid, and virtual users share theirs; so sessions ask
 * the spawner to watch directories they have open, and are told that something changed there.
 * Notices are gathered for WATCH_GATHER_MS, so a busy folder costs its sessions little.
 */
#ifndef RELAIS_WATCH_H
#define RELAIS_WATCH_H

#include <event2/event.h>
#include <sys/queue.h>

#include "check.h"
#include "err.h"

#define WATCH_GATHER_MS       50
#define WATCHES_A_SESSION_MAX 16

struct watch_set;
struct watch_entry;

/* One session's part; embedded in its owner, zeroed at first. */
struct watcher {
	LIST_HEAD(, watch_entry) entries;
	TAILQ_ENTRY(watcher) due_link;
	unsigned count;
	bool due; /* changed() is about to be called */
};

/* As whom directories are looked at: the permission is the mailbox owner's, not ours. */
struct watch_identity {
	bool change; /* false where nothing is privileged: as we are */
	uint32_t uid, gid;
};

/* inotify_fd: taken. changed: called from the event loop, never from within watch_add(). */
struct watch_set *watch_set_new(
	struct event_base *base, int inotify_fd, void (*changed)(struct watcher *w));
void watch_set_free(struct watch_set **set);

/* Watch the directory; dirfd stays the caller's. ERR_LIMIT, ERR_DENIED, ERR_RESOURCE. */
MUST_USE int watch_add(
	struct watch_set *set, struct watcher *w, int dirfd, const struct watch_identity *as);

/* Forget all directories of w, and a notice that is due. */
void watch_forget(struct watch_set *set, struct watcher *w);

/* Directories watched; for statistics and tests. */
unsigned watch_directories(const struct watch_set *set);

#endif
