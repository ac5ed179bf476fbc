# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_imap_command SOURCES fuzz_imap_command.c DEPS proto)
relais_fuzz(fuzz_imap_session SOURCES fuzz_imap_session.c DEPS imap_dialogue)
