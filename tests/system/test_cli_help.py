# SPDX-License-Identifier: ISC
"""Every command's words: help, errors, man pages and completion say the same. No suite runs."""
import os
import pty
import re
import select
import shlex
import subprocess
import time

import pytest
from conftest import BUILD, TOP

RELAIS = os.path.join(BUILD, "bin", "relais")
PAGES = os.path.join(TOP, "docs", "man")
MADE = os.path.join(os.environ.get("RELAIS_RELEASE", os.path.join(TOP, "build", "release")), "man")
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", RELAIS_CONFIG="/nonexistent/relais.conf")


def relais(*words):
    return subprocess.run([RELAIS, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=ENV, timeout=60)


COMMANDS = re.findall(r"^  ([a-z-]+)", relais("help", "all").stdout, re.M)
PARTS = ["user forward", "user app-password", "user send-as"]
FAMILIAR = {"mailq", "postqueue"}  # their words are another program's
OF_POSTFIX = 69


class Form:
    """One way to say a command, as its --help has it."""

    def __init__(self, text):
        words = re.findall(r"\[|\]|\.\.\.|[^][ .]+(?:\.[^][ .]+)*", text)
        self.text, self.verbs, self.names, self.options = text, [], [], set()
        self.endless = "..." in text
        depth, value, in_verbs, either = 0, False, True, False
        for w in words[1:]:
            if w == "[":
                depth += 1
            elif w == "]":
                depth -= 1
                value = False
            elif w.startswith("--"):
                self.options.add(w)
                value, in_verbs = True, False
                continue
            elif w == "|":
                either = True
            elif w != "..." and not value:
                if w[0].islower() and in_verbs and depth == 0:
                    self.verbs.append(w.split("|"))
                elif depth == 0:
                    in_verbs = False
                    self.names.append(w)
            value = False
        if either:
            self.names = []  # one or another: which ones is the command's matter

    def words(self):
        return [v[0] for v in self.verbs]


def forms(command):
    """The forms of its help; a form goes on in lines that begin with a bracket."""
    text = relais(*command.split(), "--help").stdout
    head = text.split("\n\n")[0].removeprefix("Usage: ")
    head = re.sub(r"\n {8,}\[", " [", head)
    found = [re.split(r"  +", line.strip())[0] for line in head.splitlines()
             if re.match(r"\s*relais ", line)]
    return [Form(f) for f in found]


def options(command):
    """All options that its help names."""
    text = relais(*command.split(), "--help").stdout
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) - {"--help"}


@pytest.mark.parametrize("command", ["", "help"] + COMMANDS + PARTS)
def test_help(command):
    """On standard output, with status 0, and it fits a terminal; `help COMMAND` says the same."""
    r = relais(*command.split(), "--help") if command != "help" else relais("help")
    assert r.returncode == 0 and r.stderr == ""
    lines = r.stdout.splitlines()
    assert lines[0].startswith("Usage: relais")
    assert len(lines) <= 24, len(lines)
    assert [line for line in lines if len(line) > 80] == []
    if command not in ("", "help"):
        assert relais("help", *command.split()).stdout == r.stdout
        assert all(f.text.startswith("relais " + command) for f in forms(command))


def test_every_command_is_in_the_short_help():
    short = relais("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"(?<![\w-]){command}(?![\w-])", short), command


def wrong(words, says):
    r = relais(*words)
    assert r.returncode == 2, (words, r.returncode, r.stderr)
    assert r.stdout == ""
    assert says in r.stderr.splitlines()[0], (words, r.stderr)
    assert "help" in r.stderr or "Usage" in r.stderr
    return r.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS + PARTS if c not in FAMILIAR])
