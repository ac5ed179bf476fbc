/* SPDX-License-Identifier: ISC */
/*
 * cli/screen.h - the whole terminal for one command: a screen that is drawn over and over, keys
 * without Return. Whatever ends the command gives the terminal back as it was; what is written to
 * stderr meanwhile is lost.
 */
#ifndef RELAIS_CLI_SCREEN_H
#define RELAIS_CLI_SCREEN_H

#include "bytes.h"

/* false: stdin or stdout is no terminal */
bool screen_enter(void);
void screen_leave(void);

void screen_size(unsigned *rows, unsigned *columns);

/* Lines of plain text, cut to the size; the last row is foot. */
void screen_draw(struct bytes text, const char *foot);

enum screen_event {
	SCREEN_TIME = 0,  /* it is over */
	SCREEN_SIZE = -1, /* draw again */
	SCREEN_END = -2,  /* a signal, or the terminal is gone */
};

/* A key (> 0), or what else happened within the time. */
int screen_key(unsigned timeout_ms);

#endif
