/* SPDX-License-Identifier: ISC */
/* lib/conf/directory_conf.c - Who exists: domains, accounts, aliases, passwords. */
#include "directory_conf.h"

static const struct opt_row rows[] = {
	OPT_STR(directory_conf, recipient_delimiter, "+",
		"what separates user and detail in a local-part (any of these characters); empty: "
		"nothing"),
	OPT_STR(directory_conf, postmaster, "",
		"address that gets mail to postmaster of a local domain without one"),
	OPT_SIZE(directory_conf, default_quota, "0", 0, UINT64_MAX >> 1,
		"quota of accounts whose line has none; 0: no limit"),
	OPT_UINT(directory_conf, expansion_limit, "1000", 1, 100000,
		"addresses that one alias may lead to"),
	OPT_UINT(directory_conf, expansion_depth, "20", 1, 1000,
		"aliases that may lead from one to the next"),
	OPT_BOOL(directory_conf, srs, "yes",
		"mail that aliases and forwards send out gets a reverse-path of ours (SRS), so "
		"that "
		"it passes SPF"),
	OPT_STR(directory_conf, srs_domain, "",
		"domain of these addresses, whose mail must come here; empty: the first of "
		"domain"),
	OPT_TIME(directory_conf, srs_time, "21d", OPT_DAY, 900 * OPT_DAY,
		"time for which such an address takes mail"),
	OPT_STR(directory_conf, alias_file, "",
		"file of the system's aliases in the form of aliases(5), /etc/aliases, for the "
		"default domain and those with system-users; empty: none"),
	OPT_LIST(directory_conf, trusted_users, "",
		"local users who may send as anybody by sendmail(1), besides root; read at the "
		"start"),
	OPT_LIST(directory_conf, include_owners, "root",
		"users whose files may stand behind :include: in alias_file, besides its own "
		"owner"),
	OPT_SIZE(directory_conf, include_size_limit, "1M", 1, OPT_GIB, "largest such file"),
	OPT_UINT(directory_conf, hash_threads, "0", 0, 64,
		"threads that check passwords; 0: one for each core"),
	OPT_UINT(directory_conf, hash_queue_limit, "500", 1, 100000,
		"password checks that may wait; more are told to try later"),
	OPT_UINT(directory_conf, auth_client_limit, "100", 0, 100000,
		"password checks of one client address that may wait; 0: as many as of all"),
	OPT_UINT(directory_conf, sasl_limit, "5000", 1, 1000000,
		"exchanges of SASL messages that may be open at once"),
	OPT_UINT(directory_conf, scram_iterations, "10000", 4096, 1000000,
		"iterations of the SCRAM records that \"relais user\" makes; what a login costs "
		"its "
		"client, and a thief for each guess"),
	OPT_BOOL(directory_conf, locked_takes_mail, "no",
		"mail to a locked account is taken; else it is refused"),
	OPT_TIME(directory_conf, auth_cache_time, "10m", 0, OPT_DAY,
		"time for which a right password needs no new hash"),
	OPT_UINT(directory_conf, auth_cache_size, "65536", 0, 16777216,
		"right passwords remembered (as keyed digests); 0: none"),
	OPT_STR(directory_conf, pam_service, "",
		"PAM service that checks passwords of the system's users, as \"dovecot\"; empty: "
		"they cannot log in"),
	OPT_UINT(directory_conf, pam_children, "8", 1, 256, "passwords that PAM checks at once"),
	OPT_TIME(directory_conf, pam_timeout, "30s", OPT_SECOND, OPT_MINUTE,
		"longest time for one; then the client is told to try later"),
	OPT_BOOL(directory_conf, pam_read_only, "yes",
		"PAM's modules may write to no file (as far as the kernel has Landlock)"),
	OPT_BOOL(directory_conf, system_user_shells, "no",
		"only users whose shell is in /etc/shells count as system users"),
	OPT_UINT(directory_conf, system_uid_first, "1000", 1, 4294967293,
		"least uid of a system user"),
	OPT_UINT(directory_conf, system_uid_last, "59999", 1, 4294967293,
		"largest uid of a system user"),
	OPT_STR(directory_conf, postgresql, "",
		"database that is asked before the compiled tables, as libpq's connection string; "
		"empty: none"),
	OPT_STR(directory_conf, postgresql_password_file, "",
		"file whose first line is the database's password; read at the start"),
	OPT_STR(directory_conf, postgresql_domains,
		"SELECT class, target, CASE WHEN system_users THEN 'system-users' END "
		"FROM domains WHERE name = $1",
		"query for a domain; its columns are the words of a line of the table domains; "
		"empty: not in the database"),
	OPT_STR(directory_conf, postgresql_accounts,
		"SELECT password, quota, messages, state, home, uid, gid, "
		"array_to_string(forward, ',') AS forward, "
		"CASE WHEN keep THEN 'yes' END AS keep, array_to_string(words, ' ') AS words "
		"FROM accounts WHERE address = $1",
		"query for an account; the first column is the password, the others are options of "
		"the table accounts; empty: not in the database"),
	OPT_STR(directory_conf, postgresql_aliases,
		"SELECT target FROM aliases WHERE address = $1 ORDER BY target",
		"query for an alias; each row is a target; empty: not in the database"),
	OPT_STR(directory_conf, postgresql_transport, "",
		"query for the next hop of a recipient's address, domain, .domain or *; each row "
		"is an alternative; empty: not in the database"),
	OPT_STR(directory_conf, postgresql_sender_transport, "",
		"query for the next hop of a sender's address, @domain or <>, likewise"),
	OPT_STR(directory_conf, postgresql_tls_policy, "",
		"query for the policy of a next hop's host:port, host or .domain; its columns are "
		"the words of a line of the table tls_policy"),
	OPT_UINT(directory_conf, postgresql_connections, "4", 1, 64,
		"connections to the database, and look-ups in it at once"),
	OPT_UINT(directory_conf, postgresql_queue_limit, "5000", 1, 1000000,
		"look-ups that may wait; more are told to try later"),
	OPT_TIME(directory_conf, postgresql_connect_timeout, "5s", 10, OPT_MINUTE,
		"longest time to connect"),
	OPT_TIME(directory_conf, postgresql_timeout, "5s", 10, OPT_MINUTE,
		"longest time for one query"),
	OPT_TIME(directory_conf, postgresql_cache_time, "2s", 0, OPT_HOUR,
		"time for which an answer of the database holds; 0: asked each time"),
	OPT_UINT(directory_conf, postgresql_cache_size, "16384", 0, 16777216,
		"answers kept that long"),
};

const struct conf_section directory_section = { "directory",
	"Who exists: domains, accounts, aliases, passwords", sizeof(struct directory_conf), rows,
	NITEMS(rows) };
