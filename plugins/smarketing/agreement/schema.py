"""The form of the agreement as JSON Schema, so that editors complete it and check it.

The schema knows the form of each clause. How clauses fit together only ``read_agreement`` knows:
what the schema refuses is wrong, what it accepts may still be.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from smarketing.agreement.contract import Contract

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of one version's file, in the dialect of 2020-12."""
    schema = Contract.model_json_schema(schema_generator=_Readable)
    definitions: dict[str, Schema] = schema.pop("$defs")
    # a part with a target is one model for each unit, with a name that nobody would recognise
    nameless = {
        f"#/$defs/{name}": definitions.pop(name) for name in list(definitions) if "__" in name
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Agreement between marketing and sales",
        "$defs": definitions,
    }
    tidy: Schema = _tidy(whole, nameless)
    return tidy


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


class _Readable(GenerateJsonSchema):
    """Titles as people write them, and no trace of what stands for a clause that is not there."""

    def get_title_from_name(self, name: str) -> str:
        return name.replace("_", " ").strip().capitalize()

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model = super().model_schema(schema)
        words = re.findall("[A-Z][a-z]*", schema["cls"].__name__.partition("[")[0])
        return model | {"title": " ".join(words).capitalize()}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        # who has nothing to say leaves the clause out: a key with nothing after it is refused
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") in (None, (), {}):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        # the one number with a default is a share
        return f"{dft * 100:f}%" if isinstance(dft, Decimal) else super().encode_default(dft)


def _tidy(value: Any, nameless: dict[str, Schema]) -> Any:
    if isinstance(value, list):
        return [_tidy(each, nameless) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("$ref") in nameless:
        value = nameless[value["$ref"]]
    tidy = {key: _tidy(each, nameless) for key, each in value.items()}
    if isinstance(words := tidy.get("description"), str):
        tidy["description"] = " ".join(words.replace("``", "'").split())
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    return tidy
