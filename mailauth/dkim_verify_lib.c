/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify_lib.c - what libopendkim does for us: canonicalization, hashes and
 * signatures; and what is done around it so that it does that right.
 *
 * One handle per message, all signatures in it. It gets the whole header, with the signatures that
 * we refused marked to be ignored, and the keys from our hands. What is met here, each with a test:
 *
 *	the array of selected fields has no room for one more name than there are fields: an
 *	oversigned header makes it write behind its end. So there is a field that no h= can name
 *	a body that does not end with CRLF is an error: it gets one (RFC 6376 sec. 3.4.3, 3.4.4)
 *	a CR or LF alone is lost, or not, as pieces are cut: not verified
 *	a word of a line is held in memory with int sizes: lines have a limit
 *	l= is honoured, so text behind it passes: we count what the canonical body has
 *	its own verdict on the message is about one signature, so only marks of each are read
 *
 * Runs in:  mailauth-verify.
 * Trusts:   libopendkim, with what was looked at before.
 * Sources:  RFC 6376 sec. 3.4, 3.7, 5.4.2; opendkim(3)'s headers.
 */
#include "dkim_verify_private.h"

#define LINE_MAX_OCTETS (1024 * 1024) /* of a body's line: RFC 5321 has 1000 */

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
		if (c->claims[i].fed && !c->claims[i].open)
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
dkim_lib_new(unsigned rsa_bits_min)
{
	/* signatures with wrong syntax have an entry, too, so that entries can be counted */
	u_int flags = DKIM_LIBFLAGS_BADSIGHANDLES, bits = rsa_bits_min;
	DKIM_LIB *lib = dkim_init(NULL, NULL);

	if (lib == NULL)
		return NULL;
	if (!dkim_libfeature(lib, DKIM_FEATURE_SHA256) ||
		!dkim_libfeature(lib, DKIM_FEATURE_ED25519) ||
		dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) !=
			DKIM_STAT_OK ||
		dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof(bits)) !=
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
feed(struct dkim_check *c, struct bytes field)
{
	DKIM_STAT r;

	while (field.n > 0 && (field.p[field.n - 1] == '\n' || field.p[field.n - 1] == '\r'))
		field.n--;
	r = dkim_header(c->dkim, (u_char *)(uintptr_t)field.p, field.n); /* it copies */
	return r == DKIM_STAT_OK || r == DKIM_STAT_SYNTAX;
}

/* Of the signatures those that have an entry; of other fields those that the library takes: one
 * that it does not take can be named by no h=. */
static bool
feed_header(struct dkim_check *c)
{
	struct bytes rest = c->header;
	struct rfc5322_field f;
	size_t claim = 0;

	if (!feed(c, bytes_from_str(guard_field)))
		return false;
	while (rfc5322_field_next(&rest, &f)) {
		bool wanted = dkim_lib_takes(&f);

		if (bytes_is_nocase(f.name, DKIM_SIGNHEADER)) {
			wanted = claim < c->nclaims && c->claims[claim].fed;
			claim++;
		}
		if (wanted && !feed(c, f.raw))
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
	{ DKIM_SIGERROR_TOOLARGE_L, DKIM_FAIL, "the body is shorter than l=" },
	{ DKIM_SIGERROR_EXPIRED, DKIM_POLICY, "the signature has expired" },
	{ DKIM_SIGERROR_FUTURE, DKIM_POLICY, "the signature is from the future" },
	{ DKIM_SIGERROR_KEYTOOSMALL, DKIM_POLICY, "the key has too few bits" },
};

/* Close what has failed, or is decided. */
static void
read_error(struct dkim_claim *s, DKIM_SIGINFO *info)
{
	int error = dkim_sig_geterror(info);

	if (dkim_sig_getbh(info) == DKIM_SIGBH_MISMATCH) {
		dkim_claim_close(s, DKIM_FAIL, "the body does not match");
		return;
	}
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

		if (!s->open)
			continue;
		info = c->infos[s->fed_at];
		read_error(s, info);
		if (s->open && !(dkim_sig_getflags(info) & DKIM_SIGFLAG_PASSED))
			dkim_claim_close(s, DKIM_FAIL, "the signature does not match");
	}
}

