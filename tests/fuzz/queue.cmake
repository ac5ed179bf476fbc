# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_envelope SOURCES fuzz_envelope.c DEPS queue)
relais_fuzz(fuzz_queue_file SOURCES fuzz_queue_file.c DEPS queue)
relais_fuzz(fuzz_queue_msg SOURCES fuzz_queue_msg.c DEPS ipc)
relais_fuzz(fuzz_queue_record SOURCES fuzz_queue_record.c DEPS queue)
relais_fuzz(fuzz_log_line SOURCES fuzz_log_line.c DEPS proto)
