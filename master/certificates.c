/* SPDX-License-Identifier: ISC */
/*
 * master/certificates.c - notices changed certificates (an ACME client's work) by the files'
 * times, and has keyholder replaced.
 *
 * The files are written one after the other; what is seen must be the same at two looks, a
 * second apart. Master never opens them.
 */
#include <time.h>

#include "cert_files.h"
#include "log.h"
#include "master.h"
#include "tls_conf.h"

#define SETTLE_MS  1000
#define SELF_RENEW (30 * 86400) /* s: keyholder looks at its own certificate so often */

static uint64_t
stamp(const struct master *m)
{
	const struct tls_conf *conf = conf_values(&m->conf, "tls");
	const struct cert_sources sources = { conf->certificate, conf->key, conf->certificates.v,
		conf->certificates.n };
	bool own = conf->certificate[0] == 0 && conf->certificates.n == 0;

	return cert_files_stamp(&sources) + (own ? (uint64_t)(time(NULL) / SELF_RENEW) : 0);
}

static void
look_again(struct master *m, uint64_t ms)
{
	const struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };

	event_add(m->certificate_timer, &tv);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;
	const struct tls_conf *conf = conf_values(&m->conf, "tls");
	uint64_t now = stamp(m);
	struct child *keyholder;

	if (m->stopping)
		return;
	if (now != m->certificate_stamp && now != m->certificate_seen) {
		m->certificate_seen = now;
		look_again(m, SETTLE_MS);
		return;
	}
	keyholder = child_find(m, SERVICE_KEYHOLDER, 0);
	if (now != m->certificate_stamp && keyholder != NULL) {
		m->certificate_stamp = now;
		log_info("certificates have changed");
		master_succeed(m, keyholder);
	}
	look_again(m, conf->check_interval);
}

void
certificates_taken(struct master *m)
{
	m->certificate_stamp = m->certificate_seen = stamp(m);
}

void
certificates_watch(struct master *m)
{
	const struct tls_conf *conf = conf_values(&m->conf, "tls");

	m->certificate_timer = event_new(m->base, -1, 0, on_look, m);
	ASSERT(m->certificate_timer != NULL);
	certificates_taken(m);
	look_again(m, conf->check_interval);
}
