/* SPDX-License-Identifier: ISC */
/* session/spawner_private.h - what the spawner's own files share. */
#ifndef RELAIS_SPAWNER_PRIVATE_H
#define RELAIS_SPAWNER_PRIVATE_H

#include <sys/types.h>

#include "spawner.h"
#include "token.h"
#include "watch.h"
#include "zygote.h"

/* What a session reported and ledger was not told yet: one sum, however much it talks. */
struct quota_news {
	bool due, recounted;      /* recounted: in place of what ledger has, not added to it */
	int64_t octets, messages; /* recounted: never < 0 */
	unsigned telling, asking; /* requests under way for it */
};

struct spawned { /* one session process */
	TAILQ_ENTRY(spawned) link;
	struct spawner *spawner;
	struct watcher watcher;
	struct ipc_channel *channel; /* NULL once it closed its end */
	uint64_t serial;             /* never used twice */
	pid_t pid;                   /* 0 once reaped */
	struct watch_identity owner;
	uint64_t quota_octets, quota_messages;
	struct quota_news news;
	char *account;
};

struct spawner {
	struct daemon *daemon;
	const struct spawner_spec *spec;
	struct charsets *charsets; /* shared with the sessions by the fork */
	struct token_table *tokens;
	struct watch_set *watches;
	struct link *ledger;
	struct zygote zygote;
	struct event *deaths, *drain_timer;
	struct buf filter; /* the sessions' seccomp program */
	TAILQ_HEAD(, spawned) sessions;
	uint64_t count, started, refused, crashed, next_serial;
	int inotify_fd; /* until run() */
};

/* spawned.c: the life of one session as its spawner sees it */
MUST_USE int spawned_new(struct spawner *s, const struct token_grant *grant,
	const struct session_take_msg *take, int stream_fd, pid_t *pid);
void spawned_changed(struct watcher *w);
MUST_USE int spawned_reap(struct spawner *s); /* ERR_PEER: the zygote is gone */
void spawned_end_all(struct spawner *s);      /* tell them to say BYE */
void spawned_kill_all(struct spawner *s);     /* those that did not listen */
uint64_t spawned_of_account(const struct spawner *s, const char *account);

/* quota.c: what sessions report and ask goes to ledger, under their own account's name */
void on_quota_add(struct ipc_call *call, const void *msg);
void on_quota_set(struct ipc_call *call, const void *msg);
void on_quota_get(struct ipc_call *call, const void *msg);
void quota_last_words(struct spawned *c); /* before it is forgotten: what was not told yet */

#endif
