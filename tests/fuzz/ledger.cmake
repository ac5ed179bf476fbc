# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_ledger_records SOURCES fuzz_ledger_records.c DEPS ledger_store)