void
dkim_lib_header(struct dkim_check *c)
{
	DKIM_STAT status;

	if (!dkim_check_wants_body(c))
		return;
	c->dkim = dkim_verify(c->verifier->lib, (const unsigned char *)"-", NULL, &status);
	if (c->dkim == NULL || dkim_set_user_context(c->dkim, c) != DKIM_STAT_OK ||
		!feed_header(c) || dkim_eoh(c->dkim) != DKIM_STAT_OK || c->infos == NULL) {
		dkim_check_close(c, DKIM_TEMPERROR, "the library failed");
		return;
	}
	read_marks(c);
	for (size_t i = 0; i < c->nclaims; i++) {
		struct dkim_claim *s = &c->claims[i];
		bool relaxed = s->parsed.relaxed_body;

		if (s->open && s->parsed.has_length && c->count[relaxed] == NULL) {
			c->count[relaxed] = arena_alloc(&c->arena, sizeof(*c->count[relaxed]));
			dkim_body_canon_init(c->count[relaxed], relaxed, NULL, NULL);
		}
	}
}

/* --- the body --------------------------------------------------------------------------- */

/* One line, or what there is of it, without its LF. lf: the LF follows. cr: a CR goes before. */
static const char *
look_at_line(struct dkim_check *c, const uint8_t *p, size_t n, bool cr, bool lf)
{
	static const char alone[] = "the body has a CR or LF alone";
	bool cr_at_end = n > 0 ? p[n - 1] == '\r' : cr;

	if ((cr && n > 0) || (lf && !cr_at_end) || (n > 1 && memchr(p, '\r', n - 1) != NULL))
		return alone;
	c->line_octets += n;
	if (c->line_octets > LINE_MAX_OCTETS)
		return "the body has a line that is too long";
	if (lf)
		c->line_octets = 0;
	return NULL;
}

static const char *
look_at(struct dkim_check *c, struct bytes piece)
{
	const char *why = NULL;
	bool cr = c->cr, lf = true;

	while (why == NULL && lf) {
		size_t at = bytes_find(piece, '\n'), n = at;

		lf = at != BYTES_NOT_FOUND;
		if (!lf)
			n = piece.n;
		why = look_at_line(c, piece.p, n, cr, lf);
		piece = bytes_skip(piece, n + lf);
		cr = false;
	}
	return why;
}

static void
put_body(struct dkim_check *c, struct bytes piece)
{
	for (size_t i = 0; i < NITEMS(c->count); i++)
		if (c->count[i] != NULL)
			dkim_body_canon_put(c->count[i], piece);
	/* it does not write to it */
	if (dkim_body(c->dkim, (u_char *)(uintptr_t)piece.p, piece.n) != DKIM_STAT_OK)
		dkim_check_close(c, DKIM_TEMPERROR, "the library failed");
}

void
dkim_lib_body(struct dkim_check *c, struct bytes piece)
{
	const char *why;

	if (piece.n == 0)
		return;
	why = look_at(c, piece);
	if (why != NULL) {
		dkim_check_close(c, DKIM_POLICY, why);
		return;
	}
	c->body_octets += piece.n;
	c->crlf = piece.p[piece.n - 1] == '\n' &&
		  (piece.n > 1 ? piece.p[piece.n - 2] == '\r' : c->cr);
	c->cr = piece.p[piece.n - 1] == '\r';
	put_body(c, piece);
}

static void
check_length(struct dkim_check *c, struct dkim_claim *s)
{
	const struct dkim_body_canon *count = c->count[s->parsed.relaxed_body];

	if (s->parsed.has_length && s->parsed.length < count->octets)
		dkim_claim_close(s, DKIM_POLICY, "there is text behind what l= covers");
}

void
dkim_lib_end(struct dkim_check *c)
{
	if (c->cr)
		dkim_check_close(c, DKIM_POLICY, "the body has a CR or LF alone");
	else if (c->body_octets > 0 && !c->crlf)
		put_body(c, BYTES_LITERAL("\r\n"));
	for (size_t i = 0; i < NITEMS(c->count); i++)
		if (c->count[i] != NULL)
			dkim_body_canon_end(c->count[i]);
	(void)dkim_eom(c->dkim, NULL); /* about one signature: the marks tell more */
	for (size_t i = 0; i < c->nclaims; i++) {
		struct dkim_claim *s = &c->claims[i];
		DKIM_SIGINFO *info;

		if (!s->open)
			continue;
		info = c->infos[s->fed_at];
		read_error(s, info);
		if (s->open && !DKIM_SIG_CHECK(info))
			dkim_claim_close(s, DKIM_FAIL, "the signature does not match");
		if (s->open)
			check_length(c, s);
		if (s->open)
			dkim_claim_close(s, DKIM_PASS, "");
	}
}
