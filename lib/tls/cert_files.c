/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/cert_files.c - the files of certificates: found, and watched by their times.
 *
 * Runs in:  keyholder's start, master (times only), the operator's command.
 */
#include "cert_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

#define CERTIFICATE_FILE "fullchain.pem"
#define KEY_FILE         "privkey.pem"

struct walk {
	cert_files_fn *each;
	void *arg;
	size_t count;
};

static void
give(struct walk *w, const char *folder)
{
	struct buf certificate = BUF_INIT, key = BUF_INIT;

	buf_printf(&certificate, "%s/" CERTIFICATE_FILE, folder);
	buf_printf(&key, "%s/" KEY_FILE, folder);
	if (w->count++ < CERT_FILES_MAX)
		w->each(w->arg, buf_str(&certificate), buf_str(&key));
	buf_free(&certificate);
	buf_free(&key);
}

static bool
has_pair(const char *folder)
{
	struct buf path = BUF_INIT;
	bool there;

	buf_printf(&path, "%s/" CERTIFICATE_FILE, folder);
	there = access(buf_str(&path), F_OK) == 0;
	buf_free(&path);
	return there;
}

/* The folders in a folder that have a pair. */
static size_t
give_folders(struct walk *w, const char *folder)
{
	struct dirent **all;
	size_t found = 0;
	int n = scandir(folder, &all, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		struct buf path = BUF_INIT;

		buf_printf(&path, "%s/%s", folder, all[i]->d_name);
		if (all[i]->d_name[0] != '.' && has_pair(buf_str(&path))) {
			give(w, buf_str(&path));
			found++;
		}
		buf_free(&path);
		free(all[i]);
	}
	if (n >= 0)
		free(all);
	return found;
}

size_t
cert_files_each(const struct cert_sources *sources, cert_files_fn *each, void *arg)
{
	struct walk w = { each, arg, 0 };

	if (sources->certificate[0] != 0 || sources->key[0] != 0) {
		w.count++;
		each(arg, sources->certificate, sources->key);
	}
	for (size_t i = 0; i < sources->nfolders; i++) {
		const char *folder = sources->folders[i];

		if (has_pair(folder) || give_folders(&w, folder) == 0)
			give(&w, folder);
	}
	return w.count < CERT_FILES_MAX ? w.count : CERT_FILES_MAX;
}

/* FNV-1a: no secret is needed, the files are root's. */
static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *octets = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ octets[i]) * 0x100000001b3u;
	return h;
}

static uint64_t
mix_file(uint64_t h, const char *path)
{
	struct stat st;

	h = mix(h, path, strlen(path));
	if (stat(path, &st) != 0)
		return mix(h, "-", 1);
	h = mix(h, &st.st_dev, sizeof(st.st_dev));
	h = mix(h, &st.st_ino, sizeof(st.st_ino));
	h = mix(h, &st.st_size, sizeof(st.st_size));
	return mix(h, &st.st_mtim, sizeof(st.st_mtim));
}

static void
mix_pair(void *arg, const char *certificate_path, const char *key_path)
{
	uint64_t *h = arg;

	*h = mix_file(mix_file(*h, certificate_path), key_path);
}

uint64_t
cert_files_stamp(const struct cert_sources *sources)
{
	uint64_t h = 0xcbf29ce484222325u;

	cert_files_each(sources, mix_pair, &h);
	return h;
}
