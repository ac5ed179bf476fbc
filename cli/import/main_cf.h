/* SPDX-License-Identifier: ISC */
/*
 * cli/import/main_cf.h - Postfix' main.cf as a list of settings (postconf(5)): lines, lines that
 * go on, comments, and $name in values. Pure; fuzzed.
 */
#ifndef RELAIS_MAIN_CF_H
#define RELAIS_MAIN_CF_H

#include "arena.h"
#include "bytes.h"

struct main_cf_setting {
	const char *name;
	struct bytes written; /* as written; of several lines, with a blank for each line's end */
	unsigned line;        /* its first */
	unsigned again;       /* the line that sets it again, and so wins; 0: none */
	bool used;            /* for who goes over the settings */
};

struct main_cf {
	struct arena *arena; /* names and values live there */
	struct main_cf_setting *settings;
	size_t count, cap;
	unsigned bad_line; /* the first that is no setting; 0: none */
};

void main_cf_parse(struct main_cf *m, struct bytes text); /* *m zero before, but for the arena */
void main_cf_free(struct main_cf *m);

/* The setting that counts; NULL: not there. */
struct main_cf_setting *main_cf_find(const struct main_cf *m, struct bytes name);

/*
 * The value of a setting, of Postfix' own default if it is not there, with $name, ${name},
 * $(name), ${name?text}, ${name:text} replaced: in the arena. Depth and length are bounded; what is
 * beyond is empty.
 */
struct bytes main_cf_value(struct main_cf *m, const char *name);
struct bytes main_cf_expand(struct main_cf *m, struct bytes text);

#endif
