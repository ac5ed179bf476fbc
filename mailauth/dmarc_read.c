/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_read.c - the XML of aggregate reports, see the header.
 *
 * Elements are told by their path; prefixes of namespaces are dropped. What is not in the table is
 * passed over, so extensions do no harm (RFC 9990 sec. 5).
 */
#include "dmarc_read.h"

#include <expat.h>
#include <stdlib.h>

#define DEPTH_MAX 32
#define PATH_MAX_ 512
#define CHUNK     (1u << 20)

enum into {
	INTO_REPORT,
	INTO_RECORD,
	INTO_DKIM
};

/* auth_results/dkim, which may come often. */
struct dkim {
	char domain[DMARC_READ_TEXT], result[DMARC_READ_TEXT];
};

static const struct element {
	const char *path;
	enum into into;
	size_t at; /* offset of a string or a number */
	bool is_number;
} elements[] = {
#define REPORT(path, member)                                                                       \
	{                                                                                          \
		path, INTO_REPORT, offsetof(struct dmarc_read_report, member), false               \
	}
#define RECORD(path, member)                                                                       \
	{                                                                                          \
		path, INTO_RECORD, offsetof(struct dmarc_read_record, member), false               \
	}
	REPORT("/feedback/report_metadata/org_name", org_name),
	REPORT("/feedback/report_metadata/email", email),
	REPORT("/feedback/report_metadata/report_id", report_id),
	{ "/feedback/report_metadata/date_range/begin", INTO_REPORT,
		offsetof(struct dmarc_read_report, begin_s), true },
	{ "/feedback/report_metadata/date_range/end", INTO_REPORT,
		offsetof(struct dmarc_read_report, end_s), true },
	REPORT("/feedback/policy_published/domain", domain),
	REPORT("/feedback/policy_published/p", p),
	RECORD("/feedback/record/row/source_ip", source),
	{ "/feedback/record/row/count", INTO_RECORD, offsetof(struct dmarc_read_record, count),
		true },
	RECORD("/feedback/record/row/policy_evaluated/disposition", disposition),
	RECORD("/feedback/record/row/policy_evaluated/dkim", dkim),
	RECORD("/feedback/record/row/policy_evaluated/spf", spf),
	RECORD("/feedback/record/identifiers/header_from", header_from),
	RECORD("/feedback/record/identifiers/envelope_from", envelope_from),
	RECORD("/feedback/record/auth_results/spf/domain", spf_domain),
	RECORD("/feedback/record/auth_results/spf/result", spf_result),
	{ "/feedback/record/auth_results/dkim/domain", INTO_DKIM, offsetof(struct dkim, domain),
		false },
	{ "/feedback/record/auth_results/dkim/result", INTO_DKIM, offsetof(struct dkim, result),
		false },
#undef REPORT
#undef RECORD
};

struct reading {
	XML_Parser parser;
	dmarc_read_fn *fn;
	void *arg;
	char path[PATH_MAX_];
	unsigned depth;
	char text[DMARC_READ_TEXT];
	size_t n;
	struct dmarc_read_report report;
	struct dmarc_read_record record;
	struct dkim dkim;
	unsigned records;
	bool feedback; /* the root is the right one */
	bool enough;
	int err;
};

static void
stop(struct reading *r, int err)
{
	r->err = err;
	XML_StopParser(r->parser, XML_FALSE);
}

static struct bytes
local_name(const char *name)
{
	struct bytes b = bytes_from_str(name);
	size_t colon = bytes_find_last(b, ':');

	return colon == BYTES_NOT_FOUND ? b : bytes_skip(b, colon + 1);
}

static void
on_start(void *arg, const char *name, const char **attributes)
{
	struct reading *r = arg;
	struct bytes local = local_name(name);
	size_t len = strlen(r->path);

	UNUSED(attributes);
	if (++r->depth > DEPTH_MAX || local.n == 0 || len + local.n + 2 > sizeof(r->path)) {
		stop(r, ERR_LIMIT);
		return;
	}
	r->path[len] = '/';
	memcpy(r->path + len + 1, local.p, local.n);
	r->path[len + 1 + local.n] = 0;
	r->n = 0;
	if (r->depth == 1 && !(r->feedback = bytes_is(local, "feedback")))
		stop(r, ERR_SYNTAX);
	else if (strcmp(r->path, "/feedback/record") == 0)
		r->record = (struct dmarc_read_record){ 0 };
	else if (strcmp(r->path, "/feedback/record/auth_results/dkim") == 0)
		r->dkim = (struct dkim){ 0 };
}

