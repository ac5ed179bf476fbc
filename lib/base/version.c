/* SPDX-License-Identifier: ISC */
/* lib/base/version.c - the version, told by CMake. */
#include "version.h"

const char *
relais_version(void)
{
	return RELAIS_VERSION;
}
