/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/master/test_jail.c - every service's jail, entered for real, and what must not
 * be had inside it tried for real. The expectations are written out here, not taken from
 * the services table: a cell that changes there must be changed here on purpose.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "jail.h"
#include "jail_attempts.h"
#include "services.h"

/* y: had; n: refused; K: the process is ended */
static const struct service_cells {
	enum service service;
	/* passwd key proc read write device tcp udp unix listen fork exec ptrace root code mount
	 * signal neighbour fast-open shut change log */
	const char *cells;
} expected[] = {
	{ SERVICE_SMTPD, /*          */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_SUBMISSION, /*     */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_IMAP_LOGIN, /*     */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_POP3_LOGIN, /*     */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_QMGR, /*           */ "nnnyyKnnnnnKKnnKnnnnnn" },
	{ SERVICE_LOCAL_DELIVERY, /* */ "nnnyyKnnnnnKKnnKnnnnnn" },
	{ SERVICE_DIRECTORY, /*      */ "nnnynKnnnnnKKnnKnnnnnn" },
	{ SERVICE_LEDGER, /*         */ "nnnyyKnnnnnKKnnKnnnnnn" },
	{ SERVICE_KEYHOLDER, /*      */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_VERIFIER, /*       */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_SIGNER, /*         */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_DKIM_KEEPER, /*    */ "nnnyyKnnnnnKKnnKnnnnnn" },
	{ SERVICE_DMARC_REPORTER, /* */ "nnnnnKnnnnnKKnnKnnnnnn" },
	{ SERVICE_METRICS, /*        */ "nnnnnKnnnnnKKnnKnnnnnn" },
	/* it may use the network; a door it is never given (it could shut one) */
	{ SERVICE_RESOLVER, /*       */ "nnnnnKyynnnKKnnKnnyyyn" },
	/* nor this one, which has no use for datagrams */
	{ SERVICE_SMTP_CLIENT, /*    */ "nnnnnKynnnnKKnnKnnyyyn" },
	/* root with three capabilities: it forks and becomes others ("become root" is what it
	 * is already), and opens no file whose owner is not root ("nn" below a mailbox's root) */
	{ SERVICE_IMAP_SPAWNER, /*   */ "nnnnnKnnnnyKKynKnnnnnn" },
	{ SERVICE_POP3_SPAWNER, /*   */ "nnnnnKnnnnyKKynKnnnnnn" },
	{ SERVICE_SYSTEM_DELIVERY, /**/ "nnnnnKnnnnyKKynKnnnnnn" },
	/* its jail is made in session/child.c, within the spawner's */
	{ SERVICE_SESSION, /*        */ "nnnyyKnnnnnKKnnKnnnnnn" },
};

struct cell {
	const struct service_row *row; /* NULL: a session */
	const struct attempt *attempt;
	char expected;
	char label[96];
};

static char
outcome(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? 'K' : '?';
	return WEXITSTATUS(status) == 10 ? 'y' : WEXITSTATUS(status) == 11 ? 'n' : '?';
}

static const struct attempt *of_session;

static int
run_attempt(const struct session_start *s)
{
	UNUSED(s);
	return of_session->try() ? 10 : 11;
}

static _Noreturn void
inside_session(const struct cell *c)
{
	const struct token_grant grant = {
		.uid = TEST_ID, .gid = TEST_ID, .account = "anna@example.org", .home = "root"
	};
	const struct session_take_msg take = { 0 };
	struct buf filter = BUF_INIT;
	struct session_child child = { .name = "test",
		.privileged = true,
		.mail_root_fd = open(outside.folder, O_PATH | O_DIRECTORY),
		.stream_fd = outside.door, /* these two it keeps */
		.link_fd = outside.loose,
		.log_fd = LOG_FD,
		.grant = &grant,
		.take = &take,
		.hostname = "host",
		.run = run_attempt };

	if (jail_seccomp_prepare(SESSION_SANDBOX, &filter) < 0)
		_exit(12);
	child.filter = buf_bytes(&filter);
	of_session = c->attempt;
	session_child_main(&child);
}

static _Noreturn void
inside(const struct cell *c)
{
	struct jail jail = { .root = outside.root,
		.root_fd = -1,
		.uid = c->row->user == USER_ROOT ? 0 : TEST_ID,
		.gid = c->row->user == USER_ROOT ? 0 : TEST_ID,
		.sandbox = c->row->sandbox,
		.files_limit = 64 };
	const char *what;

	if (c->row->sandbox & (SANDBOX_FILES | SANDBOX_READ))
		jail.root_fd = open(outside.root, O_PATH | O_DIRECTORY);
	if (jail_enter(&jail, &what) < 0) {
		fprintf(stderr, "jail: %s: %s\n", what, strerror(errno));
		_exit(12);
	}
	_exit(c->attempt->try() ? 10 : 11);
}

static void
run_cell(void **state)
{
	const struct cell *c = *state;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip(); /* chroot and ids need root */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		make_doors();
		if (c->row == NULL)
			inside_session(c);
		inside(c);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (outcome(status) != c->expected)
		fail_msg("%s: expected %c, is %c (status %x)", c->label, c->expected,
			outcome(status), (unsigned)status);
}

/* Each service of the table is in the expectations, and none twice. */
static void
test_every_service_is_here(void **state)
{
	assert_int_equal(NITEMS(expected), nservices + 1); /* sessions have no row there */
	for (size_t i = 0; i < nservices; i++) {
		unsigned n = 0;

		for (size_t j = 0; j < NITEMS(expected); j++)
			n += expected[j].service == services[i].service;
		assert_int_equal(n, 1);
	}
}

