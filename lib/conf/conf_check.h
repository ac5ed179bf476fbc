/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/conf_check.h - what is wrong with a configuration beyond each option's own range:
 * options that contradict each other, and what makes a mail server a danger.
 *
 * Pure: values in, findings out. master applies the same rows at its start and at each reload as
 * `relais config check` does; what needs the machine (files, ports, users) is in cli/check.
 *
 * Adding a check: a function in check_<topic>.c, a line in check_private.h, a row in conf_check.c.
 */
#ifndef RELAIS_CONF_CHECK_H
#define RELAIS_CONF_CHECK_H

#include "conf.h"

enum conf_severity {
	CONF_NOTE,    /* something could not be checked */
	CONF_WARNING, /* it works, and hardly as it is meant */
	CONF_ERROR,   /* it does not work, or harms */
	CONF_SEVERITIES
};

const char *conf_severity_name(enum conf_severity s); /* "error" */

/* Its texts live in the findings' arena. */
struct conf_finding {
	const char *check; /* the row's name */
	enum conf_severity severity;
	bool blocks;        /* an error with which master takes no configuration */
	const char *file;   /* never NULL */
	unsigned line;      /* 0: not in a line of it */
	const char *option; /* "smtpd.listen"; NULL: about none */
	const char *text;   /* what is wrong */
	const char *cure;   /* what to do; never NULL */
	struct conf_finding *next;
};

struct conf_findings {
	struct arena arena;
	const struct conf *conf;
	const char *path;  /* the main file: what is in no file's line is said of it */
	const char *check; /* of the row that looks now */
	bool blocks;
	struct conf_finding *first, **last;
	unsigned count[CONF_SEVERITIES];
};

/* conf and path are borrowed until the end. */
void conf_findings_init(struct conf_findings *f, const struct conf *conf, const char *path);
void conf_findings_free(struct conf_findings *f);

/*
 * A finding about an option, told with the line where it is written. One whose written value was
 * refused is not spoken of: its error is told already. cure: what to do, without a full stop.
 */
void conf_find(struct conf_findings *f, enum conf_severity severity, const char *option,
	const char *cure, const char *format, ...) PRINTF_LIKE(5, 6);

/* The same about a line of some file; line 0: about all of it. */
void conf_find_at(struct conf_findings *f, enum conf_severity severity, const char *file,
	unsigned line, const char *cure, const char *format, ...) PRINTF_LIKE(6, 7);

/* "FILE:LINE: error: what is wrong; what to do" */
void conf_finding_put(struct buf *out, const struct conf_finding *finding);

struct conf_check_row {
	const char *name;
	void (*find)(struct conf_findings *f);
	bool blocks; /* master takes no configuration with an error of this row */
	const char *doc;
};

extern const struct conf_check_row conf_checks[];
extern const size_t nconf_checks;

/* All rows, in their order; also those of others (cli/check), in the same form. */
void conf_check(struct conf_findings *f);

/* What the parser said, as findings of the check "syntax". */
void conf_check_syntax(struct conf_findings *f);

/* ---- dangers: what opens a relay or drops TLS ---- */

/*
 * Each row measures one danger; 0: there is none. A change that makes it larger is not taken by a
 * reload without --yes-really.
 */
struct conf_danger {
	const char *name;   /* "plaintext-auth" */
	const char *option; /* whose line is told */
	unsigned (*level)(const struct conf *c, const char *option);
	unsigned alarm; /* the level from which it is told at every start, and by `config check` */
	const char *text; /* what it means, after "OPTION: " */
	const char *cure;
};

extern const struct conf_danger conf_dangers[];
extern const size_t nconf_dangers;

/* Those that fresh has more of than running, as errors that say what it means. How many. */
unsigned conf_find_new_dangers(struct conf_findings *of_fresh, const struct conf *running);

/* ---- differences ---- */

/* "smtpd.listen: *:25 -> *:26 (relais.conf:7)", with where b is written. */
void conf_put_difference(struct buf *out, const struct conf_option *a, const struct conf_option *b);

/* One for each option that differs, a line each. How many. */
unsigned conf_put_differences(struct buf *out, const struct conf *a, const struct conf *b);

#endif
