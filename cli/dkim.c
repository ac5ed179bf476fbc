/* SPDX-License-Identifier: ISC */
/*
 * cli/dkim.c - relais dkim: the keys that sign our mail, and what has to be in DNS for them.
 *
 * Everything is dkim-keeper's: this asks it and says in words what follows.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "directory_msg.h"
#include "dkim_keeper_msg.h"
#include "dkim_key.h"
#include "mail_address.h"
#include "mailauth_conf.h"
#include "printed.h"
#include "rfc5321.h"

const char dkim_usage[] =
	"relais dkim new DOMAIN [--selector NAME] [--anyway] [--json]\n"
	"       relais dkim list [DOMAIN] [--json]\n"
	"       relais dkim show DOMAIN [--json]\n"
	"       relais dkim rotate DOMAIN [--selector NAME] [--json]\n"
	"       relais dkim retire DOMAIN SELECTOR\n"
	"       relais dkim remove DOMAIN SELECTOR\n"
	"\n"
	"new: the first keys of a domain; --anyway: also of one not served here.\n"
	"list: all keys and their states. show: the records to publish, as in a zone\n"
	"file. rotate: new keys in place of the active ones. retire: sign no more with\n"
	"this key. remove: forget a key that never signed or is gone.\n"
	"Selectors are made of the year (r2026a for RSA, e2026a for Ed25519); with\n"
	"--selector they are rNAME and eNAME.";

typedef void row_fn(void *arg, const struct dkim_key_row *row);

/* ---- questions ---- */

static int
ask(struct cli *cli, enum service service, uint16_t type, struct bytes body, uint16_t answer,
	struct ipc_reader *in)
{
	struct ipc_frame frame;
	int fd = cli_connect(cli, service), r;

	if (fd < 0)
		return CLI_DOWN;
	r = cli_ask(cli, fd, type, body, &frame);
	close(fd);
	if (r < 0)
		return CLI_DOWN;
	if (frame.type != answer) {
		fprintf(stderr, "%s: its answer is not understood\n", service_name(service));
		return CLI_FAILED;
	}
	*in = ipc_reader(frame.body);
	return CLI_OK;
}

/* One page from m on; m goes behind it. */
static int
page(struct cli *cli, struct dkim_keeper_list *m, struct arena *a, row_fn *row, void *arg,
	bool *more)
{
	struct dkim_keeper_list_answer answer;
	struct buf body = BUF_INIT;
	struct ipc_reader in;
	int status;

	dkim_keeper_list_encode(&body, m);
	status = ask(cli, SERVICE_DKIM_KEEPER, DKIM_KEEPER_LIST, buf_bytes(&body),
		DKIM_KEEPER_LIST_ANSWER, &in);
	buf_free(&body);
	if (status != CLI_OK)
		return status;
	if (dkim_keeper_list_answer_decode(&in, &answer) < 0) {
		fprintf(stderr, "dkim-keeper: its answer is not understood\n");
		return CLI_FAILED;
	}
	for (uint32_t i = 0; i < answer.count; i++)
		row(arg, &answer.rows[i]);
	*more = answer.more && answer.count > 0;
	if (*more) {
		m->after_domain = arena_bytes(a, answer.rows[answer.count - 1].domain);
		m->after_selector = arena_bytes(a, answer.rows[answer.count - 1].selector);
	}
	return CLI_OK;
}

/* All keys, or those of a domain. */
static int
each(struct cli *cli, struct bytes domain, row_fn *row, void *arg)
{
	struct dkim_keeper_list m = { .domain = domain };
	struct arena a = ARENA_INIT;
	bool more = true;
	int status = CLI_OK;

	while (more && status == CLI_OK)
		status = page(cli, &m, &a, row, arg, &more);
	arena_reset(&a);
	return status;
}

