/* SPDX-License-Identifier: ISC */
/*
 * cli/setup_check.c - whether an answer to relais setup makes sense, and what it means.
 *
 * Runs in:  relais. Asks nobody but the smarthost, whether it is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dns_packet.h"
#include "err.h"
#include "mail_address.h"
#include "next_hop.h"
#include "setup.h"

#define PASSWORD_MIN    8
#define SPACE_MIN       ((uint64_t)200 << 20)
#define REACH_MS        5000
#define SUBMISSION_PORT "587"

/* ---- names ---- */

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

/* A folded name with a dot in it, or NULL. */
static const char *
full_name(struct setup *s, const char *text)
{
	struct bytes name = bytes_from_str(text), folded;

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (mail_domain_fold(&s->arena, name, &folded) < 0 || !dns_name_is_host(folded) ||
		next_hop_is_address(folded) || bytes_find(folded, '.') == BYTES_NOT_FOUND)
		return NULL;
	return arena_str(&s->arena, folded);
}

enum setup_verdict
setup_check_hostname(struct setup *s, const char *text, const char **value, struct buf *why)
{
	static const char *const private_ends[] = { ".local", ".lan", ".home", ".internal",
		".home.arpa", ".intranet", ".localhost" };

	*value = full_name(s, text);
	if (*value == NULL) {
		buf_printf(why,
			"\"%s\" is no fully qualified name, as mx.example.org is: other hosts want "
			"to find it in DNS",
			text);
		return SETUP_BAD;
	}
	if (strncmp(*value, "localhost.", 10) == 0) {
		buf_printf(why,
			"\"%s\" is what every host is called; this one needs a name of its "
			"own, as mx.example.org",
			*value);
		return SETUP_BAD;
	}
	for (size_t i = 0; i < NITEMS(private_ends); i++)
		if (ends_with(*value, private_ends[i])) {
			buf_printf(why,
				"%s is a name of a private network: other hosts won't find it, "
				"and many refuse mail from such a host (a smarthost does not mind)",
				*value);
			return SETUP_ODD;
		}
	return SETUP_GOOD;
}

/* "co.uk": below it are other people's domains. */
static bool
is_like_registry(const char *name)
{
	static const char *const second[] = { "ac", "co", "com", "edu", "gov", "gv", "net", "ne",
		"nom", "or", "org", "sch" };
	const char *dot = strchr(name, '.');

	if (dot == NULL || strchr(dot + 1, '.') != NULL || strlen(dot + 1) != 2)
		return false;
	for (size_t i = 0; i < NITEMS(second); i++)
		if (strlen(second[i]) == (size_t)(dot - name) &&
			strncmp(name, second[i], strlen(second[i])) == 0)
			return true;
	return false;
}

enum setup_verdict
setup_check_domain(struct setup *s, const char *text, const char **value, struct buf *why)
{
	const char *host = s->answer[SETUP_HOSTNAME];

	*value = full_name(s, text);
	if (*value == NULL) {
		buf_printf(why, "\"%s\" is no domain, as example.org is%s", text,
			strchr(text, '@') != NULL ? "; what stands before the @ comes later" : "");
		return SETUP_BAD;
	}
	if (is_like_registry(*value)) {
		buf_printf(why,
			"%s is nobody's mail domain: below it are other people's. Is "
			"yours the whole name, as example.%s?",
			*value, *value);
		return SETUP_BAD;
	}
	if (host != NULL && strcmp(host, *value) == 0 && strchr(host, '.') != strrchr(host, '.')) {
		buf_printf(why,
			"%s is this host's own name: addresses would be user@%s; most want "
			"them without its first part",
			*value, *value);
		return SETUP_ODD;
	}
	return SETUP_GOOD;
}

/* ---- the account ---- */

enum setup_verdict
setup_check_account(struct setup *s, const char *text, const char **value, struct buf *why)
{
	const char *domain = s->answer[SETUP_DOMAIN];
	struct mail_address a;

	if (strchr(text, '@') == NULL && domain != NULL)
		text = arena_printf(&s->arena, "%s@%s", text, domain);
	if (mail_address_fold(&s->arena, bytes_from_str(text), &a) < 0 || a.domain.n == 0 ||
		a.local.n == 0) {
		buf_printf(why, "\"%s\" is no address, as ann@%s is", text,
			domain != NULL ? domain : "example.org");
		return SETUP_BAD;
	}
	*value = arena_str(&s->arena, a.key);
	if (domain != NULL && !bytes_is(a.domain, domain)) {
		buf_printf(why,
			"%s is not at %s; accounts of other domains come later, by relais "
			"domain add and relais user add",
			*value, domain);
		return SETUP_BAD;
	}
	return SETUP_GOOD;
}

enum setup_verdict
setup_check_password(struct setup *s, const char *text, const char **value, struct buf *why)
{
	const char *account = s->answer[SETUP_ACCOUNT];
	const size_t local = account == NULL ? 0 : strcspn(account, "@");

	*value = text;
	if (strlen(text) < PASSWORD_MIN) {
		buf_printf(why, "a password of %zu characters is guessed soon: take %d at least",
			strlen(text), PASSWORD_MIN);
		return SETUP_BAD;
	}
	if (strlen(text) > 511) {
		buf_put_str(why, "a password has at most 511 octets");
		return SETUP_BAD;
	}
	if (account != NULL &&
		(strcmp(account, text) == 0 ||
			(strlen(text) == local && strncmp(account, text, local) == 0))) {
		buf_put_str(why, "the address itself is the first that is guessed");
		return SETUP_BAD;
	}
	return SETUP_GOOD;
}

