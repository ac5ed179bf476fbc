/* SPDX-License-Identifier: ISC */
/*
 * smtpd/smtpd.h - private to the daemon: the process, its clients, where their content is.
 *
 *   smtpd.c     the process: policy, doors, time-outs, draining
 *   client.c    one connection: octets between its stream and its session
 *   client_name.c   what it is called in DNS
 *   stream.c    that stream: plain or TLS
 *   ask.c       what a session asks: directory (recipients), qmgr (commit)
 *   verify.c    what mailauth-verify says of a message, and what follows
 *   verify_words.c   the same in a field, in the log and for the reports
 *   store.c     content in memory, in a memfd or in a file that qmgr lends
 *   counts.c    connections of each address
 */
#ifndef RELAIS_SMTPD_H
#define RELAIS_SMTPD_H

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>

#include "client_name.h"
#include "content_source.h"
#include "counts.h"
#include "daemon.h"
#include "directory_msg.h"
#include "door_tls.h"
#include "histogram.h"
#include "ip_block.h"
#include "queue_id.h"
#include "session.h"
#include "smtpd_conf.h"

#define SMTPD_READ_SIZE 65536 /* of the process' one read buffer */
#define SMTPD_OUT_MAX   16384 /* replies held back for company; above it they are sent */
#define SMTPD_SLOTS     512   /* of the time-out wheel, a second each */

struct client;
struct smtpd;
struct verdict;
struct verify;

/* What the two doors that this code serves do differently. */
struct smtpd_kind {
	const char *prefix; /* of the counters' names */
	/* The rest is submission's, else NULL and 0. */
	uint32_t may_relay; /* flags of RCPT */
	smtp_header_fn *header;
	/* a connection by the socket of sendmail(1): false if it is not to be served (it is
	 * closed); its greeting waits until client_local() */
	bool (*local)(struct client *c);
	void (*begin)(struct client *c);   /* SMTP_WAIT_BEGIN: client_begin() or a refusal */
	void (*auth)(struct client *c);    /* SMTP_WAIT_AUTH */
	void (*commit)(struct client *c);  /* SMTP_WAIT_COMMIT: ask_commit() or a refusal */
	void (*cancel)(struct client *c);  /* an exchange was broken off by the client */
	void (*secured)(struct client *c); /* TLS began: what was known of the client is not */
	void (*closed)(struct client *c);  /* the client leaves; nothing is under way */
};

LIST_HEAD(client_list, client);
TAILQ_HEAD(client_queue, client);

struct smtpd_numbers {
	uint64_t connections, refused_connections, early_talkers, timeouts;
	uint64_t messages, octets, refused_recipients, refused_messages, temporary_failures;
	uint64_t failed_handshakes, logins, failed_logins;
	uint64_t forged_fields;        /* Authentication-Results taken out */
	struct histogram rcpt, commit; /* from the question to directory or qmgr to its answer */
};

struct smtpd {
	const struct smtpd_kind *kind;
	struct daemon *d;
	const struct smtpd_conf *conf;
	struct smtp_policy policy;
	struct link *directory, *qmgr;
	struct door_tls *tls;
	struct client_names *names; /* NULL: nobody is looked up */
	struct verify *verify;      /* NULL: nobody is verified */
	void *own;                  /* the kind's */
	struct queue_id_maker ids;
	uint64_t next_session;

	/* one of each for all clients: used within one turn only */
	uint8_t *input;
	struct buf content, log, scratch;

	size_t nclients;
	struct counts counts;
	struct client_list slots[SMTPD_SLOTS];
	uint64_t tick_s; /* the second up to which time-outs have been looked at */
	struct event *tick;
	struct client_queue greeting; /* wait out greet_delay, in order of arrival */
	struct event *greet;
	struct smtpd_numbers numbers;
};

struct store {
	int fd;      /* -1: none yet, content is in held */
	int read_fd; /* lent: the same to be read only; else -1 */
	uint64_t offset, size;
	bool lent, sealed;
	bool asked;      /* QUEUE_LEND is under way */
	struct buf held; /* a small content; octets that wait for the lent file */
};

struct client {
	LIST_ENTRY(client) slot;
	TAILQ_ENTRY(client) greeting;
	struct smtpd *smtpd;
	struct event event;
	int fd;
	struct tls_stream *tls; /* NULL: in the clear */
	uint64_t number;        /* of the connection, as directory knows it */
	uint64_t deadline_s, greet_ms;
	uint64_t asked_us;                    /* when directory or qmgr was asked last */
	uint64_t message_id, message_until_s; /* the transaction that is open, and its end */
	struct buf in;                        /* read, not yet used by the session */
	struct buf out;                       /* replies not yet written */
	struct smtp_session session;
	struct store store;
	struct counts_key address;
	char address_text[INET6_ADDRSTRLEN];
	char *name;                 /* of its address in DNS, once that is known; NULL: none */
	struct client_name *lookup; /* NULL: not under way */
	struct verdict *verdict;    /* on the content that is there; NULL: none is wanted, or yet */
	struct ip_block from;       /* its address */
	bool introduced;            /* "connect from" is in the log */
	char id[17];
	bool readable, writable, hup; /* what the kernel told at the last edge */
	bool shaking;                 /* the TLS handshake is under way */
	bool keyed;                   /* which waits for keyholder */
	bool greeted;
	bool in_greeting; /* in the list of those who wait for it */
	bool stuck;       /* in holds the beginning of a line only: more octets are needed */
	bool asking;      /* a question is under way; its answer holds a pointer to us */
	bool gone;        /* the connection is closed, but a question still under way */

