/* SPDX-License-Identifier: ISC */
/*
 * resolver/engine.c - libunbound with the event loop of the process, without a thread.
 *
 * libunbound takes its loop as two tables of functions; they are filled with libevent here, so
 * that it does not matter which libevent it was built with.
 *
 * Runs in:  resolver. Trusts: the configuration; libunbound to judge what comes from the network.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound-event.h>
#include <unbound.h>

#include "err.h"
#include "log.h"

_Static_assert(UB_EV_TIMEOUT == EV_TIMEOUT && UB_EV_READ == EV_READ && UB_EV_WRITE == EV_WRITE &&
		       UB_EV_SIGNAL == EV_SIGNAL && UB_EV_PERSIST == EV_PERSIST,
	"libunbound's bits are libevent's");

struct engine {
	struct ub_event_base head; /* first: libunbound hands it back */
	struct event_base *base;
	struct ub_ctx *ctx;
	FILE *complaints;
	size_t asked;  /* questions under way */
	char why[256]; /* of the failure that comes next */
};

/* ---- libunbound's events ---- */

struct engine_event {
	struct ub_event head; /* first, as above */
	struct event *event;
};

static struct event *
event_of(struct ub_event *ev)
{
	return ((struct engine_event *)(void *)ev)->event;
}

/* The event anew with other bits or another descriptor; it is not pending afterwards. */
static void
assign(struct ub_event *ev, const int *fd, short add, short del)
{
	struct event *e = event_of(ev);
	struct event_base *base;
	evutil_socket_t old_fd;
	event_callback_fn done;
	short bits;
	void *arg;
	int r;

	event_del(e);
	event_get_assignment(e, &base, &old_fd, &bits, &done, &arg);
	bits = (short)((bits | add) & ~del);
	r = event_assign(e, base, fd == NULL ? old_fd : *fd, bits, done, arg);
	ASSERT(r == 0);
}

static void
ev_add_bits(struct ub_event *ev, short bits)
{
	assign(ev, NULL, bits, 0);
}

static void
ev_del_bits(struct ub_event *ev, short bits)
{
	assign(ev, NULL, 0, bits);
}

static void
ev_set_fd(struct ub_event *ev, int fd)
{
	assign(ev, &fd, 0, 0);
}

static void
ev_free(struct ub_event *ev)
{
	event_free(event_of(ev));
	free(ev);
}

static int
ev_add(struct ub_event *ev, struct timeval *tv)
{
	return event_add(event_of(ev), tv);
}

static int
ev_del(struct ub_event *ev)
{
	return event_del(event_of(ev));
}

static int
ev_add_timer(struct ub_event *ev, struct ub_event_base *base, void (*cb)(int, short, void *),
	void *arg, struct timeval *tv)
{
	struct engine *e = (struct engine *)(void *)base;

	event_del(event_of(ev));
	if (event_assign(event_of(ev), e->base, -1, EV_TIMEOUT, cb, arg) != 0)
		return -1;
	return event_add(event_of(ev), tv);
}

static int
ev_no_signal(struct ub_event *ev, struct timeval *tv)
{
	UNUSED(ev);
	UNUSED(tv);
	return -1;
}

static void
ev_no_windows(struct ub_event *ev)
{
	UNUSED(ev);
}

static void
ev_no_blocking(struct ub_event *ev, int bits)
{
	UNUSED(ev);
	UNUSED(bits);
}

static struct ub_event_vmt event_table = { .add_bits = ev_add_bits,
	.del_bits = ev_del_bits,
	.set_fd = ev_set_fd,
	.free = ev_free,
	.add = ev_add,
	.del = ev_del,
	.add_timer = ev_add_timer,
	.del_timer = ev_del,
	.add_signal = ev_no_signal,
	.del_signal = ev_del,
	.winsock_unregister_wsaevent = ev_no_windows,
	.winsock_tcp_wouldblock = ev_no_blocking };

static struct ub_event *
base_new_event(
	struct ub_event_base *base, int fd, short bits, void (*cb)(int, short, void *), void *arg)
{
	struct engine *e = (struct engine *)(void *)base;
	struct engine_event *ev = xcalloc(1, sizeof(*ev));

	ev->head = (struct ub_event){ UB_EVENT_MAGIC, &event_table };
	ev->event = event_new(e->base, fd, bits, cb, arg);
	ASSERT(ev->event != NULL);
	return &ev->head;
}

