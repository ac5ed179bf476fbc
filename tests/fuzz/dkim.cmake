# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_dkim_tags SOURCES fuzz_dkim_tags.c DEPS proto)
relais_fuzz(fuzz_dkim_verify SOURCES fuzz_dkim_verify.c DEPS mailauth_dkim)
relais_fuzz(fuzz_dkim_sign SOURCES fuzz_dkim_sign.c DEPS mailauth_dkim mailauth_dkim_sign)
