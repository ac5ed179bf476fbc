# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_outbound_msg SOURCES fuzz_outbound_msg.c DEPS ipc)
relais_fuzz(fuzz_hosts SOURCES fuzz_hosts.c DEPS smtp_client_hosts)
