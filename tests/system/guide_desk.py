# SPDX-License-Identifier: ISC
"""Where the guide's commands run as they are printed: a host of net.py with root's default paths and ports.

A root folder of its own with the system's /usr in it, its own /etc, /var and /run, and the build's
programs in front of PATH; processes and mounts of its own, which end with it.
"""
import os
import subprocess

from conftest import BUILD, TOP, wait_for
from terminal import Terminal

BOOT = r"""
set -e
root=$1 build=$2 anchor=$3
mount --make-rprivate /
mkdir -p "$root/usr" "$root/proc" "$root/dev" "$root/sys" "$root/run" "$root/tmp" "$root/opt/relais" "$root/var"
mount --bind /usr "$root/usr"
mount --bind "$anchor" "$root/usr/share/dns/root.key"
mount --bind "$build" "$root/opt/relais"
# as a Debian without a syslog service
for name in rsyslogd syslog-ng syslogd; do
    [ ! -e "/usr/sbin/$name" ] || mount --bind /dev/null "$root/usr/sbin/$name"
done
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
exec chroot "$root" sleep infinity
"""
RELEASE = os.environ.get("RELAIS_RELEASE") or BUILD  # the guide is about what is installed
ETC = ("passwd", "group", "shadow", "gshadow", "nsswitch.conf", "ssl", "ld.so.cache", "ld.so.conf",
       "ld.so.conf.d", "alternatives", "localtime", "login.defs", "services", "protocols", "shells")
PATH = "/opt/relais/bin:/usr/sbin:/usr/bin"


class Desk:
    def __init__(self, host, dns):
        self.host, self.root = host, os.path.join(host.folder, "root")
        os.makedirs(os.path.join(self.root, "etc"))
        for name in ("bin", "sbin", "lib", "lib64"):
            os.symlink("usr/" + name, os.path.join(self.root, name))
        subprocess.run(["bash", "-c", '. "$0"; make_users', os.path.join(TOP, "tools", "common.sh")],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in ETC:
            if os.path.exists("/etc/" + name):
                subprocess.run(["cp", "-a", "/etc/" + name, self.path("/etc")], check=True)
        for folder in ("/var/lib", "/var/spool", "/var/mail", "/root", "/var/log", "/home"):
            os.makedirs(self.path(folder))
        os.makedirs(self.path("/tmp"))
        os.chmod(self.path("/tmp"), 0o1777)
        self.write("/etc/resolv.conf", f"nameserver {dns.addresses[0]}\n")
        self.write("/etc/hostname", "mx.example.org\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{host.v4} mx.example.org mx\n")
        self.process = host.spawn(
            ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child=SIGKILL", "bash", "-c",
             BOOT, "boot", self.root, RELEASE, dns.trust_anchor], stdin=subprocess.DEVNULL)
        self.pid = wait_for(self._first)
        wait_for(lambda: os.readlink(f"/proc/{self.pid}/root") == self.root)
        self.run("hostname mx.example.org")

    def _first(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return (f.read().split() or [None])[0]

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def words(self, commands):
        return ["nsenter", "-t", self.pid, "-m", "-p", "-u", "-n", "chroot", self.root, "env", "-i",
                f"PATH={PATH}", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb", "TZ=UTC",
                "ASAN_OPTIONS=detect_leaks=0:abort_on_error=1", "bash", "-euo", "pipefail", "-c",
                "cd /root\n" + commands]

    def run(self, commands, check=True):
        """(exit status, all that was printed)"""
        done = subprocess.run(self.words(commands), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=180, errors="replace")
        assert not check or done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.returncode, done.stdout

    def talk(self, commands, answers):
        """The same at a terminal, with a person who answers."""
        with Terminal(self.words(commands)) as t:
            for question, answer in answers:
                t.expect(question)
                t.type(answer)
            status = t.wait()
        return status, t.text

    def stop(self):
        self.process.kill()
        self.process.wait()
