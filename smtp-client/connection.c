/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/connection.c - one connection to a host: made, watched, kept, closed.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the peer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "log.h"

/* ---- the end ---- */

void
connection_free(struct connection *n)
{
	struct client *c = n->c;

	ASSERT(n->job == NULL);
	pool_remove(n);
	LIST_REMOVE(n, all);
	c->n_connections--;
	event_free(n->readable);
	event_free(n->writable);
	event_free(n->timer);
	client_session_free(&n->session);
	if (n->tls != NULL && tls_to_host_shutdown(n->tls) < 0)
		log_debug("%s: no room for a close_notify", n->label);
	tls_to_host_free(&n->tls);
	close(n->fd);
	hop_free(&n->hop);
	arena_reset(&n->arena);
	free(n);
	event_active(c->turn, EV_TIMEOUT, 1); /* somebody may wait for room */
}

/* Before the session began: nothing to say to anybody but the job. */
static void
give_up_connecting(struct connection *n, const char *why)
{
	struct job *j = n->job;
	const char *text;

	if (j == NULL) {
		connection_free(n);
		return;
	}
	text = arena_printf(&j->arena, "connect to %s: %s", n->label, why);
	n->c->count.connect_failed++;
	log_info("%s", text);
	n->job = NULL;
	j->connection = NULL;
	connection_free(n);
	job_attempt_failed(j, "4.4.1", text);
}

/* ---- what happens to it ---- */

static const struct ip_block *
address_of(const struct job *j)
{
	return j->found == NULL ? NULL : &j->found->attempts[j->order[j->attempt]].address;
}

