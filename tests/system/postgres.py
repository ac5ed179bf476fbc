# SPDX-License-Identifier: ISC
"""A PostgreSQL of our own: in a folder of its own, on a loopback port, without the system's."""
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def programs():
    """The folder of initdb and postgres, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return os.path.dirname(found[-1]) if found else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    def __init__(self, password="secret of the test"):
        self.bin, self.password, self.port = programs(), password, free_port()
        self.folder = tempfile.mkdtemp(prefix="relais-pg-", dir="/tmp")
        self.process = None
        # postgres refuses to run as root
        self.as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} \
            if os.geteuid() == 0 else {}
        if self.as_user:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        words = os.path.join(self.folder, "words")
        with open(words, "w") as f:
            f.write(password + "\n")
        os.chmod(words, 0o644)
        subprocess.run([f"{self.bin}/initdb", "-D", f"{self.folder}/data", "-U", "relais",
                        "-A", "scram-sha-256", f"--pwfile={words}", "--no-sync", "-E", "UTF8",
                        "--locale=C"], check=True, stdout=subprocess.DEVNULL, cwd="/",
                       **self.as_user)

    def start(self):
        # fsync off: what is tested is the suite, and the machine is not switched off
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.bin}/postgres", "-D", f"{self.folder}/data", "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}",
                 "-c", "fsync=off", "-c", "shared_buffers=32MB"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd="/", start_new_session=True, **self.as_user)
        end = time.monotonic() + 60
        while self.sql("SELECT 1", check=False).returncode != 0:
            if time.monotonic() > end:
                with open(f"{self.folder}/log") as log:
                    raise RuntimeError("PostgreSQL does not start:\n" + log.read()[-2000:])
            time.sleep(0.1)
        return self

    def sql(self, text, check=True):
        return subprocess.run(["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                               "-p", str(self.port), "-U", "relais", "-d", "postgres", "-f", "-"],
                              input=text, text=True, check=check, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dict(os.environ, PGPASSWORD=self.password))

    def kill(self):
        """All of it, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        try:
            os.unlink(f"{self.folder}/data/postmaster.pid")
        except FileNotFoundError:
            pass

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def conninfo(self):
        return f"host=127.0.0.1 port={self.port} dbname=postgres user=relais"
