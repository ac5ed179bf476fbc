/* SPDX-License-Identifier: ISC */
/* tests/unit/store/test_store_list.c - folders: create, delete, rename, list, subscribe, recount.
 */
#include "mailbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"

/* "name:attrs" of all folders in one line, for comparing. */
static const char *
listing(struct mailbox *m)
{
	static const struct {
		unsigned attr;
		char letter;
	} letters[] = { { STORE_NOSELECT, 'n' }, { STORE_HAS_CHILDREN, 'c' },
		{ STORE_SUBSCRIBED, 's' }, { STORE_USE_SENT, 'S' }, { STORE_USE_TRASH, 'T' },
		{ STORE_NONEXISTENT, 'x' } };
	static char out[1000];
	struct arena a = ARENA_INIT;
	struct store_folder *v;
	size_t n, at = 0;

	assert_int_equal(store_list(m->account, &a, &v, &n), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%.*s:", i > 0 ? " " : "",
			(int)v[i].name.n, (const char *)v[i].name.p);
		for (size_t k = 0; k < NITEMS(letters); k++)
			if ((v[i].attrs & letters[k].attr) != 0)
				out[at++] = letters[k].letter;
	}
	out[at] = 0;
	arena_reset(&a);
	return out;
}

static int
create(struct mailbox *m, const char *name)
{
	return store_folder_create(m->account, bytes_from_str(name));
}

static int
remove_folder(struct mailbox *m, const char *name)
{
	return store_folder_delete(m->account, bytes_from_str(name));
}

static int
rename_to(struct mailbox *m, const char *from, const char *to)
{
	return store_folder_rename(m->account, bytes_from_str(from), bytes_from_str(to));
}

static int
subscribe(struct mailbox *m, const char *name, bool on)
{
	return store_folder_subscribe(m->account, bytes_from_str(name), on);
}

static void
folders(void **arg)
{
	struct mailbox m;

	mailbox_make(&m);
	assert_string_equal(listing(&m), "INBOX:");
	assert_int_equal(create(&m, "inbox"), ERR_EXISTS);
	assert_int_equal(create(&m, "Lists/relais/"), ERR_OK);
	assert_int_equal(create(&m, "Lists/relais"), ERR_EXISTS);
	assert_int_equal(create(&m, "Sent"), ERR_OK);
	assert_int_equal(create(&m, "a.b"), ERR_OK);
	assert_int_equal(create(&m, "a/../b"), ERR_SYNTAX);
	assert_string_equal(listing(&m), "INBOX: Lists:nc Lists/relais: Sent:S a.b:");
	assert_int_equal(create(&m, "Lists"), ERR_OK);
	assert_int_equal(remove_folder(&m, "Lists"), ERR_OK);
	assert_string_equal(listing(&m), "INBOX: Lists:nc Lists/relais: Sent:S a.b:");
	assert_int_equal(remove_folder(&m, "Lists"), ERR_NOT_FOUND);
	assert_int_equal(remove_folder(&m, "INBOX"), ERR_DENIED);
	assert_int_equal(rename_to(&m, "Lists", "Old/Lists"), ERR_OK);
	assert_int_equal(rename_to(&m, "a.b", "Sent"), ERR_EXISTS);
	assert_int_equal(rename_to(&m, "nowhere", "b"), ERR_NOT_FOUND);
	assert_int_equal(rename_to(&m, "Old", "Old/x"), ERR_DENIED);
	assert_string_equal(
		listing(&m), "INBOX: Old:nc Old/Lists:nc Old/Lists/relais: Sent:S a.b:");
	assert_int_equal(subscribe(&m, "Old/Lists/relais", true), ERR_OK);
	assert_int_equal(subscribe(&m, "iNBOX", true), ERR_OK);
	assert_int_equal(subscribe(&m, "gone", true), ERR_OK);
	assert_int_equal(subscribe(&m, "gone", true), ERR_OK);
	assert_string_equal(
		listing(&m), "INBOX:s Old:nc Old/Lists:nc Old/Lists/relais:s Sent:S a.b: gone:sx");
	assert_int_equal(subscribe(&m, "gone", false), ERR_OK);
	assert_int_equal(remove_folder(&m, "Old/Lists/relais"), ERR_OK);
	assert_string_equal(listing(&m), "INBOX:s Old/Lists/relais:sx Sent:S a.b:");
	mailbox_remove(&m);
}

