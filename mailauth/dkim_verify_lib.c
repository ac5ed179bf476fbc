/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify_lib.c - what libopendkim does for us: it selects and canonicalizes the
 *fields that a signature covers, and verifies it with the key.
 *
 * One handle per message, all signatures in it. It gets the header, with the signatures that we
 * refused marked to be ignored, and is gone before the body is looked at: that is ours
 * (dkim_verify_body.c). What is met here, each with a test:
 *
 *	the array of selected fields has no room for one more name than there are fields: an
 *	oversigned header makes it write behind its end. So there is a field that no h= can name
 *	two signatures by one selector with different algorithms get one key: two goes
 *	its verdict on the message is about one signature, so only the marks of each are read
 *	it knows nothing of a DNS that cannot be asked: only signatures whose key is there come here
 *
 * Runs in:  mailauth-verify.
 * Trusts:   libopendkim, with what was looked at before.
 * Sources:  RFC 6376 sec. 3.4.1, 3.4.2, 3.7, 5.4.2; opendkim(3)'s headers.
 */
#include "dkim_verify_private.h"

static const char guard_field[] = "- no h= can name this: -";

/* --- the library's questions ------------------------------------------------------------ */

static struct dkim_claim *
claim_of(struct dkim_check *c, const DKIM_SIGINFO *info)
{
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->claims[i].fed && c->infos[c->claims[i].fed_at] == info)
			return &c->claims[i];
	return NULL;
}

/* All signatures are known to the library, none is processed. */
static DKIM_CBSTAT
on_prescreen(DKIM *dkim, DKIM_SIGINFO **infos, int n)
{
	struct dkim_check *c = dkim_get_user_context(dkim);

	if (n < 0 || (size_t)n != c->ninfos)
		return DKIM_CBSTAT_ERROR; /* they could not be told from each other */
	c->infos = infos;
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->claims[i].fed && !c->claims[i].at_work)
			dkim_sig_ignore(infos[c->claims[i].fed_at]);
	return DKIM_CBSTAT_CONTINUE;
}

static DKIM_CBSTAT
on_key_lookup(DKIM *dkim, DKIM_SIGINFO *info, u_char *out, size_t size)
{
	const struct dkim_claim *s = claim_of(dkim_get_user_context(dkim), info);

	if (s == NULL || s->record == NULL || strlen(s->record) >= size)
		return DKIM_CBSTAT_NOTFOUND;
	memcpy(out, s->record, strlen(s->record) + 1);
	return DKIM_CBSTAT_CONTINUE;
}

DKIM_LIB *
dkim_lib_new(void)
{
	/* signatures with wrong syntax have an entry, too, so that entries can be counted */
	u_int flags = DKIM_LIBFLAGS_BADSIGHANDLES;
	DKIM_LIB *lib = dkim_init(NULL, NULL);

	if (lib == NULL)
		return NULL;
	if (!dkim_libfeature(lib, DKIM_FEATURE_SHA256) ||
		!dkim_libfeature(lib, DKIM_FEATURE_ED25519) ||
		dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) !=
			DKIM_STAT_OK ||
		dkim_set_prescreen(lib, on_prescreen) != DKIM_STAT_OK ||
		dkim_set_key_lookup(lib, on_key_lookup) != DKIM_STAT_OK) {
		dkim_close(lib);
		return NULL;
	}
	return lib;
}

/* --- the header ------------------------------------------------------------------------- */

bool
dkim_lib_takes(const struct rfc5322_field *f)
{
	size_t colon = bytes_find(f->raw, ':');

	if (f->name.n == 0 || colon == BYTES_NOT_FOUND)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (f->raw.p[i] < ' ' || f->raw.p[i] > 126 || f->raw.p[i] == ';')
			return false;
	return true;
}

