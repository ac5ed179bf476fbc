# SPDX-License-Identifier: ISC
"""What Postfix has for mail authentication, from Debian, next to a Postfix of mta.py: opendkim (signs and
verifies) and opendmarc as milters, policyd-spf as a policy server. Ended with the network."""
import base64
import os
import shutil
import subprocess

from conftest import wait_for
from mail_zone import txt
from mta import Postfix, make_folder, with_resolver

PROGRAMS = ("opendkim", "opendmarc", "policyd-spf")


def have_milters():
    return all(shutil.which(x) or os.path.exists("/usr/sbin/" + x) for x in PROGRAMS)


class DkimKey:
    """A key pair made by openssl; record(): for the domain's zone."""

    def __init__(self, folder, selector, kind="rsa"):
        self.selector, self.kind = selector, kind
        self.path = os.path.join(folder, selector + ".pem")
        words = ["-algorithm", "ed25519"] if kind == "ed25519" else \
            ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"]
        subprocess.run(["openssl", "genpkey", *words, "-out", self.path], check=True,
                       stderr=subprocess.DEVNULL)
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"],
                             check=True, stdout=subprocess.PIPE).stdout
        # RFC 8463: of Ed25519 the 32 octets alone
        self.public = base64.b64encode(der[-32:] if kind == "ed25519" else der).decode()

    def record(self):
        return txt(f"{self.selector}._domainkey", f"v=DKIM1; k={self.kind}; p={self.public}")


class Milters:
    """opendkim and opendmarc on a host. domain and keys: what opendkim signs for who comes from this
    host (one process for each key, for it has one algorithm); all others' mail is verified. dns: not on
    loopback, which libunbound does not ask.
    authserv_id: of their Authentication-Results. own_spf: opendmarc checks SPF itself, without policyd-spf."""

    def __init__(self, host, authserv_id, dns, domain=None, keys=(), reject=False, own_spf=False):
        self.host, self.authserv_id, self.dns, self.own_spf = host, authserv_id, dns, own_spf
        self.domain, self.keys, self.reject = domain, list(keys), reject
        self.folder = os.path.join(host.folder, "milters")
        self.verifier, self.dmarc = self.folder + "/opendkim.sock", self.folder + "/opendmarc.sock"
        self.signers = [f"{self.folder}/sign-{k.selector}.sock" for k in self.keys]
        self.processes = []
        host.net.on_close.append(self.stop)

    def postfix_options(self):
        """For main.cf: policyd-spf before them, for opendmarc reads what it wrote."""
        sockets = [*self.signers, self.verifier, self.dmarc]
        options = {"smtpd_milters": ", ".join("unix:" + x for x in sockets), "milter_default_action": "tempfail"}
        if not self.own_spf:
            options.update({"policyd-spf_time_limit": "3600", "smtpd_recipient_restrictions":
                            "permit_mynetworks, reject_unauth_destination, "
                            "check_policy_service unix:private/policyd-spf"})
        return options

    def postfix_services(self):
        return ("policyd-spf unix - n n - 0 spawn user=policyd-spf "
                f"argv=/usr/bin/policyd-spf {self.folder}/policyd-spf.conf\n")

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def _opendkim(self, name, socket, *rows):
        local = self._write("local", "127.0.0.1\n")
        return ["/usr/sbin/opendkim", "-f", "-x", self._write(name + ".conf", "\n".join([
            f"Socket local:{socket}", "UMask 000", "Syslog no", "RequireSafeKeys no", "DNSTimeout 5",
            f"AuthservID {self.authserv_id}", "AlwaysAddARHeader yes", f"InternalHosts {local}",
            # no file for libunbound: its parser is no friend of opendkim's threads
            f"Nameservers {self.dns.addresses[0]}", f"TrustAnchorFile {self.dns.trust_anchor}", *rows]) + "\n")]

    def _signer(self, key, socket):
        keys = self._write(key.selector + ".keys", f"{key.selector} {self.domain}:{key.selector}:{key.path}\n")
        who = self._write(key.selector + ".who", f"*@{self.domain} {key.selector}\n")
        return self._opendkim("sign-" + key.selector, socket, "Mode s", f"SignatureAlgorithm {key.kind}-sha256",
                              "Canonicalization relaxed/relaxed", "OversignHeaders From",
                              f"KeyTable file:{keys}", f"SigningTable refile:{who}")

    def _opendmarc(self):
        return ["/usr/sbin/opendmarc", "-f", "-c", self._write("opendmarc.conf", f"""
Socket local:{self.dmarc}
UMask 000
Syslog no
AuthservID {self.authserv_id}
TrustedAuthservIDs {self.authserv_id}
RejectFailures {"true" if self.reject else "false"}
SPFIgnoreResults {"true" if self.own_spf else "false"}
SPFSelfValidate {"true" if self.own_spf else "false"}
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
IgnoreHosts {self._write("local", "127.0.0.1" + chr(10))}
""")]

    def start(self):
        make_folder(self.folder)
        self._write("policyd-spf.conf", "debugLevel = 0\nTestOnly = 1\nHELO_reject = False\n"
                    "Mail_From_reject = False\nPermError_reject = False\nTempError_Defer = False\n"
                    f"Header_Type = AR\nAuthserv_Id = {self.authserv_id}\nskip_addresses = 127.0.0.0/8\n")
        for words in (*map(self._signer, self.keys, self.signers),
                      self._opendkim("verify", self.verifier, "Mode v", "MaximumSignaturesToVerify 8"),
                      self._opendmarc()):
            with open(os.path.join(self.folder, "out"), "a") as out:
                self.processes.append(self.host.spawn(
                    with_resolver(self.folder, self.dns.addresses[:1], words),
                    stdin=subprocess.DEVNULL, stdout=out, stderr=out))

        def there():
            assert all(p.poll() is None for p in self.processes), open(self.folder + "/out").read()
            return all(map(os.path.exists, [*self.signers, self.verifier, self.dmarc]))
        wait_for(there)
        return self

    def stop(self):
        for p in self.processes:
            p.kill()  # asked to end, libmilter takes five seconds; they keep nothing
            p.wait(20)
        self.processes = []


def postfix_with_milters(host, name, domains, dns, domain=None, keys=(), **more):
    """A Postfix that verifies what comes, and signs what leaves if there are keys; both started."""
    m = Milters(host, name, dns, domain, keys).start()
    options = {**m.postfix_options(), **more.pop("options", {})}
    p = Postfix(host, name, domains, options=options, services=m.postfix_services(),
                resolver=dns.addresses[:1], **more).start()
    p.milters = m
    return p
