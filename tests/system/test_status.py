# SPDX-License-Identifier: ISC
"""relais status, relais top and what metrics tells Prometheus, of a suite that is well and one that is not."""
import fcntl
import os
import pty
import re
import select
import signal
import smtplib
import socket
import struct
import subprocess
import termios
import time

import pytest
from clients import need
from conftest import TOP, needs_root, running, wait_for
from postgres import free_port

KILLED = r"was killed by signal 9"
ROWS = os.path.join(TOP, "lib", "status", "metric_rows.c")
RULES = os.path.join(TOP, "conf", "prometheus", "relais.rules.yml")


@pytest.fixture(scope="module")
def watched():
    """A suite that answers Prometheus on a port of loopback too, and tries senders' patience."""
    port = free_port()
    with running(users=2, forgive=KILLED, options=[f"metrics.listen=127.0.0.1:{port}",
                                                   "metrics.timeout=1s", "metrics.connection_limit=8",
                                                   "metrics.warn_disk=100"]) as s:
        s.metrics_port = port
        yield s


def status(suite, *words):
    done = suite.relais("status", *words, check=False)
    return done.returncode, done.stdout


def well(suite):
    return wait_for(lambda: suite.status()["healthy"], seconds=90)


# ---- the screen ----

def test_a_healthy_suite_fits_a_screen(watched):
    well(watched)
    code, text = status(watched)
    lines = text.splitlines()
    assert code == 0
    assert re.match(r"relais \d\S* on mx.example.test is healthy, up \d", lines[0])
    if os.cpu_count() <= 2:
        assert len(lines) <= 24 and max(map(len, lines)) <= 80, text
    for service in ("smtpd", "qmgr", "metrics", "resolver"):
        pid = watched.pids(service)[0]
        assert re.search(rf"\b{service} +{pid}\b", text)
    for word in ("Sessions ", "Per second ", "Queue       0 messages", "Disk        used: queue ", "Memory ",
                 "Certificate mx.example.test "):
        assert word in text


def test_json_says_the_same(watched):
    s = watched.status()
    assert s["healthy"] is True and s["reasons"] == [] and s["state"] == "ready"
    assert s["master_pid"] == watched.info["master_pid"]
    one = next(p for p in s["services"] if p["service"] == "smtpd")
    assert one["resident_bytes"] > 100000 and one["private_bytes"] > 0
    assert one.get("private_limit_bytes", one["private_bytes"] + 1) > one["private_bytes"]
    assert one["files"] > 3 and one["files_limit"] > one["files"] and one["started_s"] > 1e9
    names = {c["name"] for c in s["counters"]}
    assert {"relais_smtp_clients", 'relais_filesystem_avail_bytes{folder="mail"}',
            'relais_queue_age_messages{age="1h"}'} <= names


def test_rates_are_there_at_once(watched):
    """metrics keeps what master told, so the command need not wait."""
    s = wait_for(lambda: (lambda x: x if x["rates"] else None)(watched.status()))
    assert s["rates"]["seconds"] >= 1 and s["rates"]["committed"] == 0


def test_one_service(watched):
    code, text = status(watched, "smtpd")
    assert code == 0
    assert len(re.findall(r"^smtpd\[\d\] +ready ", text, re.M)) == len(watched.pids("smtpd"))
    assert "relais_" not in text and "smtp_clients" not in text  # zero
    assert "smtp_clients 0" in status(watched, "smtpd", "--all")[1]
    done = watched.relais("status", "smtqd", check=False)
    assert done.returncode == 2 and "smtqd" in done.stderr


def test_it_says_that_it_is_down(watched):
    done = subprocess.run([watched.build + "/bin/relais", "--option", "run=/nonexistent", "status"],
                          env=dict(os.environ, RELAIS_CONFIG=watched.folder + "/relais.conf",
                                   ASAN_OPTIONS="detect_leaks=0"), capture_output=True, text=True)
    assert done.returncode == 3 and "not running" in done.stderr