static bool
feed(DKIM *dkim, struct bytes field)
{
	DKIM_STAT r;

	while (field.n > 0 && (field.p[field.n - 1] == '\n' || field.p[field.n - 1] == '\r'))
		field.n--;
	r = dkim_header(dkim, (u_char *)(uintptr_t)field.p, field.n); /* it copies */
	return r == DKIM_STAT_OK || r == DKIM_STAT_SYNTAX;
}

/* Of the signatures those that have an entry; of other fields those that the library takes: one
 * that it does not take can be named by no h=. */
static bool
feed_header(struct dkim_check *c, DKIM *dkim)
{
	struct bytes rest = c->header;
	struct rfc5322_field f;
	size_t claim = 0;

	if (!feed(dkim, bytes_from_str(guard_field)))
		return false;
	while (rfc5322_field_next(&rest, &f)) {
		bool wanted = dkim_lib_takes(&f);

		if (bytes_is_nocase(f.name, DKIM_SIGNHEADER)) {
			wanted = claim < c->nclaims && c->claims[claim].fed;
			claim++;
		}
		if (wanted && !feed(dkim, f.raw))
			return false;
	}
	return true;
}

/* libopendkim's reasons: what is not here was looked at before, and is a difference in reading. */
static const struct {
	int error;
	enum dkim_result result;
	const char *why;
} errors[] = {
	{ DKIM_SIGERROR_BADSIG, DKIM_FAIL, "the signature does not match" },
	{ DKIM_SIGERROR_EXPIRED, DKIM_POLICY, "the signature has expired" },
	{ DKIM_SIGERROR_FUTURE, DKIM_POLICY, "the signature is from the future" },
};

/* Close what has failed, or is decided. */
static void
read_error(struct dkim_claim *s, DKIM_SIGINFO *info)
{
	int error = dkim_sig_geterror(info);

	if (error == DKIM_SIGERROR_UNKNOWN || error == DKIM_SIGERROR_OK)
		return;
	for (size_t i = 0; i < NITEMS(errors); i++)
		if (errors[i].error == error) {
			dkim_claim_close(s, errors[i].result, errors[i].why);
			return;
		}
	dkim_claim_close(s, DKIM_NEUTRAL, "the signature is not understood by the library");
}

static void
read_marks(struct dkim_check *c)
{
	for (size_t i = 0; i < c->nclaims; i++) {
		struct dkim_claim *s = &c->claims[i];
		DKIM_SIGINFO *info;

		if (!s->at_work)
			continue;
		info = c->infos[s->fed_at];
		read_error(s, info);
		if (s->open && !(dkim_sig_getflags(info) & DKIM_SIGFLAG_PASSED))
			dkim_claim_close(s, DKIM_FAIL, "the signature does not match");
	}
}

static void
run(struct dkim_check *c)
{
	DKIM_STAT status;
	DKIM *dkim = dkim_verify(c->verifier->lib, (const unsigned char *)"-", NULL, &status);

	if (dkim == NULL || dkim_set_user_context(dkim, c) != DKIM_STAT_OK ||
		!feed_header(c, dkim) || dkim_eoh(dkim) != DKIM_STAT_OK || c->infos == NULL)
		dkim_check_close(c, DKIM_TEMPERROR, "the library failed");
	else
		read_marks(c);
	c->infos = NULL;
	if (dkim != NULL)
		(void)dkim_free(dkim);
}

/* A key that the library has read for one signature it takes for the next one of that selector and
 * domain, whatever the algorithm. */
static bool
has_others_key(const struct dkim_check *c, const struct dkim_claim *s)
{
	const struct dkim_claim *first = c->claims;

	while (first->record == NULL || first->key != s->key)
		first++; /* s itself at last */
	return first->parsed.algorithm != s->parsed.algorithm;
}

void
dkim_lib_header(struct dkim_check *c)
{
	for (int others = 0; others <= 1; others++) {
		bool any = false;

		for (size_t i = 0; i < c->nclaims; i++) {
			struct dkim_claim *s = &c->claims[i];

			s->at_work = s->open && has_others_key(c, s) == (others == 1);
			any = any || s->at_work;
		}
		if (any)
			run(c);
	}
}
