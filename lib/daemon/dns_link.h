/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/dns_link.h - a question to resolver over a link, decoded.
 *
 * If resolver dies, or its process is replaced, while the question is under way, it is asked once
 * more of the new one within the same time.
 */
#ifndef RELAIS_DNS_LINK_H
#define RELAIS_DNS_LINK_H

#include "daemon.h"
#include "dns_msg.h"

/* The answer is borrowed and lives during the call. */
typedef void dns_answer_fn(void *arg, const struct dns_answer *answer);

/* l: of SERVICE_RESOLVER. how: DNS_QUERY, or DNS_QUERY_FRESH of those who may. timeout_ms: 0 is as
 * long as resolver takes. done is called exactly once, never from within: with DNS_TIMEOUT or
 * DNS_BUSY if resolver does not answer. */
void dns_link_ask(struct link *l, enum dns_message how, const struct dns_query *q,
	unsigned timeout_ms, dns_answer_fn *done, void *arg);

#endif