/* The older form of Dovecot's file. */
static void
old_subscriptions(void **arg)
{
	struct mailbox m;

	mailbox_make(&m);
	assert_int_equal(create(&m, "Lists/x"), ERR_OK);
	mailbox_put_file(&m, "subscriptions", "INBOX\nLists.x\n\nbad\001name\n");
	assert_string_equal(listing(&m), "INBOX:s Lists:nc Lists/x:s");
	assert_int_equal(subscribe(&m, "Lists/x", false), ERR_OK);
	assert_string_equal(listing(&m), "INBOX:s Lists:nc Lists/x:");
	mailbox_remove(&m);
}

static void
usage(void **arg)
{
	struct mailbox m;
	struct store_usage u, d;
	struct store_status st;
	struct store_view *v;
	uint32_t validity;

	mailbox_make(&m);
	assert_int_equal(create(&m, "Trash"), ERR_OK);
	mailbox_deliver(&m, "q1_0", "one"); /* counted by the deliverer */
	mailbox_append(&m, "INBOX", "two", 0);
	mailbox_append(&m, "Trash", "three", STORE_SEEN);
	assert_int_equal(store_recount(m.account, &u), ERR_OK);
	assert_int_equal(u.messages, 3);
	d = store_take_delta(m.account);
	assert_int_equal(d.messages, 2);
	assert_int_equal(store_take_delta(m.account).messages, 0);
	assert_int_equal(store_status(m.account, BYTES_LITERAL("Trash"), &st), ERR_OK);
	assert_int_equal(st.messages, 1);
	assert_int_equal(st.unseen, 0);
	validity = st.uidvalidity;
	assert_int_equal(remove_folder(&m, "Trash"), ERR_OK);
	d = store_take_delta(m.account);
	assert_int_equal(d.messages, -1);
	assert_int_equal(d.octets, -(int64_t)st.octets);
	/* made again: another folder; INBOX emptied into it by rename */
	assert_int_equal(create(&m, "Trash"), ERR_OK);
	assert_int_equal(store_status(m.account, BYTES_LITERAL("Trash"), &st), ERR_OK);
	assert_true(st.uidvalidity > validity);
	assert_int_equal(create(&m, "INBOX/child"), ERR_OK);
	assert_int_equal(rename_to(&m, "INBOX", "Saved"), ERR_OK);
	assert_string_equal(listing(&m), "INBOX:c INBOX/child: Saved: Trash:T");
	v = mailbox_open(&m, "Saved");
	assert_int_equal(store_count(v), 2);
	store_close(&v);
	v = mailbox_open(&m, "INBOX");
	assert_int_equal(store_count(v), 0);
	store_close(&v);
	assert_int_equal(store_take_delta(m.account).messages, 0);
	mailbox_remove(&m);
}

/* What sessions and deliverers see of a folder that goes away under them. */
static void
folder_gone(void **arg)
{
	struct store_changes ch;
	struct mailbox m;
	struct store_view *v;
	struct store_delivery d = { .home = "a",
		.folder = BYTES_LITERAL("Work"),
		.unique = BYTES_LITERAL("q1_0"),
		.content = BYTES_LITERAL("Subject: x\r\n\r\n") };
	struct store_delivered out;
	uint32_t one = 1;

	mailbox_make(&m);
	d.create_folder = true;
	assert_int_equal(store_deliver(m.deliverer, &d, &out), ERR_OK);
	d.create_folder = false;
	v = mailbox_open(&m, "Work");
	assert_int_equal(store_count(v), 1);
	assert_int_equal(rename_to(&m, "Work", "Works"), ERR_OK);
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK); /* it goes on under its new name */
	d.unique = BYTES_LITERAL("q2_0");
	assert_int_equal(store_deliver(m.deliverer, &d, &out), ERR_OK); /* to INBOX */
	assert_int_equal(store_refresh(v, 0, &ch), ERR_OK);
	assert_int_equal(ch.exists, 1);
	assert_int_equal(remove_folder(&m, "Works"), ERR_OK);
	assert_int_equal(store_refresh(v, 0, &ch), ERR_NOT_FOUND);
	assert_int_equal(store_expunge(v, &one, 1, false), ERR_NOT_FOUND);
	store_close(&v);
	v = mailbox_open(&m, "INBOX");
	assert_int_equal(store_count(v), 1);
	store_close(&v);
	mailbox_remove(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders),
		cmocka_unit_test(old_subscriptions),
		cmocka_unit_test(usage),
		cmocka_unit_test(folder_gone),
	};

	return cmocka_run_group_tests_name("store/list", tests, NULL, NULL);
}
