# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_handover SOURCES fuzz_handover.c DEPS handover)
