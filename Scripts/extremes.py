"""The ends of every number and time, sent to each field and parameter that openapi.json describes; for `Scripts/fuzz-api`.

No generator draws these often enough: one request per value and place, with everything else as in the examples.
"""

import http.client
import json
import urllib.parse

METHODS = ("get", "put", "post", "delete")
JSON = "application/json"
TIMEOUT = 20  # seconds; more than any answer takes on a busy machine

# As JSON has them: Python's numbers would be rounded, or could not be written.
NUMBERS = [
    "0", "-0", "-0.0", "-1", "0.5", "1e308", "-1e308", "1e999", "5e-324", "0." + "0" * 40 + "1", "1" + "0" * 40,
    "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
    "18446744073709551616", "9007199254740993", "NaN", "Infinity", "-Infinity", '"NaN"', '"9223372036854775807"', "true",
    "null", "[]", "{}",
]
TIMES = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0000-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z", "1733-01-01T00:00:00Z", "1677-09-21T00:12:43Z",
    "1735-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z",
    "1999-12-31T23:59:59Z", "2000-01-01T00:00:00Z", "2038-01-19T03:14:08Z", "2262-04-11T23:47:17Z",
    "2320-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2026-06-30T23:59:60+14:00", "2024-02-29T12:00:00-12:00",
    "2023-02-29T00:00:00Z", "2026-07-22T24:00:00Z", "2026-07-22T10:15:29." + "1" * 40 + "Z",
    "2026-07-22T10:15:29." + "9" * 40 + "+00:00", "2026-07-22T10:15:29-00:00", "2026-07-22T10:15:29+24:00",
    "2026-07-22t10:15:29z", "2026-07-22 10:15:29Z", "2026-07-22", "NaN", "", "-0001-01-01T00:00:00Z", "0", "1e308",
]
TEXTS = ["", "\0", "NaN", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), "+" + "9" * 70, "٣"]


class Silence(Exception):
    """The server closed a connection without an answer."""


def resolved(document, part):
    while "$ref" in part:
        value = document
        for name in part["$ref"].split("/")[1:]:
            value = value[name]
        part = value
    return part


def kinds(document, schema):
    """The types that a schema allows, and `date-time` where that is its format."""
    schema = resolved(document, schema)
    types = schema.get("type", [])
    found = {types} if isinstance(types, str) else set(types)
    found |= {schema["format"]} & {"date-time"} if "format" in schema else set()
    for alternative in schema.get("anyOf", []) + schema.get("oneOf", []) + schema.get("allOf", []):
        found |= kinds(document, alternative)
    return found


def places(document, schema, value, path=()):
    """The path of each number and time in a body such as `value`, with what can stand there; members it lacks, too."""
    schema = resolved(document, schema)
    if "properties" in schema:
        for name, part in schema["properties"].items():
            inner = value.get(name) if isinstance(value, dict) else None
            yield from places(document, part, inner, (*path, name))
        return
    if "items" in schema and isinstance(value, list) and value:
        yield from places(document, schema["items"], value[0], (*path, 0))
        return
    found = kinds(document, schema)
    if "date-time" in found:
        yield path, [json.dumps(time) for time in TIMES] + NUMBERS
    elif found & {"integer", "number"}:
        yield path, NUMBERS


def changed(value, path, token):
    """The JSON of `value` with `token`, which is JSON or should be refused as none, at `path`."""
    mark = "\u2603 here \u2603"
    value = json.loads(json.dumps(value if value is not None else {}))
    inner = value
    for index, name in enumerate(path[:-1]):
        if isinstance(inner, dict) and not isinstance(inner.get(name), (dict, list)):
            inner[name] = [{}] if path[index + 1] == 0 else {}
        inner = inner[name]
    inner[path[-1]] = mark
    return json.dumps(value).replace(json.dumps(mark), token)


def queries(document, parameter):
    """What to put into a parameter of the query, of the path or of the header."""
    plain = [number.strip('"') for number in NUMBERS]
    return plain + TIMES + TEXTS if parameter["in"] == "query" else plain + TIMES


