/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/mime.c - from a message in memory to the tree of its parts.
 *
 * One walk over the lines. The boundaries of all multiparts that are open stand in a stack; a
 * line "--boundary" ends everything above the one it belongs to. Of several that
 * match, the longest counts, and of equal ones the innermost (RFC 2046 sec. 5.1.1 asks only
 * for the line to begin with the boundary).
 *
 * Runs in:  local-delivery, imap session.
 * Trusts:   nothing; any octets have a structure.
 * Sources:  RFC 2045 sec. 5, 6; RFC 2046 sec. 5; RFC 2183; RFC 3282; RFC 2557 sec. 4; RFC 1864.
 */
#include "mime.h"

#include "rfc5322.h"
#include "err.h"

struct walk {
	struct arena *arena;
	struct bytes message;
	size_t at;    /* start of the next line */
	size_t lines; /* line ends before it */
	size_t nparts;
	size_t nopen;
	struct bytes open[MIME_DEPTH_MAX]; /* boundaries, outermost first */
};

#define LEVEL_END SIZE_MAX /* the message's end stands for a boundary */

/* Where a part stopped: at the line of a boundary. */
struct stop {
	size_t level; /* index in open, or LEVEL_END */
	bool closing; /* "--boundary--" */
	size_t line_at, lines;
	size_t next_at, next_lines; /* behind that line */
};

/* --- lines and boundaries --------------------------------------------------------- */

/* Is this line a boundary of an open multipart? */
static bool
is_boundary(const struct walk *w, struct bytes line, struct stop *out)
{
	struct bytes text = bytes_skip(line, 2);
	size_t best = 0;

	out->level = LEVEL_END;
	for (size_t i = w->nopen; i-- > 0;) {
		struct bytes b = w->open[i];

		if (b.n > best && b.n <= text.n && b.p[0] == text.p[0] &&
			bytes_starts_with(text, b)) {
			best = b.n;
			out->level = i;
		}
	}
	if (best == 0)
		return false;
	text = bytes_skip(text, best);
	out->closing = text.n >= 2 && text.p[0] == '-' && text.p[1] == '-';
	return true;
}

/* Read a line if it is no boundary; false at a boundary or the end, with *stop set. */
static bool
next_line(struct walk *w, struct bytes *line, struct stop *stop)
{
	struct bytes rest = bytes_skip(w->message, w->at);
	size_t n = rfc5322_line_len(rest);
	bool ended = n > 0 && rest.p[n - 1] == '\n';

	*line = bytes_head(rest, n);
	stop->line_at = w->at;
	stop->lines = w->lines;
	stop->next_at = w->at + n;
	stop->next_lines = w->lines + ended;
	if (n == 0) {
		stop->level = LEVEL_END;
		stop->closing = true;
		return false;
	}
	if (n > 2 && rest.p[0] == '-' && rest.p[1] == '-' && is_boundary(w, *line, stop))
		return false;
	w->at = stop->next_at;
	w->lines = stop->next_lines;
	return true;
}

static struct stop
skip_to_boundary(struct walk *w)
{
	struct bytes line;
	struct stop stop;

	while (next_line(w, &line, &stop))
		;
	return stop;
}

/* --- header ----------------------------------------------------------------------- */

static void
set_type(struct walk *w, struct mime_part *part, struct bytes value)
{
	struct mime_param *params;
	struct bytes type;

	if (part->has_type || mime_parse_value(w->arena, value, &type, &params) != ERR_OK)
		return;
	if (bytes_find(type, '/') == BYTES_NOT_FOUND)
		return;
	part->type = bytes_cut(&type, '/');
	part->subtype = type;
	part->params = params;
	part->has_type = part->type.n > 0 && part->subtype.n > 0;
}

static void
set_disposition(struct walk *w, struct mime_part *part, struct bytes value)
{
	struct mime_param *params;
	struct bytes word;

	if (mime_parse_value(w->arena, value, &word, &params) != ERR_OK)
		return;
	part->disposition = word;
	part->disposition_params = params;
}

