/* SPDX-License-Identifier: ISC */
/*
 * master/changed_files.c - notices by the files' times what services have read before their
 * jail and cannot look at again: certificates (an ACME client's work), name servers (DHCP's). The
 * service is replaced by a process that reads them anew.
 *
 * Files are written one after the other; what is seen must be the same at two looks, a second
 * apart. Master never opens them.
 */
#include <sys/stat.h>
#include <time.h>

#include "cert_files.h"
#include "log.h"
#include "master.h"
#include "resolver_conf.h"
#include "tls_conf.h"

#define SETTLE_MS  1000
#define SELF_RENEW (30 * 86400) /* s: keyholder looks at its own certificate so often */

static uint64_t
certificates(const struct master *m)
{
	const struct tls_conf *conf = conf_values(&m->conf, "tls");
	const struct cert_sources sources = { conf->certificate, conf->key, conf->certificates.v,
		conf->certificates.n };
	bool own = conf->certificate[0] == 0 && conf->certificates.n == 0;

	return cert_files_stamp(&sources) + (own ? (uint64_t)(time(NULL) / SELF_RENEW) : 0);
}

/* One file; 0 if it is not there. */
static uint64_t
stamp_of(const char *path)
{
	struct stat st;

	if (path[0] == 0 || stat(path, &st) != 0)
		return 0;
	return ((uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec) * 31 +
	       (uint64_t)st.st_ino * 17 + (uint64_t)st.st_size;
}

static uint64_t
name_servers(const struct master *m)
{
	const struct resolver_conf *conf = conf_values(&m->conf, "resolver");
	uint64_t stamp = stamp_of(conf->trust_anchor);

	for (size_t i = 0; i < conf->forwarders.n; i++)
		if (strcmp(conf->forwarders.v[i], "system") == 0)
			stamp = stamp * 3 + stamp_of(RESOLVER_SYSTEM_FILE);
	return stamp;
}

static const struct row {
	enum service service;
	uint64_t (*stamp)(const struct master *m);
	const char *what;
} rows[] = {
	{ SERVICE_KEYHOLDER, certificates, "certificates" },
	{ SERVICE_RESOLVER, name_servers, "name servers or trust anchor" },
};

_Static_assert(NITEMS(rows) == MASTER_FILES, "one stamp for each");

static void
look_again(struct master *m, uint64_t ms)
{
	const struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };

	event_add(m->files_timer, &tv);
}

/* true: it is to be looked at again soon. */
static bool
look_at(struct master *m, const struct row *row, struct file_stamp *known)
{
	uint64_t now = row->stamp(m);
	struct child *c;

	if (now == known->taken)
		return false;
	if (now != known->seen) {
		known->seen = now;
		return true;
	}
	c = child_find(m, row->service, 0);
	if (c == NULL)
		return false;
	known->taken = now;
	log_info("%s have changed", row->what);
	master_succeed(m, c);
	return false;
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;
	const struct tls_conf *conf = conf_values(&m->conf, "tls");
	bool soon = false;

	if (m->stopping)
		return;
	if (upgrade_is_running(m)) { /* all services are being replaced */
		look_again(m, SETTLE_MS);
		return;
	}
	for (size_t i = 0; i < NITEMS(rows); i++)
		soon |= look_at(m, &rows[i], &m->files[i]);
	look_again(m, soon ? SETTLE_MS : conf->check_interval);
}

void
changed_files_taken(struct master *m)
{
	for (size_t i = 0; i < NITEMS(rows); i++)
		m->files[i].taken = m->files[i].seen = rows[i].stamp(m);
}

void
changed_files_watch(struct master *m)
{
	const struct tls_conf *conf = conf_values(&m->conf, "tls");

	m->files_timer = event_new(m->base, -1, 0, on_look, m);
	ASSERT(m->files_timer != NULL);
	changed_files_taken(m);
	look_again(m, conf->check_interval);
}
