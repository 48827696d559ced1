"""Validates documents with the reference implementation of JSON Schema."""

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from judge import run


def validate(schema, document):
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)
    return True


def verdicts(schema, documents):
    """Which of many documents are valid, in their order: one process for all of them."""
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [validator.is_valid(document) for document in documents]


run({"validate": validate, "verdicts": verdicts}, ValidationError)
