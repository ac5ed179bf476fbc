/* SPDX-License-Identifier: ISC */
/*
 * cli/setup_write.c - the configuration that relais setup writes, and the tables.
 *
 * What is written is as short as a person's: options that differ from their defaults, each with a
 * line that says why. Tables are edited by the code of relais user and relais credentials.
 *
 * Runs in:  relais, as root or whoever owns the folders.
 */
#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "account_edit.h"
#include "directory_conf.h"
#include "err.h"
#include "make_path.h"
#include "map_build.h"
#include "next_hop.h"
#include "setup.h"
#include "table_files_private.h"
#include "tls_conf.h"

#define WANTED_MAX 100
#define ACME_LIVE  "/etc/letsencrypt/live"
#define LOG_FILE   "/var/log/relais.log" /* as logrotate knows it */

/* One line of the configuration. */
struct wanted {
	const char *assignment; /* "smtpd.listen=*:25" */
	const char *comment;    /* NULL: none */
	struct conf *conf;      /* in which it is set */
	struct conf_option option;
};

struct plan {
	struct setup *s;
	struct conf before; /* the file as it is */
	struct wanted wanted[WANTED_MAX];
	size_t n;
	bool ok;
};

/* ---- what is wanted ---- */

/* Does the file say the same, or (told) another thing? */
static bool
is_said(struct plan *p, const struct wanted *w)
{
	struct conf_option old;
	struct buf name = BUF_INIT, value = BUF_INIT;

	conf_option_put_name(&name, &w->option);
	if (!conf_option_named(&p->before, buf_str(&name), &old))
		ASSERT(false);
	if (conf_option_equal(&old, &w->option)) {
		buf_free(&name);
		return true;
	}
	if (old.origin->file != NULL) {
		conf_write_value(&value, old.row, old.values);
		fprintf(stderr,
			"--option %s: %s:%u says %s = %s. relais setup changes nothing that is "
			"there; change it there,\nthen \"relais reload\", or leave the option "
			"out.\n",
			w->assignment, old.origin->file, old.origin->line, buf_str(&name),
			buf_str(&value));
		p->ok = false;
	}
	buf_free(&name);
	buf_free(&value);
	return old.origin->file != NULL;
}

static void
want(struct plan *p, const char *assignment, const char *comment)
{
	struct wanted *w = &p->wanted[p->n];
	struct bytes name = bytes_from_str(assignment);

	if (p->n == WANTED_MAX) {
		fprintf(stderr, "too many options\n");
		p->ok = false;
		return;
	}
	*w = (struct wanted){ assignment, comment, arena_zalloc(&p->s->arena, sizeof(*w->conf)),
		{ 0 } };
	conf_init(w->conf);
	if (conf_override(w->conf, assignment) < 0 ||
		!conf_option_named(w->conf,
			arena_str(&p->s->arena, bytes_trim(bytes_cut(&name, '='))), &w->option)) {
		fprintf(stderr, "--option %s: %s\n", assignment,
			w->conf->first != NULL ? w->conf->first->text : "there is no such option");
		p->ok = false;
	} else if (!is_said(p, w)) {
		p->n++;
		return;
	}
	conf_free(w->conf);
}

static void
want_answer(struct plan *p, enum setup_question q, const char *option, const char *comment)
{
	const char *value = p->s->answer[q];

	if (!p->s->there[q] && value != NULL && value[0] != 0)
		want(p, arena_printf(&p->s->arena, "%s=%s", option, value), comment);
}

/* A certificate that certbot has got for this host. */
static void
want_certificate(struct plan *p)
{
	const struct tls_conf *tls = conf_values(&p->s->cli->conf, "tls");
	const char *path = arena_printf(
		&p->s->arena, ACME_LIVE "/%s/fullchain.pem", p->s->answer[SETUP_HOSTNAME]);

	if (tls->certificate[0] == 0 && tls->certificates.n == 0 && access(path, F_OK) == 0)
		want(p, "tls.certificates=" ACME_LIVE,
			"the authority's, as certbot leaves them; renewed ones are taken up by "
			"themselves");
}

/* Debian 12 has journald alone: the stories of messages are told from files. */
static void
want_log(struct plan *p)
{
	static const char *const services[] = { "/usr/sbin/rsyslogd", "/usr/sbin/syslog-ng",
		"/usr/sbin/syslogd" };

	for (size_t i = 0; i < NITEMS(services); i++)
		if (access(services[i], X_OK) == 0)
			return;
	if (!p->s->has_file && strcmp(cli_common(p->s->cli)->log, "syslog") == 0)
		want(p, "log=" LOG_FILE, "No syslog service here writes files.");
}

