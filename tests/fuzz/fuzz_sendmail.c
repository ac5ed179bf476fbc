/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_sendmail.c - any octets on the standard input of sendmail(1): what is sent has
 * line ends as SMTP wants them, and a From field.
 */
#include "rfc5322.h"
#include "sendmail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bytes self = { (const uint8_t *)"joe@example.org", 15 };
	struct sendmail_message m = { 0 };
	struct rfc5322_field f;
	struct bytes in, text, bad;

	if (size == 0)
		return 0;
	in = sendmail_message_end(bytes_make(data + 1, size - 1), (data[0] & 1) != 0);
	sendmail_message_make(&m, in, self, self, BYTES_LITERAL("Joe"), (data[0] & 2) != 0);
	text = buf_bytes(&m.text);
	for (size_t i = 0; i < text.n; i++) {
		ASSERT(text.p[i] != '\0');
		ASSERT(text.p[i] != '\n' || (i > 0 && text.p[i - 1] == '\r'));
		ASSERT(text.p[i] != '\r' || (i + 1 < text.n && text.p[i + 1] == '\n'));
	}
	ASSERT(rfc5322_field_find(bytes_head(text, rfc5322_header_len(text)), "From", &f));
	if (sendmail_add_recipients(&m, in, self, &bad) < 0)
		ASSERT(bad.p != NULL);
	sendmail_message_free(&m);
	return 0;
}
