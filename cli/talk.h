/* SPDX-License-Identifier: ISC */
/*
 * cli/talk.h - a conversation in lines with one of our own doors, over TLS; blocking, with a time
 * limit. For commands that try out what a client would do.
 */
#ifndef RELAIS_TALK_H
#define RELAIS_TALK_H

#include "tls_client.h"

struct talk {
	int fd;
	struct tls_client *client;
	struct tls_to_host *tls; /* NULL: not yet */
	struct buf in;
	size_t taken; /* octets of in that the last line was made of */
	uint64_t end_ms;
	char why[200]; /* why the last call failed */
};

/* address: as in a listen option; "*" is this host. false: see why. Close it either way. */
bool talk_open(struct talk *t, const char *address, unsigned timeout_ms);
void talk_close(struct talk *t);

/* TLS from here on; who the server is, is not judged: see tls_to_host_trust(). */
bool talk_start_tls(struct talk *t, const char *server_name);

bool talk_put(struct talk *t, struct bytes text);

/* The next line without its end; borrowed until the next call. */
bool talk_line(struct talk *t, struct bytes *line);

#endif
