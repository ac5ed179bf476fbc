/* SPDX-License-Identifier: ISC */
/* master/services.c - the services table: the security policy of the suite. */
#include "services.h"

#include "common_conf.h"

#define USER(name) offsetof(struct common_conf, name)

#define DOOR    (SANDBOX_ACCEPT)
#define SPAWNER (SANDBOX_FILES | SANDBOX_FORK | SANDBOX_SETUID | SANDBOX_INOTIFY)
#define MANY    65536
#define SOME    4096

const struct service_row services[] = {
	{ .service = SERVICE_SMTPD,
		.section = "smtpd",
		.user = USER(smtp_user),
		.root = ROOT_EMPTY,
		.sandbox = DOOR | SANDBOX_MEMFD,
		.files_limit = MANY,
		.memory_limit = 2 * OPT_GIB,
		.instances = "workers",
		.doors = { { "smtp", "listen", DOOR_PORTS, NULL, NULL } },
		.may_call = FROM(SERVICE_QMGR) | FROM(SERVICE_DIRECTORY) | FROM(SERVICE_LEDGER) |
			    FROM(SERVICE_KEYHOLDER) | FROM(SERVICE_RESOLVER) |
			    FROM(SERVICE_VERIFIER),
		.reload = RELOAD_REPLACE,
		.stop_phase = 0 },
	{ .service = SERVICE_SUBMISSION,
		.section = "submission",
		.user = USER(smtp_user),
		.root = ROOT_EMPTY,
		.sandbox = DOOR | SANDBOX_MEMFD,
		.files_limit = MANY,
		.memory_limit = 2 * OPT_GIB,
		.instances = "workers",
		.doors = { { "submission", "listen", DOOR_PORTS, NULL, NULL },
			{ "submissions", "listen_tls", DOOR_PORTS, NULL, NULL },
			{ "sendmail", "sendmail", DOOR_UNIX, NULL, NULL } },
		.may_call = FROM(SERVICE_QMGR) | FROM(SERVICE_DIRECTORY) | FROM(SERVICE_LEDGER) |
			    FROM(SERVICE_KEYHOLDER) | FROM(SERVICE_RESOLVER) | FROM(SERVICE_SIGNER),
		.reload = RELOAD_REPLACE,
		.stop_phase = 0 },
	{ .service = SERVICE_IMAP_LOGIN,
		.section = "imapd",
		.user = USER(login_user),
		.root = ROOT_EMPTY,
		.sandbox = DOOR | SANDBOX_PAIR,
		.files_limit = MANY,
		.memory_limit = OPT_GIB,
		.instances = "workers",
		.doors = { { "imap", "listen", DOOR_PORTS, NULL, NULL },
			{ "imaps", "listen_tls", DOOR_PORTS, NULL, NULL } },
		.may_call = FROM(SERVICE_DIRECTORY) | FROM(SERVICE_IMAP_SPAWNER) |
			    FROM(SERVICE_LEDGER) | FROM(SERVICE_KEYHOLDER),
		.reload = RELOAD_REPLACE,
		.leave_ms = OPT_DAY, /* sessions over TLS live through it */
		.stop_phase = 1 },
	{ .service = SERVICE_POP3_LOGIN,
		.section = "pop3d",
		.user = USER(login_user),
		.root = ROOT_EMPTY,
		.sandbox = DOOR | SANDBOX_PAIR,
		.files_limit = MANY,
		.memory_limit = OPT_GIB,
		.instances = "workers",
		.doors = { { "pop3", "listen", DOOR_PORTS, NULL, NULL },
			{ "pop3s", "listen_tls", DOOR_PORTS, NULL, NULL } },
		.may_call = FROM(SERVICE_DIRECTORY) | FROM(SERVICE_POP3_SPAWNER) |
			    FROM(SERVICE_LEDGER) | FROM(SERVICE_KEYHOLDER),
		.reload = RELOAD_REPLACE,
		.leave_ms = OPT_DAY, /* sessions over TLS live through it */
		.stop_phase = 1 },
	{ .service = SERVICE_IMAP_SPAWNER,
		.section = "imapd",
		.user = USER_ROOT,
		.root = ROOT_MAIL,
		.sandbox = SPAWNER,
		.files_limit = MANY,
		.may_call = FROM(SERVICE_LEDGER),
		.reload = RELOAD_IN_PLACE,
		.leave_ms = OPT_DAY, /* its sessions stay with it */
		.stop_phase = 1 },
	{ .service = SERVICE_POP3_SPAWNER,
		.section = "pop3d",
		.user = USER_ROOT,
		.root = ROOT_MAIL,
		.sandbox = SPAWNER,
		.files_limit = MANY,
		.may_call = FROM(SERVICE_LEDGER),
		.reload = RELOAD_IN_PLACE,
		.leave_ms = OPT_DAY, /* its sessions stay with it */
		.stop_phase = 1 },
	{ .service = SERVICE_QMGR,
		.section = "qmgr",
		.user = USER(queue_user),
		.root = ROOT_QUEUE,
		.sandbox = SANDBOX_FILES | SANDBOX_THREADS,
		.files_limit = MANY,
		.may_call = FROM(SERVICE_DIRECTORY) | FROM(SERVICE_LOCAL_DELIVERY) |
			    FROM(SERVICE_SYSTEM_DELIVERY) | FROM(SERVICE_SMTP_CLIENT) |
			    FROM(SERVICE_LEDGER) | FROM(SERVICE_SIGNER),
		.reload = RELOAD_IN_PLACE,
		.sole = true,
		.stop_phase = 2 },
	{ .service = SERVICE_SMTP_CLIENT,
		.section = "smtp_client",
		.user = USER(outbound_user),
		.root = ROOT_OUTBOUND,
		.sandbox = SANDBOX_CALL,
		.files_limit = MANY,
		.memory_limit = 4 * OPT_GIB,
		.instances = "processes",
		.may_call = FROM(SERVICE_DIRECTORY) | FROM(SERVICE_RESOLVER),
		.reload = RELOAD_REPLACE,
		.stop_phase = 2 }, /* together with who waits for its answers */
	{ .service = SERVICE_LOCAL_DELIVERY,
		.section = "local_delivery",
		.user = USER(mail_user),
		.root = ROOT_MAIL,
		.sandbox = SANDBOX_FILES | SANDBOX_THREADS,
		.files_limit = SOME,
		.memory_limit = 4 * OPT_GIB,
		.instances = "processes",
		.may_call = FROM(SERVICE_LEDGER),
		.reload = RELOAD_REPLACE,
		.stop_phase = 3 },
	{ .service = SERVICE_SYSTEM_DELIVERY,
		.section = "local_delivery",
		.user = USER_ROOT,
		.root = ROOT_MAIL,
		.sandbox = SANDBOX_FILES | SANDBOX_FORK | SANDBOX_SETUID | SANDBOX_THREADS,
		.files_limit = SOME,
		.may_call = FROM(SERVICE_LEDGER),
		.reload = RELOAD_REPLACE,
		.stop_phase = 3 },
	{ .service = SERVICE_DIRECTORY,
		.section = "directory",
		.user = USER(directory_user),
		.root = ROOT_DIRECTORY,
		.sandbox = SANDBOX_READ | SANDBOX_THREADS | SANDBOX_DATABASE,
		.connects = "postgresql",
		.files_limit = SOME,
		.may_call = FROM(SERVICE_LEDGER) | FROM(SERVICE_IMAP_SPAWNER) |
			    FROM(SERVICE_POP3_SPAWNER),
		.reload = RELOAD_IN_PLACE,
		.stop_phase = 4 },
	{ .service = SERVICE_LEDGER,
		.section = "ledger",
		.user = USER(state_user),
		.root = ROOT_LEDGER,
		.sandbox = SANDBOX_FILES | SANDBOX_THREADS | SANDBOX_DATABASE,
		.files_limit = SOME,
		.reload = RELOAD_IN_PLACE,
		.sole = true,
		.stop_phase = 4 },
	{ .service = SERVICE_VERIFIER,
		.section = "mailauth",
		.user = USER(verify_user),
		.root = ROOT_EMPTY,
		.files_limit = MANY,
		.memory_limit = 2 * OPT_GIB,
		.instances = "verifiers",
		.may_call = FROM(SERVICE_RESOLVER),
		.back_off_ms = 200, /* a message may kill it: the next one is not to wait for it */
		.reload = RELOAD_REPLACE,
		.stop_phase = 4 },
	{ .service = SERVICE_SIGNER,
		.section = "mailauth",
		.user = USER(sign_user),
		.root = ROOT_EMPTY,
		.files_limit = SOME,
		.memory_limit = 2 * OPT_GIB,
		.instances = "signers",
		.may_call = FROM(SERVICE_DKIM_KEEPER) | FROM(SERVICE_DIRECTORY),
		.back_off_ms = 200, /* as above */
		.reload = RELOAD_REPLACE,
		.stop_phase = 4 },
	{ .service = SERVICE_DKIM_KEEPER,
		.section = "mailauth",
		.user = USER(dkim_user),
		.root = ROOT_DKIM,
		.sandbox = SANDBOX_FILES,
		.files_limit = SOME,
		.memory_limit = 2 * OPT_GIB,
		.may_call = FROM(SERVICE_RESOLVER),
		.reload = RELOAD_IN_PLACE,
		.sole = true,
		.stop_phase = 4 },
	{ .service = SERVICE_DMARC_REPORTER,
		.section = "mailauth",
		.user = USER(report_user),
		.root = ROOT_EMPTY,
		.sandbox = SANDBOX_MEMFD,
		.files_limit = SOME,
		.memory_limit = 2 * OPT_GIB,
		.may_call = FROM(SERVICE_LEDGER) | FROM(SERVICE_RESOLVER) | FROM(SERVICE_SIGNER) |
			    FROM(SERVICE_QMGR),
		.reload = RELOAD_IN_PLACE,
		.sole = true,
		.stop_phase = 1 },
	{ .service = SERVICE_METRICS,
		.section = "metrics",
		.user = USER(metrics_user),
		.root = ROOT_EMPTY,
		.sandbox = DOOR | SANDBOX_MEMFD,
		.files_limit = SOME,
		.memory_limit = OPT_GIB,
		.doors = { { .label = "metrics", .option = "listen", .kind = DOOR_PORTS },
			{ .label = "metrics.sock",
				.option = "socket",
				.kind = DOOR_UNIX,
				.mode = "socket_mode",
				.group = "socket_group" } },
		.reload = RELOAD_REPLACE,
		.stop_phase = 0 },
	{ .service = SERVICE_KEYHOLDER,
		.section = "tls",
		.user = USER(keys_user),
		.root = ROOT_EMPTY,
		.files_limit = SOME,
		.memory_limit = OPT_GIB,
		.reload = RELOAD_SUCCEED,
		.stop_phase = 4 },
	{ .service = SERVICE_RESOLVER,
		.section = "resolver",
		.user = USER(dns_user),
		.root = ROOT_EMPTY,
		.sandbox = SANDBOX_CONNECT,
		.files_limit = MANY,
		.memory_limit = 4 * OPT_GIB,
		.reload = RELOAD_SUCCEED,
		.stop_phase = 4 },
};

