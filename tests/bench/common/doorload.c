/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/common/doorload.c - a load on one door: connect, TLS if asked, log in if asked,
 * leave; so many clients at once, a thread each, so many times in all.
 *
 *	doorload -p PORT -P imap|pop3|smtp [-t none|starttls|implicit] [-u FILE] [-r]
 *	    [-c CLIENTS] [-n COUNT]
 *
 * FILE holds "name password" a line, taken in turn; without it nobody logs in. -r resumes the
 * thread's last TLS session. Prints one line of JSON; exit status 1 if something failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum tls_mode {
	TLS_NONE,
	TLS_STARTTLS,
	TLS_IMPLICIT
};

struct load;

/* One connection of one client. */
struct client {
	struct load *load;
	int fd;
	SSL *ssl;
	SSL_SESSION *session; /* of the last connection, to be resumed */
	size_t len;           /* of in[] */
	char in[8192];
};

/* What a protocol says before and after the handshake; true if all went well. */
struct protocol {
	const char *name;
	bool (*starttls)(struct client *c);
	bool (*greeting)(struct client *c); /* what comes first, after an implicit handshake */
	bool (*login)(struct client *c, const char *name, const char *password);
	bool (*quit)(struct client *c);
};

struct account {
	char *name, *password;
};

struct load {
	struct sockaddr_in addr;
	const struct protocol *protocol;
	enum tls_mode tls;
	bool resume;
	unsigned clients;
	unsigned long count;
	struct account *accounts;
	size_t naccounts;
	SSL_CTX *ctx;
	atomic_ulong started, done, failed, resumed;
	double *took; /* seconds of each that succeeded */
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	fprintf(stderr, "doorload: %s\n", what);
	exit(2);
}

/* ---- octets ---- */

