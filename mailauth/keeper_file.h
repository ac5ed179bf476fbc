/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper_file.h - DKIM keys on disk: one file for each, in one folder. The format is
 * documented in docs/dkim-keys.md.
 *
 *	relais-dkim-key 1
 *	domain example.org
 *	selector r2026a
 *	type rsa
 *	state active
 *	created 1795000000
 *	since 1795000600
 *	record v=DKIM1; k=rsa; p=...
 *	-----BEGIN PRIVATE KEY-----
 *	...
 *
 * The file's name is that of the record, "r2026a._domainkey.example.org". A key that is gone has
 * no private key. A change writes a new file, flushes it, renames it over the old one and flushes
 * the folder: after a crash there is the old state or the new one.
 */
#ifndef RELAIS_KEEPER_FILE_H
#define RELAIS_KEEPER_FILE_H

#include "keeper_life.h"

#define KEEPER_NAME_MAX 253 /* a record's name in DNS, and so a file's */
#define KEEPER_FILE_MAX (16 * 1024)

/* One key; strings are its own, and freed with it. */
struct keeper_key {
	char domain[DKIM_DOMAIN_MAX + 1];
	char selector[DKIM_SELECTOR_MAX + 1];
	enum dkim_key_type type;
	struct keeper_life life;
	struct buf record; /* text of the TXT record */
	struct buf pem;    /* BUF_SECRET; empty: gone */

	bool asking;  /* DNS is being asked */
	bool unsaved; /* the file does not say yet what is here */
};

struct keeper_key *keeper_key_new(
	struct bytes domain, struct bytes selector, enum dkim_key_type type);
void keeper_key_free(struct keeper_key **key); /* wipes it */

/* "r2026a._domainkey.example.org" */
void keeper_key_name(const struct keeper_key *key, char out[KEEPER_NAME_MAX + 1]);

/* true if the selector can be one of the domain: labels of letters, digits and '-', lower case,
 * and the record's name is not too long. */
bool keeper_selector_ok(struct bytes domain, struct bytes selector);

/* The same of a domain; with A-labels, lower case. */
bool keeper_domain_ok(struct bytes domain);

/* ---- the text of a file; pure ---- */
void keeper_file_write(const struct keeper_key *key, struct buf *out);
/* returns: ERR_OK; ERR_SYNTAX: it is not as keeper_file_write() makes it; *out only on success */
MUST_USE int keeper_file_parse(struct bytes text, struct keeper_key **out);

/* ---- the folder ---- */
MUST_USE int keeper_file_save(int dirfd, const struct keeper_key *key); /* over what is there */
/* ERR_EXISTS: there is something of the key's name, perhaps a key that does not read; an error */
MUST_USE int keeper_file_is_free(int dirfd, const struct keeper_key *key);
/* A new key's; what is there stays (ERR_EXISTS). If it fails there is nothing new. */
MUST_USE int keeper_file_create(int dirfd, const struct keeper_key *key);
int keeper_file_remove(int dirfd, const struct keeper_key *key);

/* Every key of the folder; a file that is none is told of (name, err) and left alone.
 * returns: ERR_OK; < 0: the folder can't be read */
MUST_USE int keeper_files_read(int dirfd, void (*found)(void *arg, struct keeper_key *key),
	void (*bad)(void *arg, const char *name, int err), void *arg);

#endif