static int
order(struct cli *cli, const struct dkim_keeper_order *m)
{
	struct dkim_keeper_order_answer answer;
	struct buf body = BUF_INIT;
	struct ipc_reader in;
	int status;

	dkim_keeper_order_encode(&body, m);
	status = ask(cli, SERVICE_DKIM_KEEPER, DKIM_KEEPER_ORDER, buf_bytes(&body),
		DKIM_KEEPER_ORDER_ANSWER, &in);
	buf_free(&body);
	if (status != CLI_OK)
		return status;
	if (dkim_keeper_order_answer_decode(&in, &answer) < 0) {
		fprintf(stderr, "dkim-keeper: its answer is not understood\n");
		return CLI_FAILED;
	}
	if (answer.err == ERR_OK)
		return CLI_OK;
	if (answer.words.n > 0)
		fprintf(stderr, "relais dkim: %.*s\n", (int)answer.words.n,
			(const char *)answer.words.p);
	else
		fprintf(stderr, "relais dkim: %s\n", err_text(answer.err));
	return CLI_FAILED;
}

/* ---- whose domain? ---- */

/* A name under which the suite itself sends: reports of qmgr, aggregate reports of DMARC. */
static bool
is_own_name(struct cli *cli, struct bytes domain)
{
	const struct mailauth_conf *conf = conf_values(&cli->conf, "mailauth");

	return bytes_is_nocase(domain, cli_common(cli)->hostname) ||
	       bytes_equal_nocase(domain, rfc5321_domain_of(bytes_from_str(conf->report_from)));
}

/* CLI_OK: the suite is responsible for the domain; else the exit status after saying why not. */
static int
check_ours(struct cli *cli, struct bytes domain)
{
	struct directory_rcpt_answer answer;
	struct directory_rcpt m = { .size_octets = 0 };
	struct buf body = BUF_INIT, address = BUF_INIT;
	struct ipc_reader in;
	int status;

	if (!cli_load(cli))
		return CLI_FAILED;
	if (is_own_name(cli, domain))
		return CLI_OK;
	buf_put_str(&address, "postmaster@");
	buf_put_bytes(&address, domain);
	m.address = buf_bytes(&address);
	directory_rcpt_encode(&body, &m);
	status = ask(cli, SERVICE_DIRECTORY, DIRECTORY_RCPT, buf_bytes(&body),
		DIRECTORY_RCPT_ANSWER, &in);
	buf_free(&body);
	buf_free(&address);
	if (status != CLI_OK)
		return status;
	if (directory_rcpt_answer_decode(&in, &answer) < 0 ||
		answer.verdict == DIRECTORY_TEMPORARY) {
		fprintf(stderr, "relais dkim: the tables can't be read now, so nobody knows whose "
				"domain it is; try again, or say --anyway\n");
		return CLI_FAILED;
	}
	if (answer.verdict != DIRECTORY_NO_RELAY)
		return CLI_OK;
	fprintf(stderr,
		"relais dkim: %.*s is no domain of this suite, which signs nothing for it.\n"
		"\"relais domain add %.*s\" makes it one; --anyway makes keys all the same.\n",
		(int)domain.n, (const char *)domain.p, (int)domain.n, (const char *)domain.p);
	return CLI_FAILED;
}

/* ---- rows ---- */

static const char *
time_text(uint64_t seconds, char out[32])
{
	const time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds == 0 || localtime_r(&t, &tm) == NULL ||
		strftime(out, 32, "%Y-%m-%d %H:%M", &tm) == 0)
		return "-";
	return out;
}

static void
print_row(void *arg, const struct dkim_key_row *r)
{
	char since[32];
	bool *headed = arg;

	if (!*headed)
		printf("%-28s %-10s %-8s %-10s %-17s %s\n", "DOMAIN", "SELECTOR", "TYPE", "STATE",
			"SINCE", "DNS");
	*headed = true;
	printf("%-28.*s %-10.*s %-8s %-10s %-17s %.*s\n", (int)r->domain.n,
		(const char *)r->domain.p, (int)r->selector.n, (const char *)r->selector.p,
		dkim_key_type_name(r->type), dkim_key_state_name(r->state),
		time_text(r->since_s, since), (int)r->seen.n, (const char *)r->seen.p);
}

