/* SPDX-License-Identifier: ISC */
/*
 * cli/setup_tell.c - what relais setup leaves to people: DNS records, a certificate, mail clients.
 *
 * Runs in:  relais.
 */
#include <stdio.h>
#include <string.h>

#include "dns.h"
#include "imapd_conf.h"
#include "pop3d_conf.h"
#include "setup.h"
#include "submission_conf.h"
#include "tls_conf.h"

static void
tell_dns(struct setup *s)
{
	char verb[] = "show";
	char *domain = arena_str(&s->arena, bytes_from_str(s->answer[SETUP_DOMAIN]));
	char *words[] = { verb, domain, NULL };

	printf("\nRecords to publish in DNS (\"relais dns show %s\" says them again, \"relais dns "
	       "check %s\"\nwhether they are there):\n\n",
		domain, domain);
	fflush(stdout);
	(void)dns_show(s->cli, 2, words);
}

static void
tell_certificate(void *arg, const char *certificate_path, const char *key_path)
{
	struct setup *s = arg;
	const struct tls_conf *tls = conf_values(&s->cli->conf, "tls");

	UNUSED(key_path);
	printf("\nCertificate: %s", certificate_path);
	if (tls->certificate[0] != 0 || tls->certificates.n > 0) {
		printf("; \"relais cert check\" judges it.\n");
		return;
	}
	printf(", of our own making: other hosts take it, mail clients ask.\nOne that they trust, "
	       "by certbot (port 80 must be reachable from outside meanwhile):\n"
	       "    apt install certbot\n"
	       "    certbot certonly --standalone -d %s\n"
	       "then in %s\n"
	       "    tls {\n"
	       "        certificates = /etc/letsencrypt/live\n"
	       "    }\n"
	       "and \"relais reload\". Its key may stay readable for root alone (mode 0600); "
	       "renewed "
	       "ones are\ntaken up by themselves.\n",
		s->answer[SETUP_HOSTNAME], s->cli->conf_path);
}

static const char *
port_of(const struct conf_list *listen)
{
	const char *colon = listen->n > 0 ? strrchr(listen->v[0], ':') : NULL;

	return colon != NULL ? colon + 1 : "";
}

static void
tell_ports(const char *what, const struct conf_list *tls, const struct conf_list *plain)
{
	const char *implicit = port_of(tls), *starttls = port_of(plain);

	if (implicit[0] == 0 && starttls[0] == 0)
		return;
	printf("    %s  port ", what);
	if (implicit[0] != 0)
		printf("%s (TLS)%s", implicit, starttls[0] != 0 ? ", or " : "");
	if (starttls[0] != 0)
		printf("%s (STARTTLS)", starttls);
	putchar('\n');
}

static void
tell_clients(struct setup *s)
{
	const struct smtpd_conf *submission = conf_values(&s->cli->conf, "submission");
	const struct imapd_conf *imap = conf_values(&s->cli->conf, "imapd");
	const struct pop3d_conf *pop3 = conf_values(&s->cli->conf, "pop3d");

	printf("\nFor mail clients:\n    server           %s\n", s->answer[SETUP_HOSTNAME]);
	tell_ports("reading, IMAP  ", &imap->listen_tls, &imap->listen);
	tell_ports("reading, POP3  ", &pop3->listen_tls, &pop3->listen);
	tell_ports("sending, SMTP  ", &submission->listen_tls, &submission->listen);
	printf("    user name        %s\n",
		s->answer[SETUP_ACCOUNT] != NULL ? s->answer[SETUP_ACCOUNT] : "the whole address");
}

static void
tell_start(struct setup *s)
{
	printf("\nrelais was not started. As root: systemctl enable --now relais; without "
	       "systemd:\n"
	       "    relais-master --config %s &\n"
	       "Then \"relais dkim new %s\" makes the keys that sign its mail, and \"relais dns "
	       "show\n"
	       "%s\" tells the DNS records to publish.\n",
		s->cli->conf_path, s->answer[SETUP_DOMAIN], s->answer[SETUP_DOMAIN]);
}

void
setup_tell(struct setup *s, bool runs)
{
	if (runs) {
		cert_each_configured(s->cli, tell_certificate, s);
		tell_dns(s);
		tell_clients(s);
	} else {
		tell_start(s);
	}
	if (s->answer[SETUP_ACCOUNT] == NULL && !s->has_account)
		printf("\nThere is no account yet: relais user add ann@%s\n",
			s->answer[SETUP_DOMAIN]);
}
