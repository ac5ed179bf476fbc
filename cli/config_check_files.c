/* SPDX-License-Identifier: ISC */
/*
 * cli/config_check_files.c - relais config check: users, folders, the file systems below them, and
 * files with secrets. What master makes by itself at its start need not be there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "config_check.h"
#include "directory_conf.h"
#include "err.h"
#include "local_delivery_conf.h"
#include "qmgr_conf.h"
#include "resolver_conf.h"
#include "services.h"
#include "smtp_client_conf.h"

/* ---- users ---- */

static const char *
text_option(const struct conf_option *o)
{
	return *(const char *const *)((const uint8_t *)o->values + o->row->offset);
}

static void
find_users(struct config_check *k)
{
	struct conf_option o;

	if (!k->is_root)
		return; /* then all is one user's */
	for (size_t i = 0; conf_option_at(&k->cli->conf, i, &o); i++) {
		const char *end = strrchr(o.row->name, '_'), *name;
		const struct passwd *pw;

		if (o.section->name[0] != 0 || end == NULL || strcmp(end, "_user") != 0)
			continue;
		name = text_option(&o);
		pw = getpwnam(name);
		if (pw == NULL)
			conf_find(k->found, CONF_ERROR, o.row->name,
				"make it with \"adduser --system --group NAME\", or name another",
				"there is no user \"%s\"", name);
		else if (pw->pw_uid == 0 && strcmp(name, "root") != 0)
			conf_find(k->found, CONF_ERROR, o.row->name,
				"name a user without any rights", "\"%s\" is root by another name",
				name);
	}
}

static void
find_other_users(struct config_check *k)
{
	const struct local_delivery_conf *local = conf_values(&k->cli->conf, "local_delivery");
	const struct directory_conf *directory = conf_values(&k->cli->conf, "directory");

	if (local->commands && getpwnam(local->command_user) == NULL)
		conf_find(k->found, CONF_ERROR, "local_delivery.command_user",
			"name one that is there", "there is no user \"%s\"", local->command_user);
	for (size_t i = 0; i < directory->trusted_users.n; i++)
		if (getpwnam(directory->trusted_users.v[i]) == NULL)
			conf_find(k->found, CONF_WARNING, "directory.trusted_users",
				"remove the name, or make the user", "there is no user \"%s\"",
				directory->trusted_users.v[i]);
	for (size_t i = 0; i < directory->include_owners.n; i++)
		if (getpwnam(directory->include_owners.v[i]) == NULL)
			conf_find(k->found, CONF_WARNING, "directory.include_owners",
				"remove the name, or make the user", "there is no user \"%s\"",
				directory->include_owners.v[i]);
}

/* ---- folders ---- */

/* The folders' options, and of each: */
static const struct folder {
	const char *option;
	bool durable;  /* what is in it must live through a power cut */
	uint64_t room; /* octets that ought to be free */
	bool made;     /* master makes it */
} folders[] = {
	{ "mail_root", true, 200 * OPT_MIB, true },
	{ "queue", true, 500 * OPT_MIB, true },
	{ "state", true, 100 * OPT_MIB, true },
	{ "tables", false, 0, false },
	{ "run", false, 0, true },
};

static const char *
folder_path(const struct config_check *k, const struct folder *f)
{
	return *(const char *const *)conf_option_value(&k->cli->conf, f->option);
}

/* The path itself, or what is there of it. */
static void
what_is_there(const char *path, char out[1200])
{
	struct stat st;

	snprintf(out, 1200, "%s", path);
	while (stat(out, &st) != 0 && strchr(out, '/') != NULL && strlen(out) > 1) {
		char *slash = strrchr(out, '/');

		slash[slash == out] = 0;
	}
}

