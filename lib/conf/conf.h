/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/conf.h - the configuration: rows describe options; a file gives values.
 *
 * A row is the struct member, the type, the default, the range and the manual's line at
 * once. The parser, `relais config show`, the shipped file and the manual come from the
 * same rows. Every error of a file is reported, with file and line; a configuration with
 * an error is never used.
 *
 * The file:	# comment
 *		hostname = mx.example.org
 *		domain = example.org, example.net	# a list
 *		smtpd {
 *			message_size_limit = 50M	# K M G: powers of 1024
 *			data_timeout = 5m		# ms s m h d w
 *			banner = "with blanks, # and \"quotes\""
 *		}
 *		include "other.conf"
 *
 * Adding an option: one member in the section's struct, one row in its table.
 */
#ifndef RELAIS_CONF_H
#define RELAIS_CONF_H

#include "arena.h"
#include "buf.h"

struct conf_list {
	size_t n;
	const char *const *v;
};

enum opt_type {
	OPT_TYPE_BOOL, /* bool: yes/no */
	OPT_TYPE_UINT, /* uint64_t */
	OPT_TYPE_SIZE, /* uint64_t, octets */
	OPT_TYPE_TIME, /* uint64_t, milliseconds */
	OPT_TYPE_STR,  /* const char *, never NULL */
	OPT_TYPE_LIST, /* struct conf_list of strings */
	OPT_TYPE_WORD, /* const char *, one of the row's words, as the row writes it */
	OPT_TYPE_IPV4, /* const char *: an address, "none" or "" */
	OPT_TYPE_IPV6, /* the same */
	OPT_TYPE_NETS, /* struct conf_list of addresses and networks (ip_block.h) */
};

struct opt_row {
	const char *name;
	enum opt_type type;
	size_t offset;     /* of the member in the section's struct */
	const char *value; /* the default, as it would be written */
	uint64_t min, max; /* UINT, SIZE, TIME; TIME in milliseconds */
	const char *doc;   /* one line, no full stop */
	const char *words; /* WORD: what it may be, "one two three"; else NULL */
};

#define OPT_BOOL(s, m, def, doc)                                                                   \
	{                                                                                          \
#m, OPT_TYPE_BOOL, offsetof(struct s, m), def, 0, 0, doc, NULL                     \
	}
#define OPT_UINT(s, m, def, min, max, doc)                                                         \
	{                                                                                          \
#m, OPT_TYPE_UINT, offsetof(struct s, m), def, min, max, doc, NULL                 \
	}
#define OPT_SIZE(s, m, def, min, max, doc)                                                         \
	{                                                                                          \
#m, OPT_TYPE_SIZE, offsetof(struct s, m), def, min, max, doc, NULL                 \
	}
#define OPT_TIME(s, m, def, min, max, doc)                                                         \
	{                                                                                          \
#m, OPT_TYPE_TIME, offsetof(struct s, m), def, min, max, doc, NULL                 \
	}
#define OPT_STR(s, m, def, doc)                                                                    \
	{                                                                                          \
#m, OPT_TYPE_STR, offsetof(struct s, m), def, 0, 0, doc, NULL                      \
	}
#define OPT_LIST(s, m, def, doc)                                                                   \
	{                                                                                          \
#m, OPT_TYPE_LIST, offsetof(struct s, m), def, 0, 0, doc, NULL                     \
	}
#define OPT_IPV4(s, m, def, doc)                                                                   \
	{                                                                                          \
#m, OPT_TYPE_IPV4, offsetof(struct s, m), def, 0, 0, doc, NULL                     \
	}
#define OPT_IPV6(s, m, def, doc)                                                                   \
	{                                                                                          \
#m, OPT_TYPE_IPV6, offsetof(struct s, m), def, 0, 0, doc, NULL                     \
	}
#define OPT_NETS(s, m, def, doc)                                                                   \
	{                                                                                          \
#m, OPT_TYPE_NETS, offsetof(struct s, m), def, 0, 0, doc, NULL                     \
	}
#define OPT_WORD(s, m, def, words, doc)                                                            \
	{                                                                                          \
#m, OPT_TYPE_WORD, offsetof(struct s, m), def, 0, 0, doc, words                    \
	}

#define OPT_KIB    ((uint64_t)1024)
#define OPT_MIB    ((uint64_t)1024 * 1024)
#define OPT_GIB    ((uint64_t)1024 * 1024 * 1024)
#define OPT_SECOND ((uint64_t)1000)
#define OPT_MINUTE ((uint64_t)60 * 1000)
#define OPT_HOUR   ((uint64_t)3600 * 1000)
#define OPT_DAY    ((uint64_t)86400 * 1000)

