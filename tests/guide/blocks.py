#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The command blocks of the guide (docs/guide/*.md), for tests that run them.

    for block in blocks("docs/guide/first-server.md"):
        block.commands, block.output, block.machine, block.answers, block.publish

A block of commands is fenced as ```sh. The ```text block right behind it is what it prints, with ...
for what differs from day to day (within a line, or for any number of lines). A comment right before
it says what a test has to know:

    <!-- machine: REASON -->    needs a machine of its own: only looked at, not run (but by the package's
                                test, on such a machine)
    <!-- terminal
    QUESTION => ANSWER          run at a terminal; each question is awaited, and the answer typed
    -->
    <!-- publish: DOMAIN -->    before the commands run, what "relais dns show DOMAIN" prints is published
    <!-- receive: ADDRESS -->   before them, bob@example.net sends a message to ADDRESS
    <!-- certificate: NAME -->  before them, certbot has got a certificate for NAME
    <!-- postfix: /etc -->      before them, there are a Postfix' and a Dovecot's configuration
    <!-- within: SECONDS -->    run again until it prints what it should
    <!-- fails -->              the last command's exit status is not 0

Run by itself it prints the commands as a shell script: tests/guide/blocks.py CHAPTER...
"""
import re
import sys
from dataclasses import dataclass, field


@dataclass
class Block:
    chapter: str
    line: int
    commands: str
    output: str = None
    machine: str = None         # the reason
    answers: list = field(default_factory=list)
    publish: str = None
    receive: str = None
    certificate: str = None
    postfix: str = None
    within: float = 0
    fails: bool = False

    def lines(self):
        """Commands, one a line: continued lines are one, those of a here-document left out."""
        end = None
        for line in self.commands.replace("\\\n", " ").splitlines():
            if end is not None:
                end = None if line == end else end
                continue
            here = re.search(r"<<-?\s*'?(\w+)'?", line)
            end = here and here.group(1)
            if line.strip() and not line.startswith("#"):
                yield line.strip()


def _marks(comment, block):
    head, _, rest = comment.partition(":")
    if head.strip() == "machine":
        block.machine = rest.strip()
    elif head.strip() in ("publish", "receive", "certificate", "postfix"):
        setattr(block, head.strip(), rest.strip())
    elif head.strip() == "within":
        block.within = float(rest)
    elif comment.strip() == "fails":
        block.fails = True
    elif comment.startswith("terminal"):
        block.answers = [tuple(x.strip() for x in line.split("=>"))
                         for line in comment.splitlines()[1:] if "=>" in line]
    else:
        raise ValueError(f"{block.chapter}:{block.line}: what is {comment!r}?")


def blocks(path):
    with open(path) as f:
        text = f.read()
    found, comments, last = [], [], None
    plain = re.compile(r"[^\n]*\n")
    at = 0
    while at < len(text):
        m = re.compile(r"<!--(.*?)-->\n", re.S).match(text, at)
        fence = re.compile(r"```(\w*)\n(.*?)^```\n", re.S | re.M).match(text, at)
        line = text.count("\n", 0, at) + 1
        if m:
            comments.append(m.group(1).strip())
            at = m.end()
        elif fence and fence.group(1) == "sh":
            last = Block(path, line, fence.group(2))
            for c in comments:
                _marks(c, last)
            found.append(last)
            comments, at = [], fence.end()
        elif fence:
            if fence.group(1) == "text" and last is not None:
                last.output = fence.group(2)
            last, comments, at = None, [], fence.end()
        else:
            m = plain.match(text, at) or re.compile(r"[^\n]+").match(text, at)
            if m.group().strip():
                last, comments = None, []
            at = m.end()
    return found


def differs(expected, got):
    """Where the output is not as the guide has it; None: it is."""
    pattern = []
    for line in expected.splitlines():
        if line.strip() == "...":
            pattern.append(r"(?:[^\n]*\n)*?")
        else:
            pattern.append(r"[^\n]*".join(
                r"[ \t]+".join(re.escape(word) for word in re.split(r"[ \t]+", part))
                for part in line.rstrip().split("...")) + r"[ \t]*\n")
    if got and not got.endswith("\n"):
        got += "\n"
    if re.fullmatch("".join(pattern), got):
        return None
    for n in range(len(pattern), -1, -1):  # how far it fits
        if re.match("".join(pattern[:n]), got):
            return f"from {expected.splitlines()[n]!r} on" if n < len(pattern) else "more behind it"
    return "from its beginning"


if __name__ == "__main__":
    for path in sys.argv[1:]:
        for b in blocks(path):
            print(f"# {path}:{b.line}" + (f" ({b.machine})" if b.machine else ""))
            print(b.commands)