const size_t nservices = NITEMS(services);

const struct service_row *
service_row(enum service s)
{
	for (size_t i = 0; i < nservices; i++)
		if (services[i].service == s)
			return &services[i];
	return NULL;
}

const void *
service_option(const struct conf *conf, const char *section, const char *name)
{
	const struct conf_section *s = conf_section_named(bytes_from_str(section));

	for (size_t i = 0; i < s->nrows; i++)
		if (strcmp(s->rows[i].name, name) == 0)
			return (const uint8_t *)conf_values(conf, section) + s->rows[i].offset;
	ASSERT(false); /* the rows name options that there are */
	return NULL;
}

static uint64_t
number_option(const struct conf *conf, const char *section, const char *name)
{
	return *(const uint64_t *)service_option(conf, section, name);
}

uint32_t
service_sandbox(const struct service_row *row, const struct conf *conf)
{
	const char *const *option =
		row->connects == NULL ? NULL : service_option(conf, row->section, row->connects);

	return row->sandbox | (option != NULL && (*option)[0] != 0 ? SANDBOX_CONNECT : 0);
}

unsigned
service_instances(const struct service_row *row, const struct conf *conf, unsigned cores)
{
	uint64_t n;

	if (row->instances == NULL)
		return 1;
	n = number_option(
		conf, strcmp(row->instances, "workers") == 0 ? "" : row->section, row->instances);
	return n == 0 ? cores : (unsigned)n;
}

void
service_root_path(const struct service_row *row, const struct conf *conf, struct buf *out)
{
	const struct common_conf *common = conf_values(conf, "");

	switch (row->root) {
	case ROOT_MAIL:
		buf_put_str(out, common->mail_root);
		break;
	case ROOT_QUEUE:
		buf_put_str(out, common->queue);
		break;
	case ROOT_DIRECTORY:
		buf_printf(out, "%s/directory", common->state);
		break;
	case ROOT_LEDGER:
		buf_printf(out, "%s/ledger", common->state);
		break;
	case ROOT_DKIM:
		buf_printf(out, "%s/dkim", common->state);
		break;
	case ROOT_OUTBOUND:
		buf_printf(out, "%s/outbound", common->run);
		break;
	default:
		buf_printf(out, "%s/empty", common->run);
		break;
	}
}
