/* SPDX-License-Identifier: ISC */
/* lib/conf/conf_check.c - the rows of pure checks, and how a finding is kept and told. */
#include <stdarg.h>
#include <stdio.h>

#include "check_private.h"

const struct conf_check_row conf_checks[] = {
	{ "written-twice", check_written_twice, false, "options written twice in one file" },
	{ "hostname", check_hostname, false, "hostname is fully qualified, and no mail domain" },
	{ "domain", check_domains, true, "names in domain are names, each once" },
	{ "names", check_other_names, true, "other names in options are names" },
	{ "addresses", check_addresses, true, "mail addresses in options are addresses" },
	{ "listen", check_listen, true, "addresses in listen options can be read" },
	{ "listen-twice", check_listen_twice, true, "no address is listened at twice" },
	{ "doors", check_doors, false, "there are doors for mail, users and readers" },
	{ "metrics-listen", check_metrics_listen, true, "counters are told on loopback only" },
	{ "certificate-options", check_certificate_options, true,
		"certificate and key come together, doors with TLS have one" },
	{ "contradictions", check_orders, false, "limits and times that contradict each other" },
	{ "least", check_least, false, "times and limits below what the standards ask for" },
	{ "pointless", check_pointless, false, "options that another one switches off" },
	{ "paths", check_paths, true, "folders are absolute and apart from each other" },
	{ "run-path", check_run_path, true, "run is short enough for sockets" },
	{ "users", check_users, false, "each service has a user of its own, none is root" },
	{ "system-uids", check_system_uids, false, "range of the system's users" },
	{ "commands", check_commands, true, "commands run by a user who is not root" },
	{ "smarthost", check_smarthost, true, "smarthost can be read" },
	{ "outbound", check_outbound, false, "mail can leave, and with TLS" },
	{ "database", check_database, false, "the database's options fit together" },
	{ "dangers", check_dangers, false, "nothing opens a relay or drops TLS" },
};

const size_t nconf_checks = NITEMS(conf_checks);

const char *
conf_severity_name(enum conf_severity s)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[s];
}

void
conf_findings_init(struct conf_findings *f, const struct conf *conf, const char *path)
{
	*f = (struct conf_findings){ .arena = ARENA_INIT, .conf = conf, .path = path };
	f->last = &f->first;
}

void
conf_findings_free(struct conf_findings *f)
{
	arena_reset(&f->arena);
}

static struct conf_finding *add(struct conf_findings *f, enum conf_severity severity,
	const char *cure, const char *format, va_list ap) PRINTF_LIKE(4, 0);

static struct conf_finding *
add(struct conf_findings *f, enum conf_severity severity, const char *cure, const char *format,
	va_list ap)
{
	struct conf_finding *n = arena_zalloc(&f->arena, sizeof(*n));
	char text[1024];

	vsnprintf(text, sizeof(text), format, ap);
	n->check = f->check;
	n->severity = severity;
	n->blocks = f->blocks && severity == CONF_ERROR;
	n->file = f->path;
	n->text = arena_str(&f->arena, bytes_from_str(text));
	n->cure = arena_str(&f->arena, bytes_from_str(cure));
	f->count[severity]++;
	*f->last = n;
	f->last = &n->next;
	return n;
}

void
conf_find(struct conf_findings *f, enum conf_severity severity, const char *option,
	const char *cure, const char *format, ...)
{
	struct conf_option o = { 0 };
	struct conf_finding *n;
	va_list ap;

	ASSERT(conf_option_named(f->conf, option, &o));
	if (o.origin->refused)
		return;
	va_start(ap, format);
	n = add(f, severity, cure, format, ap);
	va_end(ap);
	n->option = option;
	if (o.origin->file != NULL) {
		n->file = o.origin->file;
		n->line = o.origin->line;
	}
}

void
conf_find_at(struct conf_findings *f, enum conf_severity severity, const char *file, unsigned line,
	const char *cure, const char *format, ...)
{
	struct conf_finding *n;
	va_list ap;

	va_start(ap, format);
	n = add(f, severity, cure, format, ap);
	va_end(ap);
	n->file = arena_str(&f->arena, bytes_from_str(file));
	n->line = line;
}

void
conf_finding_put(struct buf *out, const struct conf_finding *n)
{
	buf_put_str(out, n->file);
	if (n->line > 0)
		buf_printf(out, ":%u", n->line);
	buf_printf(out, ": %s: ", conf_severity_name(n->severity));
	if (n->option != NULL)
		buf_printf(out, "%s: ", n->option);
	buf_put_str(out, n->text);
	if (n->cure[0] != 0)
		buf_printf(out, "; %s", n->cure);
}

void
conf_check(struct conf_findings *f)
{
	for (size_t i = 0; i < NITEMS(conf_checks); i++) {
		f->check = conf_checks[i].name;
		f->blocks = conf_checks[i].blocks;
		conf_checks[i].find(f);
	}
}

void
conf_check_syntax(struct conf_findings *f)
{
	f->check = "syntax";
	f->blocks = true;
	for (const struct conf_error *e = f->conf->first; e != NULL; e = e->next)
		conf_find_at(f, CONF_ERROR, e->file, e->line, "", "%s", e->text);
}

void
check_written_twice(struct conf_findings *f)
{
	struct conf_option o;

	for (size_t i = 0; conf_option_at(f->conf, i, &o); i++) {
		struct buf name = BUF_INIT;

		if (o.origin->line_before == 0)
			continue;
		conf_option_put_name(&name, &o);
		conf_find(f, CONF_WARNING, arena_str(&f->arena, buf_bytes(&name)),
			"remove one of them",
			"is written in line %u already, which counts for nothing",
			o.origin->line_before);
		buf_free(&name);
	}
}
