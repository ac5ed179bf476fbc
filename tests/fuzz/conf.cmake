# SPDX-License-Identifier: ISC
relais_fuzz(fuzz_conf SOURCES fuzz_conf.c DEPS conf)
relais_fuzz(fuzz_ipc_frame SOURCES fuzz_ipc_frame.c DEPS ipc conf)
