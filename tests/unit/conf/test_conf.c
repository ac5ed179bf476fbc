/* SPDX-License-Identifier: ISC */
/* tests/unit/conf/test_conf.c - values, files, every error at once, the way between processes. */
#include "../base/cases.h"

#include "common_conf.h"
#include "conf.h"
#include "err.h"
#include "smtpd_conf.h"

/* ---- one value ---- */

static const struct value_row {
	const char *label, *option, *value;
	int err;
	uint64_t number;
} value_rows[] = {
	{ "a size in mebibytes", "message_size_limit", "10M", ERR_OK, 10 * OPT_MIB },
	{ "a size in octets", "message_size_limit", "4096", ERR_OK, 4096 },
	{ "a blank before the unit", "message_size_limit", "10 M", ERR_OK, 10 * OPT_MIB },
	{ "a time in minutes", "data_timeout", "3m", ERR_OK, 3 * OPT_MINUTE },
	{ "a time in milliseconds", "data_timeout", "2500ms", ERR_OK, 2500 },
	{ "a time without unit", "data_timeout", "3", ERR_SYNTAX, 0 },
	{ "a size with a time's unit", "message_size_limit", "10h", ERR_SYNTAX, 0 },
	{ "a number with a unit", "recipient_limit", "10K", ERR_SYNTAX, 0 },
	{ "below the range", "recipient_limit", "99", ERR_LIMIT, 0 },
	{ "lowest", "recipient_limit", "100", ERR_OK, 100 },
	{ "over the range", "recipient_limit", "50001", ERR_LIMIT, 0 },
	{ "too large for 64 bits", "message_size_limit", "99999999999999999999G", ERR_LIMIT, 0 },
	{ "overflow by the unit", "message_size_limit", "18446744073709551615K", ERR_LIMIT, 0 },
	{ "negative", "recipient_limit", "-5", ERR_SYNTAX, 0 },
	{ "empty", "recipient_limit", "", ERR_SYNTAX, 0 },
	{ "unknown", "recipient_limits", "500", ERR_NOT_FOUND, 0 },
};

/* Values that are more than text; what is kept of them. */
static const struct word_row {
	const char *label, *section, *option, *value;
	int err;
	const char *kept; /* as conf_write_value() writes it; or a part of why it was refused */
} word_rows[] = {
	{ "a word", "smtp_client", "tls", "may", ERR_OK, "may" },
	{ "a word in another case", "smtp_client", "tls", "DANE-only", ERR_OK, "dane-only" },
	{ "a word that is none", "smtp_client", "tls", "must", ERR_SYNTAX,
		"must be one of none may encrypt verify dane dane-only" },
	{ "a part of a word", "smtp_client", "tls", "dan", ERR_SYNTAX, "must be one of" },
	{ "no word", "smtp_client", "tls", "", ERR_SYNTAX, "must be one of" },
	{ "two words", "smtp_client", "tls", "may encrypt", ERR_SYNTAX, "must be one of" },
	{ "level of the log", "", "log_level", "verbose", ERR_SYNTAX, "must be one of debug" },
	{ "an address", "smtp_client", "source_ipv4", "192.0.2.1", ERR_OK, "192.0.2.1" },
	{ "no address", "smtp_client", "source_ipv4", "", ERR_OK, "\"\"" },
	{ "not that family", "smtp_client", "source_ipv6", "none", ERR_OK, "none" },
	{ "an address of the other family", "smtp_client", "source_ipv6", "192.0.2.1", ERR_SYNTAX,
		"must be an IPv6 address" },
	{ "a network for an address", "smtp_client", "source_ipv4", "192.0.2.0/24", ERR_SYNTAX,
		"must be an IPv4 address" },
	{ "networks", "ledger", "ban_exempt", "192.0.2.7,2001:db8::/32", ERR_OK,
		"192.0.2.7, 2001:db8::/32" },
	{ "a name among networks", "ledger", "ban_exempt", "192.0.2.7, mx.example", ERR_SYNTAX,
		"\"mx.example\" is no address or network" },
};

static void
run_word(void **state)
{
	const struct word_row *t = *state;
	const struct conf_section *section = conf_section_named(bytes_from_str(t->section));
	struct arena a = ARENA_INIT;
	void *values = conf_defaults(section, &a);
	struct buf written = BUF_INIT;
	const char *why = "";

	assert_int_equal(conf_set(section, values, bytes_from_str(t->option),
				 bytes_from_str(t->value), &a, &why),
		t->err);
	for (size_t i = 0; i < section->nrows; i++)
		if (strcmp(section->rows[i].name, t->option) == 0)
			conf_write_value(&written, &section->rows[i], values);
	if (t->err < 0)
		assert_non_null(strstr(why, t->kept));
	else
		assert_string_equal(buf_str(&written), t->kept);
	buf_free(&written);
	arena_reset(&a);
}