/* ---- the smarthost ---- */

static bool
connects(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(error);

	if (fd < 0)
		return false;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0)
		error = errno;
	if (error == EINPROGRESS && poll(&p, 1, REACH_MS) == 1)
		(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
	close(fd);
	errno = error == EINPROGRESS ? ETIMEDOUT : error;
	return error == 0;
}

/* Is the first place of the smarthost there? Domains with MX hosts are left to smtp-client. */
static bool
is_reached(const struct next_hop_alternative *a, struct buf *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[NEXT_HOP_HOST_MAX + 1], port[8];
	struct addrinfo *list;
	int r;

	if (a->kind != NEXT_HOP_HOST)
		return true;
	bytes_to_str(a->host, host, sizeof(host));
	snprintf(port, sizeof(port), "%u", a->port != 0 ? a->port : 25U);
	r = getaddrinfo(host, port, &hints, &list);
	if (r != 0) {
		buf_printf(why, "%s is not found now (%s)", host, gai_strerror(r));
		return false;
	}
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
		if (connects(ai)) {
			freeaddrinfo(list);
			return true;
		}
	buf_printf(why, "%s port %s does not answer now (%s)", host, port, strerror(errno));
	freeaddrinfo(list);
	return false;
}

enum setup_verdict
setup_check_smarthost(struct setup *s, const char *text, const char **value, struct buf *why)
{
	const char *reason = NULL, *colon = strrchr(text, ':');
	struct buf out = BUF_INIT;
	struct next_hop hop;
	bool ok;

	*value = "";
	if (text[0] == 0 || strcmp(text, "none") == 0 || strcmp(text, "direct") == 0)
		return SETUP_GOOD;
	/* plain "host" and "host:port" mean that host, as people say it */
	if (strpbrk(text, "[], ") == NULL && (colon == NULL || strchr(text, ':') == colon))
		text = arena_printf(&s->arena, "[%.*s]:%s",
			colon != NULL ? (int)(colon - text) : (int)strlen(text), text,
			colon != NULL ? colon + 1 : SUBMISSION_PORT);
	if (next_hop_parse(bytes_from_str(text), &hop, &reason) < 0 || hop.is_error) {
		buf_printf(why,
			"\"%s\": %s; write it as relay.example.net or "
			"relay.example.net:587",
			text, reason != NULL ? reason : "is no host");
		return SETUP_BAD;
	}
	next_hop_put(&out, &hop);
	*value = arena_str(&s->arena, buf_bytes(&out));
	buf_free(&out);
	ok = s->no_start || is_reached(&hop.alternatives[0], why);
	if (!ok)
		buf_put_str(why, "; mail to others waits in the queue until it does");
	return ok ? SETUP_GOOD : SETUP_ODD;
}

enum setup_verdict
setup_check_login(struct setup *s, const char *text, const char **value, struct buf *why)
{
	UNUSED(s);
	*value = text;
	if (strpbrk(text, ": \t") == NULL)
		return SETUP_GOOD;
	buf_printf(why, "\"%s\": a login has no blank and no \":\"", text);
	return SETUP_BAD;
}

enum setup_verdict
setup_check_login_password(struct setup *s, const char *text, const char **value, struct buf *why)
{
	UNUSED(s);
	*value = text;
	if (text[0] != 0)
		return SETUP_GOOD;
	buf_put_str(why, "the password is empty");
	return SETUP_BAD;
}

/* ---- where mail lives ---- */

/* The nearest folder that is there, at or above path. */
static const char *
nearest_folder(struct setup *s, const char *path)
{
	char *part = arena_str(&s->arena, bytes_from_str(path)), *slash;

	while (access(part, F_OK) != 0 && (slash = strrchr(part, '/')) != NULL && slash != part)
		*slash = 0;
	return access(part, F_OK) == 0 ? part : "/";
}

enum setup_verdict
setup_check_mail_root(struct setup *s, const char *text, const char **value, struct buf *why)
{
	const char *place;
	struct statvfs space;
	struct statfs kind;
	int fd;

	*value = text;
	if (text[0] != '/' || text[1] == 0 || strstr(text, "/../") != NULL) {
		buf_printf(
			why, "\"%s\" is no folder from the root on, as /var/mail/relais is", text);
		return SETUP_BAD;
	}
	place = nearest_folder(s, text);
	fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatvfs(fd, &space) != 0 || fstatfs(fd, &kind) != 0) {
		buf_printf(why, "%s: %s", place, strerror(errno));
		if (fd >= 0)
			close(fd);
		return SETUP_BAD;
	}
	close(fd);
	if (space.f_flag & ST_RDONLY) {
		buf_printf(why, "%s is on a filesystem that can't be written to", text);
		return SETUP_BAD;
	}
	if (kind.f_type == TMPFS_MAGIC || kind.f_type == RAMFS_MAGIC) {
		buf_printf(why, "%s is in memory (tmpfs): its mail is gone when the machine stops",
			text);
		return SETUP_ODD;
	}
	if ((uint64_t)space.f_bavail * space.f_frsize < SPACE_MIN) {
		buf_printf(why, "%s has less than %u MiB free", text, (unsigned)(SPACE_MIN >> 20));
		return SETUP_ODD;
	}
	return SETUP_GOOD;
}