static struct ub_event *
base_no_signal(struct ub_event_base *base, int fd, void (*cb)(int, short, void *), void *arg)
{
	UNUSED(base);
	UNUSED(fd);
	UNUSED(cb);
	UNUSED(arg);
	return NULL;
}

static struct ub_event *
base_no_windows(struct ub_event_base *base, void *event, void (*cb)(int, short, void *), void *arg)
{
	UNUSED(base);
	UNUSED(event);
	UNUSED(cb);
	UNUSED(arg);
	return NULL;
}

static void
base_free(struct ub_event_base *base)
{
	UNUSED(base);
}

static int
base_no_dispatch(struct ub_event_base *base)
{
	UNUSED(base);
	return -1;
}

static int
base_no_exit(struct ub_event_base *base, struct timeval *tv)
{
	UNUSED(base);
	UNUSED(tv);
	return -1;
}

static struct ub_event_base_vmt base_table = { .free = base_free,
	.dispatch = base_no_dispatch,
	.loopexit = base_no_exit,
	.new_event = base_new_event,
	.new_signal = base_no_signal,
	.winsock_register_wsaevent = base_no_windows };

/* ---- what it complains about ---- */

#define SERVFAIL_SAID "error: SERVFAIL <"

/* "[1732250000] libunbound[12:0] error: SERVFAIL <example.org. MX IN>: upstream server timeout":
 * the reason of the failure that on_result() will be told next. It is nowhere else to be had. */
static void
keep_why(struct engine *e, struct bytes line)
{
	size_t at = bytes_search(line, BYTES_LITERAL(">: "));

	bytes_to_str(at == BYTES_NOT_FOUND ? BYTES_NONE : bytes_skip(line, at + 3), e->why,
		sizeof(e->why));
}

static ssize_t
complain(void *cookie, const char *data, size_t n)
{
	struct bytes rest = bytes_make(data, n);

	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n');
		size_t at = bytes_search(line, BYTES_LITERAL("] error: "));

		if (at == BYTES_NOT_FOUND)
			continue; /* "info:" and such: of single answers, which we tell ourselves */
		line = bytes_skip(line, at + 2);
		if (bytes_starts_with(line, BYTES_LITERAL(SERVFAIL_SAID)))
			keep_why(cookie, line);
		else
			log_warning("libunbound: %.*s", (int)line.n, (const char *)line.p);
	}
	return (ssize_t)n;
}

static FILE *
open_complaints(struct engine *e)
{
	FILE *f = fopencookie(e, "w", (cookie_io_functions_t){ .write = complain });

	ASSERT(f != NULL);
	setvbuf(f, NULL, _IOLBF, 2048);
	return f;
}

/* ---- configuration ---- */

static int
set(struct engine *e, const char *option, const char *value)
{
	int r = ub_ctx_set_option(e->ctx, option, value);

	if (r != 0)
		log_error("libunbound: %s %s: %s", option, value, ub_strerror(r));
	return r == 0 ? ERR_OK : ERR_UNSUPPORTED;
}

static int
set_number(struct engine *e, const char *option, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return set(e, option, text);
}

static int
set_numbers(struct engine *e, const struct engine_setup *s)
{
	const struct resolver_conf *c = s->conf;
	const struct {
		const char *option;
		uint64_t value;
	} rows[] = {
		{ "rrset-cache-size:", c->cache_size },
		{ "msg-cache-size:", c->cache_size / 3 },
		{ "key-cache-size:", c->cache_size / 8 },
		{ "neg-cache-size:", c->cache_size / 16 },
		{ "cache-max-ttl:", c->cache_max_ttl / 1000 },
		{ "cache-max-negative-ttl:", c->cache_max_negative_ttl / 1000 },
		{ "outgoing-range:", s->sockets },
		{ "num-queries-per-thread:", c->questions },
		{ "outgoing-num-tcp:", s->streams },
		/* a server that was dead is tried again soon, one question at a time */
		{ "infra-cache-max-rtt:", 4000 },
		{ "infra-host-ttl:", s->nforwarders > 0 ? 5 : 300 },
	};
	int r = set(e, "infra-keep-probing:", "yes");

	if (set(e, "log-servfail:", "yes") < 0 || set(e, "val-log-squelch:", "no") < 0)
		return ERR_UNSUPPORTED;

	for (size_t i = 0; r == ERR_OK && i < NITEMS(rows); i++)
		r = set_number(e, rows[i].option, rows[i].value);
	return r;
}