def test_wrong_words(command):
    """Whatever is wrong is said in one line, then how it goes: options, words missing, too many."""
    for form in forms(command):
        if "..." == form.text[-3:] and form.names == [] and not form.options:
            continue  # "see its --help"
        named = form.words() + ["x"] * len(form.names)
        wrong(named + ["--frobnicate"], "--frobnicate")
        enough = min(len(f.names) for f in forms(command) if f.words() == form.words())
        for n in range(enough):
            says = wrong(form.words() + ["x"] * n, " ")
            assert re.search("is missing|too many|there is no", says), (form.text, says)
        if not any(f.endless for f in forms(command) if f.verbs == form.verbs):
            says = wrong(named + ["x"] * 12, "relais " + command)
            assert re.search("is missing|too many|there is no", says), (form.text, says)


@pytest.mark.parametrize("words, says", [
    (["satus"], 'did you mean "status"'),
    (["frobnicate"], 'there is no command "frobnicate"'),
    ([], "a command is missing"),
    (["--frobnicate"], "--frobnicate"),
    (["--config"], "--config wants a file"),
    (["--option"], "--option wants NAME=VALUE"),
    (["help", "usr"], 'did you mean "user"'),
    (["domain", "dell", "x"], 'did you mean "del"'),
    (["domain", "list", "--jsn"], "did you mean --json"),
    (["domain"], "a word is missing"),
    (["domain", "del"], "NAME is missing"),
    (["domain", "del", "a", "b"], '"b" is one word too many'),
    (["user", "add", "a@b.example", "--quota"], "--quota wants SIZE"),
    (["user", "add", "a@b.example", "--no-passwrd"], "did you mean --no-password"),
    (["queue", "list", "--sendr", "x"], "did you mean --sender"),
    (["queue", "list", "--age"], "--age wants"),
    (["user", "forwrd", "x"], 'did you mean "forward"'),
    (["user", "forward"], "ADDRESS is missing"),
])
def test_what_is_wrong(words, says):
    wrong(words, says)


@pytest.mark.parametrize("words", [
    "queue hold --all --yes", "queue list --yes --all", "user add a@b.example --no-password --no-scram",
    "user add a@b.example --password-stdin --hash bcrypt", "user add --batch - --records --no-scram",
    "dns check --all --quiet --json", "dns show b.example --address 192.0.2.1 --address 192.0.2.2",
    "explain - --from a@b.example", "trace a@b.example --since 2d --limit 3 --json", "dmarc b.example --json",
    "ban --json", "queue flush b.example", "alias del a@b.example x y",
    "route a@b.example --sender <>", "queue list --sender <> --age -10m", "map transport",
    "config show smtpd smtpd.listen --changed", "domain add b.example local system-users",
    "user forward a@b.example --keep c@d.example", "incident purge a@b.example --json"])
def test_right_words(words):
    """What is right is not refused: the configuration is what is missed."""
    r = relais(*words.split())
    assert r.returncode == 1 and "/nonexistent/relais.conf" in r.stderr, r.stderr


@pytest.mark.parametrize("words", [["mailq", "x"], ["postqueue"], ["postqueue", "-x"]])
def test_familiar_words(words):
    assert relais(*words).returncode in (2, OF_POSTFIX)


def test_value_behind_an_equals_sign():
    """--name=value is --name value, in every command."""
    r = relais("queue", "list", "--age=nonsense")
    assert r.returncode == 1 and "/nonexistent/relais.conf" in r.stderr


