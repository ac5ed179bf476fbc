/* SPDX-License-Identifier: ISC */
/* master/main.c - relais-master: options and the configuration file, then the supervisor. */
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "master.h"
#include "version.h"

#define DEFAULT_CONF "/etc/relais/relais.conf"

static int
usage(FILE *out, int status)
{
	fputs("Usage: relais-master [--config FILE] [--option NAME=VALUE]...\n"
	      "Starts the suite and stays in the foreground; prints \"ready\" when every service\n"
	      "answers. SIGTERM stops it, SIGHUP reloads the configuration.\n"
	      "  -c, --config FILE       the configuration (" DEFAULT_CONF ")\n"
	      "  -o, --option NAME=VALUE one option, as smtpd.listen=127.0.0.1:2525; repeatable\n"
	      "      --check             could this program take over from one that runs?\n"
	      "  -V, --version           which relais this is\n"
	      "  -h, --help              this text\n",
		out);
	return status;
}

/* The services' programs are beside us: ../libexec, or ../libexec/relais when installed. */
static char *
find_programs(void)
{
	static const char *const places[] = { "../libexec/relais", "../libexec", "../lib/relais" };
	char self[PATH_MAX], path[PATH_MAX + 64], real[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return NULL;
	self[n] = 0;
	dirname(self);
	for (size_t i = 0; i < NITEMS(places); i++) {
		snprintf(path, sizeof(path), "%s/%s/smtpd", self, places[i]);
		if (access(path, X_OK) == 0 && realpath(path, real) != NULL)
			return xstrdup(dirname(real));
	}
	return NULL;
}

/* By which path a newer program is found: as we were started, not the file that this one is. */
static char *
find_self(const char *word)
{
	char path[PATH_MAX], folder[PATH_MAX];
	ssize_t n;

	if (word[0] == '/')
		return xstrdup(word);
	if (strchr(word, '/') != NULL) {
		if (getcwd(folder, sizeof(folder)) == NULL ||
			snprintf(path, sizeof(path), "%s/%s", folder, word) >= (int)sizeof(path))
			return NULL;
		return xstrdup(path);
	}
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0)
		return NULL;
	path[n] = 0;
	return xstrdup(path);
}

/* A descriptor's; -1: it is none. */
static int
number(const char *word)
{
	uint64_t n;

	return bytes_to_u64(bytes_from_str(word), INT_MAX, &n) < 0 ? -1 : (int)n;
}

/* The command line without what concerns this start only. */
static char **
own_words(int argc, char *argv[])
{
	char **words = xcalloc((size_t)argc + 1, sizeof(*words));
	int n = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--take-over") == 0)
			i++; /* and its number */
		else
			words[n++] = argv[i];
	}
	return words;
}

int
main(int argc, char *argv[])
{
	static const struct option long_options[] = { { "config", required_argument, NULL, 'c' },
		{ "option", required_argument, NULL, 'o' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { "check", no_argument, NULL, 'C' },
		{ "take-over", required_argument, NULL, 'T' }, { NULL, 0, NULL, 0 } };
	struct master *m = xcalloc(1, sizeof(*m));
	const char **overrides = xcalloc((size_t)argc, sizeof(*overrides));
	struct buf text = BUF_INIT;
	bool check = false;
	int c;

	m->conf_path = DEFAULT_CONF;
	m->take_over_fd = -1;
	m->self = find_self(argv[0]);
	m->argv = own_words(argc, argv);
	while ((c = getopt_long(argc, argv, "c:o:hV", long_options, NULL)) != -1) {
		if (c == 'c')
			m->conf_path = optarg;
		else if (c == 'o')
			overrides[m->noverrides++] = optarg;
		else if (c == 'C')
			check = true;
		else if (c == 'T') /* of the running master's, see upgrade.c */
			m->take_over_fd = number(optarg);
		else if (c == 'V')
			return printf("relais %s\n", relais_version()) < 0;
		else
			return usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
	}
	if (optind < argc) {
		fprintf(stderr, "relais-master: \"%s\" is one word too many\n", argv[optind]);
		return usage(stderr, 2);
	}
	m->overrides = overrides;
	conf_init(&m->conf);
	(void)conf_load(&m->conf, m->conf_path);
	for (size_t i = 0; i < m->noverrides; i++)
		(void)conf_override(&m->conf, overrides[i]);
	if (m->conf.first != NULL || !master_check_conf(&m->conf, m->conf_path)) {
		master_report_errors(&m->conf, &text);
		fputs(buf_str(&text), stderr);
		return 1;
	}
	m->program_folder = find_programs();
	if (m->program_folder == NULL) {
		fputs("relais-master: the services' programs are not there\n", stderr);
		return 1;
	}
	if (check)
		return master_check(m) < 0 ? 1 : 0;
	return master_run(m);
}
