/* SPDX-License-Identifier: ISC */
/*
 * cli/import_uids.c - relais import-uids: Maildirs of Dovecot's keep their UIDs (and UIDLs), so
 * that no client fetches all its mail anew. Before the suite serves them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "dovecot_uidlist.h"
#include "err.h"
#include "sys.h"

#define DEPTH_MAX 12

const char import_uids_usage[] =
	"relais import-uids [FOLDER]...\n"
	"\n"
	"Goes through all Maildirs below the folders (without any: the mail root) and\n"
	"writes the UIDs of each dovecot-uidlist into the names of its messages, and\n"
	"UIDVALIDITY into .uidvalidity: clients of IMAP and POP3 know their mail again.\n"
	"Do it while neither Dovecot nor this suite serves them. A folder that has\n"
	".uidvalidity is left alone, so it can be repeated.";

struct walk {
	size_t folders, before, taken, others, failed;
	char path[4096]; /* of the folder, for words */
};

static void walk_folder(struct walk *w, int fd, unsigned depth);

static void
take_over(struct walk *w, int fd)
{
	size_t taken, others;
	int r = dovecot_uidlist_take_over(fd, &taken, &others);

	if (r == ERR_NOT_FOUND)
		return;
	if (r == ERR_EXISTS) {
		w->before++;
	} else if (r < 0) {
		w->failed++;
		fprintf(stderr, "%s: %s: %s\n", w->path, DOVECOT_UIDLIST, err_text(r));
	} else {
		w->folders++;
		w->taken += taken;
		w->others += others;
	}
}

/* The messages' own directories have no folders in them. */
static bool
is_inner(const char *name)
{
	static const char *const names[] = { ".", "..", "cur", "new", "tmp" };

	for (size_t i = 0; i < NITEMS(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* No link is followed: users may own what is above. */
static void
walk_below(struct walk *w, int fd, const char *name, unsigned depth)
{
	size_t length = strlen(w->path);
	int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (below < 0 && (errno == ENOTDIR || errno == ELOOP || errno == ENOENT))
		return;
	snprintf(w->path + length, sizeof(w->path) - length, "/%s", name);
	if (below < 0) {
		w->failed++;
		fprintf(stderr, "%s: %s\n", w->path, strerror(errno));
	} else {
		walk_folder(w, below, depth);
	}
	w->path[length] = 0;
}

/* Takes fd. */
static void
walk_folder(struct walk *w, int fd, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;

	if (dir == NULL) {
		w->failed++;
		fprintf(stderr, "%s: %s\n", w->path, strerror(errno));
		close(fd);
		return;
	}
	take_over(w, fd);
	while (depth < DEPTH_MAX && (e = readdir(dir)) != NULL)
		if ((e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) && !is_inner(e->d_name))
			walk_below(w, fd, e->d_name, depth + 1);
	closedir(dir);
}

static void
walk_root(struct walk *w, const char *path)
{
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(w->path, sizeof(w->path), "%s", path);
	if (fd >= 0) {
		walk_folder(w, fd, 0);
		return;
	}
	w->failed++;
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
}

int
cmd_import_uids(struct cli *cli, int argc, char *argv[])
{
	struct walk w = { 0 };

	if (argc == 1 && !cli_load(cli))
		return CLI_FAILED;
	if (argc == 1)
		walk_root(&w, cli_common(cli)->mail_root);
	for (int i = 1; i < argc; i++)
		walk_root(&w, argv[i]);
	printf("%zu folders taken over: %zu messages keep their UIDs, %zu get new ones\n",
		w.folders, w.taken, w.others);
	if (w.before > 0)
		printf("%zu folders left alone: they have .uidvalidity already\n", w.before);
	if (w.failed > 0)
		fprintf(stderr, "%zu failed; mend that and repeat the command\n", w.failed);
	return w.failed > 0 ? CLI_FAILED : CLI_OK;
}