static void
want_all(struct plan *p)
{
	const struct directory_conf *directory = conf_values(&p->s->cli->conf, "directory");
	struct setup *s = p->s;

	want_answer(p, SETUP_HOSTNAME, "hostname",
		"Our name in greetings. Its A or AAAA record, and the PTR record of that address, "
		"agree\n# with it.");
	want_answer(p, SETUP_DOMAIN, "domain",
		"Mail for this domain is delivered here. \"relais domain add\" adds more.");
	want_answer(p, SETUP_SMARTHOST, "smarthost",
		"Takes our mail for other hosts. Its login: \"relais credentials list\".");
	want_answer(p, SETUP_MAIL_ROOT, "mail_root", "Mailboxes: DOMAIN/LOCAL-PART below it.");
	if (s->answer[SETUP_ACCOUNT] != NULL && !s->there[SETUP_ACCOUNT] &&
		directory->postmaster[0] == 0)
		want(p,
			arena_printf(
				&s->arena, "directory.postmaster=%s", s->answer[SETUP_ACCOUNT]),
			"gets what is sent to postmaster at our domains");
	want_certificate(p);
	want_log(p);
	for (size_t i = 0; i < s->cli->noverrides; i++)
		want(p, s->cli->overrides[i], NULL);
}

/* ---- the text ---- */

static void
put_option(struct buf *out, const struct wanted *w, const char *indent)
{
	if (w->comment != NULL)
		buf_printf(out, "%s# %s\n", indent, w->comment);
	buf_printf(out, "%s%s = ", indent, w->option.row->name);
	conf_write_value(out, w->option.row, w->option.values);
	buf_printf(out, "\n%s", w->comment != NULL && indent[0] == 0 ? "\n" : "");
}

static void
put_section(struct buf *out, const struct plan *p, const struct conf_section *section)
{
	const bool outside = section->name[0] == 0;
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		if (p->wanted[i].option.section != section)
			continue;
		if (!any && !outside)
			buf_printf(out, "%s {\n", section->name);
		any = true;
		put_option(out, &p->wanted[i], outside ? "" : "\t");
	}
	if (any && !outside)
		buf_put_str(out, "}\n");
}

