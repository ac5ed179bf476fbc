# SPDX-License-Identifier: ISC
# The login half: a pure state machine, and the daemon that is its base with it.
relais_library(imap_login_core SOURCES login_imap.c DEPS login_core proto)
relais_program(imap-login SOURCES login_main.c DEPS imap_login_core login_server)
# The parent of all sessions.
relais_program(imap-spawner SOURCES spawner_main.c DEPS imapd_session session_spawner)
