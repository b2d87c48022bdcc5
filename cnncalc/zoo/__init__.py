"""Well-known networks by name: specs in files of the language, one for each family.

A family's file is a spec. Its members differ in the values of some of its lets, which are declared
in `members.txt`, in blocks of lines:

    resnet.cnn  2015  Shortcuts around bottlenecks, …     the file, the year, contribution
               n1  n2  n3  n4                             lets of the file, by column
    resnet50    3   4   6   3                             a member, and its values

Looking up a name reads only that table; a spec is read when its text is needed.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import NamedTuple

from cnncalc.spelling import nearest

FOLDER = os.path.dirname(__file__)


class Member(NamedTuple):
    """A network: its name, the file of its family, and the values of the lets that select it in the file's spec."""

    name: str
    file: str
    year: int
    contribution: str
    lets: dict[str, str]

    @property
    def family(self) -> str:
        """The first word of the file's name: `resnet` of `resnet-basic.cnn`."""
        return re.split("[-.]", self.file)[0]

    def text(self) -> str:
        """Return the spec: the family's file with the lets set to this member's values."""
        return "\n".join(self._line(line) for line in _read(self.file).split("\n"))

    def _line(self, line: str) -> str:
        if line.startswith("let "):
            for name, value in self.lets.items():
                line = re.sub(rf"\b{name} = \S+?(?=,|\s|$)", f"{name} = {value}", line)
        return line


@cache
def members() -> dict[str, Member]:
    """Return all networks by name, in the order of the table."""
    return {member.name: member for member in _table(_read("members.txt"))}


def find(name: str) -> Member | None:
    """Return the network of that name, ignoring case, hyphens, underscores and dots, or None.

    The name of a family of one network is its name as well.
    """
    found = members().get(name.lower()) or _by_letters().get(_letters(name))
    if found is None:
        family = [member for member in members().values() if member.family == name.lower()]
        found = family[0] if len(family) == 1 else None
    return found


@cache
def _by_letters() -> dict[str, Member]:
    """Return the networks by the letters and digits of their names alone."""
    return {_letters(name): member for name, member in members().items()}


def _letters(name: str) -> str:
    return re.sub(r"[-_. ]", "", name.lower())


def matching(text: str) -> list[Member]:
    """Return the networks whose names or families have the text in them, ignoring case, hyphens and the like."""
    letters = _letters(text)
    return [each for each in members().values() if letters and letters in f"{_letters(each.name)} {each.family}"]


def families() -> list[str]:
    """Return the families in the order of the table."""
    return list(dict.fromkeys(member.family for member in members().values()))


def suggestion(name: str) -> str | None:
    """Return the help for a name that no network has, or None if no network's name is similar."""
    family = [member.name for member in members().values() if member.family == name.lower()]
    if family:
        return f"write `{family[0]}`, or another that `cnncalc zoo --family {name.lower()}` lists"
    longer = next((member for member in members() if _letters(member).startswith(_letters(name))), None)
    near = longer or nearest(name, members(), cutoff=0.75)
    if near is not None:
        return f"write `{near}`"
    kin = nearest(re.sub(r"[-_.]?v?\d.*", "", name.lower()), families())
    return f"write `cnncalc zoo --family {kin}` for the networks of that name" if kin else None


def _table(text: str) -> list[Member]:
    table = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        file, year, contribution = lines[0].split(None, 2)
        headings = lines[1].split() if lines[1].startswith(" ") else []
        for line in lines[2 if headings else 1 :]:
            name, *values = line.split()
            table.append(Member(name, file, int(year), contribution, dict(zip(headings, values, strict=True))))
    return table


def _read(file: str) -> str:
    with open(os.path.join(FOLDER, file), encoding="utf-8") as stream:
        return stream.read()
