/* SPDX-License-Identifier: ISC */
/* lib/door/door_bindings.h - a connection's channel bindings, as SASL has them. */
#ifndef RELAIS_DOOR_BINDINGS_H
#define RELAIS_DOOR_BINDINGS_H

#include "sasl_mechanism.h"
#include "tls.h"

/*
 * All that the stream has (NULL: none): out[i] is empty or lies in room[i].
 * returns: is there any? Then PLUS mechanisms may be offered.
 */
bool door_bindings(const struct tls_stream *s, uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX],
	struct bytes out[SASL_BINDINGS]);

#endif
