/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_dns_packet.c - messages of servers become answers: whatever comes, an answer that
 * a caller would take. The first two octets are the type, the third what libunbound says of it.
 */
#include "answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct engine_result result = { .rcode = 0 };
	struct arena a = ARENA_INIT;
	struct buf body = BUF_INIT;
	struct dns_answer answer, again;
	struct ipc_reader reader;

	if (size < 3 || size > 65535 + 3)
		return 0;
	result.security = (enum engine_security)(data[2] % 3);
	result.packet = bytes_make(data + 3, size - 3);
	answer_make(&result, (uint16_t)(data[0] << 8 | data[1]), "asked.example", &a, &answer);
	dns_answer_encode(&body, &answer);
	ASSERT(body.len <= IPC_BODY_MAX);
	reader = ipc_reader(buf_bytes(&body));
	ASSERT(dns_answer_decode(&reader, &again) == ERR_OK);
	ASSERT(result.security != ENGINE_BOGUS || answer.count == 0);
	buf_free(&body);
	arena_reset(&a);
	return 0;
}
