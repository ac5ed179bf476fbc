/* SPDX-License-Identifier: ISC */
/*
 * master/master.h - the supervisor's own header: children, listeners, the life of the suite.
 *
 * Runs as: root with few capabilities (or an ordinary user: then no chroot and no change of
 * ids). Reads the configuration, opens listening sockets, introduces services to each other.
 * Never sees mail content or a client's octets.
 */
#ifndef RELAIS_MASTER_H
#define RELAIS_MASTER_H

#include <sys/queue.h>

#include "handover.h"
#include "services.h"

enum child_state {
	CHILD_ABSENT,   /* no process, none wanted */
	CHILD_STARTING, /* forked, has not said READY */
	CHILD_READY,
	CHILD_DRAINING, /* told to finish */
	CHILD_BACKOFF,  /* died; started again when the timer fires */
	CHILD_STATES
};

enum child_event {
	EVENT_START,
	EVENT_READY,
	EVENT_EXIT,
	EVENT_TIMER,
	EVENT_DRAIN,
	EVENT_STARTING, /* says that it needs longer */
	EVENT_HUNG,     /* did not answer */
	EVENT_LEAVE,    /* another process takes over: told so, drained when nobody needs it */
	CHILD_EVENTS
};

struct master;

/* One process of a service, or the place where one ought to be. */
struct child {
	TAILQ_ENTRY(child) link;
	struct master *master;
	const struct service_row *row;
	unsigned instance;
	enum child_state state;
	pid_t pid;
	struct ipc_channel *control;
	int control_fd; /* of the channel */
	struct event *timer;
	uint64_t started_ms;
	uint64_t started_wall_us; /* the same by the wall's clock */
	uint64_t ended_ms;        /* when the one before it ended; 0: none did */
	int end_status;           /* how, in waitpid(2)'s form */
	unsigned failures;        /* in a row, for the back-off */
	unsigned restarts;
	uint32_t generation; /* upgrades before it was started */
	uint32_t wire;       /* ipc_wire() of its program, by its own word; 0: not known yet */
	char *version;       /* of its program; NULL: not known yet */
	bool trial;          /* started beside one that serves; takes its place when it is ready */
	bool leaving;        /* replaced or in excess: gone for good once it exits */
	bool handed;         /* EVENT_LEAVE: it has not been drained yet */
	bool again;          /* draining: started anew when it has gone */
	bool asked;          /* a PING is out */
};

/* One listening socket: a port (or a path) of one worker. */
struct listener {
	TAILQ_ENTRY(listener) link;
	enum service service;
	unsigned instance;
	const char *label;   /* which door: services.h */
	const char *address; /* as configured; a path */
	int fd;
	bool wanted; /* named by the configuration read last */
};

TAILQ_HEAD(child_list, child);
TAILQ_HEAD(listener_list, listener);
struct gathering; /* status.c */

#define MASTER_FILES 2 /* rows of changed_files.c */

/* Of files that a service reads before its jail. */
struct file_stamp {
	uint64_t taken; /* by the process that serves */
	uint64_t seen;  /* at the last look */
};

struct master {
	struct event_base *base;
	struct conf conf;
	const char *conf_path; /* NULL: defaults and overrides only */
	const char *const *overrides;
	size_t noverrides;
	char *program_folder; /* where the services' programs are */
	char **argv;          /* ours, to be started with at an upgrade */
	char *self;           /* the program's path, by which a newer one is found; NULL: none */
	int take_over_fd;     /* what our predecessor left; -1: a start from nothing */
	uint32_t generation;  /* upgrades since the suite was started */
	uint8_t secret[CONTROL_SECRET_SIZE]; /* of this run of the suite: directory's keys */
	struct upgrade *upgrade;             /* NULL: there was none */
	struct child_list children;
	struct listener_list listeners;
	TAILQ_HEAD(, gathering) gatherings;
	uint64_t started_ms, started_wall_us;
	int log_fd, control_fd;
	struct event *control_event, *signals[4];
	unsigned cores, round_robin[SERVICE_COUNT];
	uint32_t births;
	bool privileged; /* we are root */
	bool ready;      /* every service has answered once */
	bool stopping;
	unsigned stop_phase;
	struct event *files_timer;
	struct file_stamp files[MASTER_FILES];
	struct event *stop_timer, *watch_timer;
	bool finished;
};

/* child.c: the state machine */
struct child *child_new(struct master *m, const struct service_row *row, unsigned instance);
void child_event(struct child *c, enum child_event event); /* may free c if it was leaving */
/* One that our predecessor started: its process and control socket. fd < 0: it has none. */
struct child *child_adopt(
	struct master *m, const struct service_row *row, const struct handover_child *from);
