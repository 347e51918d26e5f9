"""A form of a tool's options as an argv, and an argv as the form that it fills.

Pure. What a tool can be given is read by ``build.options``; how a line becomes an argv is left to
``arguments``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from . import arguments
from .errors import ArgumentsError
from .records import Interface, Option, OptionKind, Subcommand
from .requests import Form, Value

_NEGATIVE = re.compile(r"-[0-9]+(?:\.[0-9]*)?|-\.[0-9]+")
_TIMES = re.compile(r"[0-9]{1,3}")
_PASSED_ON = frozenset({"ARG", "ARGS", "ARGUMENTS", "CMD", "COMMAND", "COMMAND_ARGS"})
_MOST_TIMES = 100
# nobody fills a form with more, and reading takes the square of it
_MOST_READ = 2_000


def to_argv(form: Form, interface: Interface) -> tuple[str, ...]:
    """Return the arguments that a form means: options, positional arguments, subcommand, rest.

    Raises
    ------
    ArgumentsError
        If the form has a field that the tool has not, or that cannot hold its value.

    Examples
    --------
    >>> count = Option(names=("-n", "--count"), kind=OptionKind.INTEGER)
    >>> to_argv(Form(values={"--count": "3"}, rest=("x",)), Interface(options=(count,)))
    ('--count', '3', 'x')
    """
    argv = _written(
        form.values, interface.options, interface.arguments, ends=form.subcommand is None
    )
    if form.subcommand is not None:
        subcommand = _subcommand(interface, form.subcommand)
        argv.append(subcommand.name)
        argv += _written(form.sub_values, subcommand.options, subcommand.arguments, ends=True)
    elif form.sub_values:
        raise ArgumentsError(
            "The form has values for a subcommand, and does not say for which.",
            "Choose the subcommand.",
        )
    return arguments.from_value([*argv, *form.rest])


def fill(argv: Sequence[str], interface: Interface) -> Form:
    """Return the form that arguments fill; from the first uncertain one on, they are its rest.

    Where there are thousands, all of them are.

    Examples
    --------
    >>> count = Option(names=("-n", "--count"), kind=OptionKind.INTEGER)
    >>> fill(["-n3", "--odd", "-n4"], Interface(options=(count,)))
    Form(subcommand=None, values={'--count': '3'}, sub_values={}, rest=('--odd', '-n4'))
    """
    if len(argv) > _MOST_READ:
        return Form(rest=tuple(argv))
    names = {subcommand.name: subcommand for subcommand in interface.subcommands}
    own = _Reader(interface.options, interface.arguments, stops=frozenset(names))
    at = own.read(argv)
    if at == len(argv) or argv[at] not in names or own.is_uncertain:
        return Form(values=own.form_values(), rest=tuple(argv[at:]))
    subcommand = names[argv[at]]
    after = argv[at + 1 :]
    reader = _Reader(subcommand.options, subcommand.arguments)
    at = reader.read(after) if subcommand.is_read else 0
    return Form(
        subcommand=subcommand.name,
        values=own.form_values(),
        sub_values=reader.form_values(),
        rest=tuple(after[at:]),
    )


def _subcommand(interface: Interface, name: str) -> Subcommand:
    for subcommand in interface.subcommands:
        if subcommand.name == name:
            return subcommand
    raise ArgumentsError(f"The tool has no subcommand {name!r}.", "Choose one that it has.")


def _written(
    values: Mapping[str, Value],
    options: Sequence[Option],
    positional: Sequence[Option],
    *,
    ends: bool,
) -> list[str]:
    """Return values as arguments; `ends` tells that no subcommand comes after them."""
    known = {option.key: option for option in (*options, *positional)}
    if unknown := [key for key in values if key not in known]:
        raise ArgumentsError(
            f"The tool has no option {unknown[0]!r} that is known.",
            "Put what is not known into the rest.",
        )
    single: list[str] = []
    several: list[str] = []
    for option in options:
        if option.key in values:
            words = list(_option_words(option, values[option.key]))
            is_open = option.takes_several and len(words) > 1
            (several if is_open else single).extend(words)
    words = [word for one in positional if one.key in values for word in _all(one, values[one.key])]
    first_passed_on = next((one for one in positional if _is_passed_on(one)), None)
    if any(map(_is_dashed, words)) and first_passed_on is None:
        words.insert(0, "--")
    # what takes several values ends with the next option or with the line
    return [*single, *words, *several] if ends else [*several, *single, *words]


def _option_words(option: Option, value: Value) -> Iterator[str]:
    name = option.key
    if option.kind is OptionKind.FLAG:
        yield from _flag_words(option, value)
    elif value is False:
        return
    elif value is True:
        if not option.is_joined:
            raise ArgumentsError(f"{name} needs a value.", "Fill it in, or leave it out.")
        yield name
    elif option.takes_several:
        several = _all(option, value)
        if len(several) == 1:
            yield from _with_value(option, several[0], is_tight=True)
        elif several:
            yield from (name, *several)
    else:
        words = _all(option, value)
        each = option.arity
        if len(words) % each:
            raise ArgumentsError(
                f"{name} takes {each} values, not {len(words)}.", f"It takes {option.metavar}."
            )
        for at in range(0, len(words), each):
            if each == 1:
                yield from _with_value(option, words[at])
            else:
                yield from (name, *words[at : at + each])


def _flag_words(option: Option, value: Value) -> Iterator[str]:
    if value is True:
        yield option.key
    elif value is False:
        if option.opposite:
            yield option.opposite
    elif isinstance(value, str) and _TIMES.fullmatch(value) and int(value) <= _MOST_TIMES:
        # how many times it is given: -vvv
        yield from [option.key] * int(value)
    else:
        raise ArgumentsError(f"{option.key} takes no value.", "Say whether it is given.")


def _with_value(option: Option, value: str, *, is_tight: bool = False) -> Iterator[str]:
    name = option.key
    is_letter = len(name) == 2
    if option.is_joined or is_tight or _looks_like_option(value):
        yield f"{name}{value}" if is_letter else f"{name}={value}"
    else:
        yield from (name, value)


def _all(option: Option, value: Value) -> tuple[str, ...]:
    """Return the values of something that takes one or several."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, bool) or (len(value) > 1 and not option.holds_several):
        raise ArgumentsError(f"{option.key} takes one value.", "Fill in one.")
    return tuple(value)


