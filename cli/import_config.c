/* SPDX-License-Identifier: ISC */
/*
 * cli/import_config.c - relais import-config: the configuration of Postfix and Dovecot, written as
 * ours into a folder of its own, and what became of each line. Nothing that runs is touched.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "err.h"
#include "import.h"
#include "make_path.h"
#include "printed.h"
#include "sys.h"

#define FILE_MAX ((off_t)512 * 1024 * 1024)

const char import_config_usage[] =
	"relais import-config [--postfix PATH] [--dovecot PATH]\n"
	"                            [--passwd-file FILE]... [--to FOLDER]\n"
	"                            [--left] [--json]\n"
	"\n"
	"Reads Postfix' main.cf and its maps, Dovecot's configuration and passwd-files,\n"
	"and writes relais.conf and the tables into FOLDER (relais-import), which must\n"
	"be new or empty. Tells for each line what became of it:\n"
	"\n"
	"  taken     it is in what was written\n"
	"  needless  it is so anyway, or has no meaning here\n"
	"  by hand   it has no counterpart; what to do instead\n"
	"  failed    a file could not be read\n"
	"\n"
	"PATH: a folder or its main file; without any: /etc/postfix and /etc/dovecot, if\n"
	"they are there. A password without a scheme in a passwd-file is CRYPT.\n"
	"--left: only what is by hand or failed. Exit status 1 if something failed.";

struct options {
	const char *postfix, *dovecot, *to;
	const char **passwd_files;
	size_t npasswd_files;
	bool left, json;
};

/* ---- the old files ---- */

static int
read_file(void *arg, struct arena *a, const char *path, struct bytes *text)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0), r = ERR_OK;
	struct stat st;
	uint8_t *room;
	ssize_t n;

	UNUSED(arg);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		r = err_from_errno(errno);
	} else if (!S_ISREG(st.st_mode)) {
		r = ERR_UNSUPPORTED;
	} else if (st.st_size > FILE_MAX) {
		r = ERR_LIMIT;
	} else {
		room = arena_alloc(a, (size_t)st.st_size + 1);
		n = sys_read_full(fd, room, (size_t)st.st_size);
		*text = bytes_make(room, n < 0 ? 0 : (size_t)n);
		r = n < 0 ? (int)n : ERR_OK;
	}
	close(fd);
	return r;
}

static struct conf_list
glob_files(void *arg, struct arena *a, const char *pattern)
{
	glob_t found = { 0 };
	struct conf_list list = { 0, NULL };
	const char **names;

	UNUSED(arg);
	if (glob(pattern, 0, NULL, &found) == 0) {
		names = arena_alloc(a, found.gl_pathc * sizeof(*names));
		for (size_t i = 0; i < found.gl_pathc; i++)
			names[i] = arena_str(a, bytes_from_str(found.gl_pathv[i]));
		list = (struct conf_list){ found.gl_pathc, names };
	}
	globfree(&found);
	return list;
}

/* "/etc/postfix" means the file in it. */
static const char *
main_file(struct import *im, const char *path, const char *name)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return arena_printf(&im->arena, "%s/%s", path, name);
	return path;
}

/* false: not there, or not readable; told, but for what nobody named. */
static bool
read_main(struct import *im, const char *named, const char *usual, const char *name,
	const char **path, struct bytes *text)
{
	if (named == NULL && access(usual, F_OK) != 0)
		return false;
	*path = main_file(im, named != NULL ? named : usual, name);
	return import_read(im, &(struct import_place){ *path, 0, "file" }, *path, text);
}

/* How many there were to read. */
static unsigned
read_all(struct import *im, const struct options *o)
{
	bool usual = o->postfix == NULL && o->dovecot == NULL && o->npasswd_files == 0;
	struct bytes text;
	const char *path;
	unsigned n = 0;

	if ((usual || o->postfix != NULL) &&
		read_main(im, o->postfix, "/etc/postfix/main.cf", "main.cf", &path, &text)) {
		import_postfix(im, path, text);
		n++;
	}
	if ((usual || o->dovecot != NULL) && read_main(im, o->dovecot, "/etc/dovecot/dovecot.conf",
						     "dovecot.conf", &path, &text)) {
		import_dovecot(im, path, text);
		n++;
	}
	for (size_t i = 0; i < o->npasswd_files; i++) {
		path = o->passwd_files[i];
		if (!import_read(im, &(struct import_place){ path, 0, "file" }, path, &text))
			continue;
		import_passwd_file(im, path, text, BYTES_LITERAL("CRYPT"));
		n++;
	}
	import_finish(im);
	return n;
}

/* ---- what is written ---- */

/* New, or an empty folder. */
static bool
make_folder(const char *path)
{
	DIR *dir;
	const struct dirent *e;
	bool empty = true;

	if (make_path(path) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		empty = empty && e->d_name[0] == '.' &&
			(e->d_name[1] == 0 || strcmp(e->d_name, "..") == 0);
	if (dir == NULL)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	else if (!empty)
		fprintf(stderr,
			"%s: is not empty; nothing is overwritten. Name another with --to\n", path);
	if (dir != NULL)
		closedir(dir);
	return dir != NULL && empty;
}

static bool
write_file(const char *folder, const char *name, mode_t mode, struct bytes text)
{
	char path[4096];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	r = fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd >= 0) {
		r = sys_write_all(fd, text);
		close(fd);
	}
	if (r < 0)
		fprintf(stderr, "%s: %s\n", path, err_text(r));
	return r >= 0;
}

