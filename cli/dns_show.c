/* SPDX-License-Identifier: ISC */
/* cli/dns_show.c - relais dns show: the records that a domain needs. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "dns.h"
#include "printed.h"

static json_t *
record_json(const struct dns_record *r)
{
	struct buf type = BUF_INIT, data = BUF_INIT, text = BUF_INIT;
	json_t *o;

	dns_type_put(&type, r->type);
	dns_rdata_put_text(&data, r->type, r->rdata);
	o = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "name", r->name, "type",
		buf_str(&type), "ttl", DNS_PLAN_TTL, "data", buf_str(&data), "what", r->what,
		"need", dns_need_name(r->need), "note", r->note);
	if (r->type == DNS_TYPE_TXT && dns_txt_read(r->rdata, &text) == ERR_OK)
		json_object_set_new(
			o, "text", json_stringn((const char *)buf_bytes(&text).p, text.len));
	buf_free(&type);
	buf_free(&data);
	buf_free(&text);
	return o;
}

static void
print_json(const struct dns_facts *f, const struct dns_plan *p)
{
	json_t *records = json_array(), *root;

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(records, record_json(&p->records[i]));
	root = json_pack("{s:s, s:s, s:b, s:s, s:o}", "domain", f->domain, "host", f->hostname,
		"dkim_known", f->keys_known, "mta_sts_policy", p->sts_policy, "records", records);
	json_print(root);
	json_decref(root);
}

int
dns_show(struct cli *cli, int argc, char *argv[])
{
	static struct dns_facts facts;
	static struct dns_plan plan;
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT;
	struct dns_words w;

	if (dns_words(argc, argv, &w) != CLI_OK)
		return CLI_USAGE;
	if (w.all)
		return cli_usage(dns_usage, NULL);
	if (!dns_facts(cli, &a, &w, &facts)) {
		arena_reset(&a);
		return CLI_FAILED;
	}
	dns_plan_make(&a, &facts, &plan);
	if (w.form == DNS_FORM_JSON)
		print_json(&facts, &plan);
	else if (w.form == DNS_FORM_NSUPDATE)
		dns_put_nsupdate(&out, &facts, &plan);
	else if (w.form == DNS_FORM_STS_POLICY)
		buf_put_str(&out, plan.sts_policy);
	else
		dns_put_zone(&out, &facts, &plan);
	fwrite(buf_str(&out), 1, out.len, stdout);
	buf_free(&out);
	arena_reset(&a);
	return CLI_OK;
}
