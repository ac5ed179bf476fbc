/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/control_msg.h - between master and every child (and the operator's command).
 *
 * Processes of different versions speak this one: after an upgrade master has old children, and
 * the operator's command may be newer than both. So numbers and bodies of what a serving child, the
 * command and master say to each other never change; something new gets a new number. LISTENER
 * and START pass only between master and a program of its own version.
 *
 * A child is born with the control socket as descriptor 3 and the log as descriptor 4.
 * Master sends LISTENER for each listening socket, then START; the child answers READY
 * when it serves. INTRODUCE asks for a connection to a service; the target gets PEER.
 */
#ifndef RELAIS_CONTROL_MSG_H
#define RELAIS_CONTROL_MSG_H

#include "ipc.h"

#define CONTROL_FD  3
#define LOG_FD      4
#define CONTROL_ANY UINT32_MAX /* instance: whichever comes next */

enum control_type {
	CONTROL_LISTENER = IPC_CONTROL, /* master -> child, 1 fd */
	CONTROL_START,                  /* master -> child */
	CONTROL_READY,                  /* child -> master */
	CONTROL_INTRODUCE,              /* child, cli -> master; answered */
	CONTROL_INTRODUCED,             /* answer: 1 fd, or none and a reason */
	CONTROL_PEER,                   /* master -> child, 1 fd */
	CONTROL_DRAIN,                  /* master -> child: finish what runs, take nothing new */
	CONTROL_DRAINED,                /* child -> master: nothing is left, about to exit */
	CONTROL_STATS,                  /* master -> child; answered by CONTROL_TEXT */
	CONTROL_STATUS,                 /* cli, metrics -> master; answered by CONTROL_TEXT, a long
					   one with 1 fd (long_text.h) */
	CONTROL_RELOAD,                 /* cli -> master: control_reload, or nothing; answered by
					   CONTROL_TEXT */
	CONTROL_STOP,                   /* cli -> master; answered by CONTROL_TEXT */
	CONTROL_TEXT,
	CONTROL_CONFIG,   /* master -> child: new values, for services that reload in place */
	CONTROL_STARTING, /* child -> master: READY takes longer, but goes on */
	CONTROL_PING,     /* master -> child; answered by CONTROL_PONG from its event loop */
	CONTROL_PONG,
	CONTROL_HAND_OVER,     /* master -> child: another takes over; answered by CONTROL_PONG */
	CONTROL_UPGRADE,       /* cli -> master: as RELOAD; answered by CONTROL_TEXT */
	CONTROL_UPGRADE_STATE, /* cli -> master; answered by CONTROL_TEXT */
	CONTROL_CONFIG_SHOW, /* cli -> master; answered by CONTROL_TEXT: what conf_show() writes */
	CONTROL_REOPEN_LOG,  /* cli -> master; answered by CONTROL_TEXT */
	CONTROL_LOG,         /* master -> child, 1 fd: what LOG_FD is to be from now on */
};

#define CONTROL_LABEL_MAX   32
#define CONTROL_VERSION_MAX 64
#define CONTROL_SECRET_SIZE 80
#define CONTROL_PATH_MAX    1024
#define CONTROL_CONF_MAX    (24 * 1024)

struct control_listener {
	struct bytes label;   /* "smtp", "imap", "pop3": which door */
	struct bytes address; /* as configured, for the log */
};

/* What a process may do once it is in its jail; rows of master/services.c. */
enum sandbox_bits {
	SANDBOX_FILES = 1 << 0,    /* open, make, rename below its root, read and write */
	SANDBOX_READ = 1 << 1,     /* open below its root for reading only */
	SANDBOX_ACCEPT = 1 << 2,   /* accept on sockets it was given */
	SANDBOX_FORK = 1 << 3,     /* make processes */
	SANDBOX_SETUID = 1 << 4,   /* change ids and root: the spawners */
	SANDBOX_THREADS = 1 << 5,  /* make threads */
	SANDBOX_CONNECT = 1 << 6,  /* outgoing connections */
	SANDBOX_INOTIFY = 1 << 7,  /* watch folders */
	SANDBOX_MEMFD = 1 << 8,    /* make memory files */
	SANDBOX_DATABASE = 1 << 9, /* what Berkeley DB needs besides files */
	SANDBOX_PAIR = 1 << 10,    /* make pairs of sockets, and end one direction of one */
	SANDBOX_CALL = 1 << 11,    /* outgoing connections by TCP and UNIX sockets, nothing else */
};

struct control_config {           /* sections, as conf_encode() writes them */
	struct bytes common, own; /* own: the service's; empty if it has none */
	struct bytes mailauth;    /* what several services have to agree on */
};

struct control_start {
	uint32_t service, instance; /* instance: 0, 1, ... within the service */
	uint32_t birth;             /* distinct for every process started since boot, modulo 2^32 */
	uint32_t uid, gid;          /* UINT32_MAX: stay who we are (not started by root) */
	uint32_t mail_uid, mail_gid; /* owner of virtual users' mailboxes */
	uint32_t sandbox;            /* SANDBOX_* */
	uint32_t files_limit;        /* RLIMIT_NOFILE */
	uint64_t memory_limit;       /* RLIMIT_DATA, octets; 0: none */
	struct bytes root;           /* the folder that becomes / */
	struct control_config conf;
	uint8_t successor;   /* beside one that serves: any doubt is a reason not to start */
	struct bytes secret; /* of the tickets, the same as long as the suite runs: both keys for
				directory, its own for qmgr and signers; empty for all others */
	uint16_t instances[SERVICE_COUNT];
};

struct control_introduce {
	uint32_t service, instance; /* instance may be CONTROL_ANY */
	uint32_t wire;              /* of who asks; the encoder puts ipc_wire() */
};

struct control_ready { /* the child, of itself */
	uint32_t wire; /* ipc_wire() */
	struct bytes version;
};

struct control_hand_over {
	uint8_t sole; /* the successor starts when this process has gone */
};

struct control_peer { /* who is at the other end; also the body of INTRODUCED */
	uint32_t service, instance;
	int32_t err; /* INTRODUCED: ERR_OK, ERR_PEER (not running), ERR_DENIED, ERR_UNSUPPORTED
			(speaks another version of our messages) */
};

struct control_reload {
	uint8_t yes_really; /* take dangerous changes, too */
};

struct control_text {
	int32_t err;
	struct bytes text;
};

void control_listener_encode(struct buf *out, const struct control_listener *m);
int control_listener_decode(struct ipc_reader *in, void *m);
void control_start_encode(struct buf *out, const struct control_start *m);
int control_start_decode(struct ipc_reader *in, void *m);
void control_introduce_encode(struct buf *out, const struct control_introduce *m);
int control_introduce_decode(struct ipc_reader *in, void *m);
void control_ready_encode(struct buf *out, const struct control_ready *m);
int control_ready_decode(struct ipc_reader *in, void *m);
void control_hand_over_encode(struct buf *out, const struct control_hand_over *m);
int control_hand_over_decode(struct ipc_reader *in, void *m);
void control_peer_encode(struct buf *out, const struct control_peer *m);
int control_peer_decode(struct ipc_reader *in, void *m);
void control_config_encode(struct buf *out, const struct control_config *m);
int control_config_decode(struct ipc_reader *in, void *m);
void control_reload_encode(struct buf *out, const struct control_reload *m);
int control_reload_decode(struct ipc_reader *in, void *m); /* nothing at all is all zero */
void control_text_encode(struct buf *out, const struct control_text *m);
int control_text_decode(struct ipc_reader *in, void *m);

#endif
