"""Every message there is, found by looking, and values for it made from its own types.

A message that somebody adds is round-tripped, walked and fuzzed without a line here.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from msgspec import inspect as types

from fileshare.wire import messages as m

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
T = TypeVar("T", bound=msgspec.Struct)


def _below(root: type[Any]) -> list[type[Any]]:
    found = [cls for child in root.__subclasses__() for cls in (child, *_below(child))]
    return [cls for cls in found if cls.__module__.startswith(f"{m.__name__}.")]


REQUESTS: list[type[m.Request]] = sorted(
    (cls for cls in _below(m.Request) if cls.command), key=lambda cls: (cls.protocol, cls.command)
)
REPLIES: list[type[m.Reply]] = sorted(_below(m.Reply), key=lambda cls: cls.__name__)
MESSAGES: list[type[msgspec.Struct]] = [*REQUESTS, *REPLIES]


def values(form: type[T]) -> st.SearchStrategy[T]:
    """Values of a struct, within the limits that its types state."""
    return _struct(types.type_info(form))


def sample(form: type[T]) -> T:
    """One value of a struct, the same each time: every field set, every list with one item."""
    made: T = _sample(types.type_info(form))
    return made


def _struct(info: Any) -> st.SearchStrategy[Any]:
    fields = {field.name: _field(field) for field in info.fields}
    return st.builds(info.cls, **fields)


def _field(field: types.Field) -> st.SearchStrategy[Any]:
    given = _any(field.type)
    return st.one_of(st.just(msgspec.UNSET), given) if may_be_unset(field) else given


def may_be_unset(field: types.Field) -> bool:
    """Whether the field may be missing altogether (`inspect` tells UNSET as no default at all)."""
    return not field.required and field.default is field.default_factory is msgspec.NODEFAULT


def _any(info: types.Type) -> st.SearchStrategy[Any]:
    return _STRATEGIES[type(info)](info)


def _text(info: Any) -> st.SearchStrategy[str]:
    if info.pattern is None:
        return TEXT
    return _PATTERNS[info.pattern] if info.pattern in _PATTERNS else st.from_regex(info.pattern)


_PATTERNS = {  # from_regex would find them too, a hundred times slower
    kind.pattern: strategy
    for kind, strategy in (
        (types.type_info(m.Digest), st.binary(min_size=32, max_size=32).map(lambda raw: raw.hex())),
        (types.type_info(m.UploadId), st.text("aZ0_-", min_size=16, max_size=64)),
    )
    if isinstance(kind, types.StrType)
}


def _integer(info: Any) -> st.SearchStrategy[int]:
    return st.integers(-(2**63) if info.ge is None else info.ge, 2**63 - 1 if info.le is None else info.le)


_STRATEGIES: dict[type[types.Type], Callable[[Any], st.SearchStrategy[Any]]] = {
    types.StructType: _struct,
    types.UnionType: lambda info: st.one_of([_any(member) for member in info.types]),
    types.ListType: lambda info: st.lists(_any(info.item_type), max_size=3),
    types.Metadata: lambda info: _any(info.type),
    types.StrType: _text,
    types.IntType: _integer,
    types.FloatType: lambda info: st.floats(info.ge, info.le, allow_nan=False, allow_infinity=False),
    types.BoolType: lambda _: st.booleans(),
    types.NoneType: lambda _: st.none(),
    types.AnyType: lambda _: st.one_of(st.integers(-(2**70), 2**70), st.none(), st.booleans(), TEXT),
}

_SAMPLES: dict[type[types.Type], Callable[[Any], Any]] = {
    types.StructType: lambda info: info.cls(**{field.name: _sample(field.type) for field in info.fields}),
    types.UnionType: lambda info: _sample(info.types[0]),
    types.ListType: lambda info: [_sample(info.item_type)],
    types.Metadata: lambda info: _sample(info.type),
    types.StrType: lambda info: "keep-both" if "keep" in (info.pattern or "") else "0" * 64,
    types.IntType: lambda _: 2,
    types.FloatType: lambda _: 5.25,
    types.BoolType: lambda _: True,
    types.NoneType: lambda _: None,
    types.AnyType: lambda _: 0,
}


def _sample(info: types.Type) -> Any:
    return _SAMPLES[type(info)](info)
