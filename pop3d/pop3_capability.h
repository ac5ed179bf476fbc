/* SPDX-License-Identifier: ISC */
/* pop3d/pop3_capability.h - what both halves say to CAPA (RFC 2449; RFC 3206; RFC 6856 not). */
#ifndef RELAIS_POP3_CAPABILITY_H
#define RELAIS_POP3_CAPABILITY_H

#define POP3_CAPABILITIES                                                                          \
	"TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n"            \
	"IMPLEMENTATION relais\r\n"

#endif
