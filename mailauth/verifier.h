/* SPDX-License-Identifier: ISC */
/*
 * mailauth/verifier.h - private to mailauth-verify: the process, and a request under way.
 *
 *   verifier.c         the process: who asks, how many at once, until when, numbers
 *   verifier_turns.c   whose request is next
 *   verifier_job.c     a request: SPF, the signatures, and then DMARC
 *   verifier_dns.c     its questions to resolver
 *   verifier_words.c   what the checks say, in the words of mailauth_msg.h
 *   guard.c            who is to blame if a library brings the process down
 */
#ifndef RELAIS_VERIFIER_H
#define RELAIS_VERIFIER_H

#include <sys/queue.h>

#include "arena.h"
#include "daemon.h"
#include "dkim_verify.h"
#include "dmarc.h"
#include "mailauth_msg.h"
#include "siphash.h"
#include "spf.h"

#define NETWORK_BUCKETS 1024

struct job;
struct dns_question;
struct answers_kept;

LIST_HEAD(dns_question_list, dns_question);
TAILQ_HEAD(job_queue, job);

/* Of clients: what one party usually has at most (ip_block_network()). */
struct network {
	LIST_ENTRY(network) bucket;
	TAILQ_ENTRY(network) turn; /* while it has some that wait */
	uint64_t number;
	size_t jobs, started;
	struct job_queue waiting;
};

LIST_HEAD(network_list, network);

/* One that may ask us. */
struct asker {
	LIST_ENTRY(asker) link;
	struct ipc_channel *channel;
	size_t jobs;
};

struct verifier_numbers {
	uint64_t spf[AUTH_RESULT_COUNT], dkim[AUTH_RESULT_COUNT], dmarc[AUTH_RESULT_COUNT];
	uint64_t timeouts, overloads;
};

struct verifier {
	struct daemon *d;
	const struct mailauth_conf *conf;
	struct link *resolver;
	struct answers_kept *kept;
	struct spf_engine *spf;
	struct dkim_verifier *dkim;
	LIST_HEAD(, asker) askers;
	struct job_queue jobs;    /* started or not, the oldest first: all have the same time */
	struct job_queue reading; /* have a part of the content to be fed */
	struct siphash_key network_key;
	struct network_list networks[NETWORK_BUCKETS]; /* that have jobs */
	TAILQ_HEAD(, network) turns;                   /* that have some waiting */
	size_t njobs, nstarted;
	uint64_t held; /* octets of contents of started jobs */
	struct event *clock, *reader;
	uint8_t *piece; /* of content, for all */
	struct verifier_numbers numbers;
};

struct job {
	TAILQ_ENTRY(job) link, turn_link; /* turn: its network's of waiting, later of reading */
	struct verifier *v;
	struct asker *asker;
	struct network *network;
	uint32_t id;                     /* of the request */
	uint64_t until_ms, ask_until_ms; /* the end; that of waiting for the DNS */
	bool waiting, started, reading;
	struct arena arena;
	struct buf trace; /* lines; only if explain */
	bool explain;
	struct bytes client, helo, mail_from;
	struct mailauth_dns dns;
	struct dns_question_list questions;

	/* SPF */
	bool is_spf;              /* and nothing else */
	bool asks_spf;            /* VERIFY does; else it says of the reverse-path */
	struct spf_check *spf[2]; /* by enum spf_identity */
	unsigned spf_left;
	struct mailauth_spf_result spf_result;

	/* VERIFY */
	int fd;               /* -1: content is whole */
	uint64_t offset, end; /* in fd: what was not read yet */
	struct bytes content; /* header, and a small body */
	bool header_cut;      /* content does not have the header's end */
	size_t held;          /* its octets, when it is loaded */
	struct bytes body;    /* the part of content that was not fed yet */
	struct dkim_check *dkim;
	bool judged; /* all signatures are */
	struct dmarc_check *dmarc;
	struct mailauth_verified verified;
};

/* Of headers, copied and parsed by each library: the jail's limit is several times that. */
#define VERIFIER_HELD_MAX (UINT64_C(256) << 20)
#define VERIFIER_PIECE    (64 * 1024)   /* octets of content fed in one turn */
#define VERIFIER_HEADER   (1024 * 1024) /* of which a header's fields are looked at */

/* ---- verifier.c ---- */
void verifier_read_soon(struct job *j); /* job_read() at one of the next turns */
void verifier_job_free(struct job *j);  /* whatever is under way ends */

/* ---- verifier_turns.c ---- */
void turns_init(struct verifier *v);
void turns_enter(struct job *j, struct bytes client); /* an address as text; else: nobody outside */
void turns_leave(struct job *j);
bool turns_has_place(const struct job *j); /* to wait */
void turns_wait(struct job *j);
bool turns_may_start(const struct verifier *v);
struct job *turns_next(struct verifier *v); /* which counts as started; NULL: none may start */

/* ---- verifier_job.c ---- */
void job_start(struct job *j);
void job_read(struct job *j);    /* the next part of the content */
void job_timeout(struct job *j); /* answer with what is known; frees it. Within the guard */

/* ---- verifier_dns.c ---- */
struct answers_kept *answers_kept_new(void);
void answers_kept_free(struct answers_kept *k);
void job_dns_init(struct job *j);
void job_dns_forget(struct job *j); /* its questions lead to nothing */

/* ---- verifier_words.c ---- */
enum auth_result words_of_spf(enum spf_verdict verdict);
void words_spf(struct mailauth_spf *out, const struct spf_result *in, struct arena *a);
void words_dkim(struct mailauth_verified *out, const struct dkim_verdict *in, size_t n);
void words_dmarc(struct mailauth_dmarc *out, const struct dmarc_result_row *in, struct arena *a);
enum dmarc_auth words_dmarc_auth(enum auth_result result);

extern const struct daemon_spec verifier_spec;

#endif