static void
add_json(void *arg, const struct dkim_key_row *r)
{
	struct buf name = BUF_INIT;

	buf_put_bytes(&name, r->selector);
	buf_put_str(&name, "._domainkey.");
	buf_put_bytes(&name, r->domain);
	json_array_append_new(arg,
		json_pack("{s:s%, s:s%, s:s, s:s, s:I, s:I, s:I, s:I, s:s%, s:s, s:s%}", "domain",
			r->domain.p, r->domain.n, "selector", r->selector.p, r->selector.n, "type",
			dkim_key_type_name(r->type), "state", dkim_key_state_name(r->state),
			"created_s", (json_int_t)r->created_s, "since_s", (json_int_t)r->since_s,
			"checked_s", (json_int_t)r->checked_s, "next_s", (json_int_t)r->next_s,
			"seen", r->seen.p, r->seen.n, "name", buf_str(&name), "record", r->record.p,
			r->record.n));
	buf_free(&name);
}

/* A record as a zone file has it, and above it what it is for. */
static void
print_record(void *arg, const struct dkim_key_row *r)
{
	static const char *const notes[DKIM_KEY_STATES] = {
		[DKIM_PENDING] = "publish it: the key signs once the record has been seen",
		[DKIM_PUBLISHED] = "seen: the key signs soon",
		[DKIM_ACTIVE] = "signs",
		[DKIM_RETIRING] = "signs no more; leave it until",
		[DKIM_GONE] = "may be removed",
	};
	struct buf strings = BUF_INIT;
	char until[32];
	bool *any = arg;

	*any = true;
	dkim_key_quote_strings(r->record, &strings);
	printf("; %s %s: %s%s%s\n", dkim_key_type_name(r->type), dkim_key_state_name(r->state),
		notes[r->state], r->state == DKIM_RETIRING ? " " : "",
		r->state == DKIM_RETIRING ? time_text(r->next_s, until) : "");
	printf("%s%.*s._domainkey.%.*s. IN TXT ( %s )\n", r->state == DKIM_GONE ? "; " : "",
		(int)r->selector.n, (const char *)r->selector.p, (int)r->domain.n,
		(const char *)r->domain.p, buf_str(&strings));
	buf_free(&strings);
}

static void
print_pending(void *arg, const struct dkim_key_row *r)
{
	if (r->state == DKIM_PENDING)
		print_record(arg, r);
}

static void
note_row(void *arg, const struct dkim_key_row *r)
{
	bool *any = arg;

	UNUSED(r);
	*any = true;
}

int
dkim_make_first(struct cli *cli, const char *domain)
{
	const struct dkim_keeper_order m = { DKIM_ORDER_NEW, bytes_from_str(domain), BYTES_NONE };
	bool any = false;
	int status = each(cli, m.domain, note_row, &any);

	return status != CLI_OK || any ? status : order(cli, &m);
}

/* ---- verbs ---- */

struct words {
	struct bytes domain; /* folded */
	const char *selector;
	bool json, anyway;
};

static int
print_json(struct cli *cli, struct bytes domain)
{
	json_t *rows = json_array();
	int status = each(cli, domain, add_json, rows);

	if (status == CLI_OK)
		json_print(rows);
	json_decref(rows);
	return status;
}

static int
do_list(struct cli *cli, const struct words *w)
{
	bool headed = false;

	if (w->json)
		return print_json(cli, w->domain);
	return each(cli, w->domain, print_row, &headed);
}

static int
do_show(struct cli *cli, const struct words *w)
{
	bool any = false;
	int status;

	if (w->json)
		return print_json(cli, w->domain);
	status = each(cli, w->domain, print_record, &any);
	if (status == CLI_OK && !any) {
		fprintf(stderr, "relais dkim: the domain has no keys; \"relais dkim new\" makes "
				"them\n");
		return CLI_FAILED;
	}
	return status;
}

