/* SPDX-License-Identifier: ISC */
/* ledger/ledger_private.h - what the parts of the daemon have of each other. */
#ifndef RELAIS_LEDGER_PRIVATE_H
#define RELAIS_LEDGER_PRIVATE_H

#include "daemon.h"
#include "database.h"
#include "ledger_conf.h"
#include "ledger_msg.h"

struct guard;      /* guard.c: logins, bans */
struct sender;     /* sender.c: limits of sending, incidents */
struct dmarc_data; /* dmarc_data.c: what aggregate reports are made of */

struct guard *ledger_guard(const struct ipc_call *call);
struct sender *ledger_sender(const struct ipc_call *call);
struct dmarc_data *ledger_dmarc(const struct ipc_call *call);

/* The environment must be recovered, which only a new process can do: master starts it. */
_Noreturn void ledger_give_up(int r);

/* After a read or write that failed: ends the process if it must, else a line in the log now and
 * then. */
void ledger_write_failed(struct daemon *d, int r, const char *what);

void ledger_after_ms(struct event *timer, uint64_t ms);
void ledger_send_done(struct ipc_channel *channel, uint32_t id, int err);

/* ---- guard.c ---- */

/* Reads the bans that there are. ERR_IO and others of database.h */
MUST_USE int guard_start(struct daemon *d, struct database *db, struct guard **out);
void guard_stop(struct guard **g);
void guard_reload(struct guard *g);
void guard_peer_down(struct guard *g, const struct ipc_channel *peer);
void guard_stats(const struct guard *g, struct buf *out);

void guard_on_try(struct ipc_call *call, const void *msg);
void guard_on_tried(struct ipc_call *call, const void *msg);
void guard_on_last_use(struct ipc_call *call, const void *msg);
void guard_on_subscribe(struct ipc_call *call, const void *msg);
void guard_on_ban_list(struct ipc_call *call, const void *msg);
void guard_on_ban_add(struct ipc_call *call, const void *msg);
void guard_on_ban_del(struct ipc_call *call, const void *msg);

/* ---- sender.c ---- */

MUST_USE int sender_start(struct daemon *d, struct database *db, struct sender **out);
void sender_stop(struct sender **s);
void sender_peer_down(struct sender *s, const struct ipc_channel *peer);
void sender_stats(const struct sender *s, struct buf *out);

void sender_on_send(struct ipc_call *call, const void *msg);
void sender_on_subscribe(struct ipc_call *call, const void *msg);
void sender_on_told(struct ipc_call *call, const void *msg);
void sender_on_list(struct ipc_call *call, const void *msg);
void sender_on_end(struct ipc_call *call, const void *msg);

/* ---- dmarc_data.c ---- */

MUST_USE int dmarc_data_start(struct daemon *d, struct database *db, struct dmarc_data **out);
void dmarc_data_stop(struct dmarc_data **d);
void dmarc_data_stats(const struct dmarc_data *d, struct buf *out);

void dmarc_on_row(struct ipc_call *call, const void *msg);
void dmarc_on_days(struct ipc_call *call, const void *msg);
void dmarc_on_rows(struct ipc_call *call, const void *msg);
void dmarc_on_seal(struct ipc_call *call, const void *msg);
void dmarc_on_sent(struct ipc_call *call, const void *msg);

#endif
