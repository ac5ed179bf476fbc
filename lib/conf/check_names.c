/* SPDX-License-Identifier: ISC */
/* lib/conf/check_names.c - names of hosts and domains, and mail addresses, in options. */
#include "check_private.h"
#include "common_conf.h"
#include "directory_conf.h"
#include "err.h"
#include "mailauth_conf.h"
#include "qmgr_conf.h"
#include "resolver_conf.h"
#include "rfc5321.h"
#include "smtp_client_conf.h"

static bool
is_domain(struct bytes name)
{
	int n = rfc5321_parse_domain(name, RFC5321_UTF8);

	return n > 0 && (size_t)n == name.n;
}

/* "192.0.2.1" has the form of a name. */
static bool
is_number(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_digit(name.p[i]) && name.p[i] != '.')
			return false;
	return true;
}

static bool
is_qualified(struct bytes name)
{
	return bytes_find(name, '.') != BYTES_NOT_FOUND;
}

/* Names that mean something else, or nothing, to everybody else. */
static bool
is_private(struct bytes name)
{
	static const char *const ends[] = { "local", "localdomain", "localhost", "lan", "home",
		"internal", "intranet" };

	for (size_t i = 0; i < NITEMS(ends); i++)
		if (rfc5321_is_within(name, bytes_from_str(ends[i])))
			return true;
	return false;
}

static const char name_cure[] = "set it to the name that this host's address has in DNS, as "
				"mx.example.org";

void
check_hostname(struct conf_findings *f)
{
	const struct common_conf *common = conf_values(f->conf, "");
	struct bytes name = bytes_from_str(common->hostname);

	if (name.n == 0 || bytes_is_nocase(name, "localhost"))
		conf_find(f, CONF_ERROR, "hostname", name_cure,
			"is \"%s\": other hosts refuse mail from a host of that name",
			common->hostname);
	else if (!is_domain(name) || is_number(name))
		conf_find(f, CONF_ERROR, "hostname", name_cure, "\"%s\" is no name of a host",
			common->hostname);
	else if (!is_qualified(name))
		conf_find(f, CONF_ERROR, "hostname", name_cure,
			"\"%s\" is not fully qualified: other hosts refuse mail from it",
			common->hostname);
	else if (is_private(name))
		conf_find(f, CONF_WARNING, "hostname", name_cure,
			"\"%s\" is a name of an internal network: other hosts refuse mail from it",
			common->hostname);
}

static bool
is_before(const struct conf_list *list, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (bytes_equal_nocase(bytes_from_str(list->v[k]), bytes_from_str(list->v[i])))
			return true;
	return false;
}

void
check_domains(struct conf_findings *f)
{
	const struct common_conf *common = conf_values(f->conf, "");
	const struct conf_list *list = &common->domain;

	for (size_t i = 0; i < list->n; i++) {
		struct bytes name = bytes_from_str(list->v[i]);

		if (bytes_find(name, '@') != BYTES_NOT_FOUND)
			conf_find(f, CONF_ERROR, "domain", "write only what stands behind the @",
				"\"%s\" is an address", list->v[i]);
		else if (!is_domain(name) || is_number(name))
			conf_find(f, CONF_ERROR, "domain",
				"write names as example.org, with commas", "\"%s\" is no domain",
				list->v[i]);
		else if (is_before(list, i))
			conf_find(f, CONF_WARNING, "domain", "write it once", "%s is there twice",
				list->v[i]);
		else if (!is_qualified(name))
			conf_find(f, CONF_WARNING, "domain",
				"write all of its name, as example.org",
				"mail from elsewhere never comes to \"%s\"", list->v[i]);
	}
}

void
check_other_names(struct conf_findings *f)
{
	const struct smtp_client_conf *client = conf_values(f->conf, "smtp_client");
	const struct directory_conf *directory = conf_values(f->conf, "directory");
	const struct resolver_conf *resolver = conf_values(f->conf, "resolver");
	const struct mailauth_conf *mailauth = conf_values(f->conf, "mailauth");
	const struct conf_list *insecure = &resolver->insecure_domains;
	struct bytes helo = bytes_from_str(client->helo),
		     srs = bytes_from_str(directory->srs_domain);

	if (helo.n > 0 && (!is_domain(helo) || !is_qualified(helo)))
		conf_find(f, CONF_ERROR, "smtp_client.helo", name_cure,
			"\"%s\" is no fully qualified name: other hosts refuse it", client->helo);
	if (srs.n > 0 && !is_domain(srs))
		conf_find(f, CONF_ERROR, "directory.srs_domain",
			"write a domain whose mail comes here", "\"%s\" is no domain",
			directory->srs_domain);
	for (size_t i = 0; i < insecure->n; i++) {
		struct bytes name = bytes_from_str(insecure->v[i]);

		if (!bytes_is(name, ".") && !is_domain(name))
			conf_find(f, CONF_ERROR, "resolver.insecure_domains",
				"write names as corp.example", "\"%s\" is no domain",
				insecure->v[i]);
	}
	if (strpbrk(mailauth->authserv_id, " \t;()") != NULL)
		conf_find(f, CONF_ERROR, "mailauth.authserv_id", "write one word, as the hostname",
			"\"%s\" is not one word (RFC 8601 2.5)", mailauth->authserv_id);
}

static void
check_address(struct conf_findings *f, const char *option, const char *value)
{
	struct mailbox m;

	if (value[0] != 0 && rfc5321_parse_mailbox(bytes_from_str(value), RFC5321_UTF8, &m) < 0)
		conf_find(f, CONF_ERROR, option, "write one as ann@example.org",
			"\"%s\" is no mail address", value);
}

void
check_addresses(struct conf_findings *f)
{
	const struct directory_conf *directory = conf_values(f->conf, "directory");
	const struct mailauth_conf *mailauth = conf_values(f->conf, "mailauth");
	const struct qmgr_conf *qmgr = conf_values(f->conf, "qmgr");

	check_address(f, "directory.postmaster", directory->postmaster);
	check_address(f, "mailauth.report_from", mailauth->report_from);
	check_address(f, "mailauth.report_reverse_path", mailauth->report_reverse_path);
	check_address(f, "qmgr.double_bounce_to", qmgr->double_bounce_to);
}
