/* SPDX-License-Identifier: ISC */
/*
 * keyholder/load_keys.c - reads all certificates and keys that the configuration names.
 *
 * Runs in:  keyholder before its jail, as root.
 * Trusts:   the configuration and the files' owner.
 */
#include "load_keys.h"

#include "cert_self.h"
#include "log.h"

struct loading {
	struct key_store *store;
	unsigned problems;
};

static void
load_one(void *arg, const char *certificate_path, const char *key_path)
{
	struct loading *l = arg;
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair = NULL;

	if (cert_pair_load(certificate_path, key_path, &pair, problem) < 0) {
		log_error("certificate not taken: %s", problem);
		l->problems++;
		return;
	}
	key_store_add(l->store, pair);
}

/* The one of our own making. */
static unsigned
load_self_signed(struct key_store *s, const struct common_conf *common)
{
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair = NULL;
	bool made = false;
	int r = cert_self_load(common->state, common->hostname, &pair, &made, problem);

	if (made)
		log_info("a self-signed certificate for %s was made: %s/tls/" CERT_SELF_FILE,
			common->hostname, common->state);
	if (r < 0)
		log_error("no self-signed certificate for \"%s\": %s %s", common->hostname,
			err_text(r), problem);
	else
		key_store_add(s, pair);
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
