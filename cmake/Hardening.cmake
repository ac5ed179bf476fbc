# SPDX-License-Identifier: ISC
# Warnings are errors (but where an unknown compiler builds the package) and hardening is on in
# every build.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

option(RELAIS_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(RELAIS_FUZZ "libFuzzer targets (clang)" OFF)
option(RELAIS_COVERAGE "coverage counters" OFF)
option(RELAIS_FAULTS "system calls on the way of a message can be made to fail" OFF)

option(RELAIS_WERROR "warnings are errors" ON)

add_compile_definitions(_GNU_SOURCE)
if(RELAIS_WERROR)
    add_compile_options(-Werror)
endif()
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual
    -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wno-unused-parameter
    -fstack-protector-strong -fno-strict-aliasing -fno-omit-frame-pointer)
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fstack-clash-protection -Wlogical-op)
endif()
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    add_compile_options(-fcf-protection=full) # control flow integrity by the CPU
endif()
# _FORTIFY_SOURCE needs optimisation; Debian's compilers may predefine another level.
add_compile_options(-U_FORTIFY_SOURCE)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT RELAIS_SANITIZE)
    add_compile_options(-D_FORTIFY_SOURCE=3)
endif()

if(RELAIS_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
    add_compile_definitions(RELAIS_SANITIZE=1)
endif()
if(RELAIS_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(RELAIS_COVERAGE)
    add_compile_options(--coverage -O0)
    add_link_options(--coverage)
endif()
if(RELAIS_FAULTS)
    add_compile_definitions(RELAIS_FAULTS=1)
endif()
