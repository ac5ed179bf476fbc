/* SPDX-License-Identifier: ISC */
/* cli/terminal.h - lines that a person types. */
#ifndef RELAIS_TERMINAL_H
#define RELAIS_TERMINAL_H

#include "buf.h"

#define TERMINAL_LINE_MAX 1000

/* One line without its end, read octet by octet (what follows stays for others), after the prompt
 * is shown at the descriptor show. hidden: a terminal shows nothing of it, from before the prompt
 * on, so that nothing is lost or seen of who types at once. false: the end, ^C if that is caught,
 * or a line too long. */
bool terminal_read_line(int fd, int show, const char *prompt, bool hidden, struct buf *out);

#endif