static bool
write_all(struct import *im, const char *folder)
{
	struct buf text = BUF_SECRET;
	bool ok = make_folder(folder);

	if (ok) {
		import_write_conf(im, &text);
		ok = write_file(folder, "relais.conf", 0644, buf_bytes(&text));
	}
	for (int kind = 0; ok && kind < TABLE_SYSTEM_USERS; kind++) {
		bool secret = kind == TABLE_ACCOUNTS || kind == TABLE_RELAY_CREDENTIALS;

		buf_clear(&text);
		import_write_table(im, (enum table_kind)kind, &text);
		if (text.len > 0)
			ok = write_file(folder, table_kind_name((enum table_kind)kind),
				secret ? 0600 : 0644, buf_bytes(&text));
	}
	buf_free(&text);
	return ok;
}

/* ---- what is told ---- */

static bool
is_left(enum import_verdict v)
{
	return v == IMPORT_BY_HAND || v == IMPORT_FAILED;
}

static void
print_finding(const struct import_finding *f)
{
	print_safely(bytes_from_str(f->place.file));
	if (f->place.line > 0)
		printf(":%u", f->place.line);
	printf(": ");
	print_safely(bytes_from_str(f->place.what));
	printf(": %s: ", import_verdict_name(f->verdict));
	print_safely(bytes_from_str(f->words));
	putchar('\n');
}

static json_t *
finding_json(const struct import_finding *f)
{
	return json_pack("{s:o,s:I,s:o,s:s,s:o}", "file", json_text(bytes_from_str(f->place.file)),
		"line", (json_int_t)f->place.line, "what", json_text(bytes_from_str(f->place.what)),
		"verdict", import_verdict_name(f->verdict), "words",
		json_text(bytes_from_str(f->words)));
}

static void
print_findings(const struct import *im, const struct options *o)
{
	json_t *list = o->json ? json_array() : NULL;

	for (size_t i = 0; i < im->nfindings; i++) {
		const struct import_finding *f = &im->findings[i];

		if (o->left && !is_left(f->verdict))
			continue;
		if (list != NULL)
			json_array_append_new(list, finding_json(f));
		else
			print_finding(f);
	}
	if (list != NULL) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(list);
	}
}

/* How many of each verdict; what comes next. To stderr: results are on stdout. */
static void
print_end(const struct import *im, const char *folder)
{
	size_t n[IMPORT_VERDICTS] = { 0 };

	for (size_t i = 0; i < im->nfindings; i++)
		n[im->findings[i].verdict]++;
	fprintf(stderr,
		"\n%zu taken, %zu needless, %zu by hand, %zu failed. master.cf is not read: 587 "
		"and "
		"465 are open here anyway.\n"
		"Written to %s. Next: read what is left by hand, copy the files to the tables' "
		"folder,\nthen \"relais config check\", \"relais map\", \"relais dkim new "
		"DOMAIN\".\n"
		"Maildirs are used as they are; \"relais import-uids\" brings their UIDs, so that "
		"clients\nneed not fetch all mail anew.\n",
		n[IMPORT_TAKEN], n[IMPORT_NEEDLESS], n[IMPORT_BY_HAND], n[IMPORT_FAILED], folder);
}

static int
import(const struct options *o)
{
	const struct import_files files = { read_file, glob_files, NULL };
	struct import im;
	int status = CLI_OK;

	import_init(&im, &files);
	if (read_all(&im, o) == 0) {
		print_findings(&im, o);
		fprintf(stderr, "relais import-config: nothing to read; name the files with "
				"--postfix, --dovecot or --passwd-file\n");
		import_free(&im);
		return CLI_FAILED;
	}
	if (!write_all(&im, o->to)) {
		status = CLI_FAILED;
	} else {
		print_findings(&im, o);
		print_end(&im, o->to);
	}
	for (size_t i = 0; i < im.nfindings; i++)
		if (im.findings[i].verdict == IMPORT_FAILED)
			status = CLI_FAILED;
	import_free(&im);
	return status;
}

int
cmd_import_config(struct cli *cli, int argc, char *argv[])
{
	struct options o = { .to = "relais-import" };
	int status;

	UNUSED(cli);
	o.passwd_files = xcalloc((size_t)argc, sizeof(*o.passwd_files));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--left") == 0)
			o.left = true;
		else if (strcmp(argv[i], "--json") == 0)
			o.json = true;
		else if (strcmp(argv[i], "--postfix") == 0)
			o.postfix = argv[++i];
		else if (strcmp(argv[i], "--dovecot") == 0)
			o.dovecot = argv[++i];
		else if (strcmp(argv[i], "--passwd-file") == 0)
			o.passwd_files[o.npasswd_files++] = argv[++i];
		else
			o.to = argv[++i]; /* --to: no other word is let through */
	}
	status = import(&o);
	free(o.passwd_files);
	return status;
}