struct conf_section {
	const char *name; /* "" for options outside any section */
	const char *doc;
	size_t size; /* of the struct */
	const struct opt_row *rows;
	size_t nrows;
};

/* All sections there are (sections.c), and one by name (NULL: none). */
size_t conf_section_count(void);
const struct conf_section *conf_section_at(size_t i);
const struct conf_section *conf_section_named(struct bytes name);

/* ---- one section's values: what a daemon gets ---- */

/* A struct of the section with every default, in the arena. */
void *conf_defaults(const struct conf_section *section, struct arena *a);

/*
 * Set one option from its written form. why: set to a reason in the arena on failure.
 * returns: ERR_OK; ERR_NOT_FOUND (no such option); ERR_SYNTAX; ERR_LIMIT (out of range)
 */
MUST_USE int conf_set(const struct conf_section *section, void *values, struct bytes name,
	struct bytes value, struct arena *a, const char **why);

/* The written form of a value, fit to be read again. */
void conf_write_value(struct buf *out, const struct opt_row *row, const void *values);
void conf_write_raw(struct buf *out, const struct opt_row *row, const void *values); /* no quotes */
void conf_write_number(struct buf *out, const struct opt_row *row, uint64_t number);

/* All values of a section, from one process to another. Decode: ERR_SYNTAX on anything odd. */
void conf_encode(struct buf *out, const struct conf_section *section, const void *values);
MUST_USE int conf_decode(
	struct bytes in, const struct conf_section *section, void *values, struct arena *a);

/* ---- a whole configuration: what master and the operator's command have ---- */

struct conf_error {
	const char *file; /* CONF_OVERRIDE for overrides */
	unsigned line;
	const char *text;
	struct conf_error *next;
};

/* Where an option's value was written. */
struct conf_origin {
	const char *file; /* NULL: nowhere, it is the default; CONF_OVERRIDE */
	unsigned line;
	unsigned line_before; /* written twice in that file: the line that counts for nothing; or 0
			       */
	bool refused;         /* what is written there is an error; the value is an older one */
};

#define CONF_OVERRIDE "--option" /* the file's name of what the command line gave */

struct conf {
	struct arena arena;
	void **values;                /* one struct for each section */
	struct conf_origin **origins; /* for each section, one for each row */
	struct conf_error *first;     /* in order of appearance; NULL: none */
	struct conf_error **last;
	unsigned depth; /* of includes */
};

void conf_init(struct conf *c); /* all defaults */
void conf_free(struct conf *c);

/* Read text (pure; fuzzed) or a file and its includes. Errors gather in c->first.
 * returns ERR_OK or the first error's class. */
int conf_parse(struct conf *c, const char *file, struct bytes text);
int conf_load(struct conf *c, const char *path);

/* One override "smtpd.listen=127.0.0.1:2525" or "hostname=mx". */
int conf_override(struct conf *c, const char *assignment);

/* The struct of a section, by name. */
void *conf_values(const struct conf *c, const char *section);

/* One option: "smtpd.listen", or "hostname" outside any section. */
struct conf_option {
	const struct conf_section *section;
	const struct opt_row *row;
	const void *values; /* of its section */
	const struct conf_origin *origin;
};

/* By that name; false: there is none. */
bool conf_option_named(const struct conf *c, const char *name, struct conf_option *out);

/* The member that has its value; there is such an option. */
const void *conf_option_value(const struct conf *c, const char *name);

/* The i-th of all, in the order of sections and rows; false behind the last. */
bool conf_option_at(const struct conf *c, size_t i, struct conf_option *out);

/* Its name as above, appended. */
void conf_option_put_name(struct buf *out, const struct conf_option *o);

/* Have both the same value? (Of the same row.) */
bool conf_option_equal(const struct conf_option *a, const struct conf_option *b);

/* Everything with its value (`config show`). */
void conf_show(struct buf *out, const struct conf *c);

/* Of two configurations, the options that differ and that a running suite does not take (they are
 * read at its start): their names, with ", " between them, put to out. Returns how many. */
unsigned conf_changed_at_start(
	struct buf *out, const struct conf *running, const struct conf *fresh);
bool conf_option_is_at_start(const struct conf_option *o); /* is it one of them? */

/* Give fresh the values that running has of these options. */
void conf_keep_at_start(struct conf *fresh, const struct conf *running);

/* What people read, from the same rows (manual.c): the shipped file; and in mdoc(7) the options of
 * a section ("common": of none), or with no section all of them under their headings. false: there
 * is no such section. */
void conf_write_shipped_file(struct buf *out);
bool conf_write_manual(struct buf *out, struct bytes section);

void conf_add_error(struct conf *c, const char *file, unsigned line, const char *format, ...)
	PRINTF_LIKE(4, 5);

#endif