static int
make(struct cli *cli, const struct words *w, enum dkim_order verb, const char *what,
	const char *until)
{
	const struct dkim_keeper_order m = { verb, w->domain, bytes_from_str(w->selector) };
	bool any = false;
	int status = order(cli, &m);

	if (status != CLI_OK)
		return status;
	if (w->json)
		return print_json(cli, w->domain);
	printf("; %s for %.*s are made. Publish these records:\n", what, (int)w->domain.n,
		(const char *)w->domain.p);
	status = each(cli, w->domain, print_pending, &any);
	printf("; What happens next: relais looks for the records by itself. Each key signs as "
	       "soon as\n; its record has been seen for long enough; until then %s.\n; \"relais "
	       "dkim list %.*s\" tells how far it is.\n",
		until, (int)w->domain.n, (const char *)w->domain.p);
	return status;
}

static int
do_new(struct cli *cli, const struct words *w)
{
	const int status = w->anyway ? CLI_OK : check_ours(cli, w->domain);

	if (status != CLI_OK)
		return status;
	return make(cli, w, DKIM_ORDER_NEW, "Keys", "mail of the domain leaves unsigned");
}

static int
do_rotate(struct cli *cli, const struct words *w)
{
	return make(cli, w, DKIM_ORDER_ROTATE, "New keys", "the old ones sign on");
}

static int
do_retire(struct cli *cli, const struct words *w)
{
	const struct dkim_keeper_order m = { DKIM_ORDER_RETIRE, w->domain,
		bytes_from_str(w->selector) };
	int status = order(cli, &m);

	if (status == CLI_OK)
		printf("%s signs no more. Leave its record in DNS for now: mail on its way needs "
		       "it.\n\"relais dkim show\" says when it may be removed.\n",
			w->selector);
	return status;
}

static int
do_remove(struct cli *cli, const struct words *w)
{
	const struct dkim_keeper_order m = { DKIM_ORDER_REMOVE, w->domain,
		bytes_from_str(w->selector) };
	int status = order(cli, &m);

	if (status == CLI_OK)
		printf("%s is forgotten. Its record may be removed from DNS; if the key ever "
		       "signed, leave\nthe record for a week: mail on its way needs it.\n",
			w->selector);
	return status;
}

static const struct verb {
	const char *name;
	int (*run)(struct cli *cli, const struct words *w);
	bool needs_domain, needs_selector, may_select, may_json, may_insist;
} verbs[] = {
	{ "new", do_new, true, false, true, true, true },
	{ "list", do_list, false, false, false, true, false },
	{ "show", do_show, true, false, false, true, false },
	{ "rotate", do_rotate, true, false, true, true, false },
	{ "retire", do_retire, true, true, false, false, false },
	{ "remove", do_remove, true, true, false, false, false },
};

/* The words behind the verb. false: they make no sense. */
static bool
read_words(const struct verb *v, int argc, char *argv[], struct words *w)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 && v->may_json)
			w->json = true;
		else if (strcmp(argv[i], "--anyway") == 0 && v->may_insist)
			w->anyway = true;
		else if (strcmp(argv[i], "--selector") == 0 && v->may_select && i + 1 < argc)
			w->selector = argv[++i];
		else if (argv[i][0] == '-')
			return false;
		else if (w->domain.n == 0)
			w->domain = bytes_from_str(argv[i]);
		else if (v->needs_selector && w->selector[0] == 0)
			w->selector = argv[i];
		else
			return false;
	}
	return (w->domain.n > 0 || !v->needs_domain) &&
	       (w->selector[0] != 0 || !v->needs_selector) &&
	       strlen(w->selector) <= DKIM_SELECTOR_MAX;
}

int
cmd_dkim(struct cli *cli, int argc, char *argv[])
{
	struct words w = { .selector = "" };
	struct arena a = ARENA_INIT;
	const struct verb *v = NULL;
	int status;

	for (size_t i = 0; i < NITEMS(verbs) && argc > 1; i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			v = &verbs[i];
	if (v == NULL || !read_words(v, argc, argv, &w))
		return cli_usage(dkim_usage, NULL);
	if (w.domain.n > 0 && (mail_domain_fold(&a, w.domain, &w.domain) < 0 ||
				      w.domain.n > DKIM_DOMAIN_MAX || w.domain.p[0] == '[')) {
		arena_reset(&a);
		return cli_usage(dkim_usage, "relais dkim: not a domain");
	}
	status = v->run(cli, &w);
	arena_reset(&a);
	return status;
}