static void
find_folder(struct config_check *k, const struct folder *f)
{
	const char *path = folder_path(k, f);
	char there[1200];
	struct stat st;

	if (path[0] != '/')
		return; /* told already */
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		conf_find(k->found, CONF_ERROR, f->option, "name a folder", "%s is none", path);
		return;
	}
	if (stat(path, &st) != 0 && errno == EACCES) {
		conf_find(k->found, CONF_NOTE, f->option, "ask as root",
			"%s: cannot be looked at by this user", path);
		return;
	}
	what_is_there(path, there);
	if (strcmp(there, path) != 0 && !f->made)
		conf_find(k->found, CONF_ERROR, f->option, "make it: mkdir -p PATH, chmod 755 PATH",
			"%s is not there", path);
	else if (strcmp(there, path) != 0 && access(there, W_OK) != 0)
		conf_find(k->found, k->is_root ? CONF_ERROR : CONF_WARNING, f->option,
			"make it, or start the suite as root",
			"%s is not there and cannot be made in %s: %s", path, there,
			strerror(errno));
}

static void
find_folders(struct config_check *k)
{
	for (size_t i = 0; i < NITEMS(folders); i++)
		find_folder(k, &folders[i]);
}

/* Users of this machine come to RUN/sendmail by its path; services are put into their folders. */
static void
find_way(struct config_check *k)
{
	const char *path = cli_common(k->cli)->run;
	char part[1200];
	struct stat st;

	for (size_t n = 1; path[0] == '/' && n < strlen(path) && n < sizeof(part); n++) {
		if (path[n] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		if (stat(part, &st) == 0 && (st.st_mode & 0001) == 0)
			conf_find(k->found, CONF_WARNING, "run",
				arena_printf(&k->found->arena, "chmod o+x %s", part),
				"local users cannot send: they cannot pass through %s (mode %04o)",
				part, (unsigned)st.st_mode & 07777);
	}
}

/* Owners of the services' roots: master puts the folder itself right, not what is in it. */
static void
find_owner(struct config_check *k, const struct service_row *row)
{
	const struct common_conf *common = cli_common(k->cli);
	const char *name = row->root == ROOT_MAIL
				   ? common->mail_user
				   : *(const char *const *)((const uint8_t *)common + row->user);
	const struct passwd *pw = getpwnam(name);
	struct buf path = BUF_INIT;
	struct stat st;

	service_root_path(row, &k->cli->conf, &path);
	if (pw != NULL && stat(buf_str(&path), &st) == 0 && S_ISDIR(st.st_mode) &&
		st.st_uid != pw->pw_uid)
		conf_find_at(k->found, k->running ? CONF_ERROR : CONF_WARNING, buf_str(&path), 0,
			arena_printf(&k->found->arena, "chown -R %s: %s", name, buf_str(&path)),
			"belongs to uid %u, and %s works in it as %s", (unsigned)st.st_uid,
			service_name(row->service), name);
	buf_free(&path);
}

static void
find_owners(struct config_check *k)
{
	unsigned done = 0;

	if (!k->is_root)
		return;
	for (size_t i = 0; i < nservices; i++) {
		const struct service_row *row = &services[i];
		const bool is_root_user = row->user == USER_ROOT && row->root != ROOT_MAIL;

		if (row->root == ROOT_EMPTY || row->root == ROOT_OUTBOUND || is_root_user ||
			(done & (1u << row->root)) != 0)
			continue;
		done |= 1u << row->root;
		find_owner(k, row);
	}
}

/* ---- the file systems below ---- */

static void
find_file_system(struct config_check *k, const struct folder *f)
{
	const char *path = folder_path(k, f);
	char there[1200];
	struct statvfs v;
	struct statfs s;
	uint64_t room;

	what_is_there(path, there);
	if (path[0] != '/' || statvfs(there, &v) != 0 || statfs(there, &s) != 0)
		return;
	room = (uint64_t)v.f_bavail * v.f_frsize;
	if (f->durable && (v.f_flag & ST_RDONLY) != 0)
		conf_find(k->found, CONF_ERROR, f->option,
			"mount it for writing, or name another folder",
			"%s is on a file system mounted read-only", path);
	else if (f->durable && (s.f_type == TMPFS_MAGIC || s.f_type == RAMFS_MAGIC))
		conf_find(k->found, CONF_WARNING, f->option, "name a folder on a disk",
			"%s is in memory (tmpfs): what is in it is lost when the machine stops",
			path);
	else if (f->durable && (s.f_type == MSDOS_SUPER_MAGIC || s.f_type == EXFAT_SUPER_MAGIC))
		conf_find(k->found, CONF_ERROR, f->option,
			"name a folder on another, as ext4 or xfs",
			"%s is on a file system that knows no owners", path);
	else if (f->durable && (s.f_type == NFS_SUPER_MAGIC || s.f_type == SMB2_SUPER_MAGIC ||
				       s.f_type == FUSE_SUPER_MAGIC))
		conf_find(k->found, CONF_WARNING, f->option,
			"name a folder on a disk of this machine",
			"%s is on a network or user-space file system: what is flushed there may "
			"not be safe, and locks may not hold",
			path);
	if (f->room > 0 && room < f->room)
		conf_find(k->found, room < f->room / 10 ? CONF_ERROR : CONF_WARNING, f->option,
			"make room, or name a folder elsewhere",
			"%s has %llu MiB left; mail needs room to come in", path,
			(unsigned long long)(room / OPT_MIB));
	if (f->room > 0 && v.f_files > 0 && v.f_favail < 1000)
		conf_find(k->found, CONF_WARNING, f->option, "make a file system with more of them",
			"%s has %llu inodes left; each message is a file", path,
			(unsigned long long)v.f_favail);
}

static void
find_file_systems(struct config_check *k)
{
	for (size_t i = 0; i < NITEMS(folders); i++)
		find_file_system(k, &folders[i]);
}

/* The journal is made at the first start, in full. */
static void
find_journal_room(struct config_check *k)
{
	const struct common_conf *common = cli_common(k->cli);
	const struct qmgr_conf *qmgr = conf_values(&k->cli->conf, "qmgr");
	const uint64_t wanted = qmgr->segment_size * qmgr->segments;
	char there[1200];
	struct statvfs v;
	struct stat st;

	snprintf(there, sizeof(there), "%s/journal", common->queue);
	if (stat(there, &st) == 0)
		return;
	what_is_there(common->queue, there);
	if (common->queue[0] == '/' && statvfs(there, &v) == 0 &&
		(uint64_t)v.f_bavail * v.f_frsize < wanted)
		conf_find(k->found, CONF_ERROR, "qmgr.segments",
			"make room, or lower qmgr.segment_size",
			"the journal takes %llu MiB of %s, which has %llu MiB left",
			(unsigned long long)(wanted / OPT_MIB), common->queue,
			(unsigned long long)((uint64_t)v.f_bavail * v.f_frsize / OPT_MIB));
}

/* ---- secrets, and files that options name ---- */

bool
config_check_is_open(const char *path, bool write)
{
	char part[1200];
	struct stat st;

	if (stat(path, &st) != 0 || (st.st_mode & (write ? 0002 : 0004)) == 0)
		return false;
	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strrchr(part, '/'); slash != NULL && slash != part;
		slash = strrchr(part, '/')) {
		*slash = 0;
		if (stat(part, &st) == 0 && (st.st_mode & 0001) == 0)
			return false;
	}
	return true;
}

