/* SPDX-License-Identifier: ISC */
/* lib/base/version.h - which relais this is. */
#ifndef RELAIS_VERSION_H
#define RELAIS_VERSION_H

/* As in debian/changelog: "0.1.0". */
const char *relais_version(void);

#endif
