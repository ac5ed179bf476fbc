/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/wire_version.h - which version of the suite's messages this program speaks.
 *
 * During an upgrade processes of two builds run side by side. Master introduces two of them to
 * each other only if they speak the same (docs/upgrade.md). IPC_WIRE grows by one with
 * every change of a message between two services, of its numbers, limits or meaning, once
 * for a release.
 */
#ifndef RELAIS_WIRE_VERSION_H
#define RELAIS_WIRE_VERSION_H

#include <stdint.h>

#define IPC_WIRE 1

/* IPC_WIRE of the program that runs. */
uint32_t ipc_wire(void);

#endif
