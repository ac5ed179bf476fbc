/* SPDX-License-Identifier: ISC */
/* cli/config_check_machine.c - relais config check: ports, memory, descriptors, cores, the clock.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "config_check.h"
#include "ports.h"
#include "qmgr_conf.h"
#include "resolver_conf.h"
#include "services.h"
#include "smtp_client_conf.h"

/* ---- ports ---- */

static void
on_port(void *arg, const struct port_trouble *t)
{
	struct config_check *k = arg;
	const bool denied = strcmp(t->why, strerror(EACCES)) == 0;

	if (strcmp(t->why, strerror(EINVAL)) == 0)
		return; /* told already */
	if (denied && !k->is_root)
		conf_find(k->found, CONF_NOTE, t->option, "ask as root",
			"%s: this user may not open that port, so it was not tried", t->address);
	else if (t->program[0] != 0)
		conf_find(k->found, CONF_ERROR, t->option,
			arena_printf(&k->found->arena, "stop %s, or take another port", t->program),
			"%s is taken by %s (pid %d)", t->address, t->program, (int)t->pid);
	else
		conf_find(k->found, CONF_ERROR, t->option,
			k->is_root ? "take another address or port"
				   : "see who has it: ss -ltnp, as root",
			"%s: %s", t->address, t->why);
}

static void
find_ports(struct config_check *k)
{
	if (!k->running) /* else they are ours */
		(void)ports_check(&k->cli->conf, on_port, k);
}

/* ---- addresses ---- */

/* As smtp-client does it: loopback has more addresses than its interface tells. */
static bool
may_bind(const char *address)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *ai;
	bool yes;
	int fd;

	if (getaddrinfo(address, NULL, &hints, &ai) != 0)
		return true; /* empty, or none */
	fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	yes = fd >= 0 && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return yes;
}

static void
find_source(struct config_check *k, const char *option)
{
	const char *text = *(const char *const *)conf_option_value(&k->cli->conf, option);

	if (text[0] != 0 && !may_bind(text))
		conf_find(k->found, CONF_ERROR, option,
			"name one that \"ip address\" shows, or leave it empty",
			"%s is no address of this machine: no mail leaves from it", text);
}

static void
find_sources(struct config_check *k)
{
	find_source(k, "smtp_client.source_ipv4");
	find_source(k, "smtp_client.source_ipv6");
}

/* ---- what one process may have ---- */