static bool
put(struct client *c, const char *text, size_t len)
{
	if (c->ssl != NULL)
		return SSL_write(c->ssl, text, (int)len) == (int)len;
	return send(c->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool __attribute__((format(printf, 2, 3))) say(struct client *c, const char *format, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	return n > 0 && (size_t)n < sizeof(line) && put(c, line, (size_t)n);
}

/* The next line, without its end, into line[]. */
static bool
get(struct client *c, char *line, size_t room)
{
	char *end;

	while ((end = memchr(c->in, '\n', c->len)) == NULL) {
		size_t left = sizeof(c->in) - c->len;
		ssize_t n;

		if (left == 0)
			return false;
		if (c->ssl != NULL)
			n = SSL_read(c->ssl, c->in + c->len, (int)left);
		else
			n = recv(c->fd, c->in + c->len, left, 0);
		if (n <= 0)
			return false;
		c->len += (size_t)n;
	}
	size_t used = (size_t)(end - c->in) + 1;

	snprintf(line, room, "%.*s", (int)(used - 1), c->in);
	memmove(c->in, c->in + used, c->len - used);
	c->len -= used;
	return true;
}

/* Lines up to one that begins with text; false if one begins with "bad" words of the protocol. */
static bool
wait_for(struct client *c, const char *text, const char *bad)
{
	char line[8192];

	while (get(c, line, sizeof(line))) {
		if (strncmp(line, text, strlen(text)) == 0)
			return true;
		if (strncmp(line, bad, strlen(bad)) == 0)
			return false;
	}
	return false;
}

/* ---- protocols ---- */

static bool
imap_greeting(struct client *c)
{
	return wait_for(c, "* OK", "* BYE");
}

static bool
imap_starttls(struct client *c)
{
	return imap_greeting(c) && say(c, "s STARTTLS\r\n") && wait_for(c, "s OK", "s ");
}

static bool
imap_login(struct client *c, const char *name, const char *password)
{
	return say(c, "a LOGIN \"%s\" \"%s\"\r\n", name, password) && wait_for(c, "a OK", "a ");
}

static bool
imap_quit(struct client *c)
{
	return say(c, "z LOGOUT\r\n") && wait_for(c, "z OK", "z ");
}

static bool
pop3_greeting(struct client *c)
{
	return wait_for(c, "+OK", "-ERR");
}

static bool
pop3_starttls(struct client *c)
{
	return pop3_greeting(c) && say(c, "STLS\r\n") && wait_for(c, "+OK", "-ERR");
}

static bool
pop3_login(struct client *c, const char *name, const char *password)
{
	return say(c, "USER %s\r\n", name) && wait_for(c, "+OK", "-ERR") &&
	       say(c, "PASS %s\r\n", password) && wait_for(c, "+OK", "-ERR");
}

static bool
pop3_quit(struct client *c)
{
	return say(c, "QUIT\r\n") && wait_for(c, "+OK", "-ERR");
}

static bool
smtp_greeting(struct client *c)
{
	return wait_for(c, "220 ", "5");
}

static bool
smtp_starttls(struct client *c)
{
	return smtp_greeting(c) && say(c, "EHLO client.test\r\n") && wait_for(c, "250 ", "5") &&
	       say(c, "STARTTLS\r\n") && wait_for(c, "220 ", "454");
}

static bool
smtp_login(struct client *c, const char *name, const char *password)
{
	unsigned char plain[512], b64[700];
	int n = snprintf((char *)plain, sizeof(plain), "%c%s%c%s", 0, name, 0, password);

	EVP_EncodeBlock(b64, plain, n);
	return say(c, "EHLO client.test\r\n") && wait_for(c, "250 ", "5") &&
	       say(c, "AUTH PLAIN %s\r\n", (char *)b64) && wait_for(c, "235", "5");
}

static bool
smtp_quit(struct client *c)
{
	return say(c, "QUIT\r\n") && wait_for(c, "221", "5");
}

static const struct protocol protocols[] = {
	{ "imap", imap_starttls, imap_greeting, imap_login, imap_quit },
	{ "pop3", pop3_starttls, pop3_greeting, pop3_login, pop3_quit },
	{ "smtp", smtp_starttls, smtp_greeting, smtp_login, smtp_quit },
};

/* ---- one connection after the other ---- */

/* A ticket came: the newest one is good for one resumption. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct client *c = SSL_get_app_data(ssl);

	SSL_SESSION_free(c->session);
	c->session = session;
	return 1;
}

static bool
handshake(struct client *c)
{
	char host[] = "localhost"; /* OpenSSL's macro casts const away */

	c->ssl = SSL_new(c->load->ctx);
	c->len = 0;
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_app_data(c->ssl, c) != 1)
		return false;
	SSL_set_tlsext_host_name(c->ssl, host);
	if (c->load->resume && c->session != NULL)
		SSL_set_session(c->ssl, c->session);
	if (SSL_connect(c->ssl) != 1)
		return false;
	if (SSL_session_reused(c->ssl))
		c->load->resumed++;
	return true;
}

static bool
walk(struct client *c, unsigned long number)
{
	const struct load *l = c->load;
	const struct protocol *p = l->protocol;

	if (l->tls == TLS_STARTTLS && !(p->starttls(c) && handshake(c)))
		return false;
	if (l->tls == TLS_IMPLICIT && !handshake(c))
		return false;
	if (l->tls != TLS_STARTTLS && !p->greeting(c))
		return false;
	if (l->naccounts > 0) {
		const struct account *a = &l->accounts[number % l->naccounts];

		if (!p->login(c, a->name, a->password))
			return false;
	}
	return p->quit(c);
}

static void
leave(struct client *c)
{
	if (c->ssl != NULL) {
		SSL_shutdown(c->ssl); /* before SSL_free, or the session is spoilt */
		SSL_free(c->ssl);
	}
	close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
	c->len = 0;
}