void child_exited(struct master *m, pid_t pid, int status);
/* The sections that a child gets: borrowed from room, which is to be freed. */
struct child_conf {
	struct buf common, own, mailauth;
};

struct control_config child_conf_encode(const struct child *c, struct child_conf *room);
void child_conf_free(struct child_conf *room);

struct child *child_find(
	struct master *m, enum service s, unsigned instance); /* neither leaving nor on trial */
const char *child_state_name(enum child_state s);

/* watchdog.c: does each of them still answer? */
void watchdog_start(struct master *m);

/* listeners.c: ERR_OK, or an error with the reason added to m->conf's errors */
int listeners_open(struct master *m);
void listeners_close(struct master *m, bool unwanted_only);
void listener_adopt(struct master *m, enum service s, unsigned instance, const char *label,
	struct bytes address, int fd); /* of our predecessor */

/* folders.c: the folders that services find as their roots, with the right owners */
int folders_make(struct master *m);
int user_ids(struct master *m, const struct service_row *row, uint32_t *uid, uint32_t *gid);
int mail_ids(struct master *m, uint32_t *uid, uint32_t *gid);

/* control.c: introductions, and what the operator's command asks */
extern const struct ipc_route child_routes[];
extern const size_t nchild_routes;
int control_open(struct master *m);
void control_answer(struct ipc_channel *channel, uint32_t id, int err, struct bytes text);
void control_listen(struct master *m, int fd); /* on the socket that we have already */

/* status.c: answers call with what runs and all counters, once it has them; who asked and left is
 * to be forgotten */
void master_status(struct master *m, struct ipc_call *call);
void master_status_forget(struct master *m, const struct ipc_channel *channel);

/* log_sink.c: where log lines go; anew, for children too. */
int log_sink_open(struct master *m);
int log_sink_reopen(struct master *m, struct buf *text);

/* reload.c: read the file again; text: what happened, line by line. Dangerous changes are refused
 * unless they are meant. */
int master_reload(struct master *m, bool yes_really, struct buf *text);
bool master_upgrade_is_dangerous(
	const struct master *m, struct buf *text);           /* it takes the file, too */
bool master_check_conf(struct conf *conf, const char *path); /* false: errors were added to it */
void master_tell_findings(const struct master *m);           /* at the start: into the log */
void master_report_errors(const struct conf *conf, struct buf *text);

/* succeed.c: one takes the other's place when it is ready, and not before */
void master_succeed(struct master *m, struct child *old);
void child_succeeded(struct child *c); /* c was on trial and is ready */

/* changed_files.c: changed files mean a new keyholder, a new resolver */
void changed_files_watch(struct master *m); /* at the start */
void changed_files_taken(struct master *m); /* the files as they are now are about to be read */

/* upgrade.c: the newly installed programs take over. By steps; one at a time. */
void upgrade_ask(
	struct master *m, struct ipc_call *call, bool yes_really); /* the operator wants it */
void upgrade_tell(struct master *m, struct ipc_call *call);        /* ... wants to know */
void upgrade_forget(struct master *m, const struct ipc_channel *channel); /* ... has left */
bool upgrade_child_exited(struct master *m, pid_t pid, int status);       /* was it the checker? */
void upgrade_handed(struct master *m); /* a process knows that it is being left */
bool upgrade_is_running(const struct master *m);
bool upgrade_holds(const struct child *c); /* on trial until all are ready */
void upgrade_advance(struct master *m);    /* a child changed its state */

/* take_over.c: what is left to the next master, and taken by it */
MUST_USE int handover_write(struct master *m); /* a memory file, or < 0 */
MUST_USE int handover_read(int fd, struct handover *h, const char **why);
int take_over(struct master *m);                      /* our predecessor's things */
void handover_keep_open(struct master *m, bool keep); /* over an exec, or not */

/* check.c: could we take over? ERR_OK, or an error after printing why */
int master_check(struct master *m);

/* notify.c: the service manager (sd_notify(3)), if there is one */
void notify_send(const char *text);
void notify_ready(const struct master *m);
void notify_reloading(void);
void notify_watchdog_start(struct master *m);

/* stop.c: orderly, phase by phase */
void master_stop(struct master *m);
void master_stop_advance(struct master *m); /* a child has gone */

/* master.c */
int master_run(struct master *m); /* the exit status */
void master_children_wanted(
	struct master *m); /* make and remove places as the configuration says */
void master_check_ready(struct master *m);
unsigned master_instances(const struct master *m, const struct service_row *row);

#endif
