# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_dmarc_record SOURCES fuzz_dmarc_record.c DEPS proto)
relais_fuzz(fuzz_dmarc SOURCES fuzz_dmarc.c DEPS mailauth_dmarc)
relais_fuzz(fuzz_dmarc_read SOURCES fuzz_dmarc_read.c DEPS dmarc_read)
relais_fuzz(fuzz_dmarc_report_msg SOURCES fuzz_dmarc_report_msg.c DEPS ipc)
