/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/dns/dns_load.c - many questions to resolver at once, as one caller; for benchmarks
 * and for tests of its bounds. Never shipped.
 *
 *	dns_load RUN COUNT AT-ONCE TYPE NAME
 *
 * RUN is the suite's folder of that name; a '%' in NAME becomes the number of the question. Prints
 * JSON: seconds, and how often each status came.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "control_msg.h"
#include "dns_msg.h"

struct load {
	int fd;
	struct ipc_packet packet;
	unsigned count, at_once, sent, answered;
	uint16_t type;
	const char *name;
	unsigned statuses[DNS_STATUS_COUNT];
	uint64_t slowest_us, *since_us;
};

static void
fail(const char *what)
{
	fprintf(stderr, "dns_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
connect_resolver(const char *run)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ipc_packet packet = { .data = BUF_INIT };
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/control", run);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0)
		fail(sun.sun_path);
	control_introduce_encode(&body, &(struct control_introduce){ .service = SERVICE_RESOLVER,
						.instance = CONTROL_ANY });
	if (ipc_blocking_send(fd, CONTROL_INTRODUCE, 1, false, buf_bytes(&body), NULL, 0) < 0 ||
		ipc_blocking_receive(fd, &packet, &frame, 10000) < 0 || frame.nfds != 1)
		fail("no introduction");
	close(fd);
	buf_free(&packet.data);
	buf_free(&body);
	return frame.fds[0];
}

static void
ask_next(struct load *l)
{
	const char *percent = strchr(l->name, '%');
	struct buf name = BUF_INIT, body = BUF_INIT;

	if (percent == NULL)
		buf_put_str(&name, l->name);
	else
		buf_printf(
			&name, "%.*s%u%s", (int)(percent - l->name), l->name, l->sent, percent + 1);
	dns_query_encode(&body, &(struct dns_query){ l->type, buf_bytes(&name), 0 });
	l->since_us[l->sent++] = clock_mono_us();
	if (ipc_blocking_send(l->fd, DNS_QUERY, l->sent, false, buf_bytes(&body), NULL, 0) < 0)
		fail("send");
	buf_free(&name);
	buf_free(&body);
}

static void
take_answer(struct load *l)
{
	struct ipc_frame frame;
	struct ipc_reader in;
	struct dns_answer a;
	uint64_t took;

	if (ipc_blocking_receive(l->fd, &l->packet, &frame, 90000) < 0)
		fail("no answer");
	in = ipc_reader(frame.body);
	if (frame.type != DNS_ANSWER || frame.id == 0 || frame.id > l->sent ||
		dns_answer_decode(&in, &a) < 0)
		fail("not an answer");
	took = clock_mono_us() - l->since_us[frame.id - 1];
	if (took > l->slowest_us)
		l->slowest_us = took;
	l->statuses[a.status]++;
	l->answered++;
}

static void
run(struct load *l)
{
	while (l->answered < l->count) {
		const bool may_ask = l->sent < l->count && l->sent - l->answered < l->at_once;
		struct pollfd p = { l->fd, (short)(POLLIN | (may_ask ? POLLOUT : 0)), 0 };

		if (!ipc_packet_pending(&l->packet) && poll(&p, 1, 90000) <= 0)
			fail("poll");
		if (ipc_packet_pending(&l->packet) || (p.revents & POLLIN) != 0)
			take_answer(l);
		else if ((p.revents & POLLOUT) != 0)
			ask_next(l);
		else
			fail("resolver is gone");
	}
}

int
main(int argc, char *argv[])
{
	struct load l = { .packet = { .data = BUF_INIT } };
	uint64_t since;

	if (argc != 6 || dns_type_parse(bytes_from_str(argv[4]), &l.type) < 0) {
		fputs("Usage: dns_load RUN COUNT AT-ONCE TYPE NAME\n", stderr);
		return 2;
	}
	l.count = (unsigned)strtoul(argv[2], NULL, 10);
	l.at_once = (unsigned)strtoul(argv[3], NULL, 10);
	l.name = argv[5];
	l.since_us = xcalloc(l.count + 1, sizeof(*l.since_us));
	l.fd = connect_resolver(argv[1]);
	since = clock_mono_us();
	run(&l);
	printf("{\"seconds\": %.3f, \"slowest\": %.3f", (double)(clock_mono_us() - since) / 1e6,
		(double)l.slowest_us / 1e6);
	for (unsigned i = 0; i < DNS_STATUS_COUNT; i++)
		if (l.statuses[i] > 0)
			printf(", \"%s\": %u", dns_status_name((enum dns_status)i), l.statuses[i]);
	puts("}");
	free(l.since_us);
	buf_free(&l.packet.data);
	close(l.fd);
	return 0;
}
