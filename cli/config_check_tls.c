/* SPDX-License-Identifier: ISC */
/* cli/config_check_tls.c - relais config check: certificates, their keys' files, DKIM keys. */
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cert_pair.h"
#include "config_check.h"
#include "tls_conf.h"
#include "tls_name.h"

/* ---- certificates ---- */

struct certificates {
	struct config_check *k;
	const struct tls_conf *tls;
	size_t usable, unseen;
	bool fits_hostname, has_foreign; /* one that others signed */
};

static bool
fits(const struct cert_pair *pair, const char *hostname)
{
	char name[TLS_NAME_SIZE];

	if (tls_name_clean(bytes_from_str(hostname), name) < 0)
		return true; /* told already */
	for (size_t i = 0; i < pair->nnames; i++)
		if (tls_name_matches(pair->names[i], name))
			return true;
	return false;
}

/* "PATH: why" becomes why: the path is told before it. */
static const char *
without_path(const char *problem, const char *path)
{
	size_t n = strlen(path);

	return strncmp(problem, path, n) == 0 && problem[n] == ':' ? problem + n + 2 : problem;
}

static void
look_at_times(struct certificates *c, const struct cert_pair *pair, const char *path)
{
	const int days = cert_pair_days_left(pair, time(NULL));
	char problem[CERT_PROBLEM_MAX];

	if (!cert_pair_worry(pair, time(NULL), (unsigned)c->tls->warn_days, problem))
		return;
	conf_find_at(c->k->found,
		days < 0 || pair->not_before > time(NULL) ? CONF_ERROR : CONF_WARNING, path, 0,
		pair->not_before > time(NULL) ? "see whether this machine's clock is right"
					      : "renew it; a new file is taken up by itself",
		"%s", without_path(problem, path));
}

static void
look_at_key(struct certificates *c, const char *path)
{
	if (config_check_is_open(path, false))
		conf_find_at(c->k->found, CONF_ERROR, path, 0,
			arena_printf(&c->k->found->arena, "chmod o= %s", path),
			"every user of this machine can read this private key");
}

static void
one(void *arg, const char *certificate_path, const char *key_path)
{
	struct certificates *c = arg;
	struct conf_findings *found = c->k->found;
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair = NULL;
	int r = cert_pair_load(certificate_path, key_path, &pair, problem);
	const char *about =
		strncmp(problem, key_path, strlen(key_path)) == 0 ? key_path : certificate_path;

	look_at_key(c, key_path);
	if (r == ERR_DENIED && !c->k->is_root) {
		c->unseen++;
		conf_find_at(found, CONF_NOTE, about, 0, "ask as root",
			"cannot be read by this user, so it was not looked at");
	} else if (r < 0) {
		conf_find_at(found, CONF_ERROR, about, 0,
			"mend the file, or take it out of section tls: the doors don't use it",
			"%s", without_path(problem, about));
	} else {
		c->usable++;
		c->has_foreign |= !pair->self_signed;
		c->fits_hostname |= fits(pair, cli_common(c->k->cli)->hostname);
		look_at_times(c, pair, certificate_path);
	}
	cert_pair_free(&pair);
}

static void
find_certificates(struct config_check *k)
{
	struct certificates c = { .k = k, .tls = conf_values(&k->cli->conf, "tls") };
	const bool named = c.tls->certificate[0] != 0 || c.tls->certificates.n > 0;
	const char *option = c.tls->certificate[0] != 0 ? "tls.certificate" : "tls.certificates";

	cert_each_configured(k->cli, one, &c);
	if (named && c.usable == 0 && c.unseen == 0)
		conf_find(k->found, CONF_ERROR, option,
			"name files that are there and fit together",
			"no certificate is of use: there is no TLS, and so no login");
	else if (named && c.usable > 0 && c.unseen == 0 && !c.fits_hostname)
		conf_find(k->found, CONF_WARNING, option,
			"get one with that name, or set hostname to a name that it has",
			"no certificate has the name %s: clients that check it refuse it",
			cli_common(k->cli)->hostname);
	if (!named && c.tls->self_signed)
		conf_find(k->found, CONF_WARNING, "tls.certificate",
			"get a certificate, as by certbot, and set tls.certificate and tls.key",
			"there is none: the doors show one that this host signed itself, of which "
			"every reader warns its user");
}

/* ---- DKIM ---- */

#define DKIM_NAME "._domainkey." /* within "SELECTOR._domainkey.DOMAIN", a file's name */

static void
look_at_key_file(
	struct config_check *k, const char *folder, const char *name, const struct passwd *owner)
{
	char path[1500];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if (owner != NULL && k->is_root && st.st_uid != owner->pw_uid)
		conf_find_at(k->found, CONF_ERROR, path, 0,
			arena_printf(&k->found->arena, "chown %s: %s", owner->pw_name, path),
			"belongs to uid %u: the keeper of DKIM keys (%s) cannot read it",
			(unsigned)st.st_uid, owner->pw_name);
	if ((st.st_mode & 0077) != 0)
		conf_find_at(k->found, CONF_ERROR, path, 0,
			arena_printf(&k->found->arena, "chmod 600 %s", path),
			"others than its owner can read this private key (mode %04o)",
			(unsigned)st.st_mode & 07777);
}

/* Whether each domain has a key is seen with the tables. */
static void
find_dkim(struct config_check *k)
{
	const struct common_conf *common = cli_common(k->cli);
	const struct passwd *owner = getpwnam(common->dkim_user);
	char path[1200];
	struct dirent *d;
	DIR *keys;

	snprintf(path, sizeof(path), "%s/dkim", common->state);
	keys = opendir(path);
	if (keys == NULL && errno == EACCES)
		conf_find_at(k->found, CONF_NOTE, path, 0, "ask as root",
			"cannot be looked at by this user: DKIM keys were not checked");
	while (keys != NULL && (d = readdir(keys)) != NULL)
		if (strstr(d->d_name, DKIM_NAME) != NULL)
			look_at_key_file(k, path, d->d_name, owner);
	if (keys != NULL)
		closedir(keys);
}

const struct config_check_row config_check_tls[] = {
	{ "certificates", find_certificates, false,
		"certificates can be read, are valid, fit hostname; keys are private" },
	{ "dkim-keys", find_dkim, false, "files of DKIM keys are private, and the keeper's" },
	{ NULL, NULL, false, NULL },
};
