/* SPDX-License-Identifier: ISC */
/* cli/dns_report.c - relais dns check: asks DNS for what a domain needs, and says what is wrong. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dns.h"
#include "dns_check.h"
#include "printed.h"

struct asking {
	struct cli *cli;
	int resolver, verifier; /* -1: not there */
	struct dns_answer answer;
	struct ipc_packet packet; /* of the verifier's last answer */
};

static const struct dns_answer *
ask_dns(void *ctx, uint16_t type, const char *name)
{
	struct asking *q = ctx;
	const struct dns_query m = { type, bytes_from_str(name), 0 };

	if (q->resolver < 0 || m.name.n > DNS_QUERY_NAME_MAX ||
		dns_ask_resolver(q->cli, q->resolver, DNS_QUERY_FRESH, &m, &q->answer) != CLI_OK)
		q->answer = (struct dns_answer){ .status = DNS_BUSY };
	return &q->answer;
}

static bool
ask_spf(void *ctx, const struct mailauth_spf_question *m, struct mailauth_spf_result *result)
{
	struct asking *q = ctx;
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	if (q->verifier < 0)
		return false;
	mailauth_spf_question_encode(&body, m);
	r = cli_ask(q->cli, q->verifier, MAILAUTH_SPF, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return false;
	in = ipc_reader(frame.body);
	return frame.type == MAILAUTH_SPF_RESULT &&
	       mailauth_spf_result_decode(&in, result) == ERR_OK;
}

static void
print_text(const struct dns_findings *all, bool quiet)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct dns_finding *f = &all->findings[i];

		if (quiet && (f->level == DNS_RIGHT || f->level == DNS_HINT))
			continue;
		printf("%-8s%-12s%s: ", dns_level_name(f->level), f->what, f->name);
		print_safely(bytes_from_str(f->text));
		putchar('\n');
		if (f->todo[0] != 0 && f->level != DNS_RIGHT)
			printf("        -> %s\n", f->todo);
	}
}

static json_t *
findings_json(const struct dns_facts *facts, const struct dns_findings *all)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < all->n; i++) {
		const struct dns_finding *f = &all->findings[i];

		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "level",
				      dns_level_name(f->level), "what", f->what, "name", f->name,
				      "text", f->text, "todo", f->todo));
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "domain", facts->domain, "host", facts->hostname,
		"worst", dns_level_name(dns_worst(all)), "findings", rows);
}

static int
status_of(const struct dns_findings *all)
{
	switch (dns_worst(all)) {
	case DNS_WRONG:
		return CLI_FAILED;
	case DNS_UNKNOWN:
		return CLI_LATER;
	default:
		return CLI_OK;
	}
}

/* One domain. json: where its findings are added; NULL: they are printed. */
static int
check_one(struct asking *q, const struct dns_words *w, json_t *json)
{
	static struct dns_facts facts;
	static struct dns_plan plan;
	static struct dns_findings findings;
	const struct dns_asker asker = { ask_dns, ask_spf, q };
	struct arena a = ARENA_INIT;
	int status = CLI_LATER;

	if (dns_facts(q->cli, &a, w, &facts)) {
		dns_plan_make(&a, &facts, &plan);
		dns_check(&a, &facts, &plan, &asker, &findings);
		if (json != NULL)
			json_array_append_new(json, findings_json(&facts, &findings));
		else
			print_text(&findings, w->quiet);
		status = status_of(&findings);
	}
	arena_reset(&a);
	return status;
}

/* The worst of all: wrong, then unknown. */
static int
check_all(struct asking *q, struct dns_words *w, json_t *json)
{
	struct arena a = ARENA_INIT;
	const char *const *names = &w->domain;
	size_t n = w->all ? dns_local_domains(q->cli, &a, &names) : 1;
	int worst = CLI_OK;

	for (size_t i = 0; i < n; i++) {
		int status;

		w->domain = names[i];
		status = check_one(q, w, json);
		if (worst != CLI_FAILED && status != CLI_OK)
			worst = status;
	}
	arena_reset(&a);
	return worst;
}

int
dns_report(struct cli *cli, int argc, char *argv[])
{
	static struct asking q;
	struct dns_words w;
	json_t *json = NULL;
	int status;

	if (dns_words(argc, argv, &w) != CLI_OK)
		return CLI_USAGE;
	if (w.form != DNS_FORM_TEXT && w.form != DNS_FORM_JSON)
		return cli_usage(dns_usage, "relais dns check: --nsupdate and --mta-sts-policy are "
					    "words of \"show\"");
	q = (struct asking){ .cli = cli, .resolver = -1, .verifier = -1 };
	q.resolver = cli_connect(cli, SERVICE_RESOLVER);
	if (q.resolver < 0)
		return CLI_DOWN;
	q.verifier = cli_connect(cli, SERVICE_VERIFIER);
	if (w.form == DNS_FORM_JSON)
		json = json_array();
	status = check_all(&q, &w, json);
	if (json != NULL) {
		json_print(w.all ? json : json_array_get(json, 0));
		json_decref(json);
	}
	close(q.resolver);
	if (q.verifier >= 0)
		close(q.verifier);
	return status;
}
