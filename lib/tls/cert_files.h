/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/cert_files.h - which certificate files there are, and whether they have changed.
 *
 * Reads folders and file times only, never a key.
 */
#ifndef RELAIS_CERT_FILES_H
#define RELAIS_CERT_FILES_H

#include <stdint.h>

#include "bytes.h"

/* As configured: section tls. */
struct cert_sources {
	const char *certificate, *key; /* "" for none */
	const char *const *folders;
	size_t nfolders;
};

#define CERT_FILES_MAX 20000 /* pairs; what is beyond is not looked at */

typedef void cert_files_fn(void *arg, const char *certificate_path, const char *key_path);

/*
 * Each pair of files: first the one named, then those of the folders (FOLDER/fullchain.pem, or
 * FOLDER/x/fullchain.pem, in the order of names). A folder without any is given as if it had
 * one, so that loading it says what is wrong. returns: how many
 */
size_t cert_files_each(const struct cert_sources *sources, cert_files_fn *each, void *arg);

/* Changes when any of the files does (name, inode, size, time of change). */
uint64_t cert_files_stamp(const struct cert_sources *sources);

#endif
