# SPDX-License-Identifier: ISC
"""Real mail servers from Debian on the hosts of net.py: Postfix, and Dovecot for LMTP and SASL; each
with its own configuration, spool and mail. Started and ended by pid."""
import grp
import os
import pwd
import re
import shutil
import signal
import subprocess

from certs import make_pair
from conftest import read_log, wait_for
from net import start_time

SBIN = "/usr/lib/postfix/sbin"

# service, type, private, unprivileged, wakeup, limit, program
SERVICES = """
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def ident(name):
    return pwd.getpwnam(name).pw_uid


def make_folder(path, mode=0o755, user="root", group="root"):
    os.makedirs(path, exist_ok=True)
    os.chown(path, ident(user), grp.getgrnam(group).gr_gid)
    os.chmod(path, mode)


def with_resolver(folder, addresses, words):
    """The command, for a program that asks these name servers and not those of this machine."""
    path = folder + "/resolv.conf"
    with open(path, "w") as f:
        f.writelines(f"nameserver {a}\n" for a in addresses)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            f'mount --bind "{path}" /etc/resolv.conf && exec "$@"', "-"] + words


class Received:
    """A message that has arrived somewhere."""

    def __init__(self, octets):
        self.octets = octets

    def header(self, name):
        """The first field's value, unfolded; None if there is none."""
        return next(iter(self.headers(name)), None)

    def headers(self, name):
        """Those of all fields of that name, from the top."""
        head = self.octets.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
        return [re.sub(r"\n\s+", " ", value.decode(errors="replace")) for value in
                re.findall(rb"(?im)^%s:[ \t]*(.*(?:\n[ \t].*)*)" % name.encode(), head)]


class Maildir:
    """Where what was received is read from; the newest last."""

    def __init__(self, path):
        self.path = path

    def messages(self):
        found = []
        for part in ("new", "cur"):
            folder = os.path.join(self.path, part)
            if os.path.isdir(folder):
                found += [os.path.join(folder, n) for n in os.listdir(folder)]
        out = []
        for path in sorted(found, key=os.path.getmtime):
            with open(path, "rb") as f:
                out.append(Received(f.read()))
        return out

    def with_subject(self, subject):
        return [m for m in self.messages() if m.header("Subject") == subject]