static void
connected(struct connection *n)
{
	int error = 0;
	socklen_t size = sizeof(error);
	const struct ip_block *address = n->job == NULL ? NULL : address_of(n->job);

	event_del(n->writable);
	if (getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (address != NULL)
		trouble_put(n->c->trouble, address, n->port, error != 0);
	if (error != 0) {
		give_up_connecting(n, strerror(error));
		return;
	}
	n->c->count.connected++;
	n->state = CONNECTION_OPEN;
	event_add(n->readable, NULL);
	client_session_connected(n->session);
	connection_pump(n);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *n = arg;

	UNUSED(fd), UNUSED(what);
	if (n->state == CONNECTION_SHAKING) {
		secure_go_on(n);
		if (!connection_pump(n) || n->state == CONNECTION_SHAKING)
			return;
	}
	/* a peer that talks without end does not keep the others waiting */
	for (int i = 0; i < 8; i++) {
		bool more = connection_read(n);

		if (!connection_pump(n) || !more)
			return;
	}
	event_active(n->readable, EV_READ, 1);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *n = arg;

	UNUSED(fd), UNUSED(what);
	if (n->state == CONNECTION_CONNECTING) {
		connected(n);
		return;
	}
	if (n->state == CONNECTION_SHAKING) { /* the last octets of it may have brought more */
		on_readable(fd, what, n);
		return;
	}
	if (n->reads_want_write)
		(void)connection_read(n);
	(void)connection_pump(n);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct connection *n = arg;

	UNUSED(fd), UNUSED(what);
	if (n->state == CONNECTION_CONNECTING) {
		if (n->job != NULL && address_of(n->job) != NULL)
			trouble_put(n->c->trouble, address_of(n->job), n->port, true);
		give_up_connecting(n, "Connection timed out");
		return;
	}
	if (n->idle) {
		pool_remove(n);
		connection_quit(n);
		return;
	}
	if (n->state == CONNECTION_SHAKING) {
		n->c->count.tls_failed++;
		n->state = CONNECTION_OPEN;
		tls_to_host_free(&n->tls);
	}
	client_session_timeout(n->session);
	(void)connection_pump(n);
}

/* ---- the beginning ---- */

/* All that makes one connection to a host as good as another, whatever the next hop. */
struct bytes
connection_host_key(struct job *j, const struct host *host, const struct host_policy *policy)
{
	const struct place *p = &j->hop->places[j->place];
	struct buf key = BUF_INIT;
	struct bytes kept;

	buf_printf(&key, "%d/%u/%d/%d/%s/", (int)p->protocol,
		(unsigned)(host == NULL ? 0 : host->port), (int)policy->tls, (int)policy->judge,
		host == NULL ? "" : host->name);
	for (unsigned i = 0; i < policy->n_names; i++)
		buf_printf(&key, "%s/", policy->names[i]);
	buf_put_bytes(&key, p->login);
	buf_printf(&key, "/%s/", j->hop->helo);
	buf_put(&key, j->hop->source, sizeof(j->hop->source));
	if (host == NULL)
		buf_put_bytes(&key, p->host);
	kept = arena_bytes(&j->arena, buf_bytes(&key));
	buf_free(&key);
	return kept;
}

static socklen_t
socket_address(const struct ip_block *b, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (b->family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, b->addr, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, b->addr, 16);
	return sizeof(*in6);
}

/* A socket on its way to the address. < 0 with errno set. */
static int
dial(const struct ip_block *address, uint16_t port, const struct ip_block *source)
{
	struct sockaddr_storage to, from;
	socklen_t size = socket_address(address, port, &to), from_size;
	int on = 1, fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fd;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (source->family != 0) {
		from_size = socket_address(source, 0, &from);
		/* the port is chosen for the pair of addresses */
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&from, from_size) != 0) {
			close(fd);
			return -1;
		}
	}
	if (connect(fd, (struct sockaddr *)&to, size) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

/* An operator's socket in our root folder: connected at once, or not. */
static int
dial_unix(const struct client *c, struct bytes name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/%.*s",
			c->d->privileged ? "" : c->d->root, (int)name.n, (const char *)name.p);

	errno = ENAMETOOLONG;
	if (n < 0 || (size_t)n >= sizeof(to.sun_path) || bytes_find(name, '/') != BYTES_NOT_FOUND)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

/* Who it is, in the words of the log and of the answer. */
static void
name_host(struct connection *n, const struct hosts_attempt *a)
{
	char text[IP_BLOCK_TEXT];

	if (a == NULL) {
		n->host = (const char *)n->place->host.p;
		n->address = "unix";
		n->label = n->policy.peer = arena_printf(&n->arena, "%s[unix]", n->host);
		return;
	}
	n->host = arena_str(&n->arena, bytes_from_str(a->host->name));
	n->address = arena_str(&n->arena, bytes_from_str(ip_block_text(&a->address, text)));
	n->port = a->host->port;
	n->label = arena_printf(&n->arena, "%s[%s]:%u", n->host, n->address, (unsigned)n->port);
	n->policy.peer =
		n->port != 25 ? n->label : arena_printf(&n->arena, "%s[%s]", n->host, n->address);
}

static uint32_t
seconds(uint64_t ms)
{
	return (uint32_t)((ms + 999) / 1000);
}

static void
make_policy(struct connection *n, const struct hosts_attempt *a, const struct host_policy *policy)
{
	const struct smtp_client_conf *conf = n->c->conf;
	const struct place *p = n->place;
	const uint32_t command = seconds(conf->command_timeout);

	n->policy = (struct client_policy){ .helo = n->hop->helo,
		/* others on this machine may have our name, and be somebody else */
		.own_name = p->kind == NEXT_HOP_MX ? n->c->d->common->hostname : NULL,
		.lmtp = p->protocol == NEXT_HOP_LMTP,
		.wrapped = p->protocol == NEXT_HOP_SMTPS,
		.tls = policy->tls,
		.login = p->login,
		.password = p->password,
		/* what is below encrypt here was said by name */
		.clear_auth = !p->tls_required,
		.pipelining = true,
		.chunking = false,
		.transactions_max = (uint32_t)conf->reuse_limit,
		.timeouts = { .greeting = seconds(conf->greeting_timeout),
			.helo = command,
			.starttls = command,
			.auth = command,
			.mail = command,
			.rcpt = command,
			.data = seconds(conf->data_timeout),
			.block = seconds(conf->block_timeout),
			.end = seconds(conf->final_timeout),
			.rset = command < 20 ? command : 20,
			.quit = command < 5 ? command : 5 } };
	name_host(n, a);
}

/* What the handshake needs is the job's; it may be over before the handshake is. */
static void
keep_host_policy(struct connection *n, const struct host_policy *policy)
{
	struct host_policy *p = &n->host_policy;
	struct tls_tlsa *records = arena_zalloc(&n->arena, sizeof(*records) * (policy->n_tlsa + 1));

	*p = *policy;
	if (p->server_name != NULL)
		p->server_name = arena_str(&n->arena, bytes_from_str(p->server_name));
	for (unsigned i = 0; i < p->n_names; i++)
		p->names[i] = arena_str(&n->arena, bytes_from_str(p->names[i]));
	for (unsigned i = 0; i < p->n_tlsa; i++) {
		records[i] = policy->tlsa[i];
		records[i].data = arena_bytes(&n->arena, records[i].data);
	}
	p->tlsa = records;
}

static void
give_job(struct connection *n, struct job *j)
{
	const struct outbound_job *m = j->m;

	n->job = j;
	n->begun_us = clock_mono_us();
	n->ready_us = 0;
	n->timed = false;
	j->connection = n;
	client_session_job(
		n->session, &(struct client_job){ .flags = m->flags,
				    .reverse_path = m->reverse_path,
				    .envid = m->envid,
				    .prefix = m->prefix,
				    .content = m->content.in_fd ? BYTES_NONE : m->content.octets,
				    .content_octets = m->content.size,
				    .n_rcpts = j->n_open,
				    .rcpts = j->open_rcpts });
}

int
connection_open(struct job *j, const struct hosts_attempt *a, const struct host_policy *policy,
	const char **text)
{
	struct client *c = j->c;
	struct connection *n = xcalloc(1, sizeof(*n));
	const uint64_t ms = c->conf->connect_timeout;
	const struct timeval patience = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	n->c = c;
	n->hop = hop_ref(j->hop);
	n->place = &n->hop->places[j->place];
	make_policy(n, a, policy);
	n->fd = a == NULL ? dial_unix(c, n->place->host)
			  : dial(&a->address, a->host->port,
				    &n->hop->source[a->address.family == 4 ? 0 : 1]);
	if (n->fd < 0) {
		*text = arena_printf(&j->arena, "connect to %s: %s", n->label, strerror(errno));
		c->count.connect_failed++;
		hop_free(&n->hop);
		arena_reset(&n->arena);
		free(n);
		return ERR_IO;
	}
	keep_host_policy(n, policy);
	n->host_key =
		arena_bytes(&n->arena, connection_host_key(j, a == NULL ? NULL : a->host, policy));
	if (a == NULL || a->host->preference == j->found->attempts[0].host->preference)
		n->key = n->place->key;
	n->since_ms = clock_mono_ms();
	n->session = client_session_new(&n->policy);
	n->readable = event_new(c->d->base, n->fd, EV_READ | EV_PERSIST, on_readable, n);
	n->writable = event_new(c->d->base, n->fd, EV_WRITE | EV_PERSIST, on_writable, n);
	n->timer = evtimer_new(c->d->base, on_time, n);
	ASSERT(n->readable != NULL && n->writable != NULL && n->timer != NULL);
	LIST_INSERT_HEAD(&c->connections, n, all);
	c->n_connections++;
	event_add(n->writable, NULL);
	event_add(n->timer, &patience);
	give_job(n, j);
	return ERR_OK;
}

void
connection_take(struct connection *n, struct job *j)
{
	n->c->count.reused++;
	give_job(n, j);
	(void)connection_pump(n);
}

void
connection_quit(struct connection *n)
{
	ASSERT(n->job == NULL && !n->idle);
	if (!n->quitting)
		client_session_quit(n->session);
	n->quitting = true;
	(void)connection_pump(n);
}

void
connection_abort(struct connection *n, const char *code, const char *text)
{
	struct job *j = n->job;

	if (n->state == CONNECTION_CONNECTING) {
		n->job = NULL;
		if (j != NULL)
			j->connection = NULL;
		connection_free(n);
		if (j != NULL)
			job_attempt_failed(j, code, text);
		return;
	}
	if (n->state == CONNECTION_SHAKING)
		tls_to_host_free(&n->tls);
	n->state = CONNECTION_OPEN;
	client_session_abort(n->session, code, text);
	(void)connection_pump(n);
}
