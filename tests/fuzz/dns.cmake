# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_dns_msg SOURCES fuzz_dns_msg.c DEPS ipc)
relais_fuzz(fuzz_dns_rdata SOURCES fuzz_dns_rdata.c DEPS proto)
relais_fuzz(fuzz_dns_packet SOURCES fuzz_dns_packet.c DEPS resolver_words)
relais_fuzz(fuzz_query_name SOURCES fuzz_query_name.c DEPS resolver_words)