static void
run_value(void **state)
{
	const struct value_row *t = *state;
	struct arena a = ARENA_INIT;
	struct smtpd_conf *c = conf_defaults(&smtpd_section, &a);
	const char *why = NULL;

	assert_int_equal(conf_set(&smtpd_section, c, bytes_from_str(t->option),
				 bytes_from_str(t->value), &a, &why),
		t->err);
	if (t->err < 0)
		assert_non_null(why);
	else if (strcmp(t->option, "message_size_limit") == 0)
		assert_int_equal(c->message_size_limit, t->number);
	else if (strcmp(t->option, "data_timeout") == 0)
		assert_int_equal(c->data_timeout, t->number);
	else
		assert_int_equal(c->recipient_limit, t->number);
	arena_reset(&a);
}

/* ---- a file ---- */

static const struct file_row {
	const char *label, *text;
	const char *errors; /* "line: beginning;" for each */
} file_rows[] = {
	{ "empty", "", "" },
	{ "comments and blanks", "# a\n\n   # b\n", "" },
	{ "an option and a section",
		"hostname = mx.example.org # c\nsmtpd {\n\trecipient_limit = 200\n}\n", "" },
	{ "quotes", "hostname = \"mx # \\\"x\\\"\"\n", "" },
	{ "no end of line", "hostname = mx", "" },
	{ "unknown option", "hostnam = x\n",
		"1:unknown option \"hostnam\" (did you mean \"hostname\"?);" },
	{ "unknown section", "smtp {\nx = y\n}\n",
		"1:unknown section \"smtp\" (did you mean \"smtpd\"?);" },
	{ "far from any", "zzzzzzzzzz = 1\n", "1:unknown option \"zzzzzzzzzz\";" },
	{ "out of range", "smtpd {\nrecipient_limit = 5\n}\n",
		"2:recipient_limit: \"5\" must be 100 to 50000;" },
	{ "all errors at once", "a\nsmtpd {\nx = 1\ngreet_delay = 1\n}\n}\n",
		"1:\"a\" is neither;3:unknown option \"x\";4:greet_delay: \"1\" is not a time;"
		"6:\"}\" without a section;" },
	{ "section not closed", "\nsmtpd {\n", "2:the section that begins here is not closed;" },
	{ "section in a section", "smtpd {\nqmgr {\n}\n", "2:a section inside a section;" },
	{ "quote not closed", "hostname = \"mx\n", "1:hostname: the quote is not closed;" },
	{ "text after the quote", "hostname = \"mx\" y\n",
		"1:hostname: text after the closing quote;" },
	{ "include of nothing", "include\n", "1:\"include\" is neither;" },
	{ "include that is not there", "include \"/nonexistent/x\"\n", "0:cannot be read;" },
};

static void
run_file(void **state)
{
	const struct file_row *t = *state;
	struct bytes expected = bytes_from_str(t->errors);
	const struct conf_error *e;
	struct conf c;

	conf_init(&c);
	assert_int_equal(conf_parse(&c, "test.conf", bytes_from_str(t->text)),
		expected.n == 0 ? ERR_OK : ERR_SYNTAX);
	for (e = c.first; e != NULL && expected.n > 0; e = e->next) {
		struct bytes want = bytes_cut(&expected, ';'), line = bytes_cut(&want, ':');
		uint64_t number;

		assert_int_equal(bytes_to_u64(line, 1000, &number), ERR_OK);
		assert_int_equal(e->line, number);
		assert_true(bytes_starts_with(bytes_from_str(e->text), want));
	}
	assert_null(e);
	assert_int_equal(expected.n, 0);
	conf_free(&c);
}

/* ---- wholes ---- */

static void
test_override(void **state)
{
	struct conf c;

	conf_init(&c);
	assert_int_equal(conf_override(&c, "smtpd.recipient_limit=333"), ERR_OK);
	assert_int_equal(((struct smtpd_conf *)conf_values(&c, "smtpd"))->recipient_limit, 333);
	assert_int_equal(conf_override(&c, "domain=a.example, b.example"), ERR_OK);
	assert_int_equal(((struct common_conf *)conf_values(&c, ""))->domain.n, 2);
	assert_string_equal(((struct common_conf *)conf_values(&c, ""))->domain.v[1], "b.example");
	assert_int_equal(conf_override(&c, "nothing"), ERR_SYNTAX);
	conf_free(&c);
}