static void
on_text(void *arg, const char *text, int n)
{
	struct reading *r = arg;

	for (int i = 0; i < n && r->n + 1 < sizeof(r->text); i++)
		r->text[r->n++] = text[i] >= ' ' && text[i] <= '~'                        ? text[i]
				  : text[i] == '\n' || text[i] == '\t' || text[i] == '\r' ? ' '
											  : '?';
}

static void
set_element(struct reading *r, const struct element *e)
{
	char *base = e->into == INTO_REPORT   ? (char *)&r->report
		     : e->into == INTO_RECORD ? (char *)&r->record
					      : (char *)&r->dkim;
	struct bytes text = bytes_trim(bytes_make(r->text, r->n));
	uint64_t number;

	if (!e->is_number)
		bytes_to_str(text, base + e->at, DMARC_READ_TEXT);
	else if (bytes_to_u64(text, INT64_MAX, &number) == ERR_OK)
		memcpy(base + e->at, &number, sizeof(number));
}

/* The first signature that passed says most about who sent it. */
static void
end_dkim(struct reading *r)
{
	if (r->record.dkim_domain[0] != 0 &&
		(strcmp(r->record.dkim_result, "pass") == 0 || strcmp(r->dkim.result, "pass") != 0))
		return;
	memcpy(r->record.dkim_domain, r->dkim.domain, sizeof(r->dkim.domain));
	memcpy(r->record.dkim_result, r->dkim.result, sizeof(r->dkim.result));
}

static void
end_record(struct reading *r)
{
	if (++r->records > DMARC_READ_RECORDS_MAX) {
		stop(r, ERR_LIMIT);
	} else if (!r->fn(r->arg, &r->report, &r->record)) {
		r->enough = true;
		stop(r, ERR_OK);
	}
}

/* That of an empty element comes even after stop(), when its start may not be in the path. */
static void
on_end(void *arg, const char *name)
{
	struct reading *r = arg;

	UNUSED(name);
	if (r->err < 0 || r->enough || r->depth == 0)
		return;
	for (size_t i = 0; i < NITEMS(elements); i++)
		if (strcmp(elements[i].path, r->path) == 0)
			set_element(r, &elements[i]);
	if (strcmp(r->path, "/feedback/record/auth_results/dkim") == 0)
		end_dkim(r);
	else if (strcmp(r->path, "/feedback/record") == 0)
		end_record(r);
	*strrchr(r->path, '/') = 0;
	r->depth--;
	r->n = 0;
}

/* Nothing good has one: what remains are bombs and files of ours. */
static void
on_doctype(void *arg, const char *name, const char *system, const char *public, int internal)
{
	UNUSED(name), UNUSED(system), UNUSED(public), UNUSED(internal);
	stop(arg, ERR_DENIED);
}

static void
feed(struct reading *r, struct bytes xml)
{
	do {
		struct bytes chunk = bytes_head(xml, CHUNK);

		xml = bytes_skip(xml, chunk.n);
		if (XML_Parse(r->parser, (const char *)chunk.p, (int)chunk.n, xml.n == 0) ==
			XML_STATUS_OK)
			continue;
		if (r->err == ERR_OK && !r->enough)
			r->err = ERR_SYNTAX;
		return;
	} while (xml.n > 0);
}

int
dmarc_read_xml(struct bytes xml, dmarc_read_fn *fn, void *arg)
{
	struct reading *r = xcalloc(1, sizeof(*r));
	int err, records;

	r->fn = fn;
	r->arg = arg;
	r->parser = XML_ParserCreate(NULL);
	ASSERT(r->parser != NULL);
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	XML_SetParamEntityParsing(r->parser, XML_PARAM_ENTITY_PARSING_NEVER);
	feed(r, xml);
	XML_ParserFree(r->parser);
	err = r->err;
	records = (int)r->records;
	free(r);
	return err < 0 ? err : records;
}
