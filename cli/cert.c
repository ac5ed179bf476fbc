/* SPDX-License-Identifier: ISC */
/* cli/cert.c - relais cert list|check: the certificates that the configuration names. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cert_files.h"
#include "cert_pair.h"
#include "cert_self.h"
#include "cli.h"
#include "keyholder_msg.h"
#include "make_path.h"
#include "printed.h"
#include "tls_conf.h"

const char cert_usage[] =
	"relais cert list [--json]    certificates: names, key, days left, file\n"
	"       relais cert check [--json]   only what needs your care; exit status 1 if\n"
	"                                    anything does\n"
	"       relais cert self-signed      make our own for hostname, if there is none";

/* What keyholder serves now, by fingerprint. */
struct served {
	bool known; /* the suite is running */
	size_t n;
	uint8_t (*fingerprints)[32];
};

struct listing {
	struct cli *cli;
	const struct tls_conf *conf;
	struct served served;
	json_t *json;
	bool only_problems;
	unsigned problems, unusable;
};

static void
ask_served(struct cli *cli, struct served *s)
{
	static struct keyholder_list_answer answer;
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	int fd = -1;

	buf_printf(&body, "%s/control", cli_common(cli)->run);
	if (access(buf_str(&body), F_OK) == 0) /* else it is not running, which is no error here */
		fd = cli_connect(cli, SERVICE_KEYHOLDER);
	if (fd < 0) {
		buf_free(&body);
		return;
	}
	do {
		struct ipc_reader in;

		buf_clear(&body);
		keyholder_list_encode(&body, &(struct keyholder_list){ (uint32_t)s->n });
		if (cli_ask(cli, fd, KEYHOLDER_LIST, buf_bytes(&body), &frame) < 0)
			break;
		in = ipc_reader(frame.body);
		if (keyholder_list_answer_decode(&in, &answer) < 0)
			break;
		s->known = true;
		s->fingerprints =
			xrealloc(s->fingerprints, (s->n + answer.count) * sizeof(*s->fingerprints));
		for (uint32_t i = 0; i < answer.count; i++)
			memcpy(s->fingerprints[s->n++], answer.rows[i].fingerprint, 32);
	} while (answer.count > 0);
	buf_free(&body);
	close(fd);
}

static bool
is_served(const struct served *s, const struct cert_pair *pair)
{
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(s->fingerprints[i], pair->fingerprint, 32) == 0)
			return true;
	return false;
}

