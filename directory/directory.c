/* SPDX-License-Identifier: ISC */
/*
 * directory/directory.c - the daemon around tables, resolution and password checks.
 *
 * Runs in:  directory.
 */
#include "directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "directory_conf.h"
#include "err.h"
#include "log.h"
#include "map_postgresql.h"
#include "route_records.h"
#include "sasl_exchange.h"
#include "srs_file.h"

#define REFRESH_MS 50

static const char *
tables_folder(const struct directory *d)
{
	return d->daemon->privileged ? "." : d->daemon->root;
}

/* The secrets of SRS, if their file is another than last time. */
static void
refresh_srs(struct directory *d)
{
	char path[1100];
	struct srs_secrets fresh;
	struct stat st;
	int r;

	snprintf(path, sizeof(path), "%s/" SRS_FILE_NAME, tables_folder(d));
	if (stat(path, &st) < 0 ||
		(st.st_ino == d->srs_inode && st.st_mtim.tv_sec == d->srs_mtime.tv_sec &&
			st.st_mtim.tv_nsec == d->srs_mtime.tv_nsec))
		return;
	d->srs_inode = st.st_ino;
	d->srs_mtime = st.st_mtim;
	r = srs_file_read(path, &fresh);
	if (r < 0 || fresh.n == 0) {
		log_error("%s: %s; what was there before is used", SRS_FILE_NAME,
			r < 0 ? err_text(r) : "empty");
		return;
	}
	d->srs_secrets = fresh;
	explicit_bzero(&fresh, sizeof(fresh));
	d->tables.srs.secrets = &d->srs_secrets;
	if (d->lookups != NULL)
		lookups_configure(d->lookups, &d->tables);
}

struct directory_tables *
directory_tables(struct directory *d)
{
	uint64_t now = clock_mono_ms(), serial = d->tables.serial;

	if (now - d->refreshed_ms >= REFRESH_MS) {
		d->refreshed_ms = now;
		tables_refresh(&d->tables);
		if (d->tables.serial != serial)
			log_info("tables: new ones are in use");
		refresh_srs(d);
	}
	return &d->tables;
}

#define LOGIN_DOORS (FROM(SERVICE_IMAP_LOGIN) | FROM(SERVICE_POP3_LOGIN) | FROM(SERVICE_SUBMISSION))

static const struct ipc_route routes[] = {
	/* request	from		states	fds	struct, decoder		handler */
	{ DIRECTORY_RCPT, FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION) | FROM(SERVICE_CLI), 0, 0,
		sizeof(struct directory_rcpt), directory_rcpt_decode, directory_on_rcpt },
	{ DIRECTORY_RESOLVE, FROM(SERVICE_QMGR) | FROM(SERVICE_CLI), 0, 0,
		sizeof(struct directory_resolve), directory_resolve_decode, directory_on_resolve },
	{ DIRECTORY_HOP, FROM(SERVICE_SMTP_CLIENT) | FROM(SERVICE_CLI), 0, 0,
		sizeof(struct directory_hop), directory_hop_decode, directory_on_hop },
	{ DIRECTORY_AUTH, LOGIN_DOORS, 0, 0, sizeof(struct directory_auth), directory_auth_decode,
		directory_on_auth },
	{ DIRECTORY_SASL_START, LOGIN_DOORS, 0, 0, sizeof(struct directory_sasl_start),
		directory_sasl_start_decode, directory_on_sasl_start },
	{ DIRECTORY_SASL_STEP, LOGIN_DOORS, 0, 0, sizeof(struct directory_sasl_step),
		directory_sasl_step_decode, directory_on_sasl_step },
	{ DIRECTORY_SASL_CANCEL, LOGIN_DOORS, 0, 0, sizeof(struct directory_sasl_cancel),
		directory_sasl_cancel_decode, directory_on_sasl_cancel },
	{ DIRECTORY_SEND, FROM(SERVICE_SUBMISSION), 0, 0, sizeof(struct directory_send),
		directory_send_decode, directory_on_send },
	{ DIRECTORY_LOGOUT, FROM(SERVICE_SUBMISSION), 0, 0, sizeof(struct directory_logout),
		directory_logout_decode, directory_on_logout },
	{ DIRECTORY_LOCAL, FROM(SERVICE_SUBMISSION), 0, 1, sizeof(struct directory_local),
		directory_local_decode, directory_on_local },
	{ DIRECTORY_TICKET_KEY, FROM(SERVICE_QMGR) | FROM(SERVICE_SIGNER), 0, 0, 0,
		ipc_empty_decode, directory_on_ticket_key },
};

