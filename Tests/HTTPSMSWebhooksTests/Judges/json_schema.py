"""Validates documents with the reference implementation of JSON Schema."""

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from judge import run


def validate(schema, document):
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)
    return True


run({"validate": validate}, ValidationError)