static void
find_secret(struct config_check *k, const char *path)
{
	const bool write = config_check_is_open(path, true);

	if (write || config_check_is_open(path, false))
		conf_find_at(k->found, CONF_ERROR, path, 0,
			arena_printf(&k->found->arena, "chmod o= %s", path),
			"holds secrets, and every user of this machine can %s it",
			write ? "write" : "read");
}

static void
find_secrets(struct config_check *k)
{
	static const char *const tables[] = { "accounts", "relay_credentials" };
	const struct common_conf *common = cli_common(k->cli);
	const struct directory_conf *directory = conf_values(&k->cli->conf, "directory");
	char path[1200];

	for (size_t i = 0; i < NITEMS(tables); i++) {
		snprintf(path, sizeof(path), "%s/%s", common->tables, tables[i]);
		find_secret(k, path);
		snprintf(path, sizeof(path), "%s/directory/%s.db", common->state, tables[i]);
		find_secret(k, path);
	}
	snprintf(path, sizeof(path), "%s/directory/srs-secrets", common->state);
	find_secret(k, path);
	find_secret(k, directory->postgresql_password_file);
	if (strstr(directory->postgresql, "password=") != NULL)
		find_secret(k, k->cli->conf_path);
	if (config_check_is_open(k->cli->conf_path, true))
		conf_find_at(k->found, CONF_ERROR, k->cli->conf_path, 0,
			arena_printf(&k->found->arena, "chmod o-w %s", k->cli->conf_path),
			"every user of this machine can write it, and root believes it");
}