/* ---- what ledger tells ---- */

static void
on_use(struct ipc_call *call, const void *msg)
{
	struct directory *d = link_ctx(call->ctx);

	near_quota_tell(d->near_quota, msg);
}

static const struct ipc_route ledger_routes[] = {
	{ LEDGER_USE, FROM(SERVICE_LEDGER), 0, 0, sizeof(struct ledger_use), ledger_use_decode,
		on_use },
};

/* A new ledger tells everything anew; until then what is known is better than nothing. */
static void
on_ledger_up(void *arg, struct link *l)
{
	struct directory *d = arg;

	near_quota_clear(d->near_quota);
	(void)link_compose(l);
	link_send(l, LEDGER_SUBSCRIBE, NULL, 0);
}

/* ---- configuration ---- */

static struct bytes
fold_domain(struct arena *a, const char *name)
{
	struct bytes folded;

	if (mail_domain_fold(a, bytes_from_str(name), &folded) < 0) {
		log_warning("configuration: \"%s\" is not a domain name", name);
		return BYTES_NONE;
	}
	return folded;
}

/* Routes and reverse-paths of mail that leaves. */
static void
configure_leaving(struct directory *d)
{
	const struct common_conf *common = d->daemon->common;
	const struct directory_conf *conf = d->daemon->conf;
	struct directory_tables *t = &d->tables;
	struct bytes smarthost = bytes_from_str(common->smarthost);
	const char *why;

	t->smarthost = BYTES_NONE;
	t->smarthost_bad = smarthost.n > 0 &&
			   transport_record_parse(&d->config, smarthost, &t->smarthost, &why) < 0;
	if (t->smarthost_bad)
		log_error("smarthost: %s; mail that needs it waits", why);
	t->srs.on = conf->srs;
	t->srs.days = (uint32_t)(conf->srs_time / OPT_DAY);
	t->srs.domain = conf->srs_domain[0] == 0 ? t->default_domain
						 : fold_domain(&d->config, conf->srs_domain);
}

static void
configure(struct directory *d)
{
	const struct common_conf *common = d->daemon->common;
	const struct directory_conf *conf = d->daemon->conf;
	struct directory_tables *t = &d->tables;

	arena_reset(&d->config);
	t->delimiters = arena_str(&d->config, bytes_from_str(conf->recipient_delimiter));
	t->local_domains = arena_alloc(&d->config, (common->domain.n + 1) * sizeof(struct bytes));
	t->nlocal_domains = 0;
	for (size_t i = 0; i < common->domain.n; i++) {
		struct bytes domain = fold_domain(&d->config, common->domain.v[i]);

		if (domain.n > 0)
			t->local_domains[t->nlocal_domains++] = domain;
	}
	t->default_domain = t->nlocal_domains > 0 ? t->local_domains[0]
						  : fold_domain(&d->config, common->hostname);
	t->postmaster = arena_bytes(&d->config, bytes_from_str(conf->postmaster));
	t->default_quota_octets = conf->default_quota;
	t->system_logins = conf->pam_service[0] != 0;
	t->locked_takes_mail = conf->locked_takes_mail;
	sasl_library_set_iterations(d->sasl, (uint32_t)conf->scram_iterations);
	t->expansion_limit = (uint32_t)conf->expansion_limit;
	t->expansion_depth = (uint32_t)conf->expansion_depth;
	t->mail_uid = d->daemon->mail_uid == UINT32_MAX ? geteuid() : d->daemon->mail_uid;
	t->mail_gid = d->daemon->mail_gid == UINT32_MAX ? getegid() : d->daemon->mail_gid;
	configure_leaving(d);
	if (d->lookups != NULL)
		lookups_configure(d->lookups, t);
}

/* ---- the database, if there is one ---- */

/* Before the jail: files and names can still be looked up. */
static int
prepare_database(struct directory *d)
{
	const struct directory_conf *conf = d->daemon->conf;
	struct buf why = BUF_INIT;

	if (conf->postgresql[0] == 0)
		return ERR_OK;
	setenv("HOME", "/", 1); /* libpq would look for one in the system's tables */
	d->conninfo = pg_prepare_conninfo(conf->postgresql, conf->postgresql_password_file,
		d->daemon->privileged ? d->daemon->root : NULL, &why);
	if (d->conninfo == NULL)
		log_error("directory.postgresql: %s", buf_str(&why));
	buf_free(&why);
	return d->conninfo == NULL ? ERR_SYNTAX : ERR_OK;
}