/* Nobody whom strangers talk to may call a service that holds what they want. */
static void
test_who_may_call_whom(void **state)
{
	static const struct {
		enum service service;
		uint32_t may_call;
	} rows[] = {
		{ SERVICE_SMTPD, FROM(SERVICE_QMGR) | FROM(SERVICE_DIRECTORY) |
					 FROM(SERVICE_LEDGER) | FROM(SERVICE_KEYHOLDER) |
					 FROM(SERVICE_RESOLVER) | FROM(SERVICE_VERIFIER) },
		{ SERVICE_SUBMISSION, FROM(SERVICE_QMGR) | FROM(SERVICE_DIRECTORY) |
					      FROM(SERVICE_LEDGER) | FROM(SERVICE_KEYHOLDER) |
					      FROM(SERVICE_RESOLVER) | FROM(SERVICE_SIGNER) },
		{ SERVICE_IMAP_LOGIN, FROM(SERVICE_DIRECTORY) | FROM(SERVICE_IMAP_SPAWNER) |
					      FROM(SERVICE_LEDGER) | FROM(SERVICE_KEYHOLDER) },
		{ SERVICE_POP3_LOGIN, FROM(SERVICE_DIRECTORY) | FROM(SERVICE_POP3_SPAWNER) |
					      FROM(SERVICE_LEDGER) | FROM(SERVICE_KEYHOLDER) },
		{ SERVICE_IMAP_SPAWNER, FROM(SERVICE_LEDGER) },
		{ SERVICE_POP3_SPAWNER, FROM(SERVICE_LEDGER) },
		{ SERVICE_QMGR, FROM(SERVICE_DIRECTORY) | FROM(SERVICE_LOCAL_DELIVERY) |
					FROM(SERVICE_SYSTEM_DELIVERY) | FROM(SERVICE_SMTP_CLIENT) |
					FROM(SERVICE_LEDGER) | FROM(SERVICE_SIGNER) },
		{ SERVICE_SMTP_CLIENT, FROM(SERVICE_DIRECTORY) | FROM(SERVICE_RESOLVER) },
		{ SERVICE_LOCAL_DELIVERY, FROM(SERVICE_LEDGER) },
		{ SERVICE_SYSTEM_DELIVERY, FROM(SERVICE_LEDGER) },
		{ SERVICE_DIRECTORY, FROM(SERVICE_LEDGER) | FROM(SERVICE_IMAP_SPAWNER) |
					     FROM(SERVICE_POP3_SPAWNER) },
		{ SERVICE_LEDGER, 0 },
		{ SERVICE_VERIFIER, FROM(SERVICE_RESOLVER) },
		{ SERVICE_SIGNER, FROM(SERVICE_DKIM_KEEPER) | FROM(SERVICE_DIRECTORY) },
		{ SERVICE_DKIM_KEEPER, FROM(SERVICE_RESOLVER) },
		{ SERVICE_DMARC_REPORTER, FROM(SERVICE_LEDGER) | FROM(SERVICE_RESOLVER) |
						  FROM(SERVICE_SIGNER) | FROM(SERVICE_QMGR) },
		{ SERVICE_METRICS, 0 },
		{ SERVICE_KEYHOLDER, 0 },
		{ SERVICE_RESOLVER, 0 },
	};

	assert_int_equal(NITEMS(rows), nservices);
	for (size_t i = 0; i < NITEMS(rows); i++)
		assert_int_equal(service_row(rows[i].service)->may_call, rows[i].may_call);
}

/* resolver may, and directory if a database is configured. */
static void
test_who_may_connect(void **state)
{
	struct conf conf;

	UNUSED(state);
	for (int configured = 0; configured < 2; configured++) {
		conf_init(&conf);
		if (configured)
			assert_int_equal(
				conf_override(&conf, "directory.postgresql=dbname=x"), ERR_OK);
		for (size_t i = 0; i < nservices; i++) {
			bool may = services[i].service == SERVICE_RESOLVER ||
				   (configured && services[i].service == SERVICE_DIRECTORY);

			assert_int_equal(
				(service_sandbox(&services[i], &conf) & SANDBOX_CONNECT) != 0, may);
		}
		conf_free(&conf);
	}
}

int
main(void)
{
	const size_t ncells = NITEMS(expected) * nattempts;
	struct cell *cells = xcalloc(ncells, sizeof(*cells));
	struct CMUnitTest *tests = xcalloc(ncells, sizeof(*tests));
	const struct CMUnitTest tables[] = { cmocka_unit_test(test_every_service_is_here),
		cmocka_unit_test(test_who_may_call_whom), cmocka_unit_test(test_who_may_connect) };
	int failed;

	for (size_t i = 0; i < ncells; i++) {
		const struct service_cells *s = &expected[i / nattempts];
		struct cell *c = &cells[i];

		c->row = service_row(s->service);
		c->attempt = &attempts[i % nattempts];
		c->expected = s->cells[i % nattempts];
		snprintf(c->label, sizeof(c->label), "%s: %s", service_name(s->service),
			c->attempt->name);
		tests[i] = (struct CMUnitTest){ c->label, run_cell, NULL, NULL, c };
	}
	failed = cmocka_run_group_tests_name("master/services", tables, NULL, NULL);
	failed +=
		_cmocka_run_group_tests("master/jail", tests, ncells, make_outside, remove_outside);
	free(tests);
	free(cells);
	return failed;
}
