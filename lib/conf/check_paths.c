/* SPDX-License-Identifier: ISC */
/* lib/conf/check_paths.c - folders and users, as far as values tell. */
#include <sys/un.h>

#include "check_private.h"
#include "common_conf.h"
#include "directory_conf.h"
#include "local_delivery_conf.h"

static const char *
text_of(const struct conf *c, const char *name)
{
	return *(const char *const *)conf_option_value(c, name);
}

/* shut: others than its owner cannot reach what is below. */
static const struct {
	const char *option;
	bool shut;
} folders[] = { { "mail_root", true }, { "queue", true }, { "state", false }, { "tables", false },
	{ "run", false } };

/* Is inner below outer, or the same? */
static bool
is_within(const char *inner, const char *outer)
{
	size_t n = strlen(outer);

	while (n > 1 && outer[n - 1] == '/')
		n--;
	return strncmp(inner, outer, n) == 0 && (inner[n] == 0 || inner[n] == '/');
}

static void
compare(struct conf_findings *f, size_t a, size_t b)
{
	const char *inner = text_of(f->conf, folders[a].option);
	const char *outer = text_of(f->conf, folders[b].option);
	const bool same = is_within(inner, outer) && is_within(outer, inner);

	if (same && a > b)
		conf_find(f, CONF_ERROR, folders[a].option, "give each a folder of its own",
			"%s is the folder of %s too", inner, folders[b].option);
	else if (!same && folders[b].shut && is_within(inner, outer))
		conf_find(f, CONF_ERROR, folders[a].option, "give each a folder of its own",
			"%s is below %s (%s), which others cannot enter", inner, folders[b].option,
			outer);
}

void
check_paths(struct conf_findings *f)
{
	const struct common_conf *common = conf_values(f->conf, "");

	for (size_t a = 0; a < NITEMS(folders); a++) {
		const char *path = text_of(f->conf, folders[a].option);

		if (path[0] != '/')
			conf_find(f, CONF_ERROR, folders[a].option,
				"write all of the path, from / on", "\"%s\" is no absolute path",
				path);
		else if (path[1] == 0)
			conf_find(f, CONF_ERROR, folders[a].option, "name a folder of its own",
				"the root folder cannot be it");
		for (size_t b = 0; path[0] == '/' && b < NITEMS(folders); b++)
			if (a != b)
				compare(f, a, b);
	}
	if (strcmp(common->log, "syslog") != 0 && strcmp(common->log, "stderr") != 0 &&
		common->log[0] != '/')
		conf_find(f, CONF_ERROR, "log", "write syslog, stderr or a path from / on",
			"\"%s\" is no absolute path", common->log);
}

void
check_run_path(struct conf_findings *f)
{
	const struct common_conf *common = conf_values(f->conf, "");
	const size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("/sendmail");

	if (strlen(common->run) > room)
		conf_find(f, CONF_ERROR, "run", "take a shorter one, as /run/relais",
			"the path has %zu octets, and sockets below it cannot have more than %zu",
			strlen(common->run), room);
}

static bool
is_user_option(const struct conf_option *o)
{
	const char *end = strrchr(o->row->name, '_');

	return o->section->name[0] == 0 && end != NULL && strcmp(end, "_user") == 0;
}

void
check_users(struct conf_findings *f)
{
	struct conf_option a, b;

	for (size_t i = 0; conf_option_at(f->conf, i, &a); i++) {
		const char *name;

		if (!is_user_option(&a))
			continue;
		name = text_of(f->conf, a.row->name);
		if (strcmp(name, "root") == 0)
			conf_find(f, CONF_ERROR, a.row->name, "name a user without any rights",
				"root would parse what strangers send");
		for (size_t k = 0; k < i && conf_option_at(f->conf, k, &b); k++)
			if (is_user_option(&b) && strcmp(name, text_of(f->conf, b.row->name)) == 0)
				conf_find(f, CONF_WARNING, a.row->name,
					"give each service a user of its own",
					"\"%s\" is %s too: who takes over one of them has both",
					name, b.row->name);
	}
}

void
check_system_uids(struct conf_findings *f)
{
	const struct directory_conf *c = conf_values(f->conf, "directory");

	if (c->system_uid_first > c->system_uid_last)
		conf_find(f, CONF_ERROR, "directory.system_uid_first",
			"make it less than system_uid_last",
			"is above system_uid_last: no user is in between");
	else if (c->system_uid_first < 1000)
		conf_find(f, CONF_WARNING, "directory.system_uid_first", "begin at 1000",
			"users of services below 1000 get mailboxes too");
}

void
check_commands(struct conf_findings *f)
{
	const struct local_delivery_conf *c = conf_values(f->conf, "local_delivery");

	if (c->commands && strcmp(c->command_user, "root") == 0)
		conf_find(f, CONF_ERROR, "local_delivery.command_user",
			"name a user without any rights, as nobody",
			"root would run commands on what strangers send");
	if (c->commands && c->command_path[0] == 0)
		conf_find(f, CONF_WARNING, "local_delivery.command_path",
			"write one as /usr/bin:/bin", "is empty: commands find no programs");
}
