# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_sign_msg SOURCES fuzz_sign_msg.c DEPS ipc)
relais_fuzz(fuzz_keeper_file SOURCES fuzz_keeper_file.c DEPS dkim_keeper_core)