static void
set_encoding(struct walk *w, struct mime_part *part, struct bytes value)
{
	struct mime_param *params;
	struct bytes word;

	if (mime_parse_value(w->arena, value, &word, &params) == ERR_OK)
		part->encoding = word;
}

static void
set_languages(struct walk *w, struct mime_part *part, struct bytes value)
{
	struct mime_param **end = &part->languages;
	struct mime_param *params;
	size_t n = 0;

	*end = NULL;
	while (value.n > 0 && n++ < MIME_PARAMS_MAX) {
		struct bytes one = bytes_cut(&value, ','), word;

		if (mime_parse_value(w->arena, one, &word, &params) != ERR_OK)
			continue;
		*end = arena_zalloc(w->arena, sizeof(**end));
		(*end)->value = word;
		end = &(*end)->next;
	}
}

static void
set_id(struct walk *w, struct mime_part *part, struct bytes value)
{
	part->id = rfc5322_unfolded(w->arena, value);
}

static void
set_description(struct walk *w, struct mime_part *part, struct bytes value)
{
	part->description = rfc5322_unfolded(w->arena, value);
}

static void
set_location(struct walk *w, struct mime_part *part, struct bytes value)
{
	part->location = rfc5322_unfolded(w->arena, value);
}

static void
set_md5(struct walk *w, struct mime_part *part, struct bytes value)
{
	part->md5 = rfc5322_unfolded(w->arena, value);
}

static const struct content_field {
	struct bytes name; /* behind "Content-" */
	void (*set)(struct walk *w, struct mime_part *part, struct bytes value);
} content_fields[] = {
	{ BYTES_LITERAL("type"), set_type },
	{ BYTES_LITERAL("transfer-encoding"), set_encoding },
	{ BYTES_LITERAL("disposition"), set_disposition },
	{ BYTES_LITERAL("id"), set_id },
	{ BYTES_LITERAL("description"), set_description },
	{ BYTES_LITERAL("language"), set_languages },
	{ BYTES_LITERAL("location"), set_location },
	{ BYTES_LITERAL("md5"), set_md5 },
};

static void
read_fields(struct walk *w, struct mime_part *part)
{
	static const struct bytes content = BYTES_LITERAL("content-");
	struct bytes rest = mime_header(w->message, part);
	bool seen[NITEMS(content_fields)] = { false };
	struct rfc5322_field f;

	while (rfc5322_field_next(&rest, &f)) {
		if (f.name.n <= content.n || !bytes_starts_with_nocase(f.name, content))
			continue;
		f.name = bytes_skip(f.name, content.n);
		for (size_t i = 0; i < NITEMS(content_fields); i++) {
			if (!seen[i] && bytes_equal_nocase(f.name, content_fields[i].name)) {
				content_fields[i].set(w, part, f.value);
				seen[i] = true;
			}
		}
	}
}

/* The header of a part. false if a boundary or the end comes before the body. */
static bool
read_header(struct walk *w, struct mime_part *part, struct stop *stop)
{
	struct bytes line;
	size_t lines = w->lines;
	bool body = false;

	part->header_at = w->at;
	while (!body && next_line(w, &line, stop))
		body = line.p[0] == '\n' || (line.n == 2 && line.p[0] == '\r' && line.p[1] == '\n');
	part->header_len = w->at - part->header_at;
	part->header_lines = w->lines - lines;
	part->body_at = w->at;
	read_fields(w, part);
	return body;
}

/* --- parts ------------------------------------------------------------------------ */

static struct mime_part *
new_part(struct walk *w, struct mime_part *parent)
{
	struct mime_part *p = arena_zalloc(w->arena, sizeof(*p));

	p->parent = parent;
	w->nparts++;
	return p;
}

static struct stop walk_part(struct walk *w, struct mime_part *part, size_t depth);

/* What a part without (usable) Content-Type is: RFC 2045 sec. 5.2, RFC 2046 sec. 5.1.5 */
static void
set_default_type(struct mime_part *part)
{
	bool digest = part->parent != NULL && part->parent->kind == MIME_MULTIPART &&
		      bytes_is_nocase(part->parent->subtype, "digest");

	part->type = digest ? BYTES_LITERAL("message") : BYTES_LITERAL("text");
	part->subtype = digest ? BYTES_LITERAL("rfc822") : BYTES_LITERAL("plain");
}

