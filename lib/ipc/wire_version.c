/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/wire_version.c - the number, as digits that are found in the program's file: so one sees
 * what an installed program speaks without starting it, and a test makes a program of another
 * version out of this one.
 */
#include "wire_version.h"

#include "check.h"

#define DIGITS(n)                                                                                  \
	((n) / 1000 % 10 + '0'), ((n) / 100 % 10 + '0'), ((n) / 10 % 10 + '0'), ((n) % 10 + '0')

/* volatile: read where it is, not as the compiler knew it */
static const volatile char mark[] = { 'r', 'e', 'l', 'a', 'i', 's', '-', 'w', 'i', 'r', 'e', ':',
	DIGITS(IPC_WIRE), 0 };

uint32_t
ipc_wire(void)
{
	uint32_t n = 0;

	for (const volatile char *p = mark + sizeof("relais-wire:") - 1; *p != 0; p++)
		n = n * 10 + (uint32_t)(*p - '0');
	return n;
}
