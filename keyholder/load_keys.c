/* SPDX-License-Identifier: ISC */
/*
 * keyholder/load_keys.c - reads all certificates and keys that the configuration names.
 *
 * Runs in:  keyholder before its jail, as root.
 * Trusts:   the configuration and the files' owner.
 */
#include "load_keys.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "cert_self.h"
#include "log.h"
#include "tls_name.h"

struct loading {
	struct key_store *store;
	unsigned problems;
};

static void
load_one(void *arg, const char *certificate_path, const char *key_path)
{
	struct loading *l = arg;
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;

	if (cert_pair_load(certificate_path, key_path, &pair, problem) < 0) {
		log_error("certificate not taken: %s", problem);
		l->problems++;
		return;
	}
	key_store_add(l->store, pair);
}

static bool
is_for(const struct cert_pair *pair, const char *hostname)
{
	char name[TLS_NAME_SIZE];

	if (tls_name_clean(bytes_from_str(hostname), name) < 0)
		return false;
	for (size_t i = 0; i < pair->nnames; i++)
		if (tls_name_matches(pair->names[i], name))
			return true;
	return false;
}

/* The one of our own making: made if missing, of another name, or near its end. */
static unsigned
load_self_signed(struct key_store *s, const struct common_conf *common)
{
	struct buf folder = BUF_INIT, path = BUF_INIT;
	char problem[CERT_PROBLEM_MAX] = "";
	struct cert_pair *pair = NULL;
	int r;

	buf_printf(&folder, "%s/tls", common->state);
	buf_printf(&path, "%s/self-signed.pem", buf_str(&folder));
	r = mkdir(buf_str(&folder), 0700) == 0 || errno == EEXIST ? ERR_OK : ERR_IO;
	if (r == ERR_OK)
		r = cert_pair_load(buf_str(&path), buf_str(&path), &pair, problem);
	if (r < 0 || !is_for(pair, common->hostname) ||
		cert_pair_days_left(pair, time(NULL)) < CERT_SELF_RENEW) {
		cert_pair_free(&pair);
		r = cert_self_make(buf_str(&path), common->hostname);
		if (r == ERR_OK)
			r = cert_pair_load(buf_str(&path), buf_str(&path), &pair, problem);
		if (r == ERR_OK)
			log_info("a self-signed certificate for %s was made: %s", common->hostname,
				buf_str(&path));
		else
			log_error("no self-signed certificate for \"%s\": %s %s", common->hostname,
				err_text(r), problem);
	}
	if (r == ERR_OK)
		key_store_add(s, pair);
	buf_free(&folder);
	buf_free(&path);
	return r < 0;
}

unsigned
load_keys(struct key_store *s, const struct common_conf *common, const struct tls_conf *conf)
{
	const struct cert_sources sources = { conf->certificate, conf->key, conf->certificates.v,
		conf->certificates.n };
	struct loading l = { s, 0 };
	size_t configured = cert_files_each(&sources, load_one, &l);

	if (configured == 0 && conf->self_signed)
		l.problems += load_self_signed(s, common);
	key_store_index(s, common->hostname);
	return l.problems;
}
