"""The recipe of a run: everything that decides its records except the sources.

A recipe has a digest, and each field has a fingerprint of everything that decides its questions and how their
answers are used. As long as the fingerprint is the same, the field's values remain valid. The order of
fields, comments and most docstrings don't affect it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property

from extractor.document import Json
from extractor.llm.call import Profile, Usage
from extractor.llm.prices import Price
from extractor.schema.card import card_fields
from extractor.schema.loading import Prompts, Schema, digest
from extractor.schema.shape import Field, Leaf

# The version of what the stages do to a text and an answer. Increment it if the same replies give other
# records.
ENGINE = 2
# The version of the rules for the card. Increment it if a text gives another card: then the lines of earlier
# runs are written again, with all their values kept and nothing asked. No field's fingerprint depends on it.
CARD = 1


@dataclass(frozen=True)
class Recipe:
    """Schema, prompts, model, and how the model is asked. `model` is its name in requests."""

    schema: Schema
    model: str
    profile: Profile
    price: Price | None = None

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits that differ whenever records could."""
        expected = {field.name: repr(field.expects) for field in self.schema.fields}
        return digest(json.dumps([self.fields, expected, CARD], sort_keys=True))[:12]

    @cached_property
    def fields(self) -> dict[str, str]:
        """The fingerprint of each field: 8 hexadecimal digits that differ whenever its values could."""
        return {field.name: self._fingerprint(field, field.name) for field in self.schema.fields}

    @cached_property
    def card(self) -> tuple[Field, ...]:
        """The parts of the document's card that the model is asked for: all if it is asked in a shared question.

        A question for the card alone would send every passage twice.
        """
        groups = [field.group for field in self.schema.fields if field.group]
        is_shared = self.profile.style == "read" and self.profile.combine and bool(groups)
        return card_fields(groups[0]) if is_shared and groups[0] else ()

    @cached_property
    def renamed(self) -> dict[str, str]:
        """The fingerprint that each renamed field (`Was`) had under its former name, all else being equal."""
        return {field.name: self._fingerprint(field, field.was) for field in self.schema.fields if field.was}

    def _fingerprint(self, field: Field, name: str) -> str:
        words = _prompt_words(self.schema.prompts, field, name, self.profile)
        doc = field.item.__doc__ if self.profile.verify and field.item is not None else None
        meaning = [name, field_definition(field), words, doc, self.model, _non_default(self.profile), ENGINE]
        return digest(json.dumps(meaning, ensure_ascii=False, sort_keys=True))[:8]

    def cost(self, usage: Usage) -> float | None:
        """The cost of the usage in US dollars; None if no price is known."""
        return None if self.price is None else round(self.price.of(usage), 6)

    def to_json(self) -> Json:
        """Everything that the recipe consists of, for the run log."""
        return {
            "digest": self.digest,
            "schema": self.schema.name,
            "fields": {
                field.name: {"fingerprint": self.fields[field.name], **field_definition(field)}
                for field in self.schema.fields
            },
            "prompts": digest("\0".join(sorted(_templates(self.schema.prompts))))[:12],
            "model": self.model,
            "profile": asdict(self.profile),
            "engine": ENGINE,
            "card": CARD,
        }


def field_definition(field: Field) -> Json:
    """The parts of a field's definition that decide its questions and how their answers are used."""
    return {
        "description": field.description,
        "type": f"{'list of ' if field.many else ''}{field.item.__name__ if field.item else field.leaves[0].kind.name}",
        "most": field.max_items,
        "markers": _reprs(field.cue, field.unless, field.mood),
        # A field that is a single leaf is its own only part.
        "parts": {leaf.name if field.item else "": _leaf_definition(leaf) for leaf in field.leaves},
    }


def _non_default(profile: Profile) -> Json:
    """The settings that differ from their defaults, so that an unused new setting changes no fingerprint."""
    default = asdict(Profile())
    settings = {name: value for name, value in asdict(profile).items() if value != default[name]}
    if profile.style == "read":
        settings.pop("output", None)  # a longer answer is the same answer, whole
    return settings


def _leaf_definition(leaf: Leaf) -> Json:
    shown = leaf.shown and [leaf.shown.otherwise, leaf.shown.patterns, *([leaf.shown.also] if leaf.shown.also else [])]
    return {
        "description": leaf.description,
        "type": f"{'list of ' if leaf.many else ''}{leaf.kind.name}{' or null' if leaf.optional else ''}",
        "bounds": [leaf.longest, leaf.max_items],
        "choices": list(leaf.choices),
        "within": leaf.within,
        **({"for": "large models"} if leaf.large_model_only else {}),
        **({"changes to": leaf.changes_to} if leaf.changes_to else {}),
        "markers": [
            *_reprs(leaf.cue, leaf.beside, leaf.subject, leaf.period, leaf.like, leaf.unit, leaf.own_date),
            *([repr(shown)] if shown else []),
        ],
    }


def _reprs(*markers: object) -> list[str]:
    return [repr(marker) for marker in markers if marker is not None]


def _prompt_words(prompts: Prompts, field: Field, name: str, profile: Profile) -> list[object]:
    """The prompts that a field is asked with; from the example, only its text and this field's answer."""
    if profile.style == "read":
        words: list[object] = [
            prompts.reading.template,
            prompts.fields.template,
            prompts.passage.template,
            prompts.guide_of(field) or None,
        ]
    else:
        words = [prompts.task.template, prompts.read.template, prompts.form.template]
    if profile.verify:
        words.append(prompts.verify.template)
    example = prompts.shown_example if profile.style == "read" else prompts.example
    if example is not None:
        words += [example.text, example.record.get(field.name, example.record.get(name))]
        words += [example.left_out] if example.left_out else []
    return words


def _templates(prompts: Prompts) -> list[str]:
    templates = (
        prompts.task,
        prompts.read,
        prompts.reading,
        prompts.fields,
        prompts.passage,
        prompts.form,
        prompts.verify,
    )
    return [*(template.template for template in templates), *prompts.guide.values()]
