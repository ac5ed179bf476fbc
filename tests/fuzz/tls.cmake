# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_keyholder_msg SOURCES fuzz_keyholder_msg.c DEPS ipc)
relais_fuzz(fuzz_tls_text SOURCES fuzz_tls_text.c DEPS tls_certs)
relais_fuzz(fuzz_cert_pair SOURCES fuzz_cert_pair.c DEPS tls_certs)
relais_fuzz(fuzz_tls_stream SOURCES fuzz_tls_stream.c DEPS tls)
