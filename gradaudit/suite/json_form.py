"""What the JSON Schema of the suite file says of a value that a function of ours reads."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True, eq=False)
class JsonForm:
    """As ``WithJsonSchema`` of pydantic, but every field gets a schema of its own.

    Up to pydantic 2.10 all fields of a type share one: the default of one stands in all of them, required ones too.
    """

    schema: Mapping[str, object]

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return deepcopy(dict(self.schema))
