# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_pop3_command SOURCES fuzz_pop3_command.c DEPS proto)
relais_fuzz(fuzz_session_msg SOURCES fuzz_session_msg.c DEPS ipc)
relais_fuzz(fuzz_login SOURCES fuzz_login.c DEPS imap_login_core pop3_login_core)
