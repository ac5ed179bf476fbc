# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_spf_record SOURCES fuzz_spf_record.c DEPS proto)
relais_fuzz(fuzz_spf SOURCES fuzz_spf.c DEPS mailauth_spf)
