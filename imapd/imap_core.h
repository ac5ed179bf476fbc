/* SPDX-License-Identifier: ISC */
/*
 * imapd/imap_core.h - one logged-in client: octets in, answers out. Private to the session half.
 *
 * The session touches the mailbox (lib/store) but no other fd and no clock: who runs it
 * (imapd/session_main.c, a test, a fuzzer) feeds it, writes what it says, and tells it
 * when the mailbox changed.
 *
 * Answers that may be large are made in steps: a command sets session.step and a cursor in
 * the command's arena; the step is called again while the output is below IMAP_OUT_MARK.
 */
#ifndef RELAIS_IMAP_CORE_H
#define RELAIS_IMAP_CORE_H

#include "charset.h"
#include "imap_parse.h"
#include "imap_reader.h"
#include "session_msg.h"
#include "store.h"

#define IMAP_OUT_MARK      65536        /* octets of output at which work pauses until written */
#define IMAP_COMMAND_MAX   65536        /* octets of a command with its kept literals */
#define IMAP_BAD_MAX       20           /* commands in error, in a row, before BYE */
#define IMAP_MESSAGE_MAX   (64U << 20)  /* octets of an APPEND, if the owner says nothing */
#define IMAP_DISCARD_MAX   (128U << 20) /* a refused literal that comes anyway: BYE above this */
#define IMAP_STEP_MESSAGES 64           /* messages looked at in one step of SEARCH */

enum imap_state { /* RFC 3501 sec. 3 */
	IMAP_AUTHENTICATED = 1,
	IMAP_SELECTED = 2,
	IMAP_LOGOUT = 4,
};

enum imap_doing {
	IMAP_DOING_NOTHING, /* takes commands */
	IMAP_DOING_STEPS,   /* a command makes its answer in steps */
	IMAP_DOING_SYNC,    /* untagged news of the mailbox, then the tagged answer */
	IMAP_DOING_APPEND,  /* the message's octets come */
	IMAP_DOING_IDLE,    /* IDLE: until DONE */
};

/* What the session asks of its owner. All may be NULL. */
struct imap_host {
	void *ctx;
	void (*watch)(void *ctx, const int *dirfds, size_t n); /* call imap_session_changed() */
	void (*unwatch)(void *ctx);
	int (*quota_get)(void *ctx, struct session_quota_msg *out);
	void (*quota_add)(void *ctx, int64_t octets, int64_t messages);
	void (*note)(void *ctx, const char *line); /* for the log */
};

struct imap_limits {
	uint64_t message_octets; /* 0: IMAP_MESSAGE_MAX */
	bool quota;              /* the account has one: ask before APPEND and COPY */
};

struct imap_session;
struct imap_command;

/* Make the next piece of the answer; done with imap_finish() or by another step. */
typedef void imap_step_fn(struct imap_session *s);

struct imap_upload; /* an APPEND under way, cmd_append.c */

struct imap_session {
	struct store_account *account;
	struct charsets *charsets;
	struct imap_host host;
	struct imap_limits limits;

	enum imap_state state;
	enum imap_doing doing;
	struct imap_reader reader;
	struct buf out;
	bool client_left;   /* by LOGOUT */
	unsigned bad_count; /* commands in error since the last good one */

	/* the selected folder */
	struct store_view *view;
	struct bytes folder;    /* its name; owned */
	unsigned keywords_told; /* how many the client knows by a FLAGS response */

	/* the command under way */
	struct arena arena;
	const struct imap_command *command;
	struct bytes tag;
	bool uid; /* its UID form */
	imap_step_fn *step;
	void *cursor;        /* of its step, in the arena */
	struct bytes result; /* "OK [..] done", behind the tag, after the sync */
	struct store_changes changes;
	size_t changes_at; /* how many of its expunges and changes are told */
	bool changes_exists_told;
	bool idle_news;  /* IDLE: changes are being told */
	bool idle_again; /* and there are more since */
	struct imap_upload *upload;
	struct imap_fetch_cursor *fetch; /* holds an open message: see imap_fetch_abort() */
};

/* -- session.c: for the owner -------------------------------------------------------------- */

/* account, charsets (may be NULL): borrowed for the session's life. */
struct imap_session *imap_session_new(struct store_account *account, struct charsets *charsets,
	const struct imap_host *host, const struct imap_limits *limits);
void imap_session_free(struct imap_session **s);

/* Take octets of *in (advancing it) and work until they are used, the output is full, or the
 * session is over. Call again when output was written. */
void imap_session_work(struct imap_session *s, struct bytes *in);

/* The mailbox may have changed (what watch() asked for). */
void imap_session_changed(struct imap_session *s);

/* More work to do without more input, once output is below IMAP_OUT_MARK. */
bool imap_session_busy(const struct imap_session *s);
bool imap_session_over(const struct imap_session *s); /* write the output, then close */

/* "* BYE text"; over. */
void imap_session_bye(struct imap_session *s, const char *text);

/* Nothing to do for a while: give back memory. */
void imap_session_rest(struct imap_session *s);

/* -- session.c: for the commands --------------------------------------------------------------- */