def test_a_killed_service_is_told_with_its_reason(watched):
    pid = watched.pids("pop3-login")[0]
    os.kill(pid, signal.SIGKILL)
    told = wait_for(lambda: (lambda r: r if r[0] == 1 else None)(status(watched)))[1]
    assert "NOT healthy" in told
    assert re.search(r"^  ! pop3-login\[\d\] was killed by signal 9 \d+ s ago", told, re.M)
    wait_for(lambda: pid not in watched.pids("pop3-login") and
             len(watched.pids("pop3-login")) == len(watched.pids("imap-login")))
    s = watched.status()
    assert [p["ended"] for p in s["services"] if p.get("ended")] == ["signal:9"]
    assert sum(p["restarts"] for p in s["services"]) == 1
    assert re.search(r'^relais_process_restarts_total{service="pop3-login",instance="\d"} 1$',
                     status(watched, "--prometheus")[1], re.M)


# ---- a disk that fills, a queue that grows old ----

@needs_root
def test_a_disk_that_is_nearly_full(tmp_path):
    queue = str(tmp_path / "queue")
    os.mkdir(queue)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "relais-test", queue]).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        os.chmod(tmp_path, 0o755)
        with running(users=1, options=[f"queue={queue}", "qmgr.segment_size=16M"]) as s:
            used = os.statvfs(queue)
            with open(os.path.join(queue, "filler"), "wb") as f:
                f.write(bytes(int((used.f_bavail - used.f_blocks * 0.05) * used.f_frsize)))
            code, text = status(s)
            assert code == 1
            assert re.search(r'! the file system of the folder "queue" is full to 9\d %', text), text
    finally:
        subprocess.run(["umount", "-l", queue], check=True)


@pytest.fixture(scope="module")
def waiting():
    """Mail for others waits: nobody is at the smarthost's port."""
    with running(users=2, options=[f"smarthost=[127.0.0.1]:{free_port()}", "metrics.warn_disk=100",
                                   "metrics.warn_queue_messages=3", "submission.sendmail=yes"]) as s:
        words = [s.build + "/bin/sendmail", "-f", s.account()[0], "someone@elsewhere.example"]
        s.send = lambda: subprocess.run(
            words, input="Subject: waits\n\nx\n", text=True, check=True,
            env=dict(os.environ, RELAIS_CONFIG=s.folder + "/relais.conf", ASAN_OPTIONS="detect_leaks=0"))
        yield s


def test_what_waits_and_for_whom(waiting):
    waiting.send()
    text = wait_for(lambda: (lambda t: t if "no answer" in t else None)(status(waiting)[1]))
    assert "Queue       1 messages" in text and "1 deferred" in text
    assert re.search(r"^  by age +under 5 min 1$", text, re.M)
    assert re.search(r"^  \[127\.0\.0\.1\]:\d+: \d wait, no answer, again in ", text, re.M), text
    told = status(waiting, "--prometheus")[1]
    assert re.search(r'^relais_destination_dead{.*destination="\[127\.0\.0\.1\]:\d+"} 1$', told, re.M)
    assert re.search(r"^relais_queue_oldest_message_timestamp_seconds{.*} 1\d{9}$", told, re.M)
    assert "destination_reason" not in told


def test_too_many_or_too_old(waiting):
    for _ in range(3):
        waiting.send()
    code, text = wait_for(lambda: (lambda r: r if r[0] == 1 else None)(status(waiting)))
    assert re.search(r"^  ! \d messages are in the queue$", text, re.M), text
    time.sleep(1)  # the age is told in seconds
    calm = ("--option", "metrics.warn_queue_messages=0")
    assert waiting.relais(*calm, "status")  # exit status 0
    done = waiting.relais(*calm, "--option", "metrics.warn_queue_age=1ms", "status", check=False)
    assert done.returncode == 1 and done.stdout.count("  ! ") == 1, done.stdout
    assert "  ! the oldest message is in the queue since 0 hours" in done.stdout


# ---- Prometheus ----

def ask(octets, address, half=False):
    """What the server answers to octets, until it closes."""
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    s.settimeout(10)
    s.connect(address)
    answer = b""
    try:
        s.sendall(octets)
        while not half:
            got = s.recv(65536)
            if not got:
                break
            answer += got
    except (BrokenPipeError, ConnectionResetError):
        pass
    if half:
        return s
    s.close()
    return answer


def sock(suite):
    return os.path.join(suite.folder, "run", "metrics.sock")


@pytest.mark.parametrize("octets, code", [
    (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200), (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", 200),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404), (b"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405), (b"hello\r\n\r\n", 400),
    (b"GET /metrics HTTP/2.0\r\n\r\n", 505), (b"GET /" + b"a" * 5000, 431)])
