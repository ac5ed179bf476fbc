# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_explain_message SOURCES fuzz_explain_message.c DEPS explain_message)
relais_fuzz(fuzz_dns_check SOURCES fuzz_dns_check.c DEPS dns_plan)
relais_fuzz(fuzz_import SOURCES fuzz_import.c DEPS import_config)