static void
find_descriptors(struct config_check *k)
{
	static const struct {
		enum service service;
		const char *option;
		unsigned each; /* descriptors of one of them */
	} rows[] = {
		{ SERVICE_SMTPD, "smtpd.connection_limit", 2 },
		{ SERVICE_SUBMISSION, "submission.connection_limit", 2 },
		{ SERVICE_IMAP_LOGIN, "imapd.connection_limit", 2 },
		{ SERVICE_POP3_LOGIN, "pop3d.connection_limit", 2 },
		{ SERVICE_SMTP_CLIENT, "smtp_client.connections", 2 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		const struct service_row *row = service_row(rows[i].service);
		uint64_t n;

		n = *(const uint64_t *)conf_option_value(&k->cli->conf, rows[i].option);
		if (n * rows[i].each > row->files_limit)
			conf_find(k->found, CONF_WARNING, rows[i].option,
				arena_printf(&k->found->arena, "set it to at most %u",
					row->files_limit / rows[i].each),
				"%llu connections need more descriptors than a process of %s has "
				"(%u)",
				(unsigned long long)n, service_name(rows[i].service),
				row->files_limit);
	}
}

/* Master's own limit is the children's, too, unless it may raise it. */
static void
find_limit_of_files(struct config_check *k)
{
	struct rlimit limit;

	if (k->is_root || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	for (size_t i = 0; i < nservices; i++)
		if (services[i].files_limit > limit.rlim_max) {
			conf_find_at(k->found, CONF_NOTE, k->found->path, 0,
				"start the suite as root, or raise it: ulimit -Hn",
				"this user may have %llu descriptors in a process, and %s wants %u",
				(unsigned long long)limit.rlim_max,
				service_name(services[i].service), services[i].files_limit);
			return;
		}
}

static uint64_t
memory(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

static void
find_memory(struct config_check *k)
{
	static const char *const caches[] = { "qmgr.memory_limit", "resolver.cache_size",
		"ledger.cache_size" };
	const uint64_t there = memory();

	for (size_t i = 0; there > 0 && i < NITEMS(caches); i++) {
		uint64_t n;

		n = *(const uint64_t *)conf_option_value(&k->cli->conf, caches[i]);
		if (n > there / 2)
			conf_find(k->found, CONF_WARNING, caches[i],
				arena_printf(&k->found->arena, "set it to at most %lluM",
					(unsigned long long)(there / 4 / OPT_MIB)),
				"%llu MiB are more than half of this machine's memory (%llu MiB)",
				(unsigned long long)(n / OPT_MIB),
				(unsigned long long)(there / OPT_MIB));
	}
}

/* ---- cores ---- */

static void
find_workers(struct config_check *k)
{
	static const char *const counts[] = { "workers", "smtp_client.processes",
		"mailauth.verifiers", "mailauth.signers" };
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct conf_option o = { 0 };

	for (size_t i = 0; cores > 0 && i < NITEMS(counts); i++) {
		uint64_t n;

		ASSERT(conf_option_named(&k->cli->conf, counts[i], &o));
		n = *(const uint64_t *)conf_option_value(&k->cli->conf, counts[i]);
		if (n > 4 * (uint64_t)cores && o.origin->file != NULL)
			conf_find(k->found, CONF_WARNING, counts[i],
				"set it to 0: one for each core",
				"%llu processes on %ld core%s only stand in each other's way",
				(unsigned long long)n, cores, cores == 1 ? "" : "s");
	}
}

/* More on its way than there are connections for. */
static void
find_outbound_connections(struct config_check *k)
{
	const struct qmgr_conf *qmgr = conf_values(&k->cli->conf, "qmgr");
	const struct smtp_client_conf *client = conf_values(&k->cli->conf, "smtp_client");
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);
	const unsigned n = service_instances(
		service_row(SERVICE_SMTP_CLIENT), &k->cli->conf, cores > 0 ? (unsigned)cores : 1);
	const uint64_t connections = n * client->connections;

	if (qmgr->outbound_jobs > connections)
		conf_find(k->found, CONF_WARNING, "qmgr.outbound_jobs",
			"raise smtp_client.connections, or lower this",
			"%llu messages may be on their way, and there are %llu connections for "
			"them",
			(unsigned long long)qmgr->outbound_jobs, (unsigned long long)connections);
}

/* ---- the clock ---- */

/* A machine that begins in 1970 sees no valid certificate and signs for the past. */
static void
find_clock(struct config_check *k)
{
	if (time(NULL) < 1700000000)
		conf_find_at(k->found, CONF_ERROR, k->found->path, 0,
			"set it, and keep it right: apt install systemd-timesyncd",
			"this machine's clock is years behind: certificates and signatures are not "
			"valid yet");
}

const struct config_check_row config_check_machine[] = {
	{ "ports", find_ports, false, "no other program has the doors' ports" },
	{ "source-addresses", find_sources, false, "addresses to send from are this machine's" },
	{ "descriptors", find_descriptors, false,
		"limits of connections are below those of descriptors" },
	{ "file-limit", find_limit_of_files, false, "this user may have enough descriptors" },
	{ "memory", find_memory, false, "caches fit into this machine's memory" },
	{ "cores", find_workers, false, "processes fit this machine's cores" },
	{ "outbound-connections", find_outbound_connections, false,
		"there are connections for all that may be on its way" },
	{ "clock", find_clock, false, "the clock is not years behind" },
	{ NULL, NULL, false, NULL },
};
