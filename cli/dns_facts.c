/* SPDX-License-Identifier: ISC */
/*
 * cli/dns_facts.c - what is known of this suite, for the records of a domain: configuration,
 * certificates, DKIM keys, addresses of the system.
 *
 * Runs in:  the operator's command; as root, or it cannot read the certificates' keys.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cert_pair.h"
#include "dns.h"
#include "imapd_conf.h"
#include "ip_own.h"
#include "mailauth_conf.h"
#include "next_hop.h"
#include "pop3d_conf.h"
#include "route_records.h"
#include "smtp_client_conf.h"
#include "smtpd_conf.h"
#include "table_files.h"
#include "tls_name.h"

struct gathering {
	struct cli *cli;
	struct arena *a;
	struct dns_facts *f;
};

/* ---- names ---- */

static const char *
fold_name(struct arena *a, const char *text)
{
	struct bytes name = bytes_from_str(text), folded;

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (mail_domain_fold(a, name, &folded) < 0 || !dns_name_is_host(folded) ||
		next_hop_is_address(folded))
		return NULL;
	return arena_str(a, folded);
}

static bool
take_names(struct gathering *g, const struct dns_words *w)
{
	struct dns_facts *f = g->f;
	struct table_file domains;

	f->domain = fold_name(g->a, w->domain);
	f->hostname = fold_name(g->a, cli_common(g->cli)->hostname);
	if (f->domain == NULL || strchr(f->domain, '.') == NULL) {
		fprintf(stderr, "%s: not a domain name\n", w->domain);
		return false;
	}
	if (f->hostname == NULL || strchr(f->hostname, '.') == NULL) {
		fprintf(stderr, "hostname = %s: the option must be a full name of this host\n",
			cli_common(g->cli)->hostname);
		return false;
	}
	if (table_file_load(g->cli, TABLE_DOMAINS, &domains) &&
		!table_files_is_local(g->cli, &domains, bytes_from_str(f->domain)))
		fprintf(stderr, "warning: %s is no local domain here (relais domain add)\n",
			f->domain);
	table_file_free(&domains);
	return true;
}

/* ---- addresses ---- */

/* Those that the world cannot reach. */
static bool
is_public(const struct ip_block *b)
{
	static const char *const others[] = { "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10",
		"127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "::/96",
		"fe80::/10", "fc00::/7" };
	struct ip_block other;

	for (size_t i = 0; i < NITEMS(others); i++)
		if (ip_block_parse(bytes_from_str(others[i]), &other) == ERR_OK &&
			ip_block_contains(&other, b))
			return false;
	return true;
}

static void
add_address(struct ip_block *list, size_t *n, const struct ip_block *b)
{
	for (size_t i = 0; i < *n; i++)
		if (ip_block_equal(&list[i], b))
			return;
	if (*n < DNS_ADDRESSES_MAX)
		list[(*n)++] = *b;
}

static void
take_system_addresses(struct dns_facts *f)
{
	struct ip_block own[4 * DNS_ADDRESSES_MAX];
	const size_t n = ip_own_addresses(own, NITEMS(own));

	for (size_t i = 0; i < n; i++)
		if (is_public(&own[i]))
			add_address(f->addresses, &f->n_addresses, &own[i]);
}

static void
take_source(struct dns_facts *f, struct bytes text)
{
	struct ip_block b;
	size_t n = f->n_addresses;

	if (ip_block_parse(text, &b) < 0)
		return; /* empty, or "none" */
	for (size_t i = 0; i < n; i++)
		if (ip_block_equal(&f->addresses[i], &b))
			return;
	add_address(f->sources, &f->n_sources, &b);
}

/* From which addresses else mail of this domain leaves. */
static void
take_sources(struct gathering *g)
{
	const struct smtp_client_conf *conf = conf_values(&g->cli->conf, "smtp_client");
	struct table_file f;

	take_source(g->f, bytes_from_str(conf->source_ipv4));
	take_source(g->f, bytes_from_str(conf->source_ipv6));
	if (table_file_load(g->cli, TABLE_SOURCE_ADDRESS, &f))
		for (size_t i = 0; i < f.table.count; i++) {
			struct bytes key = f.table.entries[i].key;
			struct source_record r;
			const char *why;

			if (!bytes_is(bytes_skip(key, bytes_find(key, '@') + 1), g->f->domain) ||
				source_record_parse(g->a, f.table.entries[i].value, &r, &why) < 0)
				continue;
			take_source(g->f, r.ipv4);
			take_source(g->f, r.ipv6);
		}
	table_file_free(&f);
}

/* ---- services ---- */

/* The first port at which more than this host itself is listened to; 0: none. */
static uint16_t
public_port(const struct conf_list *listen)
{
	for (size_t i = 0; i < listen->n; i++) {
		struct bytes text = bytes_from_str(listen->v[i]);
		size_t colon = bytes_find_last(text, ':');
		struct bytes host = bytes_head(text, colon);
		uint64_t port;

		if (bytes_starts_with(host, BYTES_LITERAL("127.")) || bytes_is(host, "[::1]") ||
			colon == BYTES_NOT_FOUND ||
			bytes_to_u64(bytes_skip(text, colon + 1), UINT16_MAX, &port) < 0)
			continue;
		return (uint16_t)port;
	}
	return 0;
}