static void
print_json(struct listing *l, const char *path, const struct cert_pair *pair, const char *problem)
{
	json_t *row = json_pack("{s:s}", "certificate", path), *names = json_array();

	for (size_t i = 0; pair != NULL && i < pair->nnames; i++)
		json_array_append_new(names, json_string(pair->names[i]));
	if (pair != NULL) {
		char hex[2 * 32 + 1] = "";

		for (size_t i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02x", pair->fingerprint[i]);
		json_object_set_new(row, "key", json_string(pair->key_path));
		json_object_set_new(row, "key_type", json_string(cert_key_type_name(pair->type)));
		json_object_set_new(row, "bits", json_integer(pair->bits));
		json_object_set_new(row, "not_after_s", json_integer(pair->not_after));
		json_object_set_new(
			row, "days_left", json_integer(cert_pair_days_left(pair, time(NULL))));
		json_object_set_new(row, "self_signed", json_boolean(pair->self_signed));
		json_object_set_new(row, "sha256", json_string(hex));
		json_object_set_new(row, "served",
			l->served.known ? json_boolean(is_served(&l->served, pair)) : json_null());
	}
	json_object_set_new(row, "names", names);
	json_object_set_new(row, "problem", problem[0] == 0 ? json_null() : json_string(problem));
	json_array_append_new(l->json, row);
}

static void
print_text(struct listing *l, const char *path, const struct cert_pair *pair, const char *problem)
{
	struct buf names = BUF_INIT, type = BUF_INIT;

	if (pair == NULL) {
		printf("%s\n", problem);
		return;
	}
	for (size_t i = 0; i < pair->nnames && i < 8; i++)
		buf_printf(&names, "%s%s", i > 0 ? " " : "", pair->names[i]);
	if (pair->nnames > 8)
		buf_printf(&names, " and %zu more", pair->nnames - 8);
	buf_printf(&type, "%s", cert_key_type_name(pair->type));
	if (pair->type == TLS_KEY_RSA)
		buf_printf(&type, " %d", pair->bits);
	printf("%-30s %-11s %4d days  %s%s%s%s\n", buf_str(&names), buf_str(&type),
		cert_pair_days_left(pair, time(NULL)), path,
		pair->self_signed ? " (self-signed)" : "", problem[0] != 0 ? "  ! " : "", problem);
	buf_free(&names);
	buf_free(&type);
}

static void
one(void *arg, const char *certificate_path, const char *key_path)
{
	struct listing *l = arg;
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;

	if (cert_pair_load(certificate_path, key_path, &pair, problem) < 0)
		l->unusable++;
	else if (!cert_pair_worry(pair, time(NULL), (unsigned)l->conf->warn_days, problem) &&
		 l->served.known && !is_served(&l->served, pair))
		snprintf(problem, sizeof(problem), "%s: is not what is served at the moment",
			certificate_path);
	l->problems += problem[0] != 0;
	if (problem[0] != 0 || !l->only_problems) {
		if (l->json != NULL)
			print_json(l, certificate_path, pair, problem);
		else
			print_text(l, certificate_path, pair, problem);
	}
	cert_pair_free(&pair);
}

static struct cert_sources
sources_of(const struct tls_conf *conf)
{
	return (struct cert_sources){ conf->certificate, conf->key, conf->certificates.v,
		conf->certificates.n };
}

void
cert_each_configured(struct cli *cli, cert_files_fn *each, void *arg)
{
	const struct tls_conf *conf = conf_values(&cli->conf, "tls");
	const struct cert_sources sources = sources_of(conf);
	struct buf own = BUF_INIT;

	if (cert_files_each(&sources, each, arg) == 0 && conf->self_signed) {
		buf_printf(&own, "%s/tls/" CERT_SELF_FILE, cli_common(cli)->state);
		if (access(buf_str(&own), F_OK) == 0)
			each(arg, buf_str(&own), buf_str(&own));
		buf_free(&own);
	}
}

static void
count_pair(void *arg, const char *certificate_path, const char *key_path)
{
	(*(unsigned *)arg)++;
}

/* As keyholder does at its start, for who wants it before: an installation. */
static int
make_self_signed(struct cli *cli)
{
	const struct common_conf *common = cli_common(cli);
	const struct tls_conf *conf = conf_values(&cli->conf, "tls");
	const struct cert_sources sources = sources_of(conf);
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair = NULL;
	unsigned named = 0;
	bool made = false;
	int r;

	if (cert_files_each(&sources, count_pair, &named) > 0 || !conf->self_signed) {
		puts("none is needed");
		return CLI_OK;
	}
	r = make_path(common->state);
	if (r == ERR_OK)
		r = cert_self_load(common->state, common->hostname, &pair, &made, problem);
	if (r < 0) {
		fprintf(stderr, "no self-signed certificate for \"%s\": %s %s\n", common->hostname,
			err_text(r), problem);
		return CLI_FAILED;
	}
	printf("%s/tls/" CERT_SELF_FILE ": %s\n", common->state, made ? "made" : "there already");
	cert_pair_free(&pair);
	return CLI_OK;
}

int
cmd_cert(struct cli *cli, int argc, char *argv[])
{
	struct listing l = { .cli = cli };
	bool json = argc == 3 && strcmp(argv[2], "--json") == 0, check;

	if (argc < 2 || argc > 3 || (argc == 3 && !json))
		return cli_usage(cert_usage, NULL);
	if (strcmp(argv[1], "self-signed") == 0 && !json)
		return cli_load(cli) ? make_self_signed(cli) : CLI_FAILED;
	check = strcmp(argv[1], "check") == 0;
	if (!check && strcmp(argv[1], "list") != 0)
		return cli_usage(cert_usage, "relais cert: list, check or self-signed");
	if (!cli_load(cli))
		return CLI_FAILED;
	l.conf = conf_values(&cli->conf, "tls");
	l.only_problems = check;
	l.json = json ? json_array() : NULL;
	ask_served(cli, &l.served);
	cert_each_configured(cli, one, &l);
	if (json) {
		json_print(l.json);
		json_decref(l.json);
	}
	free(l.served.fingerprints);
	return check && l.problems > 0 ? CLI_FAILED : CLI_OK;
}