static struct bytes
boundary_of(struct walk *w, const struct mime_part *part)
{
	struct bytes charset, b = mime_param_decoded(w->arena, part->params, "boundary", &charset);

	while (b.n > 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t'))
		b.n--;
	return b;
}

/* The children of a multipart, then its epilogue. */
static struct stop
walk_multipart(struct walk *w, struct mime_part *part, struct bytes boundary, size_t depth)
{
	struct mime_part **end = &part->child;
	size_t level = w->nopen++;
	struct stop stop;

	w->open[level] = boundary;
	stop = skip_to_boundary(w);
	while (stop.level == level && !stop.closing) {
		w->at = stop.next_at;
		w->lines = stop.next_lines;
		if (w->nparts >= MIME_PARTS_MAX) {
			stop = skip_to_boundary(w);
			continue;
		}
		*end = new_part(w, part);
		stop = walk_part(w, *end, depth + 1);
		end = &(*end)->next;
	}
	w->nopen = level;
	if (stop.level == level) {
		w->at = stop.next_at;
		w->lines = stop.next_lines;
		stop = skip_to_boundary(w);
	}
	return stop;
}

static struct stop
walk_body(struct walk *w, struct mime_part *part, size_t depth)
{
	struct bytes boundary;

	if (part->kind == MIME_MULTIPART && depth < MIME_DEPTH_MAX &&
		(boundary = boundary_of(w, part)).n > 0)
		return walk_multipart(w, part, boundary, depth);
	if (part->kind == MIME_MESSAGE && depth < MIME_DEPTH_MAX && w->nparts < MIME_PARTS_MAX) {
		part->child = new_part(w, part);
		return walk_part(w, part->child, depth + 1);
	}
	return skip_to_boundary(w);
}

static struct mime_part *
last_child(const struct mime_part *part)
{
	struct mime_part *p = part->child;

	while (p != NULL && p->next != NULL)
		p = p->next;
	return p;
}

/* The body goes up to the stop, without the line end in front of a boundary. */
static void
end_body(struct walk *w, struct mime_part *part, size_t first_line, const struct stop *stop)
{
	size_t end = stop->line_at, lines = stop->lines;
	struct mime_part *last;

	if (stop->level != LEVEL_END && end > part->body_at && w->message.p[end - 1] == '\n') {
		end--;
		lines--;
		if (end > part->body_at && w->message.p[end - 1] == '\r')
			end--;
	}
	part->body_len = end - part->body_at;
	part->body_lines = lines - first_line;
	/* a part that stops within its header: its last line end is the boundary's as well */
	for (last = last_child(part); last != NULL && last->body_at > end;
		last = last_child(last)) {
		last->body_at = end;
		if (last->header_at > end)
			last->header_at = end;
		last->header_len = end - last->header_at;
		if (last->header_lines > 0)
			last->header_lines--;
	}
}

/* A part with all that is in it, from the first line of its header. */
static struct stop
walk_part(struct walk *w, struct mime_part *part, size_t depth)
{
	struct stop stop;
	size_t first_line;
	bool body = read_header(w, part, &stop);

	if (!part->has_type)
		set_default_type(part);
	if (bytes_is_nocase(part->type, "multipart"))
		part->kind = MIME_MULTIPART;
	else if (bytes_is_nocase(part->type, "message") && bytes_is_nocase(part->subtype, "rfc822"))
		part->kind = MIME_MESSAGE;
	first_line = w->lines;
	if (body)
		stop = walk_body(w, part, depth);
	end_body(w, part, first_line, &stop);
	return stop;
}

struct mime_part *
mime_parse(struct arena *a, struct bytes message)
{
	struct walk w;
	struct mime_part *root;

	w.arena = a;
	w.message = message;
	w.at = w.lines = w.nparts = w.nopen = 0;
	root = new_part(&w, NULL);
	walk_part(&w, root, 0);
	return root;
}
