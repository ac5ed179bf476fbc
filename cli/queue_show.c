/* SPDX-License-Identifier: ISC */
/*
 * cli/queue_show.c - relais queue show: all that is known of a message, and its content.
 *
 * Runs in:  relais. Trusts: nothing in the message: control characters do not reach a terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue.h"

#define STATE_MAX (64u << 20)

/* As it is to a file or a pipe; made safe for a terminal. */
static bool
copy_out(int fd, uint64_t offset, uint64_t size)
{
	const bool terminal = isatty(STDOUT_FILENO) == 1;
	char chunk[16384];

	while (size > 0) {
		ssize_t n = pread(fd, chunk, size < sizeof(chunk) ? (size_t)size : sizeof(chunk),
			(off_t)offset);

		if (n <= 0) {
			fprintf(stderr, "the message cannot be read: %s\n",
				n < 0 ? strerror(errno) : "it is too short");
			return false;
		}
		for (ssize_t i = 0; terminal && i < n; i++)
			if ((chunk[i] & 0x7f) < 0x20 && strchr("\r\n\t", chunk[i]) == NULL &&
				(chunk[i] & 0x80) == 0)
				chunk[i] = '?';
		fwrite(chunk, 1, (size_t)n, stdout);
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return true;
}

static bool
read_state(int fd, uint64_t size, struct buf *out)
{
	if (size > STATE_MAX)
		return false;
	while (out->len < size) {
		uint8_t *room = buf_room(out, (size_t)size - out->len);
		ssize_t n = pread(fd, room, (size_t)size - out->len, (off_t)out->len);

		if (n <= 0)
			return false;
		buf_added(out, (size_t)n);
	}
	return true;
}

/* ---- JSON: "name: value" of the message; those of a recipient begin with "recipient" and
 * are indented ---- */

static json_t *
value_json(struct bytes value)
{
	uint64_t v;

	return bytes_to_u64(value, INT64_MAX, &v) == ERR_OK ? json_integer((json_int_t)v)
							    : json_text(value);
}

static void
set_line(json_t *o, struct bytes line)
{
	char key[64];
	struct bytes name = bytes_trim(bytes_cut(&line, ':'));

	bytes_to_str(name, key, sizeof(key));
	for (char *c = key; *c != '\0'; c++)
		if (*c == ' ' || *c == '-')
			*c = '_';
	json_object_set_new(o, key, value_json(bytes_trim(line)));
}

static void
print_json(struct bytes text)
{
	json_t *root = json_object(), *rcpts = json_array(), *rcpt = NULL;

	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n');

		if (bytes_starts_with(line, BYTES_LITERAL("recipient: "))) {
			rcpt = json_object();
			json_object_set_new(rcpt, "address", json_text(bytes_skip(line, 11)));
			json_array_append_new(rcpts, rcpt);
		} else if (bytes_starts_with(line, BYTES_LITERAL("  ")) && rcpt != NULL) {
			set_line(rcpt, line);
		} else if (bytes_find(line, ':') != BYTES_NOT_FOUND) {
			set_line(root, line);
		}
	}
	json_object_set_new(root, "recipients", rcpts);
	json_print(root);
	json_decref(root);
}

/* ---- the verb ---- */

static bool
show_answer(const struct queue_words *w, const struct queue_show_answer *a, const int fds[2])
{
	struct buf state = BUF_INIT;
	bool ok;

	if (w->content)
		return copy_out(fds[0], a->content_offset, a->content_size);
	ok = read_state(fds[1], a->state_size, &state);
	if (!ok)
		fprintf(stderr, "qmgr answered something odd\n");
	else if (w->json)
		print_json(buf_bytes(&state));
	else {
		fwrite(buf_str(&state), 1, state.len, stdout);
		putchar('\n');
		ok = copy_out(fds[0], a->content_offset, a->content_size);
	}
	buf_free(&state);
	return ok;
}

static int
show_one(struct cli *cli, int fd, const struct queue_words *w, uint64_t id)
{
	const struct queue_show ask = { .queue_id = id };
	char text[QUEUE_ID_TEXT_SIZE];
	struct queue_show_answer a;
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	bool ok = false;
	int r;

	queue_show_encode(&body, &ask);
	r = cli_ask(cli, fd, QUEUE_SHOW, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return CLI_FAILED;
	in = ipc_reader(frame.body);
	if (queue_show_answer_decode(&in, &a) < 0)
		fprintf(stderr, "qmgr answered something odd\n");
	else if (a.err < 0 || frame.nfds != 2)
		fprintf(stderr, "%s: %s\n", queue_id_text(id, text),
			a.err == ERR_NOT_FOUND ? "not in the queue (any more)" : err_text(a.err));
	else
		ok = show_answer(w, &a, frame.fds);
	for (unsigned i = 0; i < frame.nfds; i++)
		close(frame.fds[i]);
	return ok ? CLI_OK : CLI_FAILED;
}

int
queue_show(struct cli *cli, int fd, int argc, char *argv[])
{
	struct queue_words w;
	int status = CLI_USAGE;

	if (!queue_words(&w, WORD_IDS | WORD_JSON | WORD_CONTENT, argc, argv))
		goto out;
	if (w.n_ids != 1 || (w.json && w.content)) {
		fprintf(stderr, "show wants one id\n");
		goto out;
	}
	status = show_one(cli, fd, &w, w.ids[0]);
out:
	free(w.ids);
	return status;
}