static void
on_lookups_ready(evutil_socket_t fd, short events, void *arg)
{
	struct directory *d = arg;

	UNUSED(fd), UNUSED(events);
	lookups_collect(d->lookups);
}

static int
start_lookups(struct directory *d, const char *folder)
{
	const struct directory_conf *conf = d->daemon->conf;
	const struct lookups_options options = {
		.threads = (unsigned)conf->postgresql_connections,
		.queue_max = (unsigned)conf->postgresql_queue_limit,
		.folder = folder,
		.conninfo = d->conninfo,
		.queries = { [TABLE_DOMAINS] = conf->postgresql_domains,
			[TABLE_ACCOUNTS] = conf->postgresql_accounts,
			[TABLE_ALIASES] = conf->postgresql_aliases,
			[TABLE_TRANSPORT] = conf->postgresql_transport,
			[TABLE_SENDER_TRANSPORT] = conf->postgresql_sender_transport,
			[TABLE_TLS_POLICY] = conf->postgresql_tls_policy },
		.connect_timeout_ms = (unsigned)conf->postgresql_connect_timeout,
		.query_timeout_ms = (unsigned)conf->postgresql_timeout,
		.cache_entries = conf->postgresql_cache_size,
		.cache_ms = conf->postgresql_cache_time,
	};

	if (d->conninfo == NULL)
		return ERR_OK;
	d->lookups = lookups_new(&options);
	explicit_bzero(d->conninfo, strlen(d->conninfo));
	free(d->conninfo);
	d->conninfo = NULL;
	if (d->lookups == NULL)
		return ERR_RESOURCE;
	lookups_configure(d->lookups, &d->tables);
	d->lookups_event = event_new(
		d->daemon->base, lookups_fd(d->lookups), EV_READ | EV_PERSIST, on_lookups_ready, d);
	event_add(d->lookups_event, NULL);
	return lookups_start(d->lookups);
}

/* ---- the life of the daemon ---- */

/* What an administrator should know before his users do. */
static void
look_for_gaps(struct directory *d)
{
	struct arena a = ARENA_INIT;
	struct resolution r;
	struct bytes value;
	bool missing = false;

	for (int kind = TABLE_TRANSPORT; kind < TABLE_SYSTEM_USERS; kind++)
		missing |= tables_route(&d->tables, &a, (enum table_kind)kind, BYTES_LITERAL("*"),
				   &value) == ERR_IO;
	resolve(&d->tables, &a, BYTES_LITERAL("postmaster"), NULL, &r);
	if (r.verdict == DIRECTORY_TEMPORARY || missing)
		log_warning("tables: not all are compiled; run \"relais map\"");
	else if ((r.verdict != DIRECTORY_OK || r.place != PLACE_LOCAL) && d->conninfo == NULL)
		log_warning("nobody gets mail to postmaster (RFC 5321 sec. 4.5.1): set the option "
			    "directory.postmaster or make an alias");
	arena_reset(&a);
}

static int
on_start(struct daemon *daemon)
{
	const struct directory_conf *conf = daemon->conf;
	struct directory *d = xcalloc(1, sizeof(*d));
	struct passwords_options options = {
		.threads = (unsigned)conf->hash_threads,
		.queue_max = (unsigned)conf->hash_queue_limit,
		.cache_max = (unsigned)conf->auth_cache_size,
		.cache_ms = conf->auth_cache_time,
	};
	int r;

	daemon->ctx = d;
	d->daemon = daemon;
	LIST_INIT(&d->auths);
	LIST_INIT(&d->sends_under_way);
	LIST_INIT(&d->locals);
	LIST_INIT(&d->questions);
	TAILQ_INIT(&d->kept);
	d->kept_serial = UINT64_MAX / 2; /* unlike any of the tables' */
	if (prepare_database(d) < 0)
		return ERR_SYNTAX;
	if ((r = pam_helper_start(daemon, &d->pam)) < 0)
		return r;
	if ((r = directory_sasl_prepare(d)) < 0)
		return r;
	directory_local_prepare(d);
	d->near_quota = near_quota_new();
	if (options.threads == 0)
		options.threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	d->passwords = passwords_new(&options);
	return d->passwords == NULL ? ERR_RESOURCE : ERR_OK;
}

