/* SPDX-License-Identifier: ISC */
/* tests/unit/tls/test_certs.c - certificates and keys in files: good, bad, old, changed. */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cert_files.h"
#include "cert_self.h"
#include "fixture.h"

struct paths {
	char *folder;
	char certificate[256], key[300], other[256];
};

static struct paths
make_paths(void)
{
	struct paths p = { .folder = fixture_folder() };

	snprintf(p.certificate, sizeof(p.certificate), "%s/fullchain.pem", p.folder);
	snprintf(p.key, sizeof(p.key), "%s/privkey.pem", p.folder);
	snprintf(p.other, sizeof(p.other), "%s/other", p.folder);
	return p;
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
load(const struct paths *p, struct cert_pair **pair, char *problem)
{
	return cert_pair_load(p->certificate, p->key, pair, problem);
}

/* ---- what is wrong, said clearly ---- */

static const struct row {
	const char *label, *type, *names;
	const char *certificate, *key; /* replaced by; NULL: as made; "-": removed */
	bool foreign_key;
	const char *problem;
} rows[] = {
	{ "no certificate file", "P-256", "DNS:a.b", "-", NULL, false, "No such file" },
	{ "no key file", "P-256", "DNS:a.b", NULL, "-", false, "No such file" },
	{ "empty certificate", "P-256", "DNS:a.b", "", NULL, false, "no certificate in PEM form" },
	{ "rubbish", "P-256", "DNS:a.b", "hello\n", NULL, false, "no certificate in PEM form" },
	{ "empty key", "P-256", "DNS:a.b", NULL, "", false, "no private key in PEM form" },
	{ "another's key", "P-256", "DNS:a.b", NULL, NULL, true, "does not belong" },
	{ "RSA too short", "RSA1024", "DNS:a.b", NULL, NULL, false, "2048 to 8192" },
	{ "P-521", "P-521", "DNS:a.b", NULL, NULL, false, "neither RSA nor ECDSA" },
	{ "Ed25519", "ED25519", "DNS:a.b", NULL, NULL, false, "neither RSA nor ECDSA" },
	{ "encrypted key", "P-256", "DNS:a.b", NULL,
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		"MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjBtyzM63MbVwICCAAw\n"
		"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEA6r1tJUVm9XbXfLeg2QbOAEgZBm\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n",
		false, "" },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct paths p = make_paths();
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;

	if (t->foreign_key) {
		assert_int_equal(mkdir(p.other, 0700), 0);
		fixture_write_pair(p.other, t->type, t->names, -1, 1);
		snprintf(p.key, sizeof(p.key), "%s/privkey.pem", p.other);
	}
	fixture_write_pair(p.folder, t->type, t->names, -1, 1);
	if (t->certificate != NULL && strcmp(t->certificate, "-") == 0)
		unlink(p.certificate);
	else if (t->certificate != NULL)
		put(p.certificate, t->certificate);
	if (t->key != NULL && strcmp(t->key, "-") == 0)
		unlink(p.key);
	else if (t->key != NULL)
		put(p.key, t->key);
	assert_true(load(&p, &pair, problem) < 0);
	assert_null(pair);
	assert_non_null(strstr(problem, t->problem));
	assert_non_null(strstr(problem, p.folder)); /* which file */
	fixture_remove(p.folder);
}

static void
good(void **arg)
{
	struct paths p = make_paths();
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;
	int64_t now = time(NULL);

	fixture_write_pair(
		p.folder, "RSA2048", "DNS:A.Example, DNS:*.b.example, IP:127.0.0.1", -1, 20);
	assert_int_equal(load(&p, &pair, problem), ERR_OK);
	assert_int_equal(pair->nnames, 2);
	assert_string_equal(pair->names[0], "a.example");
	assert_string_equal(pair->names[1], "*.b.example");
	assert_int_equal(pair->type, TLS_KEY_RSA);
	assert_int_equal(pair->bits, 2048);
	assert_true(pair->self_signed);
	assert_in_range(cert_pair_days_left(pair, now), 19, 20);
	assert_false(cert_pair_worry(pair, now, 14, problem));
	assert_true(cert_pair_worry(pair, now, 30, problem));
	assert_non_null(strstr(problem, "expires in"));
	assert_true(cert_pair_worry(pair, now + 21 * 86400, 14, problem));
	assert_non_null(strstr(problem, "expired 1 day ago"));
	assert_true(cert_pair_worry(pair, now - 3 * 86400, 14, problem));
	assert_non_null(strstr(problem, "not yet valid"));
	cert_pair_free(&pair);
	/* without names of its own the subject's common name counts */
	fixture_write_pair(p.folder, "P-384", "", -1, 20);
	assert_int_equal(load(&p, &pair, problem), ERR_OK);
	assert_string_equal(pair->names[0], "test");
	cert_pair_free(&pair);
	/* expired ones are usable: a worry, not an outage */
	fixture_write_pair(p.folder, "P-256", "DNS:a.b", -20, -2);
	assert_int_equal(load(&p, &pair, problem), ERR_OK);
	cert_pair_free(&pair);
	fixture_remove(p.folder);
}

static void
self_made(void **arg)
{
	struct paths p = make_paths();
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair, *second;
	struct stat st;

	assert_int_equal(cert_self_make(p.key, "MX.example.org"), ERR_OK);
	assert_int_equal(stat(p.key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(cert_pair_load(p.key, p.key, &pair, problem), ERR_OK);
	assert_int_equal(pair->nnames, 1);
	assert_string_equal(pair->names[0], "mx.example.org");
	assert_int_equal(pair->type, TLS_KEY_P256);
	assert_false(cert_pair_worry(pair, time(NULL), CERT_SELF_RENEW, problem));
	assert_int_equal(cert_self_make(p.key, "mx.example.org"), ERR_OK);
	assert_int_equal(cert_pair_load(p.key, p.key, &second, problem), ERR_OK);
	assert_memory_not_equal(pair->key_id, second->key_id, sizeof(pair->key_id));
	assert_int_equal(cert_self_make(p.key, "no host name"), ERR_SYNTAX);
	assert_int_equal(cert_self_make("/nowhere/at/all", "a.b"), ERR_NOT_FOUND);
	cert_pair_free(&pair);
	cert_pair_free(&second);
	fixture_remove(p.folder);
}

static void
self_made_once(void **arg)
{
	static const struct {
		const char *hostname;
		bool made;
	} steps[] = { { "mx.example.org", true }, { "MX.example.org", false },
		{ "mx.example.net", true }, { "mx.example.net", false } };
	struct paths p = make_paths();
	char problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;
	bool made;

	for (size_t i = 0; i < NITEMS(steps); i++) {
		assert_int_equal(
			cert_self_load(p.folder, steps[i].hostname, &pair, &made, problem), ERR_OK);
		assert_int_equal(made, steps[i].made);
		assert_true(pair->self_signed);
		cert_pair_free(&pair);
	}
	assert_int_equal(
		cert_self_load(p.folder, "no host name", &pair, &made, problem), ERR_SYNTAX);
	assert_false(made);
	assert_null(pair);
	fixture_remove(p.folder);
}

/* ---- which files there are ---- */

struct found {
	size_t n;
	char paths[8][256];
};

static void
note(void *arg, const char *certificate_path, const char *key_path)
{
	struct found *f = arg;

	assert_true(f->n < NITEMS(f->paths));
	snprintf(f->paths[f->n++], sizeof(f->paths[0]), "%s", certificate_path);
}

static void
files(void **arg)
{
	struct paths p = make_paths();
	const char *folders[] = { p.folder };
	struct cert_sources s = { "", "", folders, 1 };
	struct found f = { 0 };
	char path[300];
	uint64_t stamp;

	assert_int_equal(cert_files_each(&s, note, &f), 1); /* so that its absence is an error */
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "b.example", "a.example", "README" };

		snprintf(path, sizeof(path), "%s/%s", p.folder, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
		if (i < 2)
			fixture_write_pair(path, "P-256", "DNS:x.y", -1, 1);
	}
	f.n = 0;
	stamp = cert_files_stamp(&s);
	assert_int_equal(cert_files_each(&s, note, &f), 2);
	assert_non_null(strstr(f.paths[0], "/a.example/fullchain.pem"));
	assert_int_equal(cert_files_stamp(&s), stamp);
	fixture_write_pair(path, "P-256", "DNS:x.y", -1, 1); /* README has one now */
	assert_int_not_equal(cert_files_stamp(&s), stamp);
	stamp = cert_files_stamp(&s);
	snprintf(path, sizeof(path), "%s/a.example/privkey.pem", p.folder);
	assert_int_equal(unlink(path), 0);
	assert_int_not_equal(cert_files_stamp(&s), stamp);
	f.n = 0;
	s.certificate = "/x/cert.pem";
	assert_int_equal(cert_files_each(&s, note, &f), 4);
	assert_string_equal(f.paths[0], "/x/cert.pem");
	fixture_remove(p.folder);
}

int
main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(good), cmocka_unit_test(self_made),
		cmocka_unit_test(self_made_once), cmocka_unit_test(files) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("tls/certs", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("tls/certs, more", more, NULL, NULL);
}
