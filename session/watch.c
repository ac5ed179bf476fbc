/* SPDX-License-Identifier: ISC */
/*
 * session/watch.c - directories watched for sessions.
 *
 * inotify gives two watches of one directory the same number, so a directory has a node, and
 * the node a list of those who want to know.
 *
 * Runs in:  the session spawners: root with SETUID, SETGID, SYS_CHROOT only; each look at
 *           a directory is made with the file-system ids of the mailbox' owner.
 * Trusts:   nothing about the descriptor a session sent, but that the kernel checks it.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUCKETS 1024 /* a power of two */
#define EVENTS                                                                                     \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY | IN_ONLYDIR |            \
		IN_EXCL_UNLINK)

struct node { /* a watched directory */
	LIST_ENTRY(node) link;
	LIST_HEAD(, watch_entry) entries;
	int wd;
};

struct watch_entry { /* who wants to know of it */
	LIST_ENTRY(watch_entry) of_node, of_watcher;
	struct node *node;
	struct watcher *watcher;
};

struct watch_set {
	int fd;
	struct event *readable, *gather;
	void (*changed)(struct watcher *w);
	TAILQ_HEAD(, watcher) due;
	LIST_HEAD(, node) buckets[BUCKETS];
	unsigned directories;
};

static struct node *
find_node(struct watch_set *set, int wd)
{
	struct node *n;

	LIST_FOREACH (n, &set->buckets[(unsigned)wd % BUCKETS], link)
		if (n->wd == wd)
			break;
	return n;
}

static struct node *
make_node(struct watch_set *set, int wd)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->wd = wd;
	LIST_INIT(&n->entries);
	LIST_INSERT_HEAD(&set->buckets[(unsigned)wd % BUCKETS], n, link);
	set->directories++;
	return n;
}

static void
free_node(struct watch_set *set, struct node *n)
{
	LIST_REMOVE(n, link);
	set->directories--;
	free(n);
}

static void
drop_entry(struct watch_entry *e)
{
	LIST_REMOVE(e, of_node);
	LIST_REMOVE(e, of_watcher);
	e->watcher->count--;
	free(e);
}

static void
note(struct watch_set *set, struct watcher *w)
{
	const struct timeval wait = { 0, WATCH_GATHER_MS * 1000 };

	if (w->due)
		return;
	w->due = true;
	if (TAILQ_EMPTY(&set->due))
		event_add(set->gather, &wait);
	TAILQ_INSERT_TAIL(&set->due, w, due_link);
}

static void
note_node(struct watch_set *set, struct node *n)
{
	struct watch_entry *e;

	LIST_FOREACH (e, &n->entries, of_node)
		note(set, e->watcher);
}

/* Events were lost: everybody looks. */
static void
note_all(struct watch_set *set)
{
	struct node *n;

	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_FOREACH (n, &set->buckets[i], link)
			note_node(set, n);
}

/* The directory is gone: so is the kernel's watch. */
static void
on_ignored(struct watch_set *set, struct node *n)
{
	struct watch_entry *e;

	note_node(set, n);
	while ((e = LIST_FIRST(&n->entries)) != NULL)
		drop_entry(e); /* NOLINT: LIST_REMOVE is too much for the analyser */
	free_node(set, n);
}

static void
on_event(struct watch_set *set, const struct inotify_event *ev)
{
	struct node *n = ev->wd < 0 ? NULL : find_node(set, ev->wd);

	if (ev->mask & IN_Q_OVERFLOW)
		note_all(set);
	else if (n != NULL && (ev->mask & IN_IGNORED))
		on_ignored(set, n);
	else if (n != NULL)
		note_node(set, n);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char events[16384];
	struct watch_set *set = arg;
	ssize_t n;

	UNUSED(what);
	n = read(fd, events, sizeof(events));
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		const struct inotify_event *ev = (const void *)(events + at);

		on_event(set, ev);
		at += (ssize_t)(sizeof(*ev) + ev->len);
	}
}