	/* submission's */
	bool has_handle, in_exchange;
	uint8_t handle[DIRECTORY_HANDLE_SIZE]; /* of the login, at directory */
	uint64_t exchange;                     /* of SASL under way */
	struct buf ticket;                     /* of the message being committed */
};

/* ---- client.c ---- */
void client_new(
	struct smtpd *s, const struct daemon_client *accepted, const struct counts_key *key);
void client_greet(struct client *c);

/* Go on after anything has changed. The client may be gone afterwards. */
void client_turn(struct client *c);
void client_timeout(struct client *c);
void client_drain(struct client *c);

/* Write what the session logged. */
void smtpd_log(struct client *c);

/* "connect from", if it was not said yet: it waits for the name, but no line comes before it. */
void client_introduce(struct client *c);

/* For the log, in front of [address]. */
static inline const char *
client_shown_name(const struct client *c)
{
	return c->name == NULL ? "unknown" : c->name;
}

struct smtp_out client_out(struct client *c);

/* Go on with a mail transaction: SMTP_WAIT_BEGIN. */
void client_begin(struct client *c);

/* Who it is at the socket of sendmail(1) is known: greet him. address: what is his. */
void client_local(struct client *c, struct bytes login, struct bytes address);

/* A line instead of a greeting, and the end. */
void client_refuse(struct client *c, const char *line);

/* An answer came: false if the client was gone (and is freed now). */
MUST_USE bool client_answered(struct client *c);

/* ---- stream.c ---- */
enum stream_shake {
	SHAKE_WAITS,
	SHAKE_DONE,
	SHAKE_FAILED
};

void stream_begin_tls(struct client *c);
enum stream_shake stream_shake(struct client *c);

/* Octets, > 0; 0: not now; < 0: the connection is over. */
int stream_read(struct client *c, uint8_t *to, size_t n);
int stream_write(struct client *c, struct bytes b);
void stream_end(struct client *c);

/* ---- ask.c ---- */
void ask_recipient(struct client *c);
void ask_commit(struct client *c);

/* Answer what the session waits for with a reply of our own. */
void ask_answer(struct client *c, int code, const char *enhanced, const char *text);

/* ---- verify.c ---- */
/* Of port 25. NULL if the configuration does not want it. */
struct verify *verify_new(struct smtpd *s);
void verify_free(struct verify **v);

bool verify_is_own_host(const struct verify *v, const struct client *c);
void verify_commit(struct client *c); /* in the kind's commit */
void verify_forget(struct client *c); /* the transaction is over, or the client is to be freed */
void verify_stats(const struct verify *v, struct buf *out);

/* ---- store.c ---- */
void store_reset(struct store *st);

/* Put the process' content buffer away: true; false if a file has to be lent first (the
 * client is asking then). Errors are told to the session. */
MUST_USE bool store_content(struct client *c);

/* The content as it travels: inside (borrowed until store_reset(), *fd is -1), or, if there is
 * much of it or it must (in_fd), in a descriptor, sealed, the caller's from now on. */
MUST_USE int store_take(struct store *st, bool in_fd, struct content_source *source, int *fd);
/* The same to be looked at by another, who cannot write it; the store keeps it. */
MUST_USE int store_show(struct store *st, struct content_source *source, int *fd);
MUST_USE int store_seal(int fd);

/* ---- smtpd.c ---- */
/* (Re)start the client's time-out. */
void smtpd_set_deadline(struct client *c, uint64_t timeout_ms);
void smtpd_client_closed(struct smtpd *s, struct client *c);
void smtpd_address_text(const struct sockaddr_storage *a, char text[INET6_ADDRSTRLEN]);
bool smtpd_is_implicit_tls(const struct daemon_client *accepted); /* by its door */

/* A daemon_spec of either door is made of these. */
int smtpd_serve(struct daemon *d, const struct smtpd_kind *kind); /* in spec->run */
void smtpd_on_client(struct daemon *d, const struct daemon_client *accepted);
bool smtpd_is_busy(const struct daemon *d);
void smtpd_drain(struct daemon *d);
void smtpd_stats(struct daemon *d, struct buf *out);
void smtpd_stop(struct daemon *d);

extern const struct daemon_spec smtpd_spec; /* receiver.c: port 25 */

#endif
