# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_smtp_reply SOURCES fuzz_smtp_reply.c DEPS proto)
relais_fuzz(fuzz_client_session SOURCES fuzz_client_session.c DEPS client_driver)
relais_fuzz(fuzz_downgrade SOURCES fuzz_downgrade.c DEPS downgrade_check)