/* The command's end: what happened in the mailbox is told, then "tag result". */
void imap_finish(struct imap_session *s, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same for a failed call: NO with the code that fits (RFC 5530). */
void imap_finish_error(struct imap_session *s, int err);
const char *imap_error_result(int err); /* "NO [CODE] text", static */

/* Go on with step, over and over, until it calls imap_finish(). */
void imap_begin_steps(struct imap_session *s, imap_step_fn *step, void *cursor);

/* Enter a state; leaving Selected closes the folder. */
void imap_enter(struct imap_session *s, enum imap_state state);

/* A literal that is a part of the command's text: keep it if it fits, else refuse. */
void imap_take_literal(struct imap_session *s);

/* Tagged BAD, at once. */
void imap_finish_bad(struct imap_session *s, const char *problem);

void imap_note(struct imap_session *s, const char *format, ...) PRINTF_LIKE(2, 3);
void imap_report_quota(struct imap_session *s); /* tell the owner what the account's use became */

/* -- session_sync.c -------------------------------------------------------------------------- */

/* Ask the store for changes; imap_sync_step() then tells them. */
MUST_USE int imap_sync_begin(struct imap_session *s, bool hold_expunged);
bool imap_sync_step(struct imap_session *s); /* true: all is told */

void imap_put_flags(struct imap_session *s, struct buf *out, const struct store_message *m);
void imap_put_fetch_flags(struct imap_session *s, uint32_t seq, bool uid); /* whole response */
void imap_tell_keywords(struct imap_session *s, bool always); /* FLAGS, PERMANENTFLAGS */

/* -- commands.c ------------------------------------------------------------------------------- */

enum imap_command_flag {
	IMAP_CMD_NO_SYNC = 1, /* no news before its tagged answer */
	IMAP_CMD_HOLD = 2,    /* no EXPUNGE before it (RFC 3501 sec. 7.4.1); its UID form may */
	IMAP_CMD_UID = 4,     /* has a UID form */
};

/* args: what stands behind the name. < 0: BAD if args->problem is set, else NO by the error. */
typedef int imap_handler_fn(struct imap_session *s, struct imap_parser *args);

struct imap_command {
	const char *name;
	unsigned allowed; /* enum imap_state bits */
	imap_handler_fn *handler;
	unsigned flags;
};

const struct imap_command *imap_command_find(struct bytes name);

imap_handler_fn cmd_append, cmd_capability, cmd_close, cmd_copy, cmd_create, cmd_delete,
	cmd_examine, cmd_expunge, cmd_fetch, cmd_getquota, cmd_getquotaroot, cmd_id, cmd_idle,
	cmd_list, cmd_logout, cmd_lsub, cmd_move, cmd_namespace, cmd_noop, cmd_rename, cmd_search,
	cmd_select, cmd_status, cmd_store, cmd_subscribe, cmd_unselect, cmd_unsubscribe;

/* -- message sets (message_set.c) ------------------------------------------------------------- */

/*
 * Read a set and make it one of sequence numbers of the view, ascending (both for numbers and,
 * in the UID form, for UIDs).
 * returns: ERR_SYNTAX also if a sequence number is larger than the folder (RFC 3501 sec. 9)
 */
MUST_USE int imap_get_messages(
	struct imap_session *s, struct imap_parser *args, struct imap_set *out);
enum imap_numbers {
	IMAP_NUMBERS,
	IMAP_NUMBERS_ANY, /* SEARCH: those past the end just match nothing */
	IMAP_UIDS,
};
MUST_USE int imap_resolve_messages(struct imap_session *s, struct imap_parser *args,
	struct imap_set *set, enum imap_numbers of);

/* The UIDs of the messages in a set of sequence numbers, in the arena. */
uint32_t *imap_set_uids(struct imap_session *s, const struct imap_set *set, size_t *count);

/* Walks a resolved set. */
struct imap_walk {
	const struct imap_set *set;
	size_t range;
	uint32_t next; /* 0: at the start of range */
};
uint32_t imap_walk_next(struct imap_walk *w); /* sequence number, or 0 at the end */

/* -- others ------------------------------------------------------------------------------------ */

/* cmd_append.c: a literal was announced, its octets come, the command is whole. */
bool imap_append_is(struct imap_session *s); /* the command so far is an APPEND; sets its tag */
void imap_append_literal(struct imap_session *s);
void imap_append_data(struct imap_session *s, struct bytes data);
void imap_append_end(struct imap_session *s); /* the line behind the message is complete */
void imap_append_abort(struct imap_session *s);

void imap_idle_line(struct imap_session *s, struct bytes line); /* cmd_idle.c */
void imap_idle_end(struct imap_session *s);
void imap_fetch_abort(struct imap_session *s); /* cmd_fetch.c */

/* Room for that much more? ERR_OK, ERR_QUOTA (cmd_quota.c). */
MUST_USE int imap_quota_check(struct imap_session *s, uint64_t octets, uint64_t messages);

/* IMAP_* bits as STORE_* bits (cmd_store.c). */
unsigned imap_store_flags(unsigned system);

#endif