def _is_passed_on(argument: Option) -> bool:
    """Tell whether an argument is another command's line, with options that are not the tool's."""
    return argument.is_repeated and argument.metavar.upper() in _PASSED_ON


def _is_dashed(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _looks_like_option(word: str) -> bool:
    """Tell whether a word is no value of the option before it: a negative number is one."""
    return _is_dashed(word) and not _NEGATIVE.fullmatch(word)


@dataclass(slots=True)
class _Reader:
    """What is read of the options and positional arguments of a tool, or of a subcommand."""

    options: Sequence[Option]
    positional: Sequence[Option]
    stops: frozenset[str] = frozenset()
    is_uncertain: bool = False
    _values: dict[str, Value] = field(default_factory=dict)
    _words: list[str] = field(default_factory=list)
    _open_at: int | None = None
    _by_name: dict[str, Option] = field(default_factory=dict)
    _has_long_names: bool = False

    def __post_init__(self) -> None:
        """Note the options by their names."""
        for option in self.options:
            for name in (*option.names, *([option.opposite] if option.opposite else [])):
                self._by_name.setdefault(name, option)
        # `-name` is one option there, not four
        self._has_long_names = any(
            len(name) > 2 and not name.startswith("--") for name in self._by_name
        )

    def read(self, argv: Sequence[str]) -> int:
        """Take what is certain; return where it ends."""
        end = self._read(argv, len(argv))
        is_word = end < len(argv) and not _is_dashed(argv[end])
        if self._open_at is not None and self.is_uncertain and is_word:
            # the word may be one more value of an option that takes several
            end = self._open_at
            self._values, self._words, self._open_at = {}, [], None
            self._read(argv, end)
            self.is_uncertain = True
        return end

    def form_values(self) -> dict[str, Value]:
        """Return what was read, by key."""
        return {**self._values, **self._placed()}

    def _read(self, argv: Sequence[str], end: int) -> int:
        at = 0
        while at < end:
            word = argv[at]
            if word in self.stops:
                return at
            if _is_dashed(word):
                taken = self._option(argv[at:end], at)
            elif self._takes_all():
                self._words += argv[at:end]
                return end
            else:
                taken = self._word(word)
            if taken == 0:
                self.is_uncertain = True
                return at
            at += taken
        return at

    def _word(self, word: str) -> int:
        is_endless = any(one.is_repeated for one in self.positional)
        if not is_endless and len(self._words) >= len(self.positional):
            return 0
        self._words.append(word)
        return 1

    def _takes_all(self) -> bool:
        at = len(self._words)
        return at < len(self.positional) and _is_passed_on(self.positional[at])

    def _option(self, argv: Sequence[str], place: int) -> int:
        """Take an option and its values; return how many arguments that are, 0 for none."""
        word = argv[0]
        if word in self._by_name:
            return self._named(word, argv, place)
        name, equals, value = word.partition("=")
        option = self._by_name.get(name)
        if equals and option is not None and len(name) > 2:
            is_valued = option.kind is not OptionKind.FLAG and option.arity == 1
            return int(is_valued and self._keep(option, (value,)))
        return 0 if word.startswith("--") else self._letters(argv, place)

    def _named(self, name: str, argv: Sequence[str], place: int) -> int:
        option = self._by_name[name]
        if option.kind is OptionKind.FLAG:
            return int(self._keep_flag(option, is_given=name != option.opposite))
        if name == option.opposite:
            return 0
        if option.is_joined:
            return int(option.key not in self._values and self._put(option, value=True))
        if option.takes_several:
            count = next((i for i, w in enumerate(argv[1:]) if _looks_like_option(w)), None)
            count = len(argv) - 1 if count is None else count
            if count > 1 and self._open_at is None:
                self._open_at = place
        else:
            count = option.arity
        values = argv[1 : 1 + count]
        if len(values) < max(count, 1) or any(map(_looks_like_option, values)):
            return 0
        return 1 + count if self._keep(option, values) else 0

    def _letters(self, argv: Sequence[str], place: int) -> int:
        """Take ``-n3`` and bundles of flags such as ``-xvf``, all of it or nothing."""
        letters = argv[0][1:]
        before = dict(self._values)
        for at, letter in enumerate(letters):
            option = self._by_name.get(f"-{letter}")
            value = letters[at + 1 :]
            if option is None or (self._has_long_names and not value.startswith("-")):
                break
            if option.kind is OptionKind.FLAG:
                if not self._keep_flag(option, is_given=f"-{letter}" != option.opposite):
                    break
                if not value:
                    return 1
                continue
            if not value:
                taken = self._named(f"-{letter}", argv, place)
            else:
                # some take the sign as a part of the value, some do not
                is_one = not value.startswith("=") and option.arity == 1
                taken = int(is_one and self._keep(option, (value,)))
            if taken:
                return taken
            break
        self._values = before
        return 0

    def _keep_flag(self, option: Option, *, is_given: bool) -> bool:
        earlier = self._values.get(option.key)
        if earlier is None:
            return self._put(option, value=is_given)
        times = 1 if earlier is True else int(earlier) if isinstance(earlier, str) else 0
        if not (option.is_repeated and is_given and times) or times >= _MOST_TIMES:
            return False
        return self._put(option, value=str(times + 1))

    def _keep(self, option: Option, values: Sequence[str]) -> bool:
        earlier = self._values.get(option.key)
        if option.takes_several or (len(values) > 1 and not option.is_repeated):
            return earlier is None and self._put(option, value=tuple(values))
        if option.is_repeated and not option.is_joined:
            before = earlier if isinstance(earlier, tuple) else ()
            return self._put(option, value=(*before, *values))
        return earlier is None and self._put(option, value=values[0])

    def _put(self, option: Option, *, value: Value) -> bool:
        self._values[option.key] = value
        return True

    def _placed(self) -> dict[str, Value]:
        """Return the words by the positional arguments that they are for: required ones first."""
        placed: dict[str, Value] = {}
        words = list(self._words)
        required = sum(one.is_required for one in self.positional)
        spare = max(len(words) - required, 0)
        for argument in self.positional:
            count = int(argument.is_required)
            if argument.is_repeated:
                count, spare = count + spare, 0
            elif spare and not count:
                count, spare = 1, spare - 1
            taken, words = words[:count], words[count:]
            if taken:
                placed[argument.key] = tuple(taken) if argument.is_repeated else taken[0]
        return placed
