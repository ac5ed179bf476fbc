/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dkim_key_record.c - what a key record says.
 *
 * Runs in:  mailauth-verify, dkim-keeper, cli.
 * Trusts:   nothing.
 * Sources:  RFC 6376 sec. 3.6.1; RFC 8301; RFC 8463 sec. 4.
 */
#include "dkim_tags.h"

static bool
list_has(struct bytes list, const char *a, const char *b)
{
	struct bytes item;

	while (dkim_list_next(&list, &item))
		if (bytes_is_nocase(item, a) || bytes_is_nocase(item, b))
			return true;
	return false;
}

static enum dkim_key_type
key_type(bool has, struct bytes k)
{
	if (!has || bytes_is_nocase(k, "rsa"))
		return DKIM_KEY_RSA;
	return bytes_is_nocase(k, "ed25519") ? DKIM_KEY_ED25519 : DKIM_KEY_OTHER;
}

int
dkim_key_record_parse(struct bytes text, struct dkim_key_record *out, const char **why)
{
	struct dkim_tags tags;
	struct bytes value;
	bool has;
	int r;

	*out = (struct dkim_key_record){ .type = DKIM_KEY_OTHER };
	*why = "";
	r = text.n > DKIM_KEY_RECORD_MAX ? ERR_LIMIT : dkim_tags_parse(text, &tags);
	if (r < 0) {
		*why = r == ERR_EXISTS ? "a tag of the key record is there twice"
				       : "the key record is no list of tags, or too long";
		return r;
	}
	if (dkim_tags_get(&tags, "v", &value) &&
		(!bytes_is(value, "DKIM1") || !bytes_is(tags.tag[0].name, "v"))) {
		*why = "the record is not of version DKIM1";
		return ERR_SYNTAX;
	}
	if (!dkim_tags_get(&tags, "p", &out->key)) {
		*why = "the key record has no p=";
		return ERR_SYNTAX;
	}
	out->revoked = out->key.n == 0;
	has = dkim_tags_get(&tags, "k", &value);
	out->type = key_type(has, value);
	has = dkim_tags_get(&tags, "h", &value);
	out->sha256 = !has || list_has(value, "sha256", "sha256");
	has = dkim_tags_get(&tags, "s", &value);
	out->for_email = !has || list_has(value, "*", "email");
	(void)dkim_tags_get(&tags, "t", &value);
	out->testing = list_has(value, "y", "y");
	out->strict_identity = list_has(value, "s", "s");
	return ERR_OK;
}