static void
take_services(struct gathering *g)
{
	const struct smtpd_conf *submission = conf_values(&g->cli->conf, "submission");
	const struct imapd_conf *imap = conf_values(&g->cli->conf, "imapd");
	const struct pop3d_conf *pop3 = conf_values(&g->cli->conf, "pop3d");
	const struct dns_service services[DNS_SERVICES] = {
		{ "_submissions", public_port(&submission->listen_tls), 0 },
		{ "_submission", public_port(&submission->listen), 10 },
		{ "_imaps", public_port(&imap->listen_tls), 0 },
		{ "_imap", public_port(&imap->listen), 10 },
		{ "_pop3s", public_port(&pop3->listen_tls), 20 },
		{ "_pop3", public_port(&pop3->listen), 30 },
	};

	memcpy(g->f->services, services, sizeof(services));
}

/* ---- certificates ---- */

/* Those for our name; if there is none, the first, which is shown then. */
static void
take_certificate(void *arg, const char *certificate_path, const char *key_path)
{
	struct gathering *g = arg;
	struct dns_facts *f = g->f;
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;
	bool ours = false;

	if (cert_pair_load(certificate_path, key_path, &pair, problem) < 0) {
		fprintf(stderr, "warning: %s\n", problem);
		return;
	}
	for (size_t i = 0; i < pair->nnames; i++)
		ours |= tls_name_matches(pair->names[i], f->hostname);
	if (ours && f->n_certificates < DNS_TLSA_MAX) {
		struct dns_certificate *c = &f->certificates[f->n_certificates++];

		memcpy(c->key, pair->key_id, sizeof(c->key));
		memcpy(c->leaf, pair->fingerprint, sizeof(c->leaf));
	}
	cert_pair_free(&pair);
}

/* ---- DKIM ---- */

static bool
take_page(struct gathering *g, int fd, bool *more)
{
	struct dns_facts *f = g->f;
	const struct dkim_key_row *last = f->n_keys > 0 ? &f->keys[f->n_keys - 1] : NULL;
	const struct dkim_keeper_list m = { .domain = bytes_from_str(f->domain),
		.after_domain = last != NULL ? last->domain : BYTES_NONE,
		.after_selector = last != NULL ? last->selector : BYTES_NONE };
	static struct dkim_keeper_list_answer answer;
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	dkim_keeper_list_encode(&body, &m);
	r = cli_ask(g->cli, fd, DKIM_KEEPER_LIST, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return false;
	in = ipc_reader(frame.body);
	if (frame.type != DKIM_KEEPER_LIST_ANSWER ||
		dkim_keeper_list_answer_decode(&in, &answer) < 0)
		return false;
	*more = answer.more && answer.count > 0;
	for (uint32_t i = 0; i < answer.count && f->n_keys < DNS_KEYS_MAX; i++) {
		struct dkim_key_row *k = &f->keys[f->n_keys++];

		*k = answer.rows[i];
		k->domain = arena_bytes(g->a, k->domain);
		k->selector = arena_bytes(g->a, k->selector);
		k->record = arena_bytes(g->a, k->record);
		k->seen = BYTES_NONE;
	}
	return true;
}

static void
take_keys(struct gathering *g)
{
	const struct mailauth_conf *conf = conf_values(&g->cli->conf, "mailauth");
	bool more = true, ok = true;
	int fd = cli_is_running(g->cli) ? cli_connect(g->cli, SERVICE_DKIM_KEEPER) : -1;

	g->f->signs = conf->sign;
	if (fd < 0)
		return;
	while (more && ok && g->f->n_keys < DNS_KEYS_MAX)
		ok = take_page(g, fd, &more);
	close(fd);
	g->f->keys_known = ok;
}

size_t
dns_local_domains(struct cli *cli, struct arena *a, const char *const **names)
{
	const struct conf_list *list = &cli_common(cli)->domain;
	struct table_file f;
	const char **all;
	size_t n = 0;

	if (!table_file_load(cli, TABLE_DOMAINS, &f))
		f.table.count = 0;
	all = arena_alloc(a, (list->n + f.table.count + 1) * sizeof(*all));
	for (size_t i = 0; i < list->n; i++)
		all[n++] = list->v[i];
	for (size_t i = 0; i < f.table.count; i++)
		if (table_files_is_local(cli, &f, f.table.entries[i].key))
			all[n++] = arena_str(a, f.table.entries[i].key);
	table_file_free(&f);
	*names = all;
	return n;
}

bool
dns_facts(struct cli *cli, struct arena *a, const struct dns_words *w, struct dns_facts *out)
{
	struct gathering g = { cli, a, out };

	*out = (struct dns_facts){ .policy = w->policy };
	if (!cli_load(cli) || !take_names(&g, w))
		return false;
	out->report_to =
		w->report_to != NULL ? w->report_to : arena_printf(a, "postmaster@%s", out->domain);
	out->smarthost = cli_common(cli)->smarthost[0] != 0;
	memcpy(out->addresses, w->addresses, sizeof(w->addresses));
	out->n_addresses = w->n_addresses;
	if (w->n_addresses == 0)
		take_system_addresses(out);
	take_sources(&g);
	take_services(&g);
	cert_each_configured(cli, take_certificate, &g);
	take_keys(&g);
	return true;
}
