/* SPDX-License-Identifier: ISC */
/*
 * master/handover.h - what one master leaves to the next at an upgrade: which descriptors are what,
 * and who runs. Pure: text to structs and back.
 *
 *	relais-handover 1
 *	master births=57 generation=0 ready=1 log=5 control=9 ...
 *	child service=smtpd instance=0 state=ready pid=812 fd=14 ...
 *	listener service=smtpd instance=0 label=smtp address=*:25 fd=10
 *	end
 *
 * The two may be of different versions, in either order. Kinds of lines and fields that the reader
 * does not know are passed over, fields that are not there are 0 (descriptors: -1): so
 * something may be added without a new number. The number changes when an older or newer
 * reader would do harm; then the check before the upgrade refuses it.
 */
#ifndef RELAIS_HANDOVER_H
#define RELAIS_HANDOVER_H

#include "arena.h"
#include "buf.h"

#define HANDOVER_VERSION 1
#define HANDOVER_MAX     (8 * 1024 * 1024) /* octets */
#define HANDOVER_ROWS    20000             /* children; listeners */
#define HANDOVER_TEXT    1024              /* octets of a text */
#define HANDOVER_SECRET  80

struct handover_child {
	struct bytes service, state, version;
	uint32_t instance, generation, wire, restarts, failures;
	uint32_t trial, leaving, handed; /* 0 or 1 */
	uint32_t end_status;
	uint64_t pid, started_ms, started_wall_us, ended_ms;
	int fd; /* its control socket */
};

struct handover_listener {
	struct bytes service, label, address;
	uint32_t instance;
	int fd;
};

struct handover {
	uint32_t births, generation, ready;
	uint64_t started_ms, started_wall_us;
	struct bytes version; /* of who wrote it */
	uint8_t secret[HANDOVER_SECRET];
	int log, control;
	struct handover_child *children;
	struct handover_listener *listeners;
	size_t nchildren, nlisteners;
	struct arena arena; /* of the texts that a decoder made */
};

void handover_encode(struct buf *out, const struct handover *h);

/* ERR_OK; ERR_UNSUPPORTED: another number; ERR_SYNTAX; ERR_LIMIT. To be freed in any case. */
MUST_USE int handover_decode(struct bytes text, struct handover *h);
void handover_free(struct handover *h);

struct handover_child *handover_add_child(struct handover *h);
struct handover_listener *handover_add_listener(struct handover *h);

#endif
