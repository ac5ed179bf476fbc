# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_dkim_tags SOURCES fuzz_dkim_tags.c DEPS proto)
relais_fuzz(fuzz_dkim_verify SOURCES fuzz_dkim_verify.c DEPS mailauth_dkim)
