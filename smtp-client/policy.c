/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/policy.c - what TLS one host must speak, and as whom it must be known.
 *
 * Pure. Sources: RFC 7672 sec. 2 and 3.2; docs/outbound.md has the table.
 */
#include "client.h"

static void
add_name(struct host_policy *out, const char *name)
{
	if (name == NULL || name[0] == 0 || out->n_names == TLS_CLIENT_NAMES_MAX)
		return;
	for (unsigned i = 0; i < out->n_names; i++)
		if (strcmp(out->names[i], name) == 0)
			return;
	out->names[out->n_names++] = name;
}

/* "_submission._tcp.example.org" without its first labels */
static const char *
service_domain(const char *name)
{
	while (name[0] == '_' && strchr(name, '.') != NULL)
		name = strchr(name, '.') + 1;
	return name;
}

/* By authorities: the names that were told, or those that nobody on the way could forge. */
static void
by_authority(const struct place *p, const struct hosts_result *found, const struct host *host,
	struct host_policy *out)
{
	out->tls = CLIENT_TLS_VERIFY;
	out->judge = TLS_JUDGE_PKIX;
	for (unsigned i = 0; i < p->n_names; i++)
		add_name(out, p->names[i]);
	if (p->n_names > 0)
		return;
	if (host->trusted)
		add_name(out, host->name);
	if (p->kind == NEXT_HOP_MX)
		add_name(out, found->domain);
	if (host->trusted && p->kind == NEXT_HOP_MX)
		add_name(out, found->canonical);
	if (out->n_names == 0) /* SRV without DNSSEC: only the domain of the service is sure */
		add_name(out, service_domain(found->domain));
}

static void
by_dane(const struct place *p, const struct hosts_result *found, const struct host *host,
	struct host_policy *out)
{
	out->tls = CLIENT_TLS_VERIFY;
	out->judge = TLS_JUDGE_DANE;
	out->server_name = host->tlsa_base;
	out->tlsa = host->records;
	out->n_tlsa = host->n_tlsa;
	add_name(out, host->tlsa_base);
	if (p->kind == NEXT_HOP_MX) {
		add_name(out, found->domain);
		add_name(out, found->canonical);
	}
}

int
host_policy(const struct place *p, const struct hosts_result *found, const struct host *host,
	struct host_policy *out, const char **why)
{
	*out = (struct host_policy){ .tls = CLIENT_TLS_NONE, .judge = TLS_JUDGE_NOBODY };
	if (!host->is_address)
		out->server_name = host->name;
	switch (p->tls) {
	case TLS_LEVEL_NONE:
		return ERR_OK;
	case TLS_LEVEL_MAY:
		out->tls = CLIENT_TLS_MAY;
		return ERR_OK;
	case TLS_LEVEL_VERIFY:
		by_authority(p, found, host, out);
		return ERR_OK;
	case TLS_LEVEL_DANE:
	case TLS_LEVEL_DANE_ONLY:
		break;
	default:
		out->tls = CLIENT_TLS_ENCRYPT;
		return ERR_OK;
	}
	if (host->tlsa == HOSTS_TLSA_UNKNOWN) {
		*why = "TLSA lookup error";
		return ERR_DENIED;
	}
	if (host->tlsa == HOSTS_TLSA_USABLE) {
		by_dane(p, found, host, out);
		return ERR_OK;
	}
	if (p->tls == TLS_LEVEL_DANE_ONLY) {
		*why = "no usable TLSA records, and the policy is dane-only";
		return ERR_DENIED;
	}
	out->tls = host->tlsa == HOSTS_TLSA_UNUSABLE || p->tls_required ? CLIENT_TLS_ENCRYPT
									: CLIENT_TLS_MAY;
	return ERR_OK;
}
