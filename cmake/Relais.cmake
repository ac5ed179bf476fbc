# SPDX-License-Identifier: ISC
# The rules of the house, as functions.
#
# Headers are found by quoted name only (-iquote), and only those of the targets one
# names in DEPS (and theirs): a lower layer cannot include a higher one, a daemon
# cannot include another daemon.

# relais_library(NAME SOURCES a.c b.c DEPS base LIBS PkgConfig::X)
function(relais_library name)
    cmake_parse_arguments(A "" "" "SOURCES;DEPS;LIBS" ${ARGN})
    add_library(${name} STATIC ${A_SOURCES})
    target_compile_options(${name} PUBLIC "SHELL:-iquote ${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${A_DEPS} ${A_LIBS})
endfunction()

# relais_program(NAME SOURCES main.c DEPS ...): a service, installed in libexec/relais; with BIN
# a command, in sbin
function(relais_program name)
    cmake_parse_arguments(A "BIN" "" "SOURCES;DEPS;LIBS" ${ARGN})
    add_executable(${name} ${A_SOURCES})
    target_link_libraries(${name} PRIVATE ${A_DEPS} ${A_LIBS})
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/$<IF:$<BOOL:${A_BIN}>,bin,libexec>")
    if(A_BIN)
        install(TARGETS ${name} DESTINATION "${CMAKE_INSTALL_SBINDIR}")
    else()
        install(TARGETS ${name} DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/relais")
    endif()
endfunction()

# relais_test(NAME SOURCES test_x.c DEPS ...): a cmocka program run by ctest
function(relais_test name)
    cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;DEPS;LIBS" ${ARGN})
    if(NOT A_TIMEOUT)
        set(A_TIMEOUT 120)
    endif()
    add_executable(${name} ${A_SOURCES})
    target_link_libraries(${name} PRIVATE ${A_DEPS} ${A_LIBS} cmocka)
    target_include_directories(${name} SYSTEM PRIVATE)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT})
endfunction()

# relais_fuzz(NAME SOURCES fuzz_x.c DEPS ...): with RELAIS_FUZZ a libFuzzer program, else one
# that runs the files named on its command line (so the corpus is a test in every build)
function(relais_fuzz name)
    cmake_parse_arguments(A "" "" "SOURCES;DEPS;LIBS" ${ARGN})
    if(RELAIS_FUZZ)
        add_executable(${name} ${A_SOURCES})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} ${A_SOURCES} "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c")
        add_test(NAME ${name}_corpus
            COMMAND ${name} "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}"
            WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    endif()
    target_link_libraries(${name} PRIVATE ${A_DEPS} ${A_LIBS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
endfunction()
