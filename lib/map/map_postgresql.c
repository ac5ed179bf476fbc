/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map_postgresql.c - libpq's non-blocking calls and poll(), so that every step has a
 * time-out.
 *
 * Runs in:  directory; pg_prepare_conninfo() before its jail, the rest in the threads of
 *           lookups.c.
 * Trusts:   the server to be the administrator's; not the rows it gives (sql_rows.h).
 */
#include "map_postgresql.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "sql_rows.h"
#include "utf8.h"

#define ERROR_MAX    300
#define PASSWORD_MAX 1024

/* ---- before the jail ---------------------------------------------------------------------- */

struct words {
	const char *host, *hostaddr, *user, *sslmode;
	bool password, gssencmode, passfile;
};

static void
take_word(struct words *w, const PQconninfoOption *o)
{
	const struct {
		const char *name;
		const char **value;
	} texts[] = {
		{ "host", &w->host },
		{ "hostaddr", &w->hostaddr },
		{ "user", &w->user },
		{ "sslmode", &w->sslmode },
	};

	for (size_t i = 0; i < NITEMS(texts); i++)
		if (strcmp(o->keyword, texts[i].name) == 0)
			*texts[i].value = o->val;
	w->password |= strcmp(o->keyword, "password") == 0;
	w->gssencmode |= strcmp(o->keyword, "gssencmode") == 0;
	w->passfile |= strcmp(o->keyword, "passfile") == 0;
}

/* keyword='value', with quotes and backslashes escaped */
static void
put_word(struct buf *out, const char *keyword, const char *value)
{
	if (out->len > 0)
		buf_put_u8(out, ' ');
	buf_printf(out, "%s='", keyword);
	for (; *value != 0; value++) {
		if (*value == '\'' || *value == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, (uint8_t)*value);
	}
	buf_put_u8(out, '\'');
}

static bool
put_address(struct buf *out, const char *host, bool *loopback)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char text[NI_MAXHOST];
	bool ok;

	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return false;
	ok = getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0,
		     NI_NUMERICHOST) == 0;
	freeaddrinfo(found);
	if (!ok)
		return false;
	put_word(out, "hostaddr", text);
	*loopback = strcmp(text, "::1") == 0 || strncmp(text, "127.", 4) == 0;
	return true;
}

static bool
put_password_file(struct buf *out, const char *path)
{
	char text[PASSWORD_MAX + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0 || n > PASSWORD_MAX)
		return false;
	text[n] = 0;
	text[strcspn(text, "\r\n")] = 0;
	put_word(out, "password", text);
	explicit_bzero(text, sizeof(text));
	return true;
}

/* The folder of a UNIX socket as seen from inside the jail. */
static const char *
inside(const char *folder, const char *root)
{
	size_t n = root == NULL ? 0 : strlen(root);

	if (n == 0)
		return folder;
	if (strncmp(folder, root, n) != 0 || (folder[n] != '/' && folder[n] != 0))
		return NULL;
	return folder[n] == 0 ? "/" : folder + n;
}

/* Where the server is; how safe is the way there? */
static const char *
put_host(struct buf *out, const struct words *w, const char *root, bool *local)
{
	const char *host = w->host != NULL ? w->host : "localhost";

	*local = false;
	if (host[0] == '/') {
		host = inside(host, root);
		if (host == NULL)
			return "the server's socket is not below directory's root folder, which "
			       "is all it sees; use a loopback address, or let the server listen "
			       "in that folder too (unix_socket_directories)";
		put_word(out, "host", host);
		*local = true;
		return NULL;
	}
	put_word(out, "host", host);
	return put_address(out, w->hostaddr != NULL ? w->hostaddr : host, local)
		       ? NULL
		       : "the server's host name has no address";
}

static const char *
put_words(struct buf *out, const PQconninfoOption *options, const char *password_file,
	const char *root)
{
	const struct passwd *pw;
	struct words w = { 0 };
	const char *why;
	bool local;

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
		if (o->val == NULL)
			continue;
		take_word(&w, o);
		if (strcmp(o->keyword, "host") != 0 && strcmp(o->keyword, "hostaddr") != 0)
			put_word(out, o->keyword, o->val);
	}
	if ((why = put_host(out, &w, root, &local)) != NULL)
		return why;
	if (!w.password && password_file != NULL && password_file[0] != 0 &&
		!put_password_file(out, password_file))
		return "the password file cannot be read";
	if (w.user == NULL && (pw = getpwuid(geteuid())) != NULL)
		put_word(out, "user", pw->pw_name);
	if (w.sslmode == NULL)
		put_word(out, "sslmode", local ? "disable" : "require");
	if (!w.gssencmode)
		put_word(out, "gssencmode", "disable");
	if (!w.passfile)
		put_word(out, "passfile", "/none");
	return NULL;
}

