/* SPDX-License-Identifier: ISC */
/* lib/conf/check_doors.c - where doors listen, and their certificates. */
#include <arpa/inet.h>

#include "check_private.h"
#include "err.h"
#include "listen.h"
#include "metrics_conf.h"
#include "tls_conf.h"

static const struct conf_list *
list_of(const struct conf *c, const char *name)
{
	return conf_option_value(c, name);
}

/* As getaddrinfo(3) takes it without asking anybody; an IPv6 one may name its interface. */
static bool
is_address(const char *host)
{
	uint8_t octets[16];
	char plain[256];
	struct bytes b = bytes_from_str(host);

	bytes_to_str(bytes_head(b, bytes_find(b, '%')), plain, sizeof(plain));
	return strcmp(host, "*") == 0 || inet_pton(AF_INET, host, octets) == 1 ||
	       inet_pton(AF_INET6, plain, octets) == 1;
}

static bool
is_bad_number(const char *port)
{
	uint64_t n;

	return ascii_is_digit((uint8_t)port[0]) &&
	       (bytes_to_u64(bytes_from_str(port), 65535, &n) < 0 || n == 0);
}

void
check_listen(struct conf_findings *f)
{
	for (size_t i = 0; i < nlisten_options; i++) {
		const struct conf_list *list = list_of(f->conf, listen_options[i]);
		struct listen_address a;

		for (size_t j = 0; j < list->n; j++) {
			if (listen_parse(bytes_from_str(list->v[j]), &a) < 0)
				conf_find(f, CONF_ERROR, listen_options[i],
					"write ADDRESS:PORT, [ADDRESS]:PORT or *:PORT",
					"\"%s\" is not an address with a port", list->v[j]);
			else if (!is_address(a.host))
				conf_find(f, CONF_ERROR, listen_options[i],
					"write the address itself, or * for all of this host",
					"\"%s\" is not an address", a.host);
			else if (is_bad_number(a.port))
				conf_find(f, CONF_ERROR, listen_options[i],
					"write a number from 1 to 65535", "\"%s\" is not a port",
					a.port);
		}
	}
}

/* One word of one door. */
struct place {
	size_t door, word;
};

static bool
place_next(const struct conf *c, struct place *p)
{
	p->word++;
	while (p->door < nlisten_options && p->word >= list_of(c, listen_options[p->door])->n)
		*p = (struct place){ p->door + 1, 0 };
	return p->door < nlisten_options;
}

/* true: they are, and it is told. */
static bool
collide(struct conf_findings *f, struct place a, struct place b)
{
	const char *one = list_of(f->conf, listen_options[a.door])->v[a.word];
	const char *other = list_of(f->conf, listen_options[b.door])->v[b.word];
	struct listen_address x, y;

	if (listen_parse(bytes_from_str(one), &x) < 0 ||
		listen_parse(bytes_from_str(other), &y) < 0 || !listen_overlaps(&x, &y))
		return false;
	if (a.door == b.door && strcmp(one, other) == 0)
		conf_find(f, CONF_WARNING, listen_options[b.door], "write it once",
			"%s is there twice", other);
	else
		conf_find(f, CONF_ERROR, listen_options[b.door],
			"give each door a port or an address of its own", "%s is taken by %s of %s",
			other, one, listen_options[a.door]);
	return true;
}

void
check_listen_twice(struct conf_findings *f)
{
	struct place a = { 0, SIZE_MAX };

	while (place_next(f->conf, &a)) {
		struct place b = a;

		while (place_next(f->conf, &b) && !collide(f, a, b))
			;
	}
}

void
check_doors(struct conf_findings *f)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < nlisten_options; i++) /* the last one is not for mail */
		n += list_of(f->conf, listen_options[i])->n;
	if (n == 0)
		conf_find(f, CONF_WARNING, "smtpd.listen", "name an address, as *:25",
			"no door listens anywhere: neither mail nor users can come in");
	else if (list_of(f->conf, "smtpd.listen")->n == 0)
		conf_find(f, CONF_WARNING, "smtpd.listen",
			"name an address, as *:25, unless this host is to receive none",
			"no mail from other hosts comes in");
}

void
check_metrics_listen(struct conf_findings *f)
{
	const struct metrics_conf *m = conf_values(f->conf, "metrics");
	struct listen_address a;

	for (size_t i = 0; i < m->listen.n && !m->listen_anywhere; i++)
		if (listen_parse(bytes_from_str(m->listen.v[i]), &a) == ERR_OK &&
			!listen_is_loopback(&a))
			conf_find(f, CONF_ERROR, "metrics.listen",
				"name an address of loopback, as 127.0.0.1:9154, or set "
				"metrics.listen_anywhere",
				"%s tells the counters to anybody who can reach it", a.host);
}

void
check_certificate_options(struct conf_findings *f)
{
	const struct tls_conf *tls = conf_values(f->conf, "tls");

	if (tls->certificate[0] != 0 && tls->key[0] == 0)
		conf_find(f, CONF_ERROR, "tls.certificate", "set tls.key to the file with its key",
			"%s has no key", tls->certificate);
	if (tls->certificate[0] == 0 && tls->key[0] != 0)
		conf_find(f, CONF_ERROR, "tls.key",
			"set tls.certificate to the file with its certificate and chain",
			"%s has no certificate", tls->key);
}
