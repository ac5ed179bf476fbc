/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/report.c - what a job's answer says.
 *
 * Runs in:  smtp-client.
 */
#include "client.h"
#include "clock.h"

/* Does a recipient that is done speak of it? */
static bool
is_told(const struct job *j, unsigned host)
{
	for (uint32_t i = 0; i < j->m->n_rcpts; i++)
		if (j->rcpts[i].done && j->rcpts[i].host == host)
			return true;
	return false;
}

uint8_t
report_host(struct job *j, const struct connection *n)
{
	unsigned i = 0;

	while (i < j->n_hosts && is_told(j, i))
		i++;
	if (i == OUTBOUND_HOSTS_MAX)
		return OUTBOUND_NO_HOST;
	if (i == j->n_hosts)
		j->n_hosts++;
	j->hosts_told[i] = (struct outbound_host){
		.name = arena_bytes(&j->arena, bytes_from_str(n->host)),
		.address = arena_bytes(&j->arena, bytes_from_str(n->address)),
		.port = n->port,
		.tls = arena_bytes(&j->arena, bytes_from_str(n->tls_text)),
		.reused = n->carried,
	};
	return (uint8_t)i;
}

/* That nobody is there tells less than what another host has said before. */
static bool
tells_less(const struct job *j, const char *code)
{
	if (strcmp(code, "4.4.1") != 0)
		return false;
	for (uint32_t i = 0; i < j->m->n_rcpts; i++)
		if (!j->rcpts[i].done && j->rcpts[i].text.n > 0)
			return true;
	return j->text != NULL && strcmp(j->code, "4.4.1") != 0;
}

void
report_trouble(struct job *j, const char *code, const char *text)
{
	if (tells_less(j, code))
		return;
	bytes_to_str(bytes_from_str(code), j->code, sizeof(j->code));
	j->text = arena_str(&j->arena, bytes_from_str(text));
	for (uint32_t i = 0; i < j->m->n_rcpts; i++)
		/* what a host said of a recipient tells more than why the next had nothing to say
		 */
		if (!j->rcpts[i].done && j->status != OUTBOUND_REACHED)
			j->rcpts[i].text = BYTES_NONE;
}

/* Octets that could end a line, or are above ASCII and not UTF-8 anyway, do not travel. */
static struct bytes
clean(struct job *j, struct bytes text)
{
	uint8_t *copy = arena_alloc(&j->arena, text.n + 1);

	text = bytes_head(text, OUTBOUND_TEXT_MAX);
	for (size_t i = 0; i < text.n; i++)
		copy[i] = text.p[i] < 0x20 || text.p[i] == 0x7f ? '?' : text.p[i];
	return bytes_make(copy, text.n);
}

static void
report_rcpt(struct job *j, uint32_t i, enum outbound_hop hop, struct outbound_rcpt_result *out)
{
	struct job_rcpt *r = &j->rcpts[i];

	*out = (struct outbound_rcpt_result){ .number = j->m->rcpts[i].number,
		.status = r->status,
		.host = r->host,
		.relayed = r->relayed,
		.code = bytes_from_str(r->code),
		.text = r->text };
	if (!r->done && r->text.n == 0) { /* nobody said anything of it */
		out->status = hop == OUTBOUND_REFUSED ? OUTBOUND_PERMANENT : OUTBOUND_TEMPORARY;
		out->host = OUTBOUND_NO_HOST;
		out->code = bytes_from_str(j->code);
		out->text = bytes_from_str(j->text == NULL ? "not tried" : j->text);
	}
	out->text = clean(j, out->text);
}

static void
fit_code(struct outbound_rcpt_result *r, struct arena *a)
{
	static const char class[OUTBOUND_STATUSES] = { '2', '4', '5' };

	if (r->code.n > 1 && r->code.p[0] == (uint8_t) class[r->status])
		return;
	r->code = bytes_from_str(
		r->code.n < 5 ? arena_printf(a, "%c.0.0", class[r->status])
			      : arena_printf(a, "%c%.*s", class[r->status], (int)r -> code.n - 1,
					(const char *)r->code.p + 1));
}

void
report_answer(struct job *j)
{
	struct client *c = j->c;
	const uint64_t us = clock_mono_us() - j->begun_us, known = j->connect_us + j->transmit_us;
	struct outbound_result r = { .job_id = j->m->job_id,
		.hop = j->n_left == 0 && j->status != OUTBOUND_REFUSED ? OUTBOUND_REACHED
								       : j->status,
		.is_lmtp = j->hop != NULL && j->hop->n > 0 &&
			   j->hop->places[j->place].protocol == NEXT_HOP_LMTP,
		.resolve_us = us > known ? us - known : 0,
		.connect_us = j->connect_us,
		.transmit_us = j->transmit_us,
		.n_hosts = j->n_hosts,
		.n_rcpts = j->m->n_rcpts };

	if (r.hop == OUTBOUND_UNREACHABLE && j->refused)
		r.hop = OUTBOUND_REFUSED;
	memcpy(r.hosts, j->hosts_told, sizeof(r.hosts));
	for (uint32_t i = 0; i < r.n_rcpts; i++) {
		report_rcpt(j, i, r.hop, &r.rcpts[i]);
		fit_code(&r.rcpts[i], &j->arena);
		c->count.results[r.rcpts[i].status]++;
	}
	c->count.hops[r.hop]++;
	if (j->channel == NULL)
		return;
	outbound_result_encode(ipc_compose(j->channel), &r);
	ipc_reply(j->channel, j->call_id, OUTBOUND_RESULT, NULL, 0);
}