static void
find_named_file(struct config_check *k, const char *option, const char *path,
	enum conf_severity severity, const char *cure)
{
	if (path[0] == 0 || access(path, R_OK) == 0)
		return;
	if (errno == EACCES && !k->is_root)
		conf_find(k->found, CONF_NOTE, option, "ask as root",
			"%s: cannot be looked at by this user", path);
	else
		conf_find(k->found, severity, option, cure, "%s: %s", path, strerror(errno));
}

static void
find_named_files(struct config_check *k)
{
	const struct directory_conf *directory = conf_values(&k->cli->conf, "directory");
	const struct resolver_conf *resolver = conf_values(&k->cli->conf, "resolver");
	const struct smtp_client_conf *client = conf_values(&k->cli->conf, "smtp_client");
	char path[1200];

	find_named_file(k, "resolver.trust_anchor", resolver->trust_anchor, CONF_ERROR,
		"install the package dns-root-data; or, as the last resort, leave it empty");
	for (size_t i = 0; i < client->tls_ca.n; i++)
		find_named_file(k, "smtp_client.tls_ca", client->tls_ca.v[i], CONF_WARNING,
			"install the package ca-certificates, or name another file");
	find_named_file(k, "directory.alias_file", directory->alias_file, CONF_WARNING,
		"make it, or leave the option empty");
	find_named_file(k, "directory.postgresql_password_file",
		directory->postgresql_password_file, CONF_ERROR,
		"write the password into its first line");
	if (directory->pam_service[0] != 0) {
		snprintf(path, sizeof(path), "/etc/pam.d/%s", directory->pam_service);
		find_named_file(k, "directory.pam_service", path, CONF_ERROR,
			"name a service that is there, or leave it empty");
	}
	if (strcmp(cli_common(k->cli)->log, "syslog") == 0 && !k->running &&
		access("/dev/log", F_OK) != 0)
		conf_find(k->found, CONF_ERROR, "log", "start a syslog service, or name a file",
			"there is no /dev/log: the suite would not start");
}

const struct config_check_row config_check_files[] = {
	{ "system-users", find_users, false, "the services' users are there" },
	{ "named-users", find_other_users, false, "other users that options name are there" },
	{ "folders", find_folders, false, "folders are there, or can be made" },
	{ "folders-above", find_way, false, "local users reach the socket of sendmail" },
	{ "owners", find_owners, false, "folders belong to the services that work in them" },
	{ "file-systems", find_file_systems, false, "folders are on disks, writable, with room" },
	{ "journal-room", find_journal_room, false, "the queue's journal fits" },
	{ "secrets", find_secrets, false, "no file with secrets is open to others" },
	{ "named-files", find_named_files, false, "files that options name are there" },
	{ NULL, NULL, false, NULL },
};
