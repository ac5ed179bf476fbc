/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/client.h - private to smtp-client: the daemon's state, and who does what.
 *
 *	daemon.c	who may ask; start, drain, counters
 *	job.c		one job from SEND to RESULT: places, hosts, attempts
 *	report.c	what its answer says
 *	hop.c		what a next hop means: HOP at directory, remembered for seconds
 *	hosts.c		what DNS says of it (hosts.h; pure)
 *	policy.c	what TLS one host must speak, and as whom it must be known
 *	connection.c	a socket and its events
 *	pump.c		octets and wishes between it and its session (session.h; pure)
 *	secure.c	TLS of a connection
 *	pool.c		connections that wait for more mail; room for new ones
 *	trouble.c	addresses that did not answer lately are tried last
 *	own.c		our own addresses
 */
#ifndef RELAIS_CLIENT_H
#define RELAIS_CLIENT_H

#include <sys/queue.h>

#include "arena.h"
#include "daemon.h"
#include "directory_msg.h"
#include "histogram.h"
#include "hosts.h"
#include "outbound_msg.h"
#include "session.h"
#include "smtp_client_conf.h"
#include "tls_client.h"

#define OWN_MAX        64    /* addresses of ours */
#define ROOM_WAIT_MS   10000 /* a job waits so long for room for its connection */
#define SWEEP_MS       1000
#define HOP_TIMEOUT_MS 20000
#define PEER_TEXT_MAX  400
#define WHOLE_MAX      (512u << 20) /* content that is looked at as a whole */

/* ---- what a next hop means (hop.c) ---- */

/* One alternative of HOP, with our own options where it leaves something open. */
struct place {
	enum next_hop_protocol protocol;
	enum next_hop_kind kind;
	struct bytes host; /* strings end in a NUL */
	uint16_t port;
	enum tls_level tls;
	bool tls_required;
	unsigned n_names;
	const char *names[TLS_CLIENT_NAMES_MAX]; /* VERIFY: as told; 0: by default */
	struct bytes login, password;
	struct bytes key; /* the same for two places: a connection to one serves the other */
};

/* Counted: jobs and connections borrow from it. */
struct hop {
	unsigned refs;
	struct arena arena;
	bool is_bad;               /* nothing to connect to */
	struct ip_block source[2]; /* IPv4, IPv6; family 0: the system chooses */
	bool use[2];               /* that family at all */
	const char *helo;
	unsigned n;
	struct place places[DIRECTORY_HOPS_MAX];
};

/* ---- what one host must speak (policy.c) ---- */

struct host_policy {
	enum client_tls tls;
	enum tls_judge judge;
	const char *server_name; /* SNI */
	unsigned n_names;
	const char *names[TLS_CLIENT_NAMES_MAX];
	unsigned n_tlsa;
	const struct tls_tlsa *tlsa;
};

/* ---- connections ---- */

struct client;
struct job;

enum connection_state {
	CONNECTION_CONNECTING,
	CONNECTION_OPEN,
	CONNECTION_SHAKING, /* hands, for TLS */
};

struct connection {
	LIST_ENTRY(connection) all;
	TAILQ_ENTRY(connection) in_idle;
	struct client *c;
	enum connection_state state;
	int fd;
	struct event *readable, *writable, *timer;
	struct client_session *session;
	struct client_policy policy;
	struct host_policy host_policy;
	struct tls_to_host *tls;
	struct hop *hop;
	const struct place *place;
	struct job *job; /* NULL: idle, or saying good-bye */
	struct arena arena;
	const char *host, *address; /* as in struct outbound_host */
	uint16_t port;
	const char *label; /* "mx.example[192.0.2.1]:25" for the log */
	const char *tls_text;
	struct bytes key; /* as the place's, or empty: not the best host, so found by host only */
	struct bytes host_key;
	uint64_t since_ms;           /* of the connection */
	uint64_t begun_us, ready_us; /* of the job; ready: MAIL could be said */
	uint32_t step;               /* of the deadline that the timer stands for */
	bool timed;                  /* there is one */
	bool carried;                /* mail, before the job of now */
	bool idle, quitting, reads_want_write;
};

/* ---- a job ---- */

struct job_rcpt {
	bool done;
	enum outbound_status status;
	char code[OUTBOUND_CODE_MAX + 1];
	struct bytes text; /* in the job's arena */
	uint8_t host;
	bool relayed;
};

struct job {
	TAILQ_ENTRY(job) all;
	TAILQ_ENTRY(job) in_queue; /* waits for room */
	struct client *c;
	struct ipc_channel *channel; /* NULL: who asked has left */
	uint32_t call_id;
	struct arena arena;
	struct outbound_job *m; /* its bytes are in arena */
	int fd;                 /* the content; -1 */
	void *map;              /* the content as a whole; NULL */
	size_t map_size;

	struct hop *hop;
	unsigned place;
	struct hosts *hosts;
	const struct hosts_result *found;
	uint8_t order[HOSTS_ATTEMPTS_MAX]; /* of found->attempts */
	unsigned attempt, tried, sessions;
	bool fresh;  /* over a new connection only */
	bool plain;  /* the same attempt once more, without TLS */
	bool queued; /* waits for room */
	bool late;   /* came when we were about to leave: never begun */
	bool given_up, over;
	unsigned asks; /* answers to come; the job lives until then */
	struct connection *connection;
	uint64_t begun_us, queued_ms, resolve_us, connect_us, transmit_us;

