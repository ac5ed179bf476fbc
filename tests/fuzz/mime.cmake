# SPDX-License-Identifier: ISC
foreach(name fuzz_rfc5322 fuzz_mime fuzz_search_text)
    relais_fuzz(${name} SOURCES "${CMAKE_CURRENT_LIST_DIR}/${name}.c" DEPS proto)
endforeach()
