"""The messages in the words of docs/protocol.md: each field, its type and whether it must be there."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect as types

from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted, End
from tests.wire.samples import REPLIES, REQUESTS, may_be_unset


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a field table: its first three columns."""

    name: str
    type: str
    there: str


def heading(form: type[msgspec.Struct]) -> str:
    """How the document calls a message."""
    if issubclass(form, m.Request):
        return f"`{form.command}` of version {form.protocol}"
    if issubclass(form, m.Reply):
        return f"{form.__name__}: `{form.status}`"
    return form.__name__


def documented() -> dict[str, type[msgspec.Struct]]:
    """Every shape that needs its place in the document, by its heading."""
    forms: list[type[msgspec.Struct]] = [*REQUESTS, *REPLIES, End, Aborted]
    for form in forms:
        forms += [inner for inner in _inner(types.type_info(form)) if inner not in forms]
    return {heading(form): form for form in forms}


def _inner(info: Any) -> list[type[msgspec.Struct]]:
    fields = [field.type for field in info.fields]
    items = [getattr(kind, "item_type", kind) for kind in fields]
    return [item.cls for item in items if isinstance(item, types.StructType)]


def rows(form: type[msgspec.Struct]) -> list[Row]:
    """The fields of a shape."""
    info = types.type_info(form)
    assert isinstance(info, types.StructType)
    sent = issubclass(form, m.Reply) or form in _IN_REPLIES
    return [
        Row(f"`{field.encode_name}`", _words(field.type), _there(field, form, sent)) for field in info.fields
    ]


_IN_REPLIES = (m.Limits, m.ListedFile, m.VersionInfo, m.UploadInfo, m.PutResult, m.GetResult)


def _there(field: types.Field, form: type[msgspec.Struct], sent: bool) -> str:
    """Requests: yes, no, or what stands for it when left out. Replies: always or sometimes."""
    if sent:
        left_out = may_be_unset(field) or (form.__struct_config__.omit_defaults and not field.required)
        return "sometimes" if left_out else "always"
    if field.required:
        return "yes"
    if may_be_unset(field):
        return "no"
    default = [] if field.default is msgspec.NODEFAULT else field.default
    return f"`{json.dumps(default)}`"


def _words(info: Any) -> str:
    return _WORDS[type(info)](info)


def _whole(info: types.IntType) -> str:
    if (info.ge, info.le) == (0, 2**53 - 1):
        return "size"
    if info.ge is None:
        return "whole number"
    return f"{info.ge} to {info.le}" if info.le is not None else f"{info.ge} or more"


_TEXTS = {
    str(words.pattern): name
    for words, name in (
        (types.type_info(m.Digest), "digest"),
        (types.type_info(m.UploadId), "upload id"),
        (types.type_info(m.Conflicts), "`keep-both` or `replace`"),
    )
    if isinstance(words, types.StrType)
}

_WORDS: dict[type[Any], Callable[[Any], str]] = {
    types.Metadata: lambda info: _words(info.type),
    types.StructType: lambda info: str(info.cls.__name__),
    types.ListType: lambda info: f"list of {_words(info.item_type)}",
    types.UnionType: lambda info: " or ".join(_words(member) for member in info.types),
    types.IntType: _whole,
    types.StrType: lambda info: _TEXTS.get(info.pattern, "text"),
    types.FloatType: lambda _: "seconds",
    types.BoolType: lambda _: "boolean",
    types.NoneType: lambda _: "null",
    types.AnyType: lambda _: "size",  # version 1's start_byte, whose check is the service's
}
