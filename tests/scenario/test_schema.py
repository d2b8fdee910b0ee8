"""The published JSON Schemas agree with the parsers: the same cases that the parsers take or refuse (tests/unit/campaign/test_schema_cases.c)
are valid or not by the schema, and the example files are valid."""
import copy
import json
import os

import jsonschema
import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def load(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return json.load(file)


CASES = load("tests", "unit", "campaign", "data", "schema_cases.json")


def validator(kind):
    schema = load("config", "schema", kind + ".schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def changed(base, case):
    document = copy.deepcopy(base)
    place = document
    for part in case["at"][:-1]:
        place = place[part]
    if "value" in case:
        place[case["at"][-1]] = case["value"]
    else:
        del place[case["at"][-1]]
    return document


@pytest.mark.parametrize("kind", sorted(CASES))
def test_schema_and_parser_agree(kind):
    check = validator(kind)
    base = CASES[kind]["base"]
    assert [error.message for error in check.iter_errors(base)] == []
    for case in CASES[kind]["valid"]:
        assert [error.message for error in check.iter_errors(changed(base, case))] == [], case
    for case in CASES[kind]["broken"]:
        assert not check.is_valid(changed(base, case)), case


@pytest.mark.parametrize("kind,path", [("theme", "examples/theme.json"), ("campaign", "examples/campaign.json"), ("channel", "examples/channel-email.json"),
                                       ("channel", "examples/channel-outbox.json"), ("theme", "demo/theme.json"), ("campaign", "demo/campaign.json"),
                                       ("channel", "demo/channel-outbox.json"), ("channel", "demo/channel-sms-outbox.json"), ("channel", "demo/channel-email.example.json")])
def test_example_files_are_valid(kind, path):
    assert [error.message for error in validator(kind).iter_errors(load("config", *path.split("/")))] == []
