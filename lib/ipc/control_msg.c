/* SPDX-License-Identifier: ISC */
/* lib/ipc/control_msg.c - between master and its children: encoders and decoders. */
#include "control_msg.h"

#include "wire_version.h"

void
control_listener_encode(struct buf *out, const struct control_listener *m)
{
	ipc_put_bytes(out, m->label);
	ipc_put_bytes(out, m->address);
}

int
control_listener_decode(struct ipc_reader *in, void *out)
{
	struct control_listener *m = out;

	m->label = ipc_get_bytes(in, CONTROL_LABEL_MAX);
	m->address = ipc_get_bytes(in, CONTROL_PATH_MAX);
	return ipc_finish(in);
}

void
control_config_encode(struct buf *out, const struct control_config *m)
{
	ipc_put_bytes(out, m->common);
	ipc_put_bytes(out, m->own);
	ipc_put_bytes(out, m->mailauth);
}

static void
get_config(struct ipc_reader *in, struct control_config *m)
{
	m->common = ipc_get_bytes(in, CONTROL_CONF_MAX);
	m->own = ipc_get_bytes(in, CONTROL_CONF_MAX);
	m->mailauth = ipc_get_bytes(in, CONTROL_CONF_MAX);
}

int
control_config_decode(struct ipc_reader *in, void *out)
{
	get_config(in, out);
	return ipc_finish(in);
}

void
control_start_encode(struct buf *out, const struct control_start *m)
{
	buf_put_u32(out, m->service);
	buf_put_u32(out, m->instance);
	buf_put_u32(out, m->birth);
	buf_put_u32(out, m->uid);
	buf_put_u32(out, m->gid);
	buf_put_u32(out, m->mail_uid);
	buf_put_u32(out, m->mail_gid);
	buf_put_u32(out, m->sandbox);
	buf_put_u32(out, m->files_limit);
	buf_put_u64(out, m->memory_limit);
	ipc_put_bytes(out, m->root);
	control_config_encode(out, &m->conf);
	buf_put_u8(out, m->successor);
	ipc_put_bytes(out, m->secret);
	for (int i = 0; i < SERVICE_COUNT; i++)
		buf_put_u16(out, m->instances[i]);
}

int
control_start_decode(struct ipc_reader *in, void *out)
{
	struct control_start *m = out;

	m->service = ipc_get_u32(in);
	m->instance = ipc_get_u32(in);
	m->birth = ipc_get_u32(in);
	m->uid = ipc_get_u32(in);
	m->gid = ipc_get_u32(in);
	m->mail_uid = ipc_get_u32(in);
	m->mail_gid = ipc_get_u32(in);
	m->sandbox = ipc_get_u32(in);
	m->files_limit = ipc_get_u32(in);
	m->memory_limit = ipc_get_u64(in);
	m->root = ipc_get_bytes(in, CONTROL_PATH_MAX);
	get_config(in, &m->conf);
	m->successor = (uint8_t)ipc_get_enum(in, 2);
	m->secret = ipc_get_bytes(in, CONTROL_SECRET_SIZE);
	for (int i = 0; i < SERVICE_COUNT; i++)
		m->instances[i] = ipc_get_u16(in);
	if (m->service >= SERVICE_COUNT)
		in->bad = true;
	return ipc_finish(in);
}

void
control_introduce_encode(struct buf *out, const struct control_introduce *m)
{
	buf_put_u32(out, m->service);
	buf_put_u32(out, m->instance);
	buf_put_u32(out, ipc_wire());
}

int
control_introduce_decode(struct ipc_reader *in, void *out)
{
	struct control_introduce *m = out;

	m->service = ipc_get_u32(in);
	m->instance = ipc_get_u32(in);
	m->wire = ipc_get_u32(in);
	if (m->service >= SERVICE_COUNT) /* of a newer program: nobody may call it */
		m->service = SERVICE_NONE;
	return ipc_finish(in);
}

void
control_ready_encode(struct buf *out, const struct control_ready *m)
{
	buf_put_u32(out, m->wire);
	ipc_put_bytes(out, m->version);
}

int
control_ready_decode(struct ipc_reader *in, void *out)
{
	struct control_ready *m = out;

	m->wire = ipc_get_u32(in);
	m->version = ipc_get_text(in, CONTROL_VERSION_MAX);
	return ipc_finish(in);
}

void
control_hand_over_encode(struct buf *out, const struct control_hand_over *m)
{
	buf_put_u8(out, m->sole);
}

int
control_hand_over_decode(struct ipc_reader *in, void *out)
{
	struct control_hand_over *m = out;

	m->sole = (uint8_t)ipc_get_enum(in, 2);
	return ipc_finish(in);
}

void
control_peer_encode(struct buf *out, const struct control_peer *m)
{
	buf_put_u32(out, m->service);
	buf_put_u32(out, m->instance);
	buf_put_u32(out, (uint32_t)m->err);
}

int
control_peer_decode(struct ipc_reader *in, void *out)
{
	struct control_peer *m = out;

	m->service = ipc_get_u32(in);
	m->instance = ipc_get_u32(in);
	m->err = (int32_t)ipc_get_u32(in);
	if (m->service >= SERVICE_COUNT)
		in->bad = true;
	return ipc_finish(in);
}

void
control_reload_encode(struct buf *out, const struct control_reload *m)
{
	buf_put_u8(out, m->yes_really);
}

int
control_reload_decode(struct ipc_reader *in, void *out)
{
	struct control_reload *m = out;

	m->yes_really = in->in.n == 0 ? 0 : (uint8_t)ipc_get_enum(in, 2);
	return ipc_finish(in);
}

void
control_text_encode(struct buf *out, const struct control_text *m)
{
	buf_put_u32(out, (uint32_t)m->err);
	ipc_put_bytes(out, m->text);
}

int
control_text_decode(struct ipc_reader *in, void *out)
{
	struct control_text *m = out;

	m->err = (int32_t)ipc_get_u32(in);
	m->text = ipc_get_bytes(in, IPC_BODY_MAX);
	return ipc_finish(in);
}
