/* SPDX-License-Identifier: ISC */
/*
 * cli/import/dovecot_conf.h - Dovecot's configuration (2.3) as a list of settings: blocks in
 * braces, comments, lines that go on. Files it includes are the caller's matter. Pure; fuzzed.
 */
#ifndef RELAIS_DOVECOT_CONF_H
#define RELAIS_DOVECOT_CONF_H

#include "arena.h"
#include "bytes.h"

#define DOVECOT_DEPTH_MAX 8 /* blocks within blocks; deeper ones are read as of this depth */

struct dovecot_setting {
	const char *block; /* the innermost block's first word; "" outside */
	unsigned number; /* of the block, so that its settings can be told from another's; 0 outside
			  */
	const char *name; /* "!include" and "!include_try" too */
	struct bytes value;
	const char *file;
	unsigned line;
};

struct dovecot_conf {
	struct arena *arena; /* names and values live there */
	struct dovecot_setting *settings;
	size_t count, cap;
	unsigned blocks; /* counted over all files */
};

/* Add the settings of one file's text; file is borrowed. */
void dovecot_conf_parse(struct dovecot_conf *c, const char *file, struct bytes text);
void dovecot_conf_free(struct dovecot_conf *c);

#endif
