/* SPDX-License-Identifier: ISC */
/*
 * tests/system/dkim_peer.c - signs or verifies many messages, as we do or as a program does that
 * uses libopendkim plainly.
 *
 *	dkim_peer sign|verify ours|plain DIRECTORY < MESSAGES > RESULT
 *
 * Messages, on both sides: their length in decimal digits, LF, their octets. The result of verify
 *is a line per message: "pass pass\n", one word per signature from the top, or "none\n".
 *
 * DIRECTORY has rsa.pem, ed25519.pem, and zone: lines as zone_dns_add() wants them. Selectors are
 *rsa and ed25519, the domain is in the file domain. Ours makes both signatures; plain makes one of
 *the two by turns, with each pair of canonicalizations by turns.
 */
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dkim_sign.h"
#include "dkim_verify.h"
#include "rfc5322.h"
#include "zone_dns.h"

struct peer {
	struct zone_dns *zone;
	struct buf rsa, ed25519, domain; /* texts */
	struct dkim_key *keys[2];
	struct dkim_verifier *verifier;
	DKIM_LIB *lib;
	unsigned turn;
};

static DKIM_CBSTAT on_key_lookup(DKIM *dkim, DKIM_SIGINFO *info, u_char *out, size_t size);

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "dkim_peer: %s\n", what);
	exit(2);
}

static void
read_file(const char *directory, const char *name, struct buf *out)
{
	char path[1024];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "r");
	if (f == NULL)
		die(path);
	while ((n = fread(buf_room(out, 4096), 1, 4096, f)) > 0)
		buf_added(out, n);
	fclose(f);
}

static void
read_zone(struct peer *p, const char *directory)
{
	struct buf zone = BUF_INIT;
	struct bytes rest;

	read_file(directory, "zone", &zone);
	p->zone = xcalloc(1, sizeof(*p->zone));
	for (rest = buf_bytes(&zone); rest.n > 0;) {
		struct bytes line = bytes_cut(&rest, '\n');

		if (line.n > 0)
			zone_dns_add(p->zone, line);
	}
	buf_free(&zone);
}

static bool
next_message(struct buf *out)
{
	unsigned long n;

	buf_clear(out);
	if (scanf("%lu", &n) != 1 || getchar() != '\n')
		return false;
	if (fread(buf_room(out, n), 1, n, stdin) != n)
		die("a message is cut");
	buf_added(out, n);
	return true;
}

static void
put_message(struct bytes field, struct bytes message)
{
	printf("%zu\n", field.n + message.n);
	fwrite(field.p, 1, field.n, stdout);
	fwrite(message.p, 1, message.n, stdout);
}

/* --- ours ------------------------------------------------------------------------------- */

static void
sign_ours(struct peer *p, struct bytes message)
{
	const struct dkim_sign_options options = { .now = time(NULL) };
	const struct bytes domain = bytes_trim(buf_bytes(&p->domain));
	const struct dkim_signing_key keys[] = {
		{ domain, BYTES_LITERAL("rsa"), p->keys[0] },
		{ domain, BYTES_LITERAL("ed25519"), p->keys[1] },
	};
	size_t n = rfc5322_header_len(message);
	struct dkim_signing *s;
	struct buf fields = BUF_INIT;

	if (dkim_signing_new(keys, 2, bytes_head(message, n), &options, &s) < 0)
		die("signing failed");
	dkim_signing_body(s, bytes_skip(message, n));
	if (dkim_signing_end(s, &fields) < 0)
		die("signing failed at the end");
	dkim_signing_free(&s);
	put_message(buf_bytes(&fields), message);
	buf_free(&fields);
}

static void
nothing(void *arg)
{
	UNUSED(arg);
}

static void
verify_ours(struct peer *p, struct bytes message)
{
	struct mailauth_dns dns = zone_dns_way(p->zone);
	const struct dkim_verdict *v;
	struct dkim_check *c;
	size_t n;

	dkim_check_start(p->verifier, &dns, message, time(NULL), nothing, NULL, &c);
	dkim_check_body(c, bytes_skip(message, rfc5322_header_len(message)));
	v = dkim_check_end(c, &n);
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i == 0 ? "" : " ", dkim_result_name(v[i].result));
	printf("%s\n", n == 0 ? "none" : "");
	dkim_check_free(&c);
}

/* --- libopendkim, plainly ----------------------------------------------------------------- */

static void
feed(DKIM *d, struct bytes message)
{
	static const DKIM_STAT fine[] = { DKIM_STAT_OK, DKIM_STAT_NOSIG };
	struct rfc5322_field f;
	struct bytes rest = message, body;
	DKIM_STAT r;

	while (rfc5322_field_next(&rest, &f))
		if (bytes_find(f.raw, ':') != BYTES_NOT_FOUND)
			(void)dkim_header(d, (u_char *)(uintptr_t)f.raw.p, f.raw.n - 2);
	r = dkim_eoh(d);
	if (r != fine[0] && r != fine[1])
		fprintf(stderr, "dkim_eoh: %s\n", dkim_getresultstr(r));
	body = bytes_skip(message, rfc5322_header_len(message));
	if (body.n > 0)
		(void)dkim_body(d, (u_char *)(uintptr_t)body.p, body.n);
	if (body.n > 0 && (body.n < 2 || memcmp(body.p + body.n - 2, "\r\n", 2) != 0))
		(void)dkim_body(d, (u_char *)(uintptr_t) "\r\n", 2); /* it wants that of the MTA */
}