class Postfix:
    """One instance. What comes for its domains is in `mail`; everything else it sends on by MX.

    options: main.cf lines as a dict; tls: the certificate's folder, or None; resolver: addresses
    for its resolv.conf."""

    def __init__(self, host, name, domains, tls=True, options=(), resolver=None, services=""):
        self.host, self.name, self.domains = host, name, domains
        self.folder = os.path.join(host.folder, "postfix")
        self.etc, self.queue = self.folder + "/etc", self.folder + "/queue"
        self.mail = Maildir(self.folder + "/mail/all")
        self.options, self.resolver, self.services = dict(options), resolver, services
        self.cert = make_pair(self.folder + "/tls", [name]) if tls else None
        self.pid = self.started = None
        self.write()
        host.net.on_close.append(self.stop)

    def write(self):
        for path, mode, user, group in ((self.etc, 0o755, "root", "root"),
                                        (self.folder + "/data", 0o700, "postfix", "root"),
                                        (self.folder + "/mail", 0o755, "mail", "mail"),
                                        (self.queue, 0o755, "root", "root")):
            make_folder(path, mode, user, group)
        for d in ("active bounce corrupt defer deferred flush hold incoming private saved trace"
                  .split()):
            make_folder(f"{self.queue}/{d}", 0o700, "postfix")
        make_folder(self.queue + "/maildrop", 0o730, "postfix", "postdrop")
        make_folder(self.queue + "/public", 0o710, "postfix", "postdrop")
        make_folder(self.queue + "/pid")
        for f in ("dynamicmaps.cf", "postfix-files"):
            if os.path.exists("/etc/postfix/" + f):
                shutil.copy("/etc/postfix/" + f, self.etc)
        uid, gid = ident("mail"), grp.getgrnam("mail").gr_gid
        main = {
            "compatibility_level": "3.6", "queue_directory": self.queue,
            "data_directory": self.folder + "/data", "command_directory": "/usr/sbin",
            "daemon_directory": SBIN, "mail_owner": "postfix", "setgid_group": "postdrop",
            "myhostname": self.name, "mydestination": "", "alias_maps": "",
            "mynetworks": "127.0.0.0/8", "inet_protocols": "all",
            "inet_interfaces": f"127.0.0.1, {self.host.v4}, [{self.host.v6}]",
            "smtpd_peername_lookup": "no", "smtpd_relay_restrictions":
                "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
            "maillog_file": self.folder + "/log", "maillog_file_prefixes": self.folder,
            "virtual_mailbox_domains": " ".join(self.domains),
            "virtual_mailbox_base": self.folder + "/mail", "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": f"static:{uid}", "virtual_gid_maps": f"static:{gid}",
            "virtual_minimum_uid": "1", "smtputf8_enable": "yes", "strict_smtputf8": "no",
            "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s",
            "smtp_host_lookup": "dns", "smtpd_client_connection_rate_limit": "0",
            "smtpd_client_connection_count_limit": "0", "in_flow_delay": "0",
        }
        if self.cert:
            main.update({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": self.cert,
                         "smtpd_tls_key_file": os.path.dirname(self.cert) + "/privkey.pem",
                         "smtpd_tls_loglevel": "1", "smtpd_tls_received_header": "yes"})
        main.update(self.options)
        with open(self.etc + "/main.cf", "w") as f:
            f.write("".join(f"{k} = {v}\n" for k, v in main.items()))
        with open(self.etc + "/master.cf", "w") as f:
            f.write(SERVICES + self.services)

    def start(self):
        if self.pid is not None:  # a test that failed has left it
            return self
        words = [SBIN + "/master", "-c", self.etc, "-w"]
        if self.resolver:
            words = with_resolver(self.folder, self.resolver, words)
        with self.host.inside():
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"Postfix does not start: {done.stdout}\n{self.log()[-2000:]}")
        with open(self.queue + "/pid/master.pid") as f:
            self.pid = int(f.read())
        self.started = start_time(self.pid)
        self.host.net.note(self.pid)
        return self

    def stop(self):
        if self.pid is not None and start_time(self.pid) == self.started:
            os.kill(self.pid, signal.SIGTERM)
            wait_for(lambda: start_time(self.pid) != self.started)
        self.pid = None

    def log(self):
        return read_log(self.folder + "/log")

    def command(self, *words, stdin=None):
        """postqueue, sendmail, ... of this instance."""
        with self.host.inside():
            return subprocess.run([words[0], "-C" if words[0] == "sendmail" else "-c", self.etc,
                                   *words[1:]], input=stdin, stdout=subprocess.PIPE, text=True,
                                  check=True, timeout=60).stdout


class Dovecot:
    """LMTP on TCP port 24 and a UNIX socket, and SASL for a Postfix on the same host (the UNIX
    socket `auth`). Everybody has the password `password`; mail is in mail/USER."""

    def __init__(self, host, password="password", mechanisms="plain login scram-sha-1 scram-sha-256"):
        self.host, self.password, self.mechanisms = host, password, mechanisms
        self.folder = os.path.join(host.folder, "dovecot")
        self.lmtp, self.auth = self.folder + "/run/lmtp", self.folder + "/run/auth-postfix"
        self.process = None
        host.net.on_close.append(self.stop)

    def mail(self, user):
        return Maildir(f"{self.folder}/mail/{user}")

    def start(self):
        make_folder(self.folder)
        make_folder(self.folder + "/mail", 0o755, "mail", "mail")
        conf = self.folder + "/dovecot.conf"
        with open(conf, "w") as f:
            f.write(f"""
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
protocols = lmtp
listen = *, ::
mail_location = maildir:~/
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0 secs
auth_mechanisms = {self.mechanisms}
auth_username_format = %n
default_vsz_limit = 0
passdb {{
  driver = static
  args = password={self.password}
}}
userdb {{
  driver = static
  args = home={self.folder}/mail/%n allow_all_users=yes
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener auth-postfix {{
    mode = 0666
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = {self.host.v4} 127.0.0.1
    port = 24
  }}
}}
""")
        with open(self.folder + "/out", "w") as out:
            self.process = self.host.spawn(["dovecot", "-F", "-c", conf], stdout=out, stderr=out,
                                           stdin=subprocess.DEVNULL)

        def there():
            assert self.process.poll() is None, open(self.folder + "/out").read() + self.log()
            return os.path.exists(self.lmtp) and os.path.exists(self.auth)
        wait_for(there)
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def log(self):
        return read_log(self.folder + "/log")