def test_requests(watched, octets, code):
    for address in (sock(watched), ("127.0.0.1", watched.metrics_port)):
        answer = ask(octets, address)
        assert answer.startswith(f"HTTP/1.1 {code} ".encode()), answer[:100]
        head, body = answer.split(b"\r\n\r\n", 1)
        assert int(re.search(rb"Content-Length: (\d+)", head).group(1)) == len(body)


def test_head_has_no_body(watched):
    head, body = ask(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", sock(watched)).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200") and body == b""


def test_who_may_connect(watched):
    assert os.stat(sock(watched)).st_mode & 0o777 == 0o660


def test_curl_and_the_command_tell_the_same_metrics(watched):
    need("curl")
    by_port = subprocess.run(["curl", "-sf", f"http://127.0.0.1:{watched.metrics_port}/metrics"],
                             check=True, capture_output=True, text=True).stdout
    by_socket = subprocess.run(["curl", "-sf", "--unix-socket", sock(watched), "http://x/metrics"],
                               check=True, capture_output=True, text=True).stdout
    heads = [re.findall(r"^# TYPE .*$", t, re.M)
             for t in (by_port, by_socket, status(watched, "--prometheus")[1])]
    assert heads[0] == heads[1] == heads[2] and len(heads[0]) > 100


def test_slow_clients_and_many_lose_their_connection(watched):
    slow = [ask(b"GET /met", sock(watched), half=True) for _ in range(12)]
    for s in slow:  # the limit ends four at once, time the others
        try:
            assert s.recv(1) == b""
        except ConnectionResetError:
            pass
        s.close()
    assert ask(b"GET /metrics HTTP/1.1\r\n\r\n", sock(watched)).startswith(b"HTTP/1.1 200")


def test_what_is_longer_than_a_frame():
    """Above 56 KiB master tells in a file instead, the command and metrics, and metrics the command."""
    with running(users=1, forgive=KILLED, options=["workers=16", "metrics.warn_disk=100"]) as s:
        told = well(s) and s.status()
        size = sum(len(f"stat {c['service']} {c['instance']} {c['name']} {c['value']}\n")
                   for c in told["counters"] if not isinstance(c["value"], dict))
        assert size > 56 << 10
        begun = s.pids("metrics")[0]
        os.kill(begun, signal.SIGKILL)  # what it keeps first is as long, then
        wait_for(lambda: begun not in s.pids("metrics") and
                 any(p["service"] == "metrics" and p["state"] == "ready" for p in s.status()["services"]))
        rates = wait_for(lambda: s.status()["rates"])
        assert rates["seconds"] >= 1 and rates["committed"] == 0
        answer = ask(b"GET /metrics HTTP/1.0\r\n\r\n", sock(s)).decode()
        assert answer.startswith("HTTP/1.1 200")
        assert len(re.findall(r'^relais_smtp_clients{service="smtpd",instance="\d+"} 0$', answer, re.M)) == 16


def sample_names(text):
    return {re.sub(r"_(bucket|sum|count)$", "", n) if re.search(r"_(bucket|sum|count)$", n) else n
            for n in re.findall(r"^(\w+)[{ ]", re.sub(r"^#.*\n", "", text, flags=re.M), re.M)}


def test_promtool_finds_nothing_wrong_and_no_metric_is_unknown(watched, waiting):
    need("promtool")
    for suite in (watched, waiting):
        text = status(suite, "--prometheus")[1]
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert sample_names(text) <= set(re.findall(r"^# TYPE (\w+) ", text, re.M))


def test_rules():
    need("promtool")
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with open(RULES) as f:
        asked = set(re.findall(r"\brelais_\w+", f.read()))
    with open(ROWS) as f:
        known = set(re.findall(r'"(relais_\w+)"', f.read()))
    assert len(asked) > 10 and {re.sub(r"_(bucket|sum|count)$", "", n) for n in asked} <= known


def test_the_documentation_has_every_metric():
    with open(ROWS) as f:
        rows = re.findall(r'\{ "(relais_\w+)", METRIC_(\w+),\s*((?:"[^"]*"\s*)+)\}', f.read())
    with open(os.path.join(TOP, "docs", "monitoring.md")) as f:
        told = re.findall(r"^\| `(relais_\w+)` \| (\w+) \| (.*) \|$", f.read(), re.M)
    rows = [(name, kind.lower(), "".join(re.findall(r'"([^"]*)"', text))) for name, kind, text in rows]
    assert len(rows) > 100 and rows == told


