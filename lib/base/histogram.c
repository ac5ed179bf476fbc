/* SPDX-License-Identifier: ISC */
/* lib/base/histogram.c - durations counted in classes. Runs in: all daemons. Pure. */
#include "histogram.h"

#include "err.h"

static const struct bound {
	uint64_t us;
	const char *text;
} bounds[HISTOGRAM_BOUNDS] = { { 1000, "0.001" }, { 5000, "0.005" }, { 10000, "0.01" },
	{ 25000, "0.025" }, { 50000, "0.05" }, { 100000, "0.1" }, { 250000, "0.25" },
	{ 500000, "0.5" }, { 1000000, "1" }, { 2500000, "2.5" }, { 5000000, "5" },
	{ 10000000, "10" }, { 30000000, "30" }, { 60000000, "60" }, { 300000000, "300" },
	{ 3600000000, "3600" } };

const char *
histogram_bound(unsigned i)
{
	return bounds[i].text;
}

void
histogram_add(struct histogram *h, uint64_t took_us)
{
	unsigned i = 0;

	while (i < HISTOGRAM_BOUNDS && took_us > bounds[i].us)
		i++;
	h->counts[i]++;
	h->sum_us += took_us;
}

void
histogram_put(struct buf *out, const char *name, const struct histogram *h)
{
	buf_printf(out, "%s h:", name);
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
		buf_printf(out, "%llu%c", (unsigned long long)h->counts[i],
			i < HISTOGRAM_BOUNDS ? ',' : ';');
	buf_printf(out, "%llu\n", (unsigned long long)h->sum_us);
}

int
histogram_parse(struct bytes text, struct histogram *h)
{
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		const struct bytes word = bytes_cut(&text, i < HISTOGRAM_BOUNDS ? ',' : ';');

		if (bytes_to_u64(word, UINT64_MAX, &h->counts[i]) < 0)
			return ERR_SYNTAX;
	}
	return bytes_to_u64(text, UINT64_MAX, &h->sum_us);
}
