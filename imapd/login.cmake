# SPDX-License-Identifier: ISC
# The login half: a pure state machine.
relais_library(imap_login_core SOURCES login_imap.c DEPS login_core proto)