char *
pg_prepare_conninfo(
	const char *conninfo, const char *password_file, const char *root, struct buf *why)
{
	char *error = NULL, *result = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &error);
	struct buf out = BUF_INIT;
	const char *wrong;

	if (options == NULL) {
		buf_put_str(why, error != NULL ? error : "out of memory");
		PQfreemem(error);
		return NULL;
	}
	wrong = put_words(&out, options, password_file, root);
	if (wrong == NULL)
		result = xstrdup(buf_str(&out));
	else
		buf_put_str(why, wrong);
	if (out.data != NULL)
		explicit_bzero(out.data, out.cap);
	buf_free(&out);
	PQconninfoFree(options);
	return result;
}

/* ---- the connection ----------------------------------------------------------------------- */

struct pg {
	char *conninfo;
	unsigned connect_timeout_ms, query_timeout_ms;
	PGconn *conn; /* NULL: none */
	bool prepared[TABLE_KINDS];
	uint64_t next_try_ms;
	unsigned pause_ms;
	char error[ERROR_MAX], taken[ERROR_MAX];
};

struct pg *
pg_new(const struct pg_options *options)
{
	struct pg *pg = xcalloc(1, sizeof(*pg));

	pg->conninfo = xstrdup(options->conninfo);
	pg->connect_timeout_ms = options->connect_timeout_ms;
	pg->query_timeout_ms = options->query_timeout_ms;
	pg->pause_ms = PG_PAUSE_FIRST_MS;
	return pg;
}

