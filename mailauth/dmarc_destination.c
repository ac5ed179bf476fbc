/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_destination.c - who wants reports, see the header. Written as dmarc.c is: from the
 * beginning after each answer of the DNS.
 */
#include "dmarc_destination.h"

#include <stdlib.h>

#include "dmarc_private.h"

struct dmarc_asking {
	struct arena arena;
	struct dmarc_memory memory;
	struct bytes domain;
	struct dmarc_uris rua;
	struct dmarc_destinations result;
	dmarc_destinations_fn *done;
	void *arg;
};

enum verdict {
	SEND,
	NOT_WANTED,
	NOT_KNOWN,
	WAIT,
};

/* The mailbox of a URI and its host, in A-labels. */
static bool
read_uri(struct arena *a, struct bytes uri, struct bytes *mailbox, struct bytes *host)
{
	struct buf box = BUF_INIT;
	bool ok = dmarc_mailto(uri, &box) == ERR_OK;
	struct bytes b = buf_bytes(&box);

	if (ok)
		ok = dmarc_fold_domain(a, bytes_skip(b, bytes_find_last(b, '@') + 1), host) ==
		     ERR_OK;
	if (ok)
		*mailbox = arena_bytes(a, b);
	buf_free(&box);
	return ok;
}

/* Are both of one organization? */
static enum verdict
same_organization(struct dmarc_asking *d, struct bytes host)
{
	struct dmarc_walk own, theirs;

	if (bytes_equal(host, d->domain))
		return SEND;
	dmarc_walk(&d->memory, d->domain, &own, NULL, NULL);
	if (own.found == DMARC_ASKED)
		return WAIT;
	dmarc_walk(&d->memory, host, &theirs, NULL, NULL);
	if (theirs.found == DMARC_ASKED)
		return WAIT;
	if (own.found == DMARC_UNKNOWN || theirs.found == DMARC_UNKNOWN)
		return NOT_KNOWN;
	return bytes_equal(own.org_domain, theirs.org_domain) ? SEND : NOT_WANTED;
}

/* sec. 4: the record at DOMAIN._report._dmarc.HOST; it may name another mailbox there. */
static enum verdict
consent(struct dmarc_asking *d, struct bytes host, struct bytes *mailbox)
{
	const struct dmarc_look *look = dmarc_look(&d->memory, DMARC_CONSENT,
		bytes_from_str(arena_printf(&d->arena, "%.*s._report._dmarc.%.*s", (int)d->domain.n,
			(const char *)d->domain.p, (int)host.n, (const char *)host.p)));
	struct bytes other;

	if (look->found == DMARC_ASKED)
		return WAIT;
	if (look->found != DMARC_FOUND)
		return look->found == DMARC_UNKNOWN ? NOT_KNOWN : NOT_WANTED;
	if (look->tags.rua.n == 0)
		return SEND;
	/* another host than the one that was asked for: neither of them */
	if (!read_uri(&d->arena, look->tags.rua.uri[0], mailbox, &other) ||
		!bytes_equal(other, host))
		return NOT_WANTED;
	return SEND;
}

static enum verdict
judge(struct dmarc_asking *d, struct bytes uri, struct bytes *mailbox)
{
	struct bytes host;
	enum verdict v;

	if (!read_uri(&d->arena, uri, mailbox, &host))
		return NOT_WANTED;
	v = same_organization(d, host);
	return v == NOT_WANTED || v == NOT_KNOWN ? consent(d, host, mailbox) : v;
}

static void
add(struct dmarc_destinations *r, struct bytes mailbox)
{
	for (size_t i = 0; i < r->n; i++)
		if (bytes_equal_nocase(r->mailbox[i], mailbox))
			return;
	r->mailbox[r->n++] = mailbox;
}

static void
advance(void *arg)
{
	struct dmarc_asking *d = arg;
	struct dmarc_destinations r = { 0 };

	for (size_t i = 0; i < d->rua.n; i++) {
		struct bytes mailbox;
		enum verdict v = judge(d, d->rua.uri[i], &mailbox);

		if (v == WAIT)
			return;
		if (v == SEND) {
			add(&r, mailbox);
			continue;
		}
		r.unknown += v == NOT_KNOWN;
		r.refused += v == NOT_WANTED;
		r.words = d->rua.uri[i];
	}
	d->result = r;
	d->done(d->arg, &d->result); /* d may be gone behind it */
}

struct dmarc_asking *
dmarc_destinations_new(const struct mailauth_dns *dns)
{
	struct dmarc_asking *d = xcalloc(1, sizeof(*d));

	d->arena = ARENA_INIT;
	d->memory = (struct dmarc_memory){
		.dns = dns, .arena = &d->arena, .answered = advance, .arg = d
	};
	return d;
}

void
dmarc_destinations_run(struct dmarc_asking *d, struct bytes domain, const struct dmarc_uris *rua,
	dmarc_destinations_fn *done, void *arg)
{
	d->done = done;
	d->arg = arg;
	d->rua.n = rua->n;
	for (size_t i = 0; i < rua->n; i++)
		d->rua.uri[i] = arena_bytes(&d->arena, rua->uri[i]);
	if (dmarc_fold_domain(&d->arena, domain, &d->domain) < 0)
		d->rua.n = 0; /* never asked for, so never in the data */
	advance(d);
}

void
dmarc_destinations_free(struct dmarc_asking **dp)
{
	struct dmarc_asking *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	dmarc_memory_give_up(&d->memory);
	arena_reset(&d->arena);
	free(d);
}
