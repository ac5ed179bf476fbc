/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/imapd/imap_serve.c - the session half alone, for trying things by hand or by a
 * client's test suite: imap_serve PORT FOLDER serves the Maildir++ FOLDER on loopback, logged in
 * already (PREAUTH; "a LOGIN" of any user is answered OK for clients that insist). No jail.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capability.h"
#include "charset.h"
#include "check.h"
#include "imap_session.h"

static int
listen_on(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 100) != 0) {
		perror(port);
		exit(1);
	}
	return fd;
}

/* A client that does not know PREAUTH says LOGIN first: answer that one line here. */
static int
serve(int fd, const char *folder, struct charsets *charsets)
{
	static char line[4096], reply[4200];
	static const char greeting[] = "* OK [CAPABILITY " IMAP_CAPABILITY_BEFORE "] test\r\n";
	struct session_start start = { .stream_fd = fd,
		.root_fd = open(folder, O_RDONLY | O_DIRECTORY),
		.account = "test@example.org",
		.session_id = "test",
		.hostname = "host.example",
		.charsets = charsets };
	ssize_t n = 0;

	session_link_init(&start.link, -1);
	if (write(fd, greeting, sizeof(greeting) - 1) < 0)
		return 1;
	while (strstr(line, "LOGIN ") == NULL) {
		char tag[64] = "*";

		n = read(fd, line, sizeof(line) - 1);
		if (n <= 0)
			return 1;
		line[n] = '\0';
		sscanf(line, "%60s", tag);
		snprintf(reply, sizeof(reply), "* CAPABILITY %s\r\n%s OK [CAPABILITY %s] fine\r\n",
			IMAP_CAPABILITY_BEFORE, tag, IMAP_CAPABILITY_SESSION);
		if (strstr(line, "LOGIN ") == NULL && write(fd, reply, strlen(reply)) < 0)
			return 1;
	}
	start.first_reply = bytes_from_str(strstr(reply, "\r\n") + 2);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return 1;
	return imap_session_run(&start);
}

int
main(int argc, char *argv[])
{
	struct charsets *charsets = charsets_open();
	int listener;

	if (argc != 3) {
		fprintf(stderr, "usage: imap_serve PORT FOLDER\n");
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	listener = listen_on(argv[1]);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			close(listener);
			_exit(serve(fd, argv[2], charsets));
		}
		close(fd);
	}
}
