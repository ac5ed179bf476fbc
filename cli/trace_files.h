/* SPDX-License-Identifier: ISC */
/* cli/trace_files.h - the log and what it was rotated to, line by line, oldest first. */
#ifndef RELAIS_CLI_TRACE_FILES_H
#define RELAIS_CLI_TRACE_FILES_H

#include "bytes.h"

struct log_file {
	char *path;
	uint64_t mtime_s;
};

struct log_files {
	size_t n;
	struct log_file *files; /* oldest first */
};

/* path itself, path.1, path.2.gz, path-20261122, ...; those last written before since_s are left
 * out. Files that cannot be looked at are told on stderr. */
void log_files_find(struct log_files *out, const char *path, uint64_t since_s);
void log_files_free(struct log_files *f);

/* Each line without its end; one that is too long is cut. false: it cannot be read (told). */
typedef void log_line_fn(void *ctx, const struct log_file *file, struct bytes line);
bool log_file_read(const struct log_file *f, log_line_fn *each, void *ctx);

#endif
