# SPDX-License-Identifier: ISC
"""A Debian 12 of its own for the package's tests: a root folder with nothing but Debian's smallest and
systemd, in namespaces (mount, process, network, ...), with systemd as its process 1.

    machine = Machine(net.host("mx"), tarball)
    machine.run("apt-get", "install", "-y", "/root/relais.deb")
    machine.systemctl("is-active", "relais")
    machine.stop()

Its mounts are seen in its own mount namespace only: when its process 1 ends, and that ends with this
process, nothing is left but the folder.

Where systemd cannot be process 1 (no control groups), `booted` is False and the suite is started by the
words of the unit's ExecStart=.
"""
import os
import shlex
import shutil
import signal
import subprocess

import conftest

HERE = os.path.dirname(os.path.abspath(__file__))

# What a container's manager gives systemd, version 1 or 2 of control groups.
BOOT = r"""
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" || mount -t tmpfs tmpfs "$root/sys"
groups=$root/sys/fs/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$groups" || true
else
    mkdir -p "$groups"
    mount -t tmpfs -o mode=755 groups "$groups"
    mkdir "$groups/systemd" "$groups/unified"
    mount -t cgroup -o none,name=systemd,xattr cgroup "$groups/systemd" || true
    mount -t cgroup2 cgroup2 "$groups/unified" || true
fi
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 dev "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
exec env -i container=relais-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    chroot "$root" sh -c "$2"
"""
SYSTEMD = "exec /lib/systemd/systemd --log-target=null --show-status=no"
PLAIN = "mkdir -p /run/lock; exec sleep infinity"


class Machine:
    def __init__(self, host, tarball, hostname):
        self.host = host
        self.root = os.path.join(host.folder, "root")
        os.makedirs(self.root)
        host.net.on_close.append(self.stop)
        subprocess.run(["tar", "-C", self.root, "-xzf", tarball], check=True)
        for name, text in (("etc/hostname", hostname + "\n"),
                           ("etc/hosts", f"127.0.0.1 localhost\n{host.v4} {hostname}\n")):
            with open(os.path.join(self.root, name), "w") as f:
                f.write(text)
        self.process = None
        self.boot(SYSTEMD)
        self.booted = self.systemd_answers()
        if not self.booted:
            self.stop()
            self.boot(PLAIN)

    def boot(self, words):
        self.process = self.host.spawn(
            ["unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork",
             "--kill-child=SIGKILL", "bash", "-c", BOOT, "boot", self.root, words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def first():
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
                return f.read().split()
        self.pid = conftest.wait_for(first)[0]
        conftest.wait_for(lambda: self.process.poll() is not None or
                          os.readlink(f"/proc/{self.pid}/root") == self.root)

    def systemd_answers(self):
        try:
            conftest.wait_for(lambda: self.process.poll() is not None or self.run(
                "systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"),
                seconds=30, every=0.2)
        except BaseException:  # pytest.fail() is no Exception
            return False
        return self.process.poll() is None

    def stop(self):
        """All its processes end, and with them its mounts."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if os.path.exists(self.root):
            shutil.rmtree(self.root, ignore_errors=True)

    # ---- commands in it ----

    def words(self, words):
        return ["nsenter", "-t", self.pid, "-m", "-p", "-i", "-u", "-n", "-C", "chroot", self.root,
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
                "DEBIAN_FRONTEND=noninteractive", *words]

    def run(self, *words, check=True, stdin=None, timeout=180):
        done = subprocess.run(self.words(words), input=stdin, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=timeout,
                              **({"stdin": subprocess.DEVNULL} if stdin is None else {}))
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.returncode}\n{done.stdout[-6000:]}")
        return done

    def relais(self, *words, **more):
        return self.run("relais", *words, **more).stdout

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def exists(self, name):
        return os.path.lexists(self.path(name))

    def read(self, name):
        return conftest.read_log(self.path(name))

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    # ---- packages ----

    def preseed(self, **answers):
        """Answers to debconf's questions, as hostname="mx.example.org"."""
        rows = "".join(f"relais relais/{k} {'boolean' if v in ('true', 'false') else 'string'} {v}\n"
                       for k, v in answers.items())
        self.run("debconf-set-selections", stdin=rows)

    def apt(self, *words):
        return self.run("apt-get", "-y", "-q", *words, timeout=300).stdout

    def install(self, deb):
        """With apt, and what it depends on from the packages that came with the tar file."""
        shutil.copy(deb, self.path("/var/relais.deb"))
        out = self.apt("install", "/var/relais.deb")
        if not self.booted and self.exists("/etc/relais/relais.conf"):
            self.start_by_hand()
        return out

    # ---- the suite ----

    def start_by_hand(self):
        """As the unit does."""
        if self.run("relais", "status", "--prometheus", check=False).returncode == 0:
            return
        if not self.exists("/dev/log"):
            self.host.spawn(self.words(["rsyslogd", "-n", "-iNONE"]))
        unit = self.read("/lib/systemd/system/relais.service")
        line = next(x for x in unit.splitlines() if x.startswith("ExecStart="))
        self.host.spawn(self.words(shlex.split(line.split("=", 1)[1])), stdout=subprocess.DEVNULL)

    def wait_ready(self):
        conftest.wait_for(lambda: "relais_up 1" in self.run("relais", "status", "--prometheus",
                                                            check=False).stdout, seconds=30)

    def log(self):
        return self.read("/var/log/mail.log")
