# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_delivery_msg SOURCES fuzz_delivery_msg.c DEPS ipc)
