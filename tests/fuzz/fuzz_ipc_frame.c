/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_ipc_frame.c - packets between processes, and the bodies of the control
 * conversation: what decodes, encodes to the same octets.
 */
#include <stdint.h>

#include "common_conf.h"
#include "control_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The octets that were read are the octets that would have been written. */
static void
same(struct bytes body, struct buf *out)
{
	ASSERT(bytes_equal(body, buf_bytes(out)));
	buf_clear(out);
}

static void
try_body(struct bytes body)
{
	struct buf out = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct control_start start;
	struct control_listener listener;
	struct control_peer peer;
	struct control_text text;
	struct control_reload reload;
	struct control_ready ready;
	struct control_hand_over hand_over;
	struct ipc_reader in;

	in = ipc_reader(body);
	if (control_start_decode(&in, &start) == ERR_OK) {
		(void)!conf_decode(
			start.conf.common, &common_section, conf_defaults(&common_section, &a), &a);
		control_start_encode(&out, &start);
		same(body, &out);
	}
	in = ipc_reader(body);
	if (control_listener_decode(&in, &listener) == ERR_OK) {
		control_listener_encode(&out, &listener);
		same(body, &out);
	}
	in = ipc_reader(body);
	if (control_peer_decode(&in, &peer) == ERR_OK) {
		control_peer_encode(&out, &peer);
		same(body, &out);
	}
	in = ipc_reader(body);
	if (control_text_decode(&in, &text) == ERR_OK) {
		control_text_encode(&out, &text);
		same(body, &out);
	}
	in = ipc_reader(body);
	if (control_reload_decode(&in, &reload) == ERR_OK && body.n > 0) {
		control_reload_encode(&out, &reload);
		same(body, &out);
	}
	in = ipc_reader(body);
	if (control_ready_decode(&in, &ready) == ERR_OK) {
		control_ready_encode(&out, &ready);
		same(body, &out);
	}
	in = ipc_reader(body);
	if (control_hand_over_decode(&in, &hand_over) == ERR_OK) {
		control_hand_over_encode(&out, &hand_over);
		same(body, &out);
	}
	buf_free(&out);
	arena_reset(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_make(data, size);
	struct ipc_frame f;

	while (ipc_frame_parse(&rest, &f) == 1)
		try_body(f.body);
	try_body(bytes_make(data, size));
	return 0;
}