@pytest.mark.parametrize("program", ["relais-master", "sendmail", "newaliases", "mailq", "postqueue"])
def test_help_of_programs(program):
    path = os.path.join(BUILD, "bin", program)
    r = subprocess.run([path, "--help"], capture_output=True, text=True, env=ENV, timeout=60)
    assert r.returncode == 0 and r.stderr == "" and r.stdout.startswith("Usage: ")
    assert len(r.stdout.splitlines()) <= 24
    assert [line for line in r.stdout.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words, says", [(["--frobnicate"], "frobnicate"), (["x"], "too many")])
def test_wrong_words_of_master(words, says):
    r = subprocess.run([os.path.join(BUILD, "bin", "relais-master"), *words], capture_output=True, text=True,
                       env=ENV, timeout=60)
    assert r.returncode == 2 and r.stdout == "" and says in r.stderr.splitlines()[0]
    assert "Usage: relais-master" in r.stderr


def test_version():
    r = relais("--version")
    assert r.returncode == 0 and re.fullmatch(r"relais \d+\.\d+\S*\n", r.stdout)


# ---- man pages ----

def page_of(command):
    """The source of the page whose synopsis has the command."""
    found = [p for p in sorted(os.listdir(PAGES)) if p.endswith(".8") and
             f"@SYNOPSIS {command}@" in open(os.path.join(PAGES, p)).read()]
    assert len(found) == 1, (command, found)
    return os.path.join(PAGES, found[0])


@pytest.mark.parametrize("command", COMMANDS + PARTS)
def test_page_says_what_help_says(command):
    """Each verb and option of the command is told in its page, and the page knows no others."""
    page = open(page_of(command)).read()
    all_options, verbs = set(), set()
    for c in re.findall(r"^@SYNOPSIS (.*)@$", page, re.M):
        all_options |= options(c)
        own = len(c.split())
        verbs |= {v for f in forms(c) for alternatives in f.verbs[own:] for v in alternatives}
        verbs |= set(c.split()[own - 1:])
    told = {"--" + o for o in re.findall(r"\bFl -([a-z][a-z-]*)", page)} - {"--help"}
    assert told - all_options == set() and options(command) - told == set()
    said = set(re.findall(r"[a-z][a-z-]+", " ".join(re.findall(r"\bCm (.*)", page))))
    for f in forms(command):
        for alternatives in f.verbs[len(command.split()):]:
            assert set(alternatives) - said == set(), (command, f.text)


def test_every_command_is_in_relais_8():
    page = open(os.path.join(PAGES, "relais.8")).read()
    listed = set(re.findall(r"[a-z][a-z-]+", " ".join(re.findall(r"^\.It Cm (.*)", page, re.M))))
    assert listed - {"help"} == set(COMMANDS)


def test_every_program_has_a_page():
    programs = os.listdir(os.path.join(BUILD, "libexec"))
    text = "".join(open(os.path.join(PAGES, p)).read() for p in os.listdir(PAGES) if p.endswith(".8"))
    for p in programs + ["relais-master", "sendmail"]:
        name = p.removesuffix("-session")
        assert any(os.path.exists(os.path.join(PAGES, q)) for q in
                   (f"{p}.8", f"relais-{p}.8", f"{p}.1")) or \
            re.search(rf"\bNm {re.escape(name)}\s", text), p


def test_pages_are_clean():
    """As they are installed: with the options' rows in them, without a word of mandoc's."""
    pages = sorted(os.listdir(MADE))
    assert set(pages) == {p for p in os.listdir(PAGES) if re.search(r"\.[158]$", p)}
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "style", *pages], cwd=MADE,
                          capture_output=True, text=True)
    said = [line for line in lint.stdout.splitlines() if "mandoc.db" not in line
            and "referenced manual not found" not in line]
    assert said == []


def test_pages_refer_to_pages():
    """Every .Xr of ours leads to a page that is there."""
    there = {tuple(p.rsplit(".", 1)) for p in os.listdir(PAGES)}
    for p in os.listdir(PAGES):
        for name, section in re.findall(r"^\.Xr (\S+) (\d)", open(os.path.join(PAGES, p)).read(), re.M):
            if name.startswith("relais") or name in ("sendmail", "mailq", "newaliases"):
                assert (name, section) in there, (p, name, section)


def test_pages_are_in_the_order_of_sections():
    order = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COUNTERS", "LOG", "SYNTAX", "ENVIRONMENT",
             "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO", "STANDARDS"]
    for p in os.listdir(PAGES):
        if re.search(r"\.[158]$", p):
            heads = re.findall(r"^\.Sh (.*)", open(os.path.join(PAGES, p)).read(), re.M)
            assert heads == sorted(heads, key=order.index), p
            assert "NAME" in heads and "DESCRIPTION" in heads and "SEE ALSO" in heads, p