static int
on_run(struct daemon *daemon)
{
	struct directory *d = daemon->ctx;
	int r;

	configure(d);
	tables_open(&d->tables, tables_folder(d));
	(void)directory_tables(d); /* the day, and the secrets of SRS */
	look_for_gaps(d);
	pam_run(d->pam);
	if ((r = start_lookups(d, tables_folder(d))) < 0)
		return r;
	d->ledger = daemon_link(
		daemon, SERVICE_LEDGER, CONTROL_ANY, ledger_routes, NITEMS(ledger_routes));
	link_set_ctx(d->ledger, d);
	link_on_up(d->ledger, on_ledger_up, d);
	link_open(d->ledger);
	directory_sasl_start(d);
	directory_send_start(d);
	return directory_auth_start(d);
}

static void
on_peer_down(struct daemon *daemon, struct ipc_channel *peer)
{
	directory_auth_peer_down(daemon->ctx, peer);
	directory_questions_peer_down(daemon->ctx, peer);
	directory_send_peer_down(daemon->ctx, peer);
	directory_local_peer_down(daemon->ctx, peer);
}

static void
on_reload(struct daemon *daemon)
{
	configure(daemon->ctx);
}

static void
on_stats(struct daemon *daemon, struct buf *out)
{
	const struct directory *d = daemon->ctx;
	struct passwords_counters c = passwords_counters(d->passwords);

	buf_printf(out, "relais_directory_rcpt_total %llu\n", (unsigned long long)d->rcpts);
	buf_printf(out, "relais_directory_resolve_total %llu\n", (unsigned long long)d->resolves);
	buf_printf(out, "relais_directory_hop_total %llu\n", (unsigned long long)d->hops);
	buf_printf(out, "relais_directory_login_total %llu\n", (unsigned long long)d->logins);
	buf_printf(out, "relais_directory_login_failed_total %llu\n",
		(unsigned long long)d->logins_failed);
	buf_printf(out, "relais_directory_hash_total %llu\n", (unsigned long long)c.checked);
	buf_printf(out, "relais_directory_hash_cached_total %llu\n", (unsigned long long)c.cached);
	buf_printf(
		out, "relais_directory_hash_refused_total %llu\n", (unsigned long long)c.refused);
	buf_printf(out, "relais_directory_sasl_open %u\n", directory_sasl_count(d));
	buf_printf(out, "relais_directory_send_total %llu\n", (unsigned long long)d->sends);
	buf_printf(out, "relais_directory_send_refused_total %llu\n",
		(unsigned long long)d->sends_refused);
	buf_printf(out, "relais_directory_hash_waiting %u\n", c.waiting);
	if (d->lookups != NULL) {
		struct lookups_counters l = lookups_counters(d->lookups);

		buf_printf(out,
			"relais_directory_database_total %llu\n"
			"relais_directory_database_failed_total %llu\n"
			"relais_directory_database_refused_total %llu\n"
			"relais_directory_database_waiting %u\n",
			(unsigned long long)l.done, (unsigned long long)l.failed,
			(unsigned long long)l.refused, l.waiting);
	}
	buf_printf(out, "relais_directory_near_quota %zu\n", near_quota_count(d->near_quota));
}

static void
on_stop(struct daemon *daemon)
{
	struct directory *d = daemon->ctx;

	if (d == NULL)
		return;
	if (d->lookups_event != NULL)
		event_free(d->lookups_event);
	lookups_free(&d->lookups); /* first: its threads use what the others own */
	pam_free(&d->pam);
	directory_auth_stop(d);
	directory_sasl_stop(d);
	directory_send_stop(d);
	directory_local_stop(d);
	directory_questions_stop(d);
	tables_close(&d->tables);
	near_quota_free(&d->near_quota);
	arena_reset(&d->config);
	explicit_bzero(&d->srs_secrets, sizeof(d->srs_secrets));
	free(d);
	daemon->ctx = NULL;
}

const struct daemon_spec directory_spec = {
	.service = SERVICE_DIRECTORY,
	.section = &directory_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.start = on_start,
	.run = on_run,
	.peer_down = on_peer_down,
	.reload = on_reload,
	.stats = on_stats,
	.stop = on_stop,
};