/* Whoever forwards asks servers of the house: they may know zones that the world does not, for
 * private addresses above all, and may be on this host. */
static int
set_forwarders(struct engine *e, const struct engine_setup *s)
{
	int r = ERR_OK;

	if (s->nforwarders == 0)
		return set(e, "do-not-query-localhost:", "yes");
	if (set(e, "do-not-query-localhost:", "no") < 0 ||
		set(e, "unblock-lan-zones:", "yes") < 0 || set(e, "insecure-lan-zones:", "yes") < 0)
		return ERR_UNSUPPORTED;
	for (size_t i = 0; r == ERR_OK && i < s->nforwarders; i++)
		if (ub_ctx_set_fwd(e->ctx, s->forwarders[i]) != 0) {
			log_error("libunbound: forwarder %s: not taken", s->forwarders[i]);
			r = ERR_SYNTAX;
		}
	return r;
}

/* The trust anchor file, line by line. */
static int
set_anchors(struct engine *e, const struct engine_setup *s)
{
	struct bytes rest = s->anchor;
	unsigned taken = 0;

	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n'),
			     text = bytes_trim(bytes_cut(&line, ';'));
		char *copy;

		if (text.n == 0)
			continue;
		copy = xcalloc(1, text.n + 1);
		memcpy(copy, text.p, text.n);
		if (ub_ctx_add_ta(e->ctx, copy) == 0)
			taken++;
		else
			log_error("trust_anchor: not understood: %.80s", copy);
		free(copy);
	}
	for (size_t i = 0; i < s->conf->insecure_domains.n; i++)
		if (set(e, "domain-insecure:", s->conf->insecure_domains.v[i]) < 0)
			return ERR_SYNTAX;
	return set(e, "module-config:", taken > 0 ? "validator iterator" : "iterator");
}

/* Answers that libunbound would make up. What is special is query_name.c's matter. */
static void
remove_local_zones(struct engine *e, const struct engine_setup *s)
{
	if (s->nforwarders > 0) {
		(void)ub_ctx_zone_remove(e->ctx, "test.");
		(void)ub_ctx_zone_remove(e->ctx, "home.arpa.");
	}
}

struct engine *
engine_new(struct event_base *base, const struct engine_setup *setup)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->head = (struct ub_event_base){ UB_EVENT_MAGIC, &base_table };
	e->base = base;
	e->complaints = open_complaints(e);
	e->ctx = ub_ctx_create_ub_event(&e->head);
	ASSERT(e->ctx != NULL);
	(void)ub_ctx_debugout(e->ctx, e->complaints);
	if (set_numbers(e, setup) < 0 || set_forwarders(e, setup) < 0 ||
		set_anchors(e, setup) < 0) {
		engine_free(&e);
		return NULL;
	}
	remove_local_zones(e, setup);
	return e;
}

void
engine_free(struct engine **engine)
{
	struct engine *e = *engine;

	if (e == NULL)
		return;
	ub_ctx_delete(e->ctx);
	fclose(e->complaints);
	free(e);
	*engine = NULL;
}

/* ---- questions ---- */

static void
on_result(void *arg, int rcode, void *packet, int len, int security, char *why, int ratelimited)
{
	struct engine_question *q = arg;
	struct engine *e = q->engine;
	struct engine_result result = { .rcode = rcode,
		.security = security == 2   ? ENGINE_SECURE
			    : security == 1 ? ENGINE_BOGUS
					    : ENGINE_INSECURE,
		.why = why };

	UNUSED(ratelimited);
	e->asked--;
	if (rcode == 0 && packet != NULL && len > 0)
		result.packet = bytes_make(packet, (size_t)len);
	else if (rcode != 0)
		result.why = e->why;
	q->done(q, &result);
	e->why[0] = 0; /* the next failure's may not be told */
}

int
engine_ask(struct engine *e, const char *name, uint16_t type, struct engine_question *q)
{
	int r;

	q->engine = e;
	e->why[0] = 0;
	e->asked++;
	r = ub_resolve_event(e->ctx, name, type, 1, q, on_result, &q->id);
	e->asked -= r != 0;
	return r == 0 ? ERR_OK : r == UB_SYNTAX ? ERR_SYNTAX : ERR_RESOURCE;
}

void
engine_cancel(const struct engine_question *q)
{
	q->engine->asked--;
	(void)ub_cancel(q->engine->ctx, q->id);
}

bool
engine_is_idle(const struct engine *e)
{
	return e->asked == 0;
}
