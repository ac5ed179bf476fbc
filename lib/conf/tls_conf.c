/* SPDX-License-Identifier: ISC */
/* lib/conf/tls_conf.c - TLS: certificates and how they are used. */
#include "tls_conf.h"

static const struct opt_row rows[] = {
	OPT_STR(tls_conf, certificate, "",
		"file with the certificate and its chain (PEM), shown where no other fits"),
	OPT_STR(tls_conf, key, "", "file with the private key of certificate (PEM)"),
	OPT_LIST(tls_conf, certificates, "",
		"folders with fullchain.pem and privkey.pem, or folders of such folders (ACME's "
		"live); chosen by the names in the certificates"),
	OPT_BOOL(tls_conf, self_signed, "yes",
		"make a certificate of our own for hostname if none is configured"),
	OPT_BOOL(tls_conf, only_tls13, "no", "refuse TLS 1.2"),
	OPT_TIME(tls_conf, ticket_rotation, "1h", OPT_SECOND, OPT_DAY,
		"age at which the keys of session tickets are replaced; sessions live as long"),
	OPT_UINT(tls_conf, warn_days, "14", 1, 90,
		"days before a certificate's end from which the log warns, daily"),
	OPT_TIME(tls_conf, check_interval, "10s", OPT_SECOND, OPT_HOUR,
		"time between looks at the files; changed certificates are taken up, and name "
		"servers that changed"),
	OPT_UINT(tls_conf, signing_backlog, "1000", 16, 100000,
		"handshakes of one process that may wait for a signature"),
};

const struct conf_section tls_section = { "tls", "TLS: certificates and how they are used",
	sizeof(struct tls_conf), rows, NITEMS(rows) };
