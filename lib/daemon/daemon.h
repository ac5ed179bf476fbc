/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/daemon.h - the skeleton of every daemon: a const spec and one fixed order.
 *
 * daemon_run(): take what master sends (who we are, configuration, listening sockets), open
 * the log, start() while still privileged, then the jail (jail.h: chroot, limits, ids,
 * no_new_privs, Landlock, not dumpable, seccomp), run(), tell master READY, then the event
 * loop until told to drain or master is gone.
 *
 * Inside the loop: spec->routes answer what peers ask; links (below) ask others.
 */
#ifndef RELAIS_DAEMON_H
#define RELAIS_DAEMON_H

#include <sys/socket.h>

#include "common_conf.h"
#include "control_msg.h"
#include "ipc.h"
#include "mailauth_conf.h"

struct daemon;

/* A connection accepted at one of our doors. */
struct daemon_client {
	int fd;            /* the daemon's from now on; non-blocking, close-on-exec */
	const char *label; /* which door: "smtp", "imap", "pop3" */
	const struct sockaddr_storage *addr; /* IPv4-mapped IPv6 addresses come as IPv4 */
	socklen_t addr_len;
};

struct daemon_spec {
	enum service service;
	const struct conf_section *section; /* its options; NULL: none */
	const struct ipc_route *routes;     /* what peers may ask; ctx is the struct daemon */
	size_t nroutes;

	/* Still privileged, outside the jail: open what the jail hides. May be NULL. < 0 ends. */
	int (*start)(struct daemon *d);
	/* In the jail, before READY. May be NULL. < 0 ends the process. */
	int (*run)(struct daemon *d);
	/* A connection. Without it the daemon has no doors. */
	void (*on_client)(struct daemon *d, const struct daemon_client *client);
	/* What a banned address is told (bans.h) instead of becoming a client: a line without its
	 * CRLF; "%" stands for our host name. NULL: bans do not concern our doors. */
	const char *banned;
	/* A peer was introduced to us, or left. May be NULL. */
	void (*peer_up)(struct daemon *d, struct ipc_channel *peer);
	void (*peer_down)(struct daemon *d, struct ipc_channel *peer);
	/*
	 * At an upgrade a process is left in place of being drained: another one is to take over.
	 * Its doors close; who asks it is told to let go of it (link.c), and it goes on as it is
	 * until nobody asks any more and this says false: clients of its own are left. Then it
	 * is drained. Master drains it earlier if it takes too long. May be NULL.
	 */
	bool (*is_busy)(const struct daemon *d);
	/* Asked before who asks us is told: false while there is something to finish first. Called
	 * every few milliseconds from then on when the process is being left. May be NULL. */
	bool (*may_leave)(struct daemon *d);
	/* Take nothing new (the doors are closed already), finish, then daemon_finished(). NULL:
	 * the process ends at once. */
	void (*drain)(struct daemon *d);
	/* New values are in d->common and d->conf. NULL: the process is replaced instead. */
	void (*reload)(struct daemon *d);
	void (*log_replaced)(struct daemon *d); /* LOG_FD is another file; or NULL */
	/* Counters as "name value\n" lines, names in Prometheus' form. May be NULL. */
	void (*stats)(struct daemon *d, struct buf *out);
	/* What the counters call our root folder: the room on its file system is told by our first
	 * process. NULL: it is not. */
	const char *folder;
	/* Close down at the very end (flush files). May be NULL. */
	void (*stop)(struct daemon *d);
};

struct daemon {
	const struct daemon_spec *spec;
	struct event_base *base;
	const struct common_conf *common;
	const struct mailauth_conf *mailauth;
	const void *conf;  /* the own section's struct */
	void *ctx;         /* the daemon's own */
	const char *root;  /* the folder that is / in the jail; where chroot is not to be had
			      (not root), the same path outside: use root_fd, it fits both */
	int root_fd;       /* O_PATH of the root folder; -1 if the root is the empty folder */
	uint32_t instance; /* 0, 1, ... within the service */
	uint32_t birth;    /* distinct for each process started */
	uint32_t mail_uid, mail_gid; /* owner of virtual users' mailboxes; UINT32_MAX: who we are */
	bool privileged;             /* started by root: chroot and ids are real */
	bool successor;              /* started beside one that serves and is to be replaced */
	bool leaving;                /* another process of our service takes over */
	bool draining;
	uint16_t instances[SERVICE_COUNT];   /* how many of each service there are */
	uint8_t secret[CONTROL_SECRET_SIZE]; /* of the tickets; else zeros */
	struct daemon_private *priv;
};

/* The whole life of a daemon; the exit status. */
int daemon_run(const struct daemon_spec *spec, int argc, char *argv[]);

/* After drain(): nothing is left to do; tells master and ends the loop. */
void daemon_finished(struct daemon *d);
/* From drain(): is_done() is asked now and every 20 ms; when it says so, daemon_finished(). */
void daemon_drain_until(struct daemon *d, bool (*is_done)(struct daemon *d));

/* From run(): READY takes longer than usual; master waits as long as it hears this. */
void daemon_still_starting(struct daemon *d);

/* A question to master itself, for whom its routes let ask. As ipc_request(). */
void daemon_ask_master(
	struct daemon *d, uint16_t type, unsigned timeout_ms, ipc_answer_fn *done, void *arg);

/*
 * A link: requests to a service, introduced by master when first needed and again after
 * its death. Requests made while it is not there wait for it until their time-out, at most
 * LINK_WAITING_MAX of them; further ones fail with ERR_PEER. A request in flight when the
 * peer dies fails with ERR_PEER: asking again is the caller's decision. A peer that leaves
 * for a successor is no such case: requests in flight are answered, later ones and what
 * link_send() is given wait for the successor, and link_is_up() says true meanwhile.
 */
#define LINK_WAITING_MAX 10000

struct link;

/* instance: which process of the service, or CONTROL_ANY. routes/ctx: what the peer may send
 * us on this channel (NULL: only replies). The link lives as long as the daemon. */
struct link *daemon_link(struct daemon *d, enum service service, uint32_t instance,
	const struct ipc_route *routes, size_t nroutes);

/* The owner's own, for handlers of the routes: their call->ctx is the struct link. */
void link_set_ctx(struct link *l, void *ctx);
void *link_ctx(const struct link *l);
struct daemon *link_daemon(const struct link *l);

/* Called when the link comes up (again), before what waits is sent: subscriptions go here. */
void link_on_up(struct link *l, void (*up)(void *arg, struct link *l), void *arg);
/* Called when the peer of an up link is lost (its requests in flight have failed already). */
void link_on_down(struct link *l, void (*down)(void *arg, struct link *l), void *arg);
/* Ask for the introduction now and keep it up, instead of at the first request. */
void link_open(struct link *l);
/* Let go of the peer, if there is one: requests in flight fail with ERR_PEER. The next request
 * asks for an introduction again. */
void link_close(struct link *l);
bool link_is_up(const struct link *l);
size_t link_backlog(const struct link *l); /* octets unsent and requests waiting for the peer */

/* As ipc_compose/ipc_send/ipc_request. link_send() without a peer drops the message. */
struct buf *link_compose(struct link *l);
void link_send(struct link *l, uint16_t type, const int *fds, unsigned nfds);
void link_request(struct link *l, uint16_t type, const int *fds, unsigned nfds, unsigned timeout_ms,
	ipc_answer_fn *done, void *arg);

#endif