def requests(document, left_out):
    """(method, path, headers, body) of every request, for the parameters' examples that `document` has.

    The operations `left_out`, by their ids, are not asked for.
    """
    for template, operations in document["paths"].items():
        for method in [name for name in METHODS if name in operations]:
            operation = operations[method]
            if operation["operationId"] in left_out:
                continue
            listed = operations.get("parameters", []) + operation.get("parameters", [])
            parameters = [resolved(document, parameter) for parameter in listed]
            known = {parameter["name"]: known_value(parameter) for parameter in parameters}
            body = operation.get("requestBody")
            content = resolved(document, body)["content"].get(JSON) if body else None
            example = content and example_of(content)
            text = json.dumps(example) if content else None

            def request(values, text=text):
                path = template
                for parameter in parameters:
                    if parameter["in"] == "path":
                        value = urllib.parse.quote(str(values[parameter["name"]]), safe="")
                        path = path.replace("{" + parameter["name"] + "}", value or "%20")
                query = urllib.parse.urlencode([
                    (parameter["name"], values[parameter["name"]]) for parameter in parameters
                    if parameter["in"] == "query" and values[parameter["name"]] is not None
                ])
                headers = {
                    parameter["name"]: values[parameter["name"]] for parameter in parameters
                    if parameter["in"] == "header" and parameter["name"] in values and values[parameter["name"]]
                }
                return method, path + ("?" + query if query else ""), headers, text

            for parameter in parameters:
                if parameter["name"] == "Idempotency-Key":
                    continue
                for value in queries(document, parameter):
                    values = {**known, "Idempotency-Key": None, parameter["name"]: value}
                    yield request(values)
            if content and method != "delete":
                for path, tokens in places(document, content["schema"], example):
                    for token in tokens if path else []:
                        yield request({**known, "Idempotency-Key": None}, changed(example, path, token))


def known_value(parameter):
    for example in parameter.get("examples", {}).values():
        return example["value"]
    if "example" in parameter:
        return parameter["example"]
    return None if not parameter.get("required") else "1"


def example_of(content):
    if "example" in content:
        return content["example"]
    return next(iter(content.get("examples", {"": {"value": {}}}).values()))["value"]


class Sender:
    """Sends requests over one connection for as long as the server keeps it open."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT)

    def send(self, key, method, path, headers, body):
        """The status of the answer.

        Raises Silence when there is none.
        """
        headers = {"x-api-key": key, **{name: str(value) for name, value in headers.items()}}
        if body is not None:
            headers.setdefault("Content-Type", JSON)
        is_reused = self.connection.sock is not None
        try:
            self.connection.request(method.upper(), path, body and body.encode(), headers)
            answer = self.connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            if is_reused:  # It may have been closed since the answer before; a server that has ended takes no new one.
                return self.send(key, method, path, headers, body)
            raise Silence(f"{method.upper()} {path} {str(body)[:300]}: {error}") from error


def uploads(owner, contact):
    """Files of messages whose times and numbers are extremes."""
    for value in TIMES + [number.strip('"') for number in NUMBERS]:
        rows = f"FromPhoneNumber,ToPhoneNumber,Content,SendTime(optional)\n{owner},{contact},At {value[:20]},{value}\n"
        form = "--B\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n"
        yield "post", "/v1/bulk-messages", {"Content-Type": "multipart/form-data; boundary=B"}, f"{form}\r\n{rows}\r\n--B--\r\n"


def reports(api, owner, contact):
    """What a phone says of messages that it was given, with extreme times; each of a message that it says nothing else of."""
    tokens = [json.dumps(time) for time in TIMES] + NUMBERS
    for name in ("SENT", "DELIVERED", "FAILED"):
        for token in tokens:
            message = api("POST", "/v1/messages/send", {"from": owner, "to": contact, "content": f"{name} {token[:30]}"})
            body = f'{{"event_name": "{name}", "timestamp": {token}}}'
            yield "post", f"/v1/messages/{message['id']}/events", {}, body


def read_all(api, owners):
    """Reads every list to its end, and what is in it one by one; how much there was.

    Raises an error when an answer is none of success.
    """
    count = 0

    def pages(path):
        nonlocal count
        separator = "&" if "?" in path else "?"
        for skip in range(0, 100_000, 100):
            rows = api("GET", f"{path}{separator}skip={skip}&limit=100")
            count += len(rows)
            yield from rows
            if len(rows) < 100:
                return

    for path in ("/v1/phones", "/v1/phone-api-keys", "/v1/messages/search"):
        for _ in pages(path):
            pass
    for path in ("/v1/users/me", "/v1/send-schedules", "/v1/bulk-messages", "/v1/event-types"):
        count += len(api("GET", path))
    for owner in owners:
        owner = urllib.parse.quote(owner)
        for _ in pages(f"/v1/heartbeats?owner={owner}"):
            pass
        for thread in pages(f"/v1/message-threads?owner={owner}"):
            contact = urllib.parse.quote(thread["contact"])
            for message in pages(f"/v1/messages?owner={owner}&contact={contact}"):
                api("GET", f"/v1/messages/{message['id']}")
    for webhook in pages("/v1/webhooks"):
        for delivery in api("GET", f"/v1/webhooks/{webhook['id']}/deliveries?limit=100"):
            api("GET", f"/v1/deliveries/{delivery['id']}")
    after, events = 0, True
    while events:
        events = api("GET", f"/v1/events?after={after}&limit=100")
        count += len(events)
        after = events[-1]["position"] if events else after
    return count
