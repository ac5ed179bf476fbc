# SPDX-License-Identifier: ISC
foreach(target store_index store_log store_cache maildir_name dovecot_uidlist)
    relais_fuzz(fuzz_${target} SOURCES fuzz_${target}.c DEPS store)
endforeach()
