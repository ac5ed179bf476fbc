/* SPDX-License-Identifier: ISC */
/* resolver/forwarders.h - who is asked: from the option and from /etc/resolv.conf. Pure. */
#ifndef RELAIS_FORWARDERS_H
#define RELAIS_FORWARDERS_H

#include "arena.h"
#include "conf.h"

#define FORWARDERS_MAX 16

struct forwarders {
	size_t n;                      /* 0: nobody, ask from the root servers on */
	const char *v[FORWARDERS_MAX]; /* "ADDRESS@PORT", in the arena */
	const char *bad; /* the first one that was no address, in the arena; or NULL */
	bool cut;        /* there were more */
};

/*
 * option: "system", "none" or addresses; also mixed, then "none" means nothing. resolv_conf: the
 * text of /etc/resolv.conf (resolv.conf(5)). Without any server there it is this host.
 */
void forwarders_of(const struct conf_list *option, struct bytes resolv_conf, struct arena *a,
	struct forwarders *out);

#endif
