# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_explain_message SOURCES fuzz_explain_message.c DEPS explain_message)
relais_fuzz(fuzz_dns_check SOURCES fuzz_dns_check.c DEPS dns_plan)
