# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_http_request SOURCES fuzz_http_request.c DEPS metrics_http)
relais_fuzz(fuzz_status_text SOURCES fuzz_status_text.c DEPS status)
relais_fuzz(fuzz_metrics_msg SOURCES fuzz_metrics_msg.c DEPS ipc)