	struct job_rcpt *rcpts;
	unsigned n_left;
	unsigned n_open;                  /* those in the session now: */
	uint8_t open[OUTBOUND_RCPTS_MAX]; /* their places in rcpts */
	struct outbound_rcpt *open_rcpts;
	enum outbound_hop status;               /* of what was reached so far */
	bool refused;                           /* every place so far was: permanently */
	const char *spoken[OUTBOUND_HOSTS_MAX]; /* hosts that took part */
	unsigned n_hosts;
	struct outbound_host hosts_told[OUTBOUND_HOSTS_MAX];
	char code[OUTBOUND_CODE_MAX + 1]; /* of the last trouble */
	const char *text;
};

TAILQ_HEAD(job_list, job);
TAILQ_HEAD(connection_list, connection);

/* ---- the daemon ---- */

struct client_counts {
	uint64_t jobs, results[OUTBOUND_STATUSES], hops[OUTBOUND_HOPS];
	uint64_t connected, connect_failed, reused;
	uint64_t signatures_broken; /* of DKIM, by re-encoding */
	uint64_t tls, tls_failed, tls_plain_again, trust[TLS_TRUSTS], dane;
	uint64_t octets;
	struct histogram took; /* by jobs */
};

struct trouble;
struct hop_cache;

struct client {
	struct daemon *d;
	const struct smtp_client_conf *conf;
	enum tls_level tls_level;
	struct tls_client *tls;
	struct link *directory, *resolver;
	struct hop_cache *hops;
	struct trouble *trouble;
	struct ip_block own[OWN_MAX];
	size_t n_own;
	struct job_list jobs, queue; /* queue: those that wait for room */
	LIST_HEAD(, connection) connections;
	struct connection_list idle; /* oldest first */
	unsigned n_jobs, n_connections, n_idle;
	struct event *turn, *sweep;
	uint64_t drain_until_ms;
	struct client_counts count;
	uint8_t chunk[CLIENT_CHUNK_MAX]; /* octets on their way, within one call */
};

/* ---- job.c ---- */
void job_begin(struct ipc_call *call, const void *msg);
/* Its connection is of no use: never connected, or lost before the session had a result. */
void job_attempt_failed(struct job *j, const char *code, const char *text);
/* The session has spoken: r is taken over; then, when the connection is settled, go on. (j has
 * its connection still at the first of them.) */
void job_take_result(struct job *j, const struct client_result *r);
void job_go_on(struct job *j, enum client_retry retry);
void job_room(struct job *j); /* there may be room for its connection */
void job_give_up(struct job *j, const char *code, const char *text);
void job_peer_down(struct client *c, struct ipc_channel *channel);

/* ---- report.c ---- */
/* What is known of a connection's host, for the answer: its number. */
uint8_t report_host(struct job *j, const struct connection *n);
void report_trouble(struct job *j, const char *code, const char *text); /* the last one counts */
void report_answer(struct job *j);

/* ---- hop.c ---- */
typedef void hop_done_fn(void *arg, struct hop *hop); /* hop: a reference; NULL: not to be had */
/* done is called once; maybe at once. */
void hop_find(struct client *c, struct bytes next_hop, struct bytes reverse_path, hop_done_fn *done,
	void *arg);
struct hop *hop_ref(struct hop *h);
void hop_free(struct hop **h); /* one reference; NULL is fine */
struct hop_cache *hop_cache_new(void);
void hop_cache_clear(struct hop_cache *cache);
/* Pure, for tests: an answer's meaning with these options. */
struct hop *hop_make(const struct directory_hop_answer *a, const struct smtp_client_conf *conf,
	enum tls_level level, const char *hostname);

/* ---- policy.c ---- */
/* ERR_OK, or ERR_DENIED: no mail to this host now; *why says so. What out points to lives as long
 * as host and place. */
MUST_USE int host_policy(const struct place *p, const struct hosts_result *found,
	const struct host *host, struct host_policy *out, const char **why);

/* ---- connection.c ---- */
/* For j, which is told of the end by job_attempt_failed() or job_take_result(). < 0: it failed at
 * once, *text says why (it lives in j->arena). host NULL: the place is a UNIX socket. */
MUST_USE int connection_open(struct job *j, const struct hosts_attempt *attempt,
	const struct host_policy *policy, const char **text);
struct bytes connection_host_key(
	struct job *j, const struct host *host, const struct host_policy *policy);
void connection_take(struct connection *n, struct job *j); /* an idle one, out of the pool */
void connection_abort(struct connection *n, const char *code, const char *text);
void connection_quit(struct connection *n); /* an idle one, out of the pool */
void connection_free(struct connection *n); /* closes at once; it has no job */

/* ---- pump.c ---- */
/* Do all that can be done. false: the connection may be gone. */
bool connection_pump(struct connection *n);
bool connection_read(struct connection *n); /* some; false: nothing more for now */

/* ---- secure.c ---- */
void secure_begin(struct connection *n);
void secure_go_on(struct connection *n);

/* ---- pool.c ---- */
struct connection *pool_find(struct client *c, struct bytes key); /* out of the idle ones; NULL */
struct connection *pool_find_host(struct client *c, struct bytes host_key);
bool pool_put(struct connection *n); /* false: it has to say good-bye */
void pool_remove(struct connection *n);
bool pool_room(struct client *c); /* for one more connection; an idle one may go for it */
void pool_quit_all(struct client *c);

/* ---- trouble.c ---- */
struct trouble *trouble_new(void);
void trouble_put(struct trouble *t, const struct ip_block *address, uint16_t port, bool bad);
bool trouble_is(const struct trouble *t, const struct ip_block *address, uint16_t port);

/* ---- own.c ---- */
size_t own_addresses(struct ip_block out[OWN_MAX]); /* before the jail */

extern const struct daemon_spec smtp_client_spec; /* daemon.c */

#endif
