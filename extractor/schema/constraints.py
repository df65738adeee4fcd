"""What a schema says that would lose answers: constraints that a true value may break, and units that none has.

An answer is paid for before a record is made of it, so whatever pydantic itself would reject or leave out is
refused when the schema is loaded. Validators that the author writes are allowed: `extractor.pipeline.validate`
leaves out what they refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from extractor.lang.quantities import parse_quantity
from extractor.markers import Unit
from extractor.schema.kinds import Kind

# Modules of pydantic whose marks check or change nothing by a rule of their own: the author's functions do.
_BY_THE_AUTHOR = ("pydantic.functional_validators", "pydantic.functional_serializers", "pydantic.json_schema")
# Values of constraints that reject nothing the engine writes, though they are set.
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "min_length": (None, 0),
    "strip_whitespace": (None, True, False),
    "coerce_numbers_to_str": (None, True, False),
    "fail_fast": (None, True, False),
    "strict": (None, False),
}
# Those of them that pydantic can apply to strings only: any other value would be refused.
_OF_STRINGS = ("strip_whitespace", "coerce_numbers_to_str")
# Settings of a model (`model_config`) that reject values or change all of them, with those that do neither.
_CONFIG: dict[str, tuple[Any, ...]] = {
    "str_max_length": (None,),
    "str_min_length": (None, 0),
    "str_to_lower": (None, False),
    "str_to_upper": (None, False),
    "strict": (None, False),
}


def complaint_about_field(info: FieldInfo, marks: Sequence[Any]) -> str | None:
    """Why a field would lose answers, as the rest of a sentence that begins with its name; None if it would not.

    `marks` are all its markers, at every level of its type.
    """
    inside = [mark for mark in marks if isinstance(mark, FieldInfo)]
    for one in (info, *inside):
        alias = one.alias or one.validation_alias
        if alias:
            rename = f"Name the field {alias!r}, or delete" if isinstance(alias, str) else "Delete"
            lost = "under which no record is written, so its value would be lost"
            return f"has the alias {alias!r}, {lost}. {rename} the alias."
        for setting in ("exclude", "exclude_if"):
            if getattr(one, setting, None):
                return (
                    f"has {setting}, so its value would be asked for and then left out. Delete the field, or {setting}."
                )
    for mark in (*marks, *(inner for one in inside for inner in one.metadata)):
        limits = _limits(mark)
        if limits:
            return (
                f"has {', '.join(limits)}. A true value of a text may break that, and its answer would be paid for and "
                f"lost. Delete it. {_INSTEAD}"
            )
    if name := _setting_of_strings(info.annotation, info.metadata):
        return f"has {name}, which is for strings only, so every value would be paid for and lost. Delete it."
    return None


def _setting_of_strings(annotation: Any, marks: Sequence[Any]) -> str | None:
    """A setting that pydantic can apply to strings only, on something else; None if there is none."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _setting_of_strings(arguments[0], [*marks, *arguments[1:]])
    if origin in (Union, UnionType):
        return next(filter(None, (_setting_of_strings(one, marks) for one in arguments if one is not NoneType)), None)
    if annotation is str or origin is Literal:
        return None
    given = [inner for mark in marks for inner in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]
    named = [name for mark in given for name in _OF_STRINGS if getattr(mark, name, None) is not None]
    return next(iter(named), None) or next(filter(None, (_setting_of_strings(one, ()) for one in arguments)), None)


_INSTEAD = (
    "To limit what counts, say so in the description, or use a marker: Cue (words beside it), Like (its own words), "
    "Unit (of a number), Most (how many a model lists in one answer). To check values, do so after the run, or write "
    "a validator, which leaves out the one value that it refuses."
)


def complaint_about_model(model: type[BaseModel]) -> str | None:
    """Why the settings of a model would lose answers, as the rest of a sentence; None if they would not."""
    if issubclass(model, RootModel):
        return "is a RootModel, but a record has fields. Make it a BaseModel with a field for what it holds."
    for setting, harmless in _CONFIG.items():
        value = model.model_config.get(setting)
        if value not in harmless:
            return (
                f"sets {setting}={value!r} in its model_config. A true value of a text may break that or "
                f"be changed by it, after its answer was paid for. Delete it. {_INSTEAD}"
            )
    return None


def complaint_about_unit(unit: Unit, kind: Kind) -> str | None:
    """Why no number can ever match a Unit, as the rest of a sentence; None if one can."""
    if kind.reads != "number":
        return f"has Unit, but it is no number ({kind}). Delete it, or make the field a Quantity."
    if not unit.names:
        return 'has Unit() without a unit, so no number would count. Name one: Unit("元").'
    for name in unit.names:
        number = parse_quantity(f"3{name}")
        read = (number.unit or "") if number is not None else ""
        if read == name:
            continue
        problem = (
            f"the engine reads 3{name} as {number.number} {read}"
            if number and read
            else "the engine knows no such unit"
        )
        advice = f'Write Unit("{read}")' if read else 'Write a unit that it knows, or Unit("") for numbers without one'
        return f'has Unit("{name}"), which no number matches: {problem}. {advice}.'
    return None


def _limits(mark: Any) -> list[str]:
    """The constraints of a mark as the author writes them, `max_length=3`; none if it holds no constraint."""
    kind = mark if isinstance(mark, type) else type(mark)
    if kind is FieldInfo or kind.__module__.partition(".")[0] not in ("annotated_types", "pydantic"):
        return []
    if kind.__module__ in _BY_THE_AUTHOR and kind.__name__ != "InstanceOf":
        return []
    if kind is mark:
        return [kind.__name__]
    names = mark.__dataclass_fields__ if is_dataclass(mark) else vars(mark)
    named = {name: getattr(mark, name) for name in names}
    # A function is named better by the mark itself: Predicate(str.islower).
    if not named or any(map(callable, named.values())):
        return [repr(mark)]
    return [f"{name}={value!r}" for name, value in named.items() if value not in _HARMLESS.get(name, (None,))]
