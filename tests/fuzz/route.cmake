# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_next_hop SOURCES fuzz_next_hop.c DEPS srs)