static void
sign_plain(struct peer *p, struct bytes message)
{
	const bool rsa = p->turn % 2 == 0;
	struct buf field = BUF_INIT, domain = BUF_INIT;
	unsigned char *text;
	size_t n;
	DKIM_STAT r;
	DKIM *d;

	buf_put_bytes(&domain, bytes_trim(buf_bytes(&p->domain)));
	d = dkim_sign(p->lib, (const unsigned char *)"t", NULL,
		(unsigned char *)(uintptr_t)buf_str(rsa ? &p->rsa : &p->ed25519),
		(const unsigned char *)(rsa ? "rsa" : "ed25519"),
		(const unsigned char *)buf_str(&domain),
		p->turn / 2 % 2 ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE,
		p->turn / 4 % 2 ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE,
		rsa ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256, -1, &r);
	if (d == NULL)
		die(dkim_getresultstr(r));
	/* it folds before b= other than what it signed, if b= is short: then only relaxed verifies
	 */
	if (!rsa && dkim_set_margin(d, 0) != DKIM_STAT_OK)
		die("dkim_set_margin");
	feed(d, message);
	r = dkim_eom(d, NULL);
	if (r != DKIM_STAT_OK || dkim_getsighdr_d(d, 16, &text, &n) != DKIM_STAT_OK)
		die(dkim_getresultstr(r));
	/* it folds with LF */
	buf_put_str(&field, "DKIM-Signature: ");
	rfc5322_put_crlf(&field, bytes_make(text, n));
	buf_put_str(&field, "\r\n");
	put_message(buf_bytes(&field), message);
	dkim_free(d);
	buf_free(&field);
	buf_free(&domain);
}

static void
verify_plain(struct peer *p, struct bytes message)
{
	DKIM_SIGINFO **infos = NULL;
	DKIM_STAT r;
	DKIM *d = dkim_verify(p->lib, (const unsigned char *)"t", NULL, &r);
	int n = 0;

	if (d == NULL || dkim_set_user_context(d, p) != DKIM_STAT_OK)
		die("dkim_verify");
	feed(d, message);
	(void)dkim_eom(d, NULL);
	(void)dkim_getsiglist(d, &infos, &n);
	for (int i = 0; i < n; i++)
		printf("%s%s", i == 0 ? "" : " ", DKIM_SIG_CHECK(infos[i]) ? "pass" : "fail");
	printf("%s\n", n == 0 ? "none" : "");
	dkim_free(d);
}

struct lookup {
	u_char *out;
	size_t size;
	DKIM_CBSTAT status;
};

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct lookup *l = arg;
	struct buf text = BUF_INIT;

	if (answer->count == 1 && dns_txt_read(answer->rdata[0], &text) == ERR_OK) {
		bytes_to_str(buf_bytes(&text), (char *)l->out, l->size);
		l->status = DKIM_CBSTAT_CONTINUE;
	}
	buf_free(&text);
}

static DKIM_CBSTAT
on_key_lookup(DKIM *dkim, DKIM_SIGINFO *info, u_char *out, size_t size)
{
	struct peer *p = dkim_get_user_context(dkim);
	struct mailauth_dns dns = zone_dns_way(p->zone);
	struct lookup l = { out, size, DKIM_CBSTAT_NOTFOUND };
	char name[512];

	snprintf(name, sizeof(name), "%s._domainkey.%s", (const char *)dkim_sig_getselector(info),
		(const char *)dkim_sig_getdomain(info));
	dns.ask(dns.ctx, DNS_TYPE_TXT, bytes_from_str(name), on_answer, &l);
	return l.status;
}

/* --- main --------------------------------------------------------------------------------- */

static const struct {
	const char *what, *how;
	void (*run)(struct peer *p, struct bytes message);
} rows[] = {
	{ "sign", "ours", sign_ours },
	{ "sign", "plain", sign_plain },
	{ "verify", "ours", verify_ours },
	{ "verify", "plain", verify_plain },
};

static void
open_peer(struct peer *p, const char *directory)
{
	const struct dkim_verify_options options = { 8, 1024, 1u << 30 };

	read_zone(p, directory);
	read_file(directory, "domain", &p->domain);
	read_file(directory, "rsa.pem", &p->rsa);
	read_file(directory, "ed25519.pem", &p->ed25519);
	if (dkim_key_read(buf_bytes(&p->rsa), &p->keys[0]) < 0 ||
		dkim_key_read(buf_bytes(&p->ed25519), &p->keys[1]) < 0)
		die("keys");
	p->verifier = dkim_verifier_new(&options);
	p->lib = dkim_init(NULL, NULL);
	if (p->verifier == NULL || p->lib == NULL)
		die("libopendkim");
	(void)dkim_set_key_lookup(p->lib, on_key_lookup);
}

static void
close_peer(struct peer *p)
{
	zone_dns_reset(p->zone);
	free(p->zone);
	buf_free(&p->domain);
	buf_free(&p->rsa);
	buf_free(&p->ed25519);
	dkim_key_free(&p->keys[0]);
	dkim_key_free(&p->keys[1]);
	dkim_verifier_free(&p->verifier);
	dkim_close(p->lib);
}

int
main(int argc, char *argv[])
{
	struct peer p = { 0 };
	struct buf message = BUF_INIT;
	size_t row = 0;

	while (argc == 4 && row < NITEMS(rows) &&
		(strcmp(argv[1], rows[row].what) != 0 || strcmp(argv[2], rows[row].how) != 0))
		row++;
	if (argc != 4 || row == NITEMS(rows))
		die("sign|verify ours|plain DIRECTORY");
	open_peer(&p, argv[3]);
	for (; next_message(&message); p.turn++)
		rows[row].run(&p, buf_bytes(&message));
	close_peer(&p);
	buf_free(&message);
	return 0;
}