static void
on_gathered(evutil_socket_t fd, short what, void *arg)
{
	struct watch_set *set = arg;
	struct watcher *w;

	UNUSED(fd), UNUSED(what);
	while ((w = TAILQ_FIRST(&set->due)) != NULL) {
		TAILQ_REMOVE(&set->due, w, due_link);
		w->due = false;
		set->changed(w);
	}
}

struct watch_set *
watch_set_new(struct event_base *base, int inotify_fd, void (*changed)(struct watcher *w))
{
	struct watch_set *set = xcalloc(1, sizeof(*set));

	set->fd = inotify_fd;
	set->changed = changed;
	TAILQ_INIT(&set->due);
	set->readable = event_new(base, inotify_fd, EV_READ | EV_PERSIST, on_readable, set);
	set->gather = event_new(base, -1, 0, on_gathered, set);
	ASSERT(set->readable != NULL && set->gather != NULL);
	event_add(set->readable, NULL);
	return set;
}

void
watch_set_free(struct watch_set **set)
{
	struct watch_set *s = *set;

	if (s == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&s->buckets[i]))
			on_ignored(s, LIST_FIRST(&s->buckets[i])); /* NOLINT: as above */
	event_free(s->readable);
	event_free(s->gather);
	close(s->fd);
	free(s);
	*set = NULL;
}

/* The watch's number, or -1 with errno. */
static int
add_by_directory(int inotify_fd, int dirfd)
{
	int wd, saved;

	if (fchdir(dirfd) != 0)
		return -1;
	wd = inotify_add_watch(inotify_fd, ".", EVENTS);
	saved = errno;
	/* back, so that no user's folder stays busy; where that is not allowed it does no harm */
	if (chdir("/") != 0)
		errno = saved;
	errno = saved;
	return wd;
}

static int
add_as(int inotify_fd, int dirfd, const struct watch_identity *as)
{
	int wd, saved;

	if (!as->change)
		return add_by_directory(inotify_fd, dirfd);
	/* setfsuid() has no error: a call that did nothing shows as "not permitted" below */
	(void)setfsgid(as->gid);
	(void)setfsuid(as->uid);
	wd = add_by_directory(inotify_fd, dirfd);
	saved = errno;
	(void)setfsuid(0);
	(void)setfsgid(0);
	errno = saved;
	return wd;
}

int
watch_add(struct watch_set *set, struct watcher *w, int dirfd, const struct watch_identity *as)
{
	struct watch_entry *e;
	struct stat st;
	struct node *n;
	int wd;

	if (w->count >= WATCHES_A_SESSION_MAX)
		return ERR_LIMIT;
	if (fstat(dirfd, &st) != 0 || !S_ISDIR(st.st_mode))
		return ERR_DENIED;
	wd = add_as(set->fd, dirfd, as);
	if (wd < 0)
		return err_from_errno(errno);
	n = find_node(set, wd);
	if (n == NULL)
		n = make_node(set, wd);
	LIST_FOREACH (e, &n->entries, of_node)
		if (e->watcher == w)
			return ERR_OK;
	e = xcalloc(1, sizeof(*e));
	e->node = n;
	e->watcher = w;
	LIST_INSERT_HEAD(&n->entries, e, of_node);
	LIST_INSERT_HEAD(&w->entries, e, of_watcher);
	w->count++;
	return ERR_OK;
}

void
watch_forget(struct watch_set *set, struct watcher *w)
{
	struct watch_entry *e;

	while ((e = LIST_FIRST(&w->entries)) != NULL) {
		struct node *n = e->node; /* NOLINT: as above */

		drop_entry(e);
		if (!LIST_EMPTY(&n->entries))
			continue;
		(void)inotify_rm_watch(set->fd, n->wd);
		free_node(set, n);
	}
	if (w->due)
		TAILQ_REMOVE(&set->due, w, due_link);
	w->due = false;
}

unsigned
watch_directories(const struct watch_set *set)
{
	return set->directories;
}
