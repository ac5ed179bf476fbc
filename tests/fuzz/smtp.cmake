# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_smtp_path SOURCES fuzz_smtp_path.c DEPS proto)
relais_fuzz(fuzz_smtp_command SOURCES fuzz_smtp_command.c DEPS session_driver)
relais_fuzz(fuzz_smtp_session SOURCES fuzz_smtp_session.c DEPS session_driver submit_header)
relais_fuzz(fuzz_submit_header SOURCES fuzz_submit_header.c DEPS session_driver submit_header)
relais_fuzz(fuzz_sendmail SOURCES fuzz_sendmail.c DEPS sendmail_core)
foreach(target fuzz_smtp_command fuzz_smtp_session fuzz_submit_header)
    target_compile_options(${target} PRIVATE "SHELL:-iquote ${CMAKE_SOURCE_DIR}/tests/unit/smtpd")
endforeach()