/* As one line. */
static void
note(struct pg *pg, const char *what, const char *text)
{
	snprintf(pg->error, sizeof(pg->error), "%s: %s", what, text);
	for (char *c = pg->error; *c != 0; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	for (size_t n = strlen(pg->error); n > 0 && pg->error[n - 1] == ' '; n--)
		pg->error[n - 1] = 0;
}

const char *
pg_take_error(struct pg *pg)
{
	memcpy(pg->taken, pg->error, sizeof(pg->taken));
	pg->error[0] = 0;
	return pg->taken;
}

bool
pg_is_connected(const struct pg *pg)
{
	return pg->conn != NULL;
}

static void
drop(struct pg *pg)
{
	if (pg->conn != NULL)
		PQfinish(pg->conn);
	pg->conn = NULL;
	memset(pg->prepared, 0, sizeof(pg->prepared));
}

void
pg_free(struct pg **pgp)
{
	struct pg *pg = *pgp;

	*pgp = NULL;
	if (pg == NULL)
		return;
	drop(pg);
	explicit_bzero(pg->conninfo, strlen(pg->conninfo));
	free(pg->conninfo);
	free(pg);
}

/* The socket can be read (or written) before the deadline. */
static bool
wait_for(const struct pg *pg, short events, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = PQsocket(pg->conn), .events = events };
	uint64_t now;
	int r;

	do {
		now = clock_mono_ms();
		if (p.fd < 0 || now >= deadline_ms)
			return false;
		r = poll(&p, 1, (int)(deadline_ms - now));
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

static bool
connect_now(struct pg *pg)
{
	uint64_t deadline = clock_mono_ms() + pg->connect_timeout_ms;
	PostgresPollingStatusType s = PGRES_POLLING_WRITING;
	const char *const keywords[] = { "dbname", "fallback_application_name", "client_encoding",
		NULL };
	const char *const values[] = { pg->conninfo, "relais", "UTF8", NULL };

	pg->conn = PQconnectStartParams(keywords, values, 1);
	if (pg->conn == NULL)
		return false;
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		s = PGRES_POLLING_FAILED;
	while (s != PGRES_POLLING_OK && s != PGRES_POLLING_FAILED) {
		if (!wait_for(pg, s == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
			note(pg, "connection", "timed out");
			return false;
		}
		s = PQconnectPoll(pg->conn);
	}
	if (s == PGRES_POLLING_FAILED)
		note(pg, "connection", PQerrorMessage(pg->conn));
	return s == PGRES_POLLING_OK && PQsetnonblocking(pg->conn, 1) == 0;
}

/* A connection, made anew if its time has come. */
static bool
be_connected(struct pg *pg)
{
	if (pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK)
		return true;
	drop(pg);
	if (clock_mono_ms() < pg->next_try_ms)
		return false;
	if (connect_now(pg)) {
		pg->pause_ms = PG_PAUSE_FIRST_MS;
		return true;
	}
	drop(pg);
	pg->next_try_ms = clock_mono_ms() + pg->pause_ms;
	pg->pause_ms = pg->pause_ms * 2 < PG_PAUSE_MAX_MS ? pg->pause_ms * 2 : PG_PAUSE_MAX_MS;
	return false;
}

/* What was sent is on its way and the one result is here. NULL: not in time, or lost. */
static PGresult *
take_result(struct pg *pg)
{
	uint64_t deadline = clock_mono_ms() + pg->query_timeout_ms;
	PGresult *first = NULL, *next;
	int left;

	while ((left = PQflush(pg->conn)) > 0)
		if (!wait_for(pg, POLLIN | POLLOUT, deadline) || PQconsumeInput(pg->conn) == 0)
			return NULL;
	if (left < 0)
		return NULL;
	for (;;) {
		while (PQisBusy(pg->conn))
			if (!wait_for(pg, POLLIN, deadline) || PQconsumeInput(pg->conn) == 0) {
				PQclear(first);
				return NULL;
			}
		next = PQgetResult(pg->conn);
		if (next == NULL)
			return first;
		if (first == NULL)
			first = next;
		else
			PQclear(next);
	}
}

/* Errors after which the same connection cannot go on: it ends (08, 57P), or what we prepared is
 * gone (26, a pooler in between). */
static bool
is_end(const PGresult *result)
{
	static const char *const classes[] = { "08", "57P", "26" };
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	for (size_t i = 0; state != NULL && i < NITEMS(classes); i++)
		if (strncmp(state, classes[i], strlen(classes[i])) == 0)
			return true;
	return false;
}

/* An answer as wanted; else it is noted why not, and the connection dropped if it is no good.
 * *again: a new one might do better at once. */
static PGresult *
good_result(struct pg *pg, bool sent, ExecStatusType wanted, bool *again)
{
	PGresult *result = sent ? take_result(pg) : NULL;

	if (result != NULL && PQresultStatus(result) == wanted)
		return result;
	*again = PQstatus(pg->conn) == CONNECTION_BAD || (result != NULL && is_end(result));
	if (result != NULL)
		note(pg, "query", PQresultErrorMessage(result));
	else
		note(pg, "query", *again ? PQerrorMessage(pg->conn) : "timed out");
	if (result == NULL || *again)
		drop(pg);
	PQclear(result);
	return NULL;
}

struct pg_map {
	struct pg *pg;
	enum table_kind kind;
	char *query;
};

static PGresult *
ask(struct pg_map *m, const char *key, bool *again)
{
	struct pg *pg = m->pg;
	const char *name = table_kind_name(m->kind);
	PGresult *result;

	*again = false;
	if (!be_connected(pg))
		return NULL;
	if (!pg->prepared[m->kind]) {
		result = good_result(pg, PQsendPrepare(pg->conn, name, m->query, 1, NULL) != 0,
			PGRES_COMMAND_OK, again);
		if (result == NULL)
			return NULL;
		PQclear(result);
		pg->prepared[m->kind] = true;
	}
	return good_result(pg, PQsendQueryPrepared(pg->conn, name, 1, &key, NULL, NULL, 0) != 0,
		PGRES_TUPLES_OK, again);
}

static int
value_of(struct pg_map *m, const PGresult *result, struct arena *a, struct bytes *value)
{
	size_t columns = (size_t)PQnfields(result), rows = (size_t)PQntuples(result);
	struct sql_rows r = { rows, columns, NULL, NULL };
	struct bytes *names, *fields;
	const char *why;
	int e;

	if (columns > SQL_COLUMNS_MAX || rows > TABLE_VALUE_MAX) {
		note(m->pg, table_kind_name(m->kind), "too many rows or columns");
		return ERR_IO;
	}
	names = arena_alloc(a, (columns + 1) * sizeof(*names));
	fields = arena_alloc(a, (rows * columns + 1) * sizeof(*fields));
	for (size_t i = 0; i < columns; i++)
		names[i] = bytes_from_str(PQfname(result, (int)i));
	for (size_t i = 0; i < rows * columns; i++) {
		int row = (int)(i / columns), column = (int)(i % columns);

		fields[i] = PQgetisnull(result, row, column)
				    ? BYTES_NONE
				    : bytes_make(PQgetvalue(result, row, column),
					      (size_t)PQgetlength(result, row, column));
	}
	r.names = names;
	r.fields = fields;
	e = sql_rows_value(m->kind, &r, a, value, &why);
	if (e == ERR_OK || e == ERR_NOT_FOUND)
		return e;
	note(m->pg, table_kind_name(m->kind), why);
	return ERR_IO; /* as long as it is so nobody is refused for it */
}

static int
pg_get(void *self, struct arena *a, struct bytes key, struct bytes *value)
{
	struct pg_map *m = self;
	PGresult *result;
	bool again;
	const char *text;
	int r;

	if (key.n > TABLE_KEY_MAX || !utf8_is_valid(key) || bytes_find(key, 0) != BYTES_NOT_FOUND)
		return ERR_NOT_FOUND; /* nothing the database could hold */
	text = arena_str(a, key);
	result = ask(m, text, &again);
	if (result == NULL && again) /* the server was restarted, perhaps */
		result = ask(m, text, &again);
	if (result == NULL)
		return ERR_IO;
	r = value_of(m, result, a, value);
	PQclear(result);
	return r;
}

static int
pg_refresh(void *self)
{
	UNUSED(self);
	return 0;
}

static void
pg_close(void *self)
{
	struct pg_map *m = self;

	free(m->query);
	free(m);
}

static const struct map_driver pg_driver = { pg_get, pg_refresh, pg_close };

struct map
map_open_postgresql(struct pg *pg, enum table_kind kind, const char *query)
{
	struct pg_map *m = xcalloc(1, sizeof(*m));

	m->pg = pg;
	m->kind = kind;
	m->query = xstrdup(query);
	return (struct map){ &pg_driver, m };
}
