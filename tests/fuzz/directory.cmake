# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_table SOURCES fuzz_table.c DEPS map)
relais_fuzz(fuzz_directory_msg SOURCES fuzz_directory_msg.c DEPS ipc)
relais_fuzz(fuzz_ledger_msg SOURCES fuzz_ledger_msg.c DEPS ipc)
relais_fuzz(fuzz_sasl SOURCES fuzz_sasl.c DEPS directory_lookup)
relais_fuzz(fuzz_password_record SOURCES fuzz_password_record.c DEPS map)
relais_fuzz(fuzz_aliases SOURCES fuzz_aliases.c DEPS map)
relais_fuzz(fuzz_sql_rows SOURCES fuzz_sql_rows.c DEPS map)
relais_fuzz(fuzz_pam_question SOURCES fuzz_pam_question.c DEPS directory_core)
