/* SPDX-License-Identifier: ISC */
/* session/zygote_private.h - between a spawner and its zygote: one program, one version. */
#ifndef RELAIS_ZYGOTE_PRIVATE_H
#define RELAIS_ZYGOTE_PRIVATE_H

#include "zygote.h"

enum zygote_msg {
	ZYGOTE_SPAWN = IPC_SESSION + 0x40, /* 2 fds: stream, link; answered by ZYGOTE_PID */
	ZYGOTE_PID,
	ZYGOTE_CONFIGURE, /* no answer */
	ZYGOTE_LOG,       /* 1 fd; no answer */
	ZYGOTE_DEATH,
};

struct zygote_spawn_msg { /* both borrowed: session_start_encode(), session_take_encode() */
	struct bytes start, take;
};

struct zygote_pid_msg {
	int32_t err;
	uint32_t pid;
};

/* The whole life of the zygote process. */
_Noreturn void zygote_main(int fd, const struct zygote_spec *spec);

#endif