def examples():
    """(page, command line) of every example; those that would do something without a configuration are not tried."""
    for p in sorted(os.listdir(PAGES)):
        if not re.search(r"\.[158]$", p):
            continue
        text = open(os.path.join(PAGES, p)).read().replace("\\e\n", "")
        part = re.search(r"^\.Sh EXAMPLES\n(.*?)(?=^\.Sh |\Z)", text, re.M | re.S)
        for line in part.group(1).splitlines() if part else []:
            found = re.search(r"(?:^| |\.Dl )(relais .*)", line)
            for command in re.split(r"\|(?= )|&&", found.group(1)) if found else []:
                words = shlex.split(command.split(" | ")[0])
                if words and words[0] == "relais" and not {"setup", "import-config", "import-uids"} & set(words):
                    yield pytest.param(words[1:], id=f"{p}: {command.strip()}")


@pytest.mark.parametrize("words", examples())
def test_examples_are_right(words):
    """What the pages show is what the commands take."""
    r = relais(*words)
    assert "tells more" not in r.stderr, r.stderr


# ---- completion ----

@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A configuration and tables whose names are offered."""
    folder = tmp_path_factory.mktemp("complete")
    (folder / "relais.conf").write_text(
        f"hostname = mx.example.org\ndomain = example.org\ntables = {folder}\nrun = {folder}\nstate = {folder}\n")
    (folder / "domains").write_text("example.net local\n")
    (folder / "accounts").write_text("joe@example.org *\njane@example.org *\n")
    (folder / "accounts").chmod(0o600)
    return folder


@pytest.mark.parametrize("words, offered", [
    (["us"], {"user"}),
    (["domain", ""], {"add", "list", "del"}),
    (["user", "f"], {"forward"}),
    (["user", "forward", "joe@example.org", "--"], {"--keep", "--off", "--json"}),
    (["user", "passwd", "j"], {"joe@example.org", "jane@example.org"}),
    (["dns", "check", ""], {"example.org", "example.net"}),
    (["dns", "show", "example.org", "--policy", ""], {"none", "quarantine", "reject"}),
    (["queue", "list", "--state", "d"], {"deferred"}),
    (["queue", "hold", "--sen"], {"--sender"}),
    (["map", "query", "acc"], {"accounts"}),
    (["frobnicate", ""], set()),
])
def test_completion(home, words, offered):
    r = relais("complete", "--config", str(home / "relais.conf"), *words)
    assert set(r.stdout.split()) == offered


def test_completion_knows_every_command():
    assert set(COMMANDS) < set(relais("complete", "").stdout.split())


def test_completion_in_bash(home):
    """A real bash, at a terminal: Tab writes the rest of the word."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(ENV, RELAIS_CONFIG=str(home / "relais.conf"), PS1="$ ", TERM="dumb",
                          PATH=os.path.dirname(RELAIS) + ":" + os.environ["PATH"])
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    try:
        said = ""

        def until(text):
            nonlocal said
            end = time.monotonic() + 30
            while text not in said:
                assert time.monotonic() < end, said
                if select.select([fd], [], [], 0.1)[0]:
                    said += os.read(fd, 4096).decode(errors="replace")
            said = ""

        os.write(fd, f". {TOP}/conf/completion/relais; echo re''ady\n".encode())
        until("ready\r\n")
        for typed, becomes in [("relais incid\t", "relais incident "),
                               ("relais user passwd jo\t", "relais user passwd joe@example.org "),
                               ("relais user passwd joe@ex\t", "relais user passwd joe@example.org "),
                               ("relais queue list --reas\t", "relais queue list --reason ")]:
            os.write(fd, typed.encode())
            until(becomes)
            os.write(fd, b"\x15")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(fd)
