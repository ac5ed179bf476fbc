# SPDX-License-Identifier: ISC
"""relais setup: from nothing to a user who can log in; at a terminal, by options, again, and when
something is in the way."""
import contextlib
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess

import pytest

from conftest import BUILD, free_base, new_folder, wait_for
from terminal import Terminal

PASSWORD = "correct horse battery"


class Place:
    """A folder for a suite that is not there yet."""

    def __init__(self):
        self.folder, self.base = new_folder(), free_base()
        self.conf = os.path.join(self.folder, "etc", "relais.conf")
        self.env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1",
                        RELAIS_CONFIG=self.conf)
        self.password_file = self.file("password", PASSWORD + "\n")

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def options(self, mail_root=True):
        """--option words: folders below ours, ports of ours."""
        where = {name: os.path.join(self.folder, name)
                 for name in ("queue", "state", "tables", "run", "log")}
        if mail_root:
            where["mail_root"] = os.path.join(self.folder, "mail")
        doors = {"smtpd.listen": 25, "submission.listen": 587, "submission.listen_tls": 465,
                 "imapd.listen": 143, "imapd.listen_tls": 993, "pop3d.listen": 110,
                 "pop3d.listen_tls": 995}
        where |= {name: f"127.0.0.1:{self.base + port}" for name, port in doors.items()}
        where["mailauth.verify"] = "no"
        return [w for name, value in where.items() for w in ("--option", f"{name}={value}")]

    def words(self, *words, **how):
        return [os.path.join(BUILD, "bin", "relais"), *self.options(**how), "setup", *words]

    def setup(self, *words, stdin="", **more):
        """Without a terminal: (exit status, stdout, stderr)."""
        done = subprocess.run(self.words(*words), input=stdin, env=self.env, text=True,
                              capture_output=True, timeout=120, start_new_session=True, **more)
        return done.returncode, done.stdout, done.stderr

    def full(self, *words):
        return self.setup("--no-input", "--hostname", "mx.example.test", "--domain",
                          "example.test", "--account", "ann", "--password-file",
                          self.password_file, *words)

    def relais(self, *words, check=True):
        done = subprocess.run([os.path.join(BUILD, "bin", "relais"), *words], env=self.env,
                              text=True, capture_output=True, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def written(self):
        """Everything below the folder but what the test itself put there."""
        return sorted(os.path.relpath(os.path.join(at, name), self.folder)
                      for at, folders, files in os.walk(self.folder) for name in folders + files
                      if name not in ("password", "other"))

    def text(self):
        with open(self.conf) as f:
            return f.read()

    def login(self, user="ann@example.test", password=PASSWORD):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with imaplib.IMAP4_SSL("127.0.0.1", self.base + 993, ssl_context=context) as c:
            c.login(user, password)
            return int(c.select("INBOX")[1][0])


@pytest.fixture
def place():
    p = Place()
    yield p
    if os.path.exists(os.path.join(p.folder, "run", "control")):
        subprocess.run([os.path.join(BUILD, "bin", "relais"), "stop"], env=p.env,
                       capture_output=True, timeout=60)
        with contextlib.suppress(OSError):
            wait_for(lambda: "stopped" in open(os.path.join(p.folder, "log")).read(), 30)
    shutil.rmtree(p.folder, ignore_errors=True)


# ---- without a terminal ----

def test_options_are_enough(place):
    status, out, err = place.full("--start")
    assert status == 0, err
    assert "Read back over IMAP" in out and "Subject: relais works" in out
    for record in ("example.test. 3600 IN MX", "_dmarc.example.test.", "._domainkey.example.test."):
        assert record.split()[0] in out
    assert "certbot certonly --standalone -d mx.example.test" in out
    assert "ann@example.test" in out
    assert place.login() == 1
    assert '"smtpd"' in place.relais("status", "--json", check=False)


def test_the_file_is_short_and_right(place):
    status, _, err = place.full("--no-start")
    assert status == 0, err
    text = place.text()
    assert "\nhostname = mx.example.test\n" in text and "\ndomain = example.test\n" in text
    assert "smarthost" not in text
    assert f"\tlisten = 127.0.0.1:{place.base + 25}\n" in text
    assert "postmaster = ann@example.test" in text
    assert len(text.splitlines()) < 60
    assert "ann@example.test" in place.relais("user", "list")


def test_who_may_read_what_is_written(place):
    """Whatever root's umask is: sendmail(1) reads the configuration as the user who runs it."""
    status, _, err = place.setup("--no-input", "--no-start", "--hostname", "mx.example.test", "--domain",
                                 "example.test", "--account", "ann", "--password-file", place.password_file,
                                 umask=0o077)
    assert status == 0, err
    modes = {name: os.stat(os.path.join(place.folder, name)).st_mode & 0o777
             for name in ("etc", "etc/relais.conf", "tables/accounts", "state/directory")}
    assert modes == {"etc": 0o755, "etc/relais.conf": 0o644, "tables/accounts": 0o600, "state/directory": 0o700}


def test_all_that_is_missing_is_named(place):
    status, _, err = place.setup("--no-input", "--hostname", "mx.example.test")
    assert status == 1 and "Missing: --account (or --no-account), --password-file." in err
    status, _, err = place.setup("--no-input", "--hostname", "mx", "--no-account")
    assert status == 1 and "Missing: --domain." in err
    assert place.written() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a folder there")
def test_mail_may_live_in_a_new_folder_of_the_root(place):
    done = subprocess.run(
        place.words("--no-input", "--no-start", "--hostname", "mx.example.test", "--domain",
                    "example.test", "--no-account", "--mail-root", "/relais-test-nowhere", mail_root=False),
        env=place.env, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "\nmail_root = /relais-test-nowhere\n" in place.text()
    assert not os.path.exists("/relais-test-nowhere")  # it is made with the first mailbox


def test_as_a_package_does_it(place):
    words = ("--no-input", "--hostname", "mx.example.test", "--domain", "example.test",
             "--no-account", "--no-start")
    status, out, err = place.setup(*words)
    assert status == 0, err
    assert "relais user add ann@example.test" in out
    before = place.text()
    assert place.setup(*words)[0] == 0 and place.text() == before
    assert os.path.exists(os.path.join(place.folder, "state", "directory", "accounts.db"))


WRONG = [
    # what is wrong, words in place of the right ones, what is said
    ("host", {"--hostname": "mx"}, "no fully qualified name"),
    ("localhost", {"--hostname": "localhost.localdomain"}, "what every host is called"),
    ("address as host", {"--hostname": "192.0.2.1"}, "no fully qualified name"),
    ("domain", {"--domain": "org"}, "is no domain"),
    ("address as domain", {"--domain": "ann@example.test"}, "what stands before the @"),
    ("registry", {"--domain": "co.uk"}, "nobody's mail domain"),
    ("account elsewhere", {"--account": "ann@example.net"}, "is not at example.test"),
    ("account", {"--account": "a b"}, "is no address"),
    ("smarthost", {"--smarthost": "[relay.example.net"}, "write it as"),
    ("login", {"--smarthost": "relay.example.net", "--smarthost-login": "a:b"}, "no \":\""),
    ("mail root", {"--mail-root": "mail"}, "no folder from the root on"),
    ("two passwords", {"--password-file": "/nonexistent/file"}, "No such file"),
]


@pytest.mark.parametrize("words,said", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_answers(place, words, said):
    good = {"--hostname": "mx.example.test", "--domain": "example.test", "--account": "ann",
            "--password-file": place.password_file}
    list_of = [w for pair in (good | words).items() for w in pair]
    done = subprocess.run(place.words("--no-input", "--no-start", *list_of, mail_root=False),
                          env=place.env, text=True, capture_output=True, timeout=60)
    assert done.returncode == 1 and said in done.stderr
    assert place.written() == []


def test_short_password(place):
    status, _, err = place.setup("--no-input", "--no-start", "--hostname", "mx.example.test",
                                 "--domain", "example.test", "--account", "ann",
                                 "--password-file", "-", stdin="short\n")
    assert status == 1 and "is guessed soon" in err and place.written() == []


def test_smarthost_with_a_login(place):
    secret = place.file("other", "relay's secret\n")
    status, out, err = place.full(
        "--no-start", "--smarthost", "relay.example.net", "--smarthost-login", "customer17",
        "--smarthost-password-file", secret)
    assert status == 0, err
    assert 'smarthost = [relay.example.net]:587' in place.text().replace('"', '')
    assert "customer17" in place.relais("credentials", "list")
    with open(os.path.join(place.folder, "tables", "relay_credentials")) as f:
        assert "relay.example.net:587" in (line := f.read()) and "relay's secret" in line
    assert "relay's secret" not in out + err + place.text()


def test_smarthost_that_is_away_is_a_warning(place):
    status, _, err = place.full("--start", "--no-test", "--smarthost",
                                f"127.0.0.1:{place.base + 1}")
    assert status == 0 and "does not answer now" in err and "waits in the queue" in err


# ---- again ----

def test_again_changes_nothing(place):
    assert place.full("--start")[0] == 0
    before = place.text()
    status, out, err = place.full()
    assert status == 0, err
    assert place.text() == before and "There already" in out
    assert place.login() == 2  # one message more


def test_again_with_another_answer_is_refused(place):
    assert place.full("--no-start")[0] == 0
    before = place.written(), place.text()
    status, _, err = place.setup("--no-input", "--no-start", "--no-account", "--hostname",
                                 "mx2.example.test", "--domain", "example.net")
    assert status == 1
    assert '--hostname mx2.example.test: it is "mx.example.test" already' in err
    assert "relais domain add" in err
    assert (place.written(), place.text()) == before


def test_half_a_configuration_is_completed(place):
    os.makedirs(os.path.dirname(place.conf))
    mine = "# mine\nhostname = mx.example.test # my name\n"
    with open(place.conf, "w") as f:
        f.write(mine)
    status, _, err = place.setup("--no-input", "--no-start", "--domain", "example.test",
                                 "--account", "ann", "--password-file", place.password_file)
    assert status == 0, err
    assert place.text().startswith(mine) and "\ndomain = example.test\n" in place.text()
    assert place.text().count("hostname =") == 1


def test_a_domain_of_the_table_is_one_for_accounts(place):
    os.makedirs(os.path.join(place.folder, "tables"))
    with open(os.path.join(place.folder, "tables", "domains"), "w") as f:
        f.write("backup.example relay\nold.example alias own.example\nlocalhost local\nown.example local\n")
    status, out, err = place.setup("--no-input", "--no-start", "--hostname", "mx.own.example", "--account", "ann",
                                   "--password-file", place.password_file)
    assert status == 0, err
    assert "domain own.example" in out or "ann@own.example" in out
    assert "ann@own.example" in place.relais("user", "list")


def test_a_link_stays_a_link_and_what_is_private_private(place):
    os.makedirs(os.path.dirname(place.conf))
    mine = place.file("other", "hostname = mx.example.test\n")
    os.symlink(mine, place.conf)
    status, _, err = place.setup("--no-input", "--no-start", "--domain", "example.test", "--no-account")
    assert status == 0, err
    assert os.readlink(place.conf) == mine and "\ndomain = example.test\n" in place.text()
    assert os.stat(mine).st_mode & 0o777 == 0o600


def test_broken_configuration_is_left_alone(place):
    os.makedirs(os.path.dirname(place.conf))
    with open(place.conf, "w") as f:
        f.write("hostnam = x\n")
    status, _, err = place.full("--no-start")
    assert status == 1 and "has to be mended first" in err and "relais.conf:1" in err
    assert place.text() == "hostnam = x\n"


def test_goes_on_after_a_failure(place):
    with open(os.path.join(place.folder, "state"), "w"):
        pass  # in the way of the folder
    status, _, err = place.full("--start")
    assert status == 1
    os.unlink(os.path.join(place.folder, "state"))
    status, out, err = place.full("--start")
    assert status == 0 and "Read back over IMAP" in out, err


def test_wrong_password_of_an_account_that_is_there(place):
    assert place.full("--start", "--no-test")[0] == 0
    other = place.file("other", "another password\n")
    status, _, err = place.setup("--no-input", "--account", "ann", "--password-file", other)
    assert status == 1 and "submission" in err and "535" in err
    assert place.login() == 0


# ---- what is in the way ----

def test_port_taken(place):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", place.base + 25))
        s.listen()
        status, _, err = place.full("--start")
    assert status == 1
    assert f"smtpd.listen = 127.0.0.1:{place.base + 25}: Address already in use" in err
    assert f"(pid {os.getpid()})" in err
    assert place.written() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_without_rights(place):
    nobody = pwd.getpwnam("nobody")
    os.chmod(place.password_file, 0o644)
    status, _, err = place.full("--no-start") if os.geteuid() != 0 else place.setup(
        "--no-input", "--no-start", "--hostname", "mx.example.test", "--domain", "example.test",
        "--account", "ann", "--password-file", place.password_file, user=nobody.pw_uid,
        group=nobody.pw_gid, extra_groups=[])
    assert status == 1 and "run it as root: sudo relais setup" in err
    assert place.written() == []


# ---- at a terminal ----

def test_dialogue(place):
    with Terminal(place.words(mail_root=False), place.env) as t:
        t.expect("Name of this host")
        t.type("mx")
        t.expect("is no fully qualified name")
        t.expect("Name of this host")
        t.type("mx.example.test")
        t.expect("Mail domain (what stands behind the @) [example.test]: ")
        t.type("")
        t.expect("First account")
        t.type("ann")
        t.expect("Its password: ")
        t.type("short")
        t.expect("is guessed soon")
        t.expect("Its password: ")
        t.type(PASSWORD)
        t.expect("Again: ")
        t.type(PASSWORD + "x")
        t.expect("These are not the same")
        t.expect("Its password: ")
        t.type(PASSWORD)
        t.expect("Again: ")
        t.type(PASSWORD)
        t.expect("Who takes our mail for other hosts")
        t.type("")
        t.expect("Where mail lives [/var/mail/relais]: ")
        t.type("mail")
        t.expect("is no folder from the root on")
        t.expect("Where mail lives")
        t.type(os.path.join(place.folder, "mail"))
        if "all the same" in t.expect(": "):
            t.type("y")
            t.expect("Start relais")
        t.type("y")
        assert place.written() == []
        t.expect("Go on? [Y/n]: ")
        t.type("")
        t.expect("Read back over IMAP")
        assert t.wait() == 0
    assert PASSWORD not in t.text
    assert "mail_root = " + os.path.join(place.folder, "mail") in place.text()
    assert place.login() == 1


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["interrupt", "end"])
@pytest.mark.parametrize("where", ["Name of this host", "Its password: ", "Again: ", "Go on? [Y/n]: "])
def test_nothing_is_written_before_the_end(place, where, key):
    answers = {"Name of this host": "mx.example.test", "Mail domain": "", "First account": "ann",
               "Its password: ": PASSWORD, "Again: ": PASSWORD, "Who takes our mail": "",
               "Start relais": "y", "Go on? [Y/n]: ": ""}
    with Terminal(place.words(), place.env) as t:
        for question, answer in answers.items():
            t.expect(question)
            if question == where:
                t.type_key(key)
                break
            t.type(answer)
        assert t.wait() == 1
    assert "othing was written" in t.text
    assert place.written() == []


def test_only_what_is_missing_is_asked(place):
    with Terminal(place.words("--hostname", "mx.example.test", "--domain", "example.test",
                              "--smarthost", "none", "--no-start"), place.env) as t:
        assert "host" not in t.expect("First account").split("\n\n")[-1]
        t.type("ann")
        t.expect("Its password: ")
        t.type(PASSWORD)
        t.expect("Again: ")
        t.type(PASSWORD)
        t.expect("Go on?")
        t.type("")
        assert t.wait() == 0
    assert "relais was not started" in t.text


def test_no_terminal_and_no_answers(place):
    status, _, err = place.setup("--hostname", "mx.example.test")
    assert status == 1 and "Missing: " in err
