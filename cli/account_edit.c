/* SPDX-License-Identifier: ISC */
/* cli/account_edit.c - one account's line, see the header. */
#include "account_edit.h"

#include <stdio.h>

#include "account_words.h"
#include "directory_conf.h"
#include "err.h"
#include "password_record.h"
#include "random.h"

bool
account_read_open(struct cli *cli, struct account_edit *e, const char *address)
{
	*e = (struct account_edit){ .accounts = { .text = BUF_INIT, .table = TABLE_INIT },
		.line = BUF_INIT };
	if (!table_file_load(cli, TABLE_ACCOUNTS, &e->accounts))
		return false;
	if (mail_address_fold(&e->arena, bytes_from_str(address), &e->address) == ERR_OK &&
		table_file_find(&e->accounts, e->address.key, &e->old))
		return true;
	fprintf(stderr, "%s: no such account\n", address);
	return false;
}

bool
account_edit_open(struct cli *cli, struct account_edit *e, const char *address)
{
	*e = (struct account_edit){ .accounts = { .text = BUF_INIT, .table = TABLE_INIT },
		.line = BUF_INIT };
	return table_files_lock(cli) && account_read_open(cli, e, address);
}

bool
account_edit_store(struct cli *cli, struct account_edit *e)
{
	struct bytes line = buf_bytes(&e->line);

	return table_file_edit(cli, &e->accounts, e->address.key, e->address.text, &line);
}

void
account_edit_close(struct account_edit *e)
{
	table_file_free(&e->accounts);
	arena_reset(&e->arena);
	buf_free(&e->line);
}

struct bytes
account_edit_word(struct bytes *rest)
{
	struct bytes word = BYTES_NONE;

	*rest = bytes_trim(*rest);
	if (rest->n > 0)
		word = bytes_cut(rest, ' ');
	return word;
}

void
account_edit_put(struct account_edit *e, struct bytes word)
{
	if (e->line.len > 0)
		buf_put_u8(&e->line, ' ');
	buf_put_bytes(&e->line, word);
}

void
account_scram_like(struct cli *cli, struct bytes line, bool apps_only, struct scram_record *out)
{
	const struct directory_conf *conf = conf_values(&cli->conf, "directory");
	struct account_password p;

	while (account_next_password(&line, &p) > 0)
		if ((p.name.n > 0 || !apps_only) && password_record_scram(p.record, out)) {
			out->hash = SCRAM_HASH_SHA_256;
			return;
		}
	*out = (struct scram_record){ .hash = SCRAM_HASH_SHA_256,
		.iterations = (uint32_t)conf->scram_iterations,
		.salt_size = SCRAM_SALT_SIZE };
	random_fill(out->salt, SCRAM_SALT_SIZE);
}