static void
put_head(struct buf *out, const struct setup *s)
{
	const time_t now = time(NULL);
	char day[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	if (s->has_file)
		buf_printf(out, "\n# Added by relais setup, %s.\n", day);
	else
		buf_printf(out,
			"# relais.conf, begun by relais setup on %s; yours from here on.\n"
			"#\n"
			"# What is not said here has its default: relais.conf(5) tells all "
			"options. "
			"After a change:\n"
			"#   relais config check     is all of it right?\n"
			"#   relais reload           take it up\n\n",
			day);
}

/* The whole new text to s->text. */
static bool
make_text(struct plan *p)
{
	struct setup *s = p->s;
	struct conf check;
	struct buf old = BUF_INIT;
	bool ok = true;

	if (p->n == 0)
		return true;
	if (s->has_file && !table_file_read(s->cli->conf_path, false, &old))
		return false;
	buf_put_bytes(&s->text, buf_bytes(&old));
	if (old.len > 0 && buf_bytes(&old).p[old.len - 1] != '\n')
		buf_put_u8(&s->text, '\n');
	buf_free(&old);
	put_head(&s->text, s);
	for (size_t i = 0; i < conf_section_count(); i++)
		put_section(&s->text, p, conf_section_at(i));
	conf_init(&check);
	(void)conf_parse(&check, s->cli->conf_path, buf_bytes(&s->text));
	for (const struct conf_error *e = check.first; e != NULL; e = e->next) {
		fprintf(stderr, "%s:%u: %s\n", e->file, e->line, e->text);
		ok = false;
	}
	conf_free(&check);
	return ok;
}

/* ---- may we? ---- */

static bool
may_write(struct setup *s, const char *folder)
{
	char *part = arena_str(&s->arena, bytes_from_str(folder)), *slash;

	while (part[0] != 0 && access(part, F_OK) != 0 && errno == ENOENT &&
		(slash = strrchr(part, '/')) != NULL)
		*slash = 0;
	if (access(part[0] == 0 ? "/" : part, W_OK | X_OK) == 0)
		return true;
	fprintf(stderr, "%s: %s%s\n", part, strerror(errno),
		geteuid() != 0 ? "; run it as root: sudo relais setup" : "");
	return false;
}

static bool
has_users(struct setup *s)
{
	struct conf_option o;
	bool ok = true;

	for (size_t i = 0; geteuid() == 0 && conf_option_at(&s->cli->conf, i, &o); i++) {
		const size_t n = strlen(o.row->name);
		struct buf name = BUF_INIT;

		if (o.section->name[0] != 0 || n < 6 || strcmp(o.row->name + n - 5, "_user") != 0)
			continue;
		conf_write_value(&name, o.row, o.values);
		if (getpwnam(buf_str(&name)) == NULL) {
			fprintf(stderr,
				"there is no user %s (option %s); the package makes it: "
				"systemd-sysusers relais.conf\n",
				buf_str(&name), o.row->name);
			ok = false;
		}
		buf_free(&name);
	}
	return ok;
}

bool
setup_plan(struct setup *s)
{
	const struct common_conf *common = cli_common(s->cli);
	struct plan p = { .s = s, .ok = true };
	const char *mail_root = s->answer[SETUP_MAIL_ROOT];

	conf_init(&p.before);
	if (s->has_file)
		(void)conf_load(&p.before, s->cli->conf_path);
	want_all(&p);
	p.ok = p.ok && make_text(&p);
	for (size_t i = 0; i < p.n; i++)
		conf_free(p.wanted[i].conf);
	conf_free(&p.before);
	p.ok &= may_write(s, dirname(arena_str(&s->arena, bytes_from_str(s->cli->conf_path))));
	p.ok &= may_write(s, common->tables);
	p.ok &= may_write(s, common->state);
	p.ok &= may_write(s, mail_root != NULL ? mail_root : common->mail_root);
	return has_users(s) && p.ok;
}

bool
setup_makes_account(const struct setup *s)
{
	return s->answer[SETUP_ACCOUNT] != NULL && !s->there[SETUP_ACCOUNT];
}

bool
setup_keeps_login(const struct setup *s)
{
	const char *login = s->answer[SETUP_LOGIN];

	return login != NULL && login[0] != 0 && !s->there[SETUP_LOGIN];
}

void
setup_print_plan(struct setup *s)
{
	const char *const *a = s->answer;
	const bool *there = s->there;

	if (s->has_file)
		printf("There already: %s, host %s, domain %s%s%s.\n", s->cli->conf_path,
			a[SETUP_HOSTNAME], a[SETUP_DOMAIN],
			there[SETUP_ACCOUNT] ? ", account " : "",
			there[SETUP_ACCOUNT] ? a[SETUP_ACCOUNT] : "");
	printf("relais setup will\n");
	if (s->text.len > 0)
		printf("    %s %s\n", s->has_file ? "add what is missing to" : "write",
			s->cli->conf_path);
	if (setup_makes_account(s))
		printf("    make the account %s, who gets postmaster's mail too\n",
			a[SETUP_ACCOUNT]);
	if (setup_keeps_login(s))
		printf("    keep the login %s at %s\n", a[SETUP_LOGIN], setup_login_key(s));
	printf("    compile the tables in %s\n", cli_common(s->cli)->tables);
}

/* ---- the steps ---- */

bool
setup_write_configuration(struct setup *s)
{
	struct cli *cli = s->cli;
	const char *folder = dirname(arena_str(&s->arena, bytes_from_str(cli->conf_path)));
	int r;

	if (s->text.len == 0)
		return true;
	r = make_path(folder);
	if (r == ERR_OK) {
		char *file = realpath(cli->conf_path, NULL); /* a link stays one */

		r = map_replace_file(
			file != NULL ? file : cli->conf_path, buf_bytes(&s->text), 0644);
		free(file);
	}
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", cli->conf_path, err_text(r));
		return false;
	}
	s->changed = true;
	conf_free(&cli->conf);
	cli->loaded = cli->values_made = false;
	return cli_load(cli);
}

static bool
make_folder(const char *path)
{
	const int r = make_path(path);

	if (r < 0)
		fprintf(stderr, "%s: %s\n", path, err_text(r));
	return r == ERR_OK;
}

bool
setup_write_tables(struct setup *s)
{
	const struct common_conf *common = cli_common(s->cli);
	char mail_root[1200];

	/* the mail root itself is made with the first mailbox, or by master */
	snprintf(mail_root, sizeof(mail_root), "%s", common->mail_root);
	return make_folder(common->tables) && make_folder(common->state) &&
	       make_folder(dirname(mail_root)) && table_files_lock(s->cli) &&
	       table_files_build(s->cli, true);
}

bool
setup_write_account(struct setup *s)
{
	return user_add(
		s->cli, s->answer[SETUP_ACCOUNT], bytes_from_str(s->answer[SETUP_PASSWORD]));
}

const char *
setup_login_key(struct setup *s)
{
	struct next_hop hop;
	const char *why;

	if (next_hop_parse(bytes_from_str(s->answer[SETUP_SMARTHOST]), &hop, &why) < 0 ||
		hop.is_error || hop.count == 0)
		return "";
	return arena_printf(&s->arena, hop.alternatives[0].port != 0 ? "%.*s:%u" : "%.*s",
		(int)hop.alternatives[0].host.n, (const char *)hop.alternatives[0].host.p,
		hop.alternatives[0].port);
}

bool
setup_write_login(struct setup *s)
{
	const char *login = s->answer[SETUP_LOGIN];

	if (login == NULL || login[0] == 0 || s->there[SETUP_LOGIN])
		return true;
	return credentials_add(
		s->cli, setup_login_key(s), login, bytes_from_str(s->answer[SETUP_LOGIN_PASSWORD]));
}
