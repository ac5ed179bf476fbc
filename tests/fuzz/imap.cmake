# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_imap_command SOURCES fuzz_imap_command.c DEPS proto)
