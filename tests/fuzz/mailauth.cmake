# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_auth_results SOURCES fuzz_auth_results.c DEPS proto)
relais_fuzz(fuzz_header_filter SOURCES fuzz_header_filter.c DEPS proto)
relais_fuzz(fuzz_mailauth_msg SOURCES fuzz_mailauth_msg.c DEPS ipc)
