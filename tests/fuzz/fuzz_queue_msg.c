/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_queue_msg.c - the conversation with qmgr. */
#include "roundtrip.h"

#include "queue_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(queue_commit)                                                                          \
	ROW(queue_commit_answer)                                                                   \
	ROW(queue_lend_answer)                                                                     \
	ROW(queue_list)                                                                            \
	ROW(queue_list_answer)                                                                     \
	ROW(queue_show)                                                                            \
	ROW(queue_show_answer)                                                                     \
	ROW(queue_order)                                                                           \
	ROW(queue_order_answer)                                                                    \
	ROW(queue_stats_answer)                                                                    \
	ROW(queue_commit_fd)                                                                       \
	ROW(queue_shape)                                                                           \
	ROW(queue_shape_answer)

/* the other form of a commit */
#define queue_commit_fd        queue_commit
#define queue_commit_fd_encode queue_commit_encode

ROUNDTRIP_TARGET(MESSAGES)
