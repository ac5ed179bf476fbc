/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_next_hop.c - next hops: parsing ends, what is one has one form, which is one
 * too and means the same; and reverse-paths of forwarded mail: what is no forgery comes back.
 */
#include "err.h"
#include "next_hop.h"
#include "srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_next_hop(struct bytes in)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct next_hop h, again;
	const char *why = NULL;
	int r = next_hop_parse(in, &h, &why);

	ASSERT(r == ERR_OK || why != NULL);
	if (r < 0)
		return;
	ASSERT(h.is_error ? h.count == 0 && h.enhanced.n >= 5
			  : h.count > 0 && h.count <= NEXT_HOP_ALTERNATIVES_MAX);
	next_hop_put(&once, &h);
	if (once.len <= NEXT_HOP_MAX) {
		ASSERT(next_hop_parse(buf_bytes(&once), &again, &why) == ERR_OK);
		ASSERT(again.is_error == h.is_error && again.count == h.count);
		for (unsigned i = 0; i < h.count; i++)
			ASSERT(again.alternatives[i].kind == h.alternatives[i].kind &&
				again.alternatives[i].protocol == h.alternatives[i].protocol);
		next_hop_put(&twice, &again);
		ASSERT(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
}

/* local "@" domain, as anybody may write it. */
static void
check_srs(struct bytes in)
{
	static const struct srs_secrets ours = { 2, { { 1 }, { 2 } } }, foreign = { 1, { { 3 } } };
	struct buf made = BUF_INIT, back = BUF_INIT;
	struct bytes domain, local;
	size_t at = bytes_find_last(in, '@');

	/* an SRS address that comes out of nothing is a forgery or none */
	ASSERT(srs_reverse(&back, &domain, &ours, in, 100, 21) != SRS_OK);
	if (at == BYTES_NOT_FOUND)
		return;
	local = bytes_head(in, at);
	in = bytes_skip(in, at + 1);
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] <= 0x20 || in.p[i] == '=' || in.p[i] == 0x7f)
			return;
	if (in.n > 0 && in.n < 256 && srs_forward(&made, &ours, local, in, 100)) {
		ASSERT(srs_reverse(&back, &domain, &ours, buf_bytes(&made), 121, 21) == SRS_OK);
		ASSERT(back.len > 0 && domain.n > 0);
		buf_clear(&back);
		ASSERT(srs_reverse(&back, &domain, &foreign, buf_bytes(&made), 121, 21) ==
			SRS_FORGED);
	}
	buf_free(&made);
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size);

	check_next_hop(in);
	check_srs(in);
	return 0;
}