@pytest.mark.alone
def test_a_scrape_costs_little(watched):
    def ticks():
        out = {}
        for p in watched.status()["services"]:
            with open(f"/proc/{p['pid']}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            out[p["service"], p["pid"]] = int(fields[11]) + int(fields[12])
        return out

    n, before = 100, ticks()
    for _ in range(n):
        status(watched, "--prometheus")
    most = 1 if "debug" not in watched.build else 10  # ms; sanitizers cost
    for key, now in ticks().items():
        ms = (now - before.get(key, now)) * 1000 / os.sysconf("SC_CLK_TCK") / n
        assert ms < most, f"{key}: {ms} ms for a question"


def test_how_long_things_take(watched):
    with smtplib.SMTP(watched.info["host"], watched.port("smtp")) as s:
        s.sendmail("a@else.example", [watched.account()[0]], "Subject: timed\r\n\r\nx\r\n")
    for name in ("relais_smtp_rcpt_seconds", "relais_smtp_commit_seconds", "relais_queue_flush_seconds",
                 "relais_queue_delivery_seconds"):
        wait_for(lambda n=name: re.search(rf'^{n}_bucket{{.*le="\+Inf"}} [1-9]', status(watched, "--prometheus")[1],
                                          re.M))
    one = next(c for c in watched.status()["counters"] if c["name"] == "relais_queue_delivery_seconds")
    assert one["value"]["count"] >= 1 and 0 < one["value"]["sum_s"] < 60


def test_only_loopback_is_listened_on(watched):
    done = watched.relais("--option", "metrics.listen=0.0.0.0:9154", "config", "check", check=False)
    assert done.returncode == 1 and "metrics.listen_anywhere" in done.stdout + done.stderr


# ---- top ----

class Terminal:
    """relais top on a terminal of its own."""

    def __init__(self, suite, rows=24, columns=80):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.child = subprocess.Popen(
            [suite.build + "/bin/relais", "--config", suite.folder + "/relais.conf", "top", "--interval", "1s"],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", TERM="xterm"))

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, pattern, seconds=20):
        """What it wrote since the last call, up to the pattern."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"no {pattern} in {self.text!r}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.text += os.read(self.master, 65536).decode()
        text, self.text = self.text, ""
        return text

    def press(self, key):
        os.write(self.master, key.encode())

    def end(self):
        code = self.child.wait(20)
        text = ""
        while select.select([self.master], [], [], 0.2)[0]:
            text += os.read(self.master, 65536).decode()
        after = termios.tcgetattr(self.slave)
        os.close(self.master), os.close(self.slave)
        assert after == self.before, "the terminal is as it was"
        assert "\033[?1049l" in self.text + text and "\033[?25h" in self.text + text
        return code


def test_top_on_a_terminal(watched):
    t = Terminal(watched)
    first = t.read(r"q end.*\033\[0m")
    assert "\033[?1049h" in first and "relais " in first and "SERVICE" in first and "qmgr" in first
    lines = first[first.rindex("\033[H"):].split("\r\n")
    assert len(lines) == 24
    wide = [x for x in (re.sub(r"\033\[[0-9;?]*[a-zA-Z]", "", x).rstrip("\r") for x in lines) if len(x) > 80]
    assert not wide
    t.press("l")
    assert "CONNECTS/s" in t.read(r"CONNECTS/s[^\x1b]*(.|\n)*q end")
    t.press("h")
    t.read("No next hop keeps mail waiting")
    t.press("s")
    t.read("Nothing waits|SENDER'S DOMAIN")
    t.press("v")
    t.read("SERVICE")
    t.resize(40, 120)
    os.kill(t.child.pid, signal.SIGWINCH)
    text = t.read(r"resolver(.|\n)*q end")
    assert len(text[text.rindex("\033[H"):].split("\r\n")) == 40
    t.press("q")
    assert t.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_top_gives_the_terminal_back(watched, number):
    t = Terminal(watched)
    t.read("q end")
    os.kill(t.child.pid, number)
    t.end()


def test_top_once(watched):
    done = watched.relais("top", "--once")
    assert "SERVICE" in done and "\033" not in done
    assert "\033" not in watched.relais("top")  # no terminal
    assert watched.relais("top", "--interval", "never", check=False).returncode == 2