/* What `config show` prints is a configuration that reads back the same. */
static void
test_show_reads_back(void **state)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct conf c, again;

	conf_init(&c);
	assert_int_equal(conf_override(&c, "hostname=a # \"b\" \\"), ERR_OK);
	assert_int_equal(conf_override(&c, "smtpd.greet_delay=1500ms"), ERR_OK);
	conf_show(&first, &c);
	conf_init(&again);
	assert_int_equal(conf_parse(&again, "shown", buf_bytes(&first)), ERR_OK);
	conf_show(&second, &again);
	assert_string_equal(buf_str(&first), buf_str(&second));
	conf_free(&c);
	conf_free(&again);
	buf_free(&first);
	buf_free(&second);
}

static void
test_shipped_file_is_right(void **state)
{
	struct buf text = BUF_INIT;
	struct conf c;

	conf_write_shipped_file(&text);
	conf_init(&c);
	assert_int_equal(conf_parse(&c, "shipped", buf_bytes(&text)), ERR_OK);
	conf_free(&c);
	buf_free(&text);
}

/* Every option is documented, and its default is one that its own row takes (conf_defaults). */
static void
test_rows(void **state)
{
	for (size_t i = 0; i < conf_section_count(); i++) {
		const struct conf_section *s = conf_section_at(i);

		for (size_t j = 0; j < s->nrows; j++) {
			assert_true(strlen(s->rows[j].doc) > 5);
			assert_true(s->rows[j].offset < s->size);
			for (size_t k = 0; k < j; k++)
				assert_string_not_equal(s->rows[j].name, s->rows[k].name);
		}
	}
}

static void
test_between_processes(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf wire = BUF_INIT, fresh_wire = BUF_INIT;
	struct conf c;
	struct smtpd_conf *fresh = conf_defaults(&smtpd_section, &a);

	conf_init(&c);
	assert_int_equal(conf_override(&c, "smtpd.listen=127.0.0.1:25, [::1]:25"), ERR_OK);
	conf_encode(&wire, &smtpd_section, conf_values(&c, "smtpd"));
	assert_int_equal(conf_decode(buf_bytes(&wire), &smtpd_section, fresh, &a), ERR_OK);
	assert_int_equal(fresh->listen.n, 2);
	conf_encode(&fresh_wire, &smtpd_section, fresh);
	assert_true(bytes_equal(buf_bytes(&wire), buf_bytes(&fresh_wire)));
	for (size_t n = 0; n < wire.len; n++) /* cut anywhere: refused */
		assert_int_equal(
			conf_decode(bytes_head(buf_bytes(&wire), n), &smtpd_section, fresh, &a),
			ERR_SYNTAX);
	conf_free(&c);
	buf_free(&wire);
	buf_free(&fresh_wire);
	arena_reset(&a);
}

/* What a reload does not reach. */
static void
test_changed_at_start(void **state)
{
	static const char *const reached[] = { "hostname=mx.example", "smtpd.listen=*:26",
		"directory.default_quota=1G", "ledger.ban_time=1h" };
	struct conf running, fresh;
	struct buf names = BUF_INIT;

	conf_init(&running);
	conf_init(&fresh);
	for (size_t i = 0; i < NITEMS(reached); i++)
		assert_int_equal(conf_override(&fresh, reached[i]), ERR_OK);
	assert_int_equal(conf_changed_at_start(&names, &running, &fresh), 0);
	assert_int_equal(names.len, 0);
	assert_int_equal(conf_override(&fresh, "queue=/elsewhere"), ERR_OK);
	assert_int_equal(conf_override(&fresh, "directory.postgresql_timeout=7s"), ERR_OK);
	assert_int_equal(conf_changed_at_start(&names, &running, &fresh), 2);
	assert_string_equal(buf_str(&names), "queue, directory.postgresql_timeout");
	conf_free(&running);
	conf_free(&fresh);
	buf_free(&names);
}

int
main(void)
{
	TABLE_TESTS(values, value_rows, run_value);
	TABLE_TESTS(words, word_rows, run_word);
	TABLE_TESTS(files, file_rows, run_file);
	const struct CMUnitTest wholes[] = {
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_show_reads_back),
		cmocka_unit_test(test_shipped_file_is_right),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_between_processes),
		cmocka_unit_test(test_changed_at_start),
	};

	return cmocka_run_group_tests_name("conf/value", values, NULL, NULL) +
	       cmocka_run_group_tests_name("conf/word", words, NULL, NULL) +
	       cmocka_run_group_tests_name("conf/file", files, NULL, NULL) +
	       cmocka_run_group_tests_name("conf/wholes", wholes, NULL, NULL);
}