static bool
one(struct client *c, unsigned long number)
{
	struct timeval limit = { .tv_sec = 30 };
	int yes = 1;
	bool ok;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ok = connect(c->fd, (const struct sockaddr *)&c->load->addr, sizeof(c->load->addr)) == 0 &&
	     walk(c, number);
	leave(c);
	return ok;
}

static void *
client_main(void *arg)
{
	struct load *l = arg;
	struct client c = { .load = l, .fd = -1 };
	unsigned long number;

	while ((number = l->started++) < l->count) {
		double start = now();

		if (one(&c, number))
			l->took[l->done++] = now() - start;
		else
			l->failed++;
	}
	SSL_SESSION_free(c.session);
	return NULL;
}

/* ---- options ---- */

static void
read_accounts(struct load *l, const char *path)
{
	char name[256], password[256];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		die(path);
	while (fscanf(f, "%255s %255s", name, password) == 2) {
		l->accounts = realloc(l->accounts, (l->naccounts + 1) * sizeof(*l->accounts));
		if (l->accounts == NULL)
			die("memory");
		l->accounts[l->naccounts++] = (struct account){ strdup(name), strdup(password) };
	}
	fclose(f);
}

static enum tls_mode
tls_mode(const char *name)
{
	static const char *const names[] = { "none", "starttls", "implicit" };

	for (int i = TLS_NONE; i <= TLS_IMPLICIT; i++)
		if (strcmp(names[i], name) == 0)
			return (enum tls_mode)i;
	die("-t none|starttls|implicit");
	return TLS_NONE;
}

static void
set_protocol(struct load *l, const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i].name, name) == 0)
			l->protocol = &protocols[i];
}

static void
options(struct load *l, int argc, char *argv[])
{
	int o;

	while ((o = getopt(argc, argv, "p:P:t:u:c:n:r")) != -1) {
		if (o == 'p')
			l->addr.sin_port = htons((uint16_t)strtoul(optarg, NULL, 10));
		else if (o == 'P')
			set_protocol(l, optarg);
		else if (o == 't')
			l->tls = tls_mode(optarg);
		else if (o == 'u')
			read_accounts(l, optarg);
		else if (o == 'c')
			l->clients = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'n')
			l->count = strtoul(optarg, NULL, 10);
		else if (o == 'r')
			l->resume = true;
		else
			exit(2);
	}
	if (l->protocol == NULL || l->addr.sin_port == 0 || l->clients == 0 || l->count == 0)
		die("-p PORT -P imap|pop3|smtp [-t MODE] [-u FILE] [-r] [-c CLIENTS] [-n COUNT]");
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
report(struct load *l, double seconds)
{
	unsigned long n = l->done;

	qsort(l->took, n, sizeof(*l->took), by_size);
	printf("{\"done\": %lu, \"failed\": %lu, \"resumed\": %lu, \"seconds\": %.6f, "
	       "\"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
		n, (unsigned long)l->failed, (unsigned long)l->resumed, seconds,
		n > 0 ? l->took[n / 2] * 1e3 : 0, n > 0 ? l->took[n - 1 - n / 100] * 1e3 : 0);
}

int
main(int argc, char *argv[])
{
	struct load l = { .clients = 8, .count = 1000 };
	pthread_t *threads;
	double start;

	l.addr.sin_family = AF_INET;
	l.addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	options(&l, argc, argv);
	l.ctx = SSL_CTX_new(TLS_client_method());
	l.took = calloc(l.count, sizeof(*l.took));
	threads = calloc(l.clients, sizeof(*threads));
	if (l.ctx == NULL || l.took == NULL || threads == NULL)
		die("memory");
	SSL_CTX_set_session_cache_mode(l.ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(l.ctx, on_session);
	start = now();
	for (unsigned i = 0; i < l.clients; i++)
		if (pthread_create(&threads[i], NULL, client_main, &l) != 0)
			die("thread");
	for (unsigned i = 0; i < l.clients; i++)
		pthread_join(threads[i], NULL);
	report(&l, now() - start);
	return l.failed == 0 ? 0 : 1;
}
