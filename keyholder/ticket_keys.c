/* SPDX-License-Identifier: ISC */
/* keyholder/ticket_keys.c - keys of session tickets, made and rotated. RFC 5077 sec. 5.5. */
#include "ticket_keys.h"

#include "random.h"

void
ticket_keys_init(struct ticket_keys *t, uint64_t rotation_ms)
{
	memset(t, 0, sizeof(*t));
	t->rotation_ms = rotation_ms;
}

bool
ticket_keys_due(const struct ticket_keys *t, enum service service, uint64_t now_ms)
{
	uint64_t made = t->of[service].made_ms[0];

	return made == 0 || now_ms - made >= t->rotation_ms;
}

static void
rotate(struct ticket_keys *t, enum service service, uint64_t now_ms)
{
	t->of[service].keys[1] = t->of[service].keys[0];
	t->of[service].made_ms[1] = t->of[service].made_ms[0];
	random_fill(&t->of[service].keys[0], sizeof(t->of[service].keys[0]));
	t->of[service].made_ms[0] = now_ms == 0 ? 1 : now_ms;
}

void
ticket_keys_get(struct ticket_keys *t, enum service service, uint64_t now_ms,
	struct keyholder_ticket_keys *out)
{
	if (ticket_keys_due(t, service, now_ms))
		rotate(t, service, now_ms);
	out->lifetime_s = (uint32_t)(t->rotation_ms / 1000);
	out->count = 0;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t made = t->of[service].made_ms[i], end = made + 2 * t->rotation_ms;

		if (made == 0 || end <= now_ms)
			continue;
		out->keys[out->count] = t->of[service].keys[i];
		out->keys[out->count++].accept_s = (uint32_t)((end - now_ms + 999) / 1000);
	}
}
