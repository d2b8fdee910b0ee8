"""sms-http and host->http against a gateway that does as it is told: what leaves, and how each answer is taken."""
import base64
import hashlib
import hmac
import json
import ssl
import subprocess
import time

import pytest
from http_rig import ROOT, channel, free_port, gateway

JSON = {"request": {"url": "{{base_url}}/send", "json": {"to": "{{number}}", "text": "{{text}}", "id": "{{key}}"}},
        "answer": [{"status": 200, "json": {"/code": ["0", 100]}, "outcome": "sent", "ref": "/id"},
                   {"json": {"/code": 5}, "outcome": "refused", "reason": "invalid_address", "detail": "/why"},
                   {"status": 429, "outcome": "retry", "reason": "throttled", "after_s": 7}],
        "no_match": "unknown"}


def declared(**changes):
    return {**JSON, **changes}


def test_a_message_leaves_as_declared_and_its_reference_comes_back(tmp_path):
    with gateway(lambda r: (200, {"code": 0, "id": "G-1"})) as gate, channel(tmp_path, JSON, base_url=gate.url) as sms:
        got = sms.sent("+84912345678", 'Bảo hiểm "xã hội"\n{{text}}', key="abc")
        assert (got["outcome"], got["ref"]) == ("sent", "G-1")
        assert gate.bodies() == [{"to": "84912345678", "text": 'Bảo hiểm "xã hội"\n{{text}}', "id": "abc"}]


def test_answers_are_taken_by_status_and_body(tmp_path):
    answers = [(200, {"code": 100}), (200, {"code": 5, "why": "khong co so"}), (429, "slow"), (200, "<html>"), (200, {"code": 9}), (500, "")]
    with gateway(lambda r: answers[len(gate.seen) - 1]) as gate, channel(tmp_path, JSON, base_url=gate.url) as sms:
        got = [sms.sent() for _ in answers]
        assert [row["outcome"] for row in got] == ["sent", "refused", "retry", "unknown", "unknown", "unknown"]
        assert (got[1]["reason"], got[1]["detail"]) == ("invalid_address", "khong co so")
        assert (got[2]["reason"], got[2]["after"]) == ("throttled", 7000)
        assert got[3]["detail"] == "the answer fits no rule of the declaration: HTTP 200: <html>"


def test_an_answer_that_fits_nothing_may_be_declared_safe_to_repeat(tmp_path):
    with gateway(lambda r: (500, "x")) as gate, channel(tmp_path, declared(no_match="retry"), base_url=gate.url) as sms:
        assert sms.sent()["outcome"] == "retry"


def test_what_has_not_left_is_tried_again_and_what_has_is_unknown(tmp_path):
    def answer(request):
        text = json.loads(request["body"])["text"]
        if text == "slow":
            time.sleep(1.5)
        if text == "huge":
            return 200, b"x" * (3 << 20)
        return None if text == "cut" else (200, {"code": 0})

    with gateway(answer) as gate, channel(tmp_path, JSON, base_url=gate.url, timeout="500ms") as sms:
        got = {text: sms.sent(text=text) for text in ("slow", "cut", "huge", "good")}
        assert {text: row["outcome"] for text, row in got.items()} == {"slow": "unknown", "cut": "unknown", "huge": "unknown", "good": "sent"}
        assert got["slow"]["reason"] == "timeout"
        assert len(gate.seen) == 4, "nothing is sent twice"
    folder = tmp_path / "closed"
    folder.mkdir()
    with channel(folder, JSON, base_url=f"http://127.0.0.1:{free_port()}") as sms:
        got = sms.sent()
        assert (got["outcome"], got["reason"]) == ("retry", "unreachable")


def test_a_kept_connection_that_dies_is_not_tried_again_behind_our_back(tmp_path):
    """The gateway takes the second message, then hangs up without a word: curl alone would send it a second time."""
    with gateway(lambda r: (200, {"code": 0}) if len(gate.seen) == 1 else None) as gate, \
            channel(tmp_path, JSON, base_url=gate.url, connections=1) as sms:
        assert sms.sent(text="one")["outcome"] == "sent"
        assert sms.sent(text="two")["outcome"] == "unknown"
        assert gate.seen[0]["peer"] == gate.seen[1]["peer"], "the connection was not used again, so this proves nothing"
        assert [body["text"] for body in gate.bodies()] == ["one", "two"]


def test_a_gateway_that_drops_repeated_keys_is_asked_again(tmp_path):
    with gateway(lambda r: None) as gate, channel(tmp_path, declared(idempotent=True), base_url=gate.url) as sms:
        assert sms.sent()["outcome"] == "retry"


def test_redirections_are_not_followed_and_other_servers_not_reached(tmp_path):
    with gateway(lambda r: (302, "", {"Location": "/elsewhere"})) as gate, channel(tmp_path, JSON, base_url=gate.url) as sms:
        assert sms.sent()["outcome"] == "unknown"
        assert len(gate.seen) == 1
    other = tmp_path / "other"
    other.mkdir()
    with gateway(lambda r: (200, {"code": 0})) as gate, channel(other, JSON, hosts=["sms.example.vn"], base_url=gate.url) as sms:
        assert sms.sent()["outcome"] == "retry"
        assert "not among" in sms.wait("state")[0]["why"]
        assert gate.seen == []


def test_no_proxy_of_the_environment_and_chunks(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    def answer(request):
        handler = request["handler"]
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (b'{"code"', b': 0, "id":', b' "c"}'):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")
        return "done"

    with gateway(answer) as gate, channel(tmp_path, JSON, base_url=gate.url) as sms:
        assert sms.sent()["ref"] == "c"


def test_certificates_are_checked(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=x",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    with gateway(lambda r: (200, {"code": 0}), tls=tls) as gate:
        for name, options, outcome in (("no", {}, "retry"), ("ca", {"tls_ca": str(cert)}, "sent"), ("off", {"tls_verify": False}, "sent")):
            (tmp_path / name).mkdir()
            with channel(tmp_path / name, JSON, base_url=gate.url, **options) as sms:
                assert sms.sent()["outcome"] == outcome, name


def test_many_messages_over_few_connections(tmp_path):
    with gateway(lambda r: (200, {"code": 0})) as gate, channel(tmp_path, JSON, base_url=gate.url, connections=4) as sms:
        sms.send(count=300)
        assert {row["outcome"] for row in sms.wait("id", 300)} == {"sent"}
        assert len({request["peer"] for request in gate.seen}) <= 4
        assert len({body["id"] for body in gate.bodies()}) == 300


def test_several_messages_in_one_request_each_with_its_own_end(tmp_path):
    made = {"request": {"url": "{{base_url}}/many", "max_batch": 10, "json": {"list": {"$each": {"to": "{{number}}", "id": "{{key}}"}}}},
            "answer": [{"status": 200, "json": {"/all": "bad"}, "outcome": "retry", "reason": "temporary"}],
            "items": {"at": "/results", "answer": [{"json": {"/ok": True}, "outcome": "sent", "ref": "/id"}, {"json": {"/ok": False}, "outcome": "refused"}]}}

    def answer(request):
        rows = json.loads(request["body"])["list"]
        return 200, {"results": [{"ok": not row["id"].endswith("3"), "id": row["id"]} for row in rows]}

    with gateway(answer) as gate, channel(tmp_path, made, base_url=gate.url, connections=1) as sms:
        sms.send(count=25)
        rows = {row["id"]: row for row in sms.wait("id", 25)}
        assert {number for number, row in rows.items() if row["outcome"] == "refused"} == {3, 13, 23}
        assert all(row["ref"].endswith(str(number)) for number, row in rows.items() if row["outcome"] == "sent")
        assert len(gate.seen) < 25 and max(len(body["list"]) for body in gate.bodies()) <= 10


def test_one_request_for_the_token_and_a_new_one_when_it_is_refused(tmp_path):
    made = declared(token={"request": {"url": "{{base_url}}/token", "form": {"client": "{{username}}", "secret": "{{password}}"}},
                           "token": "/access_token", "expires": "/expires_in"},
                    request={**JSON["request"], "auth": {"bearer": "{{token}}"}},
                    answer=[{"status": 401, "outcome": "token"}, *JSON["answer"]])
    tokens = []

    def answer(request):
        if request["path"] == "/token":
            time.sleep(0.2)
            tokens.append(f"t{len(tokens)}")
            return 200, {"access_token": tokens[-1], "expires_in": 3600}
        return (200, {"code": 0}) if request["headers"]["authorization"] == "Bearer t1" else (401, {})

    with gateway(answer) as gate, channel(tmp_path, made, base_url=gate.url, username="u", password="p") as sms:
        sms.send(count=8)
        assert {row["outcome"] for row in sms.wait("id", 8)} == {"retry"}
        assert len(tokens) == 1
        assert sms.sent()["outcome"] == "sent"
        assert len(tokens) == 2


def test_a_wrong_password_parks_the_channel_and_loses_no_message(tmp_path):
    made = declared(answer=[{"status": 403, "outcome": "stop", "reason": "login"}])
    with gateway(lambda r: (403, "Wrong password")) as gate, channel(tmp_path, made, base_url=gate.url, connections=2) as sms:
        sms.send(count=20)
        rows = sms.wait("id", 20)
        assert {row["outcome"] for row in rows} == {"retry", "not_sent"}
        assert sum(row["outcome"] == "retry" for row in rows) <= 4
        assert "Wrong password" in sms.wait("state")[0]["why"]


@pytest.mark.parametrize("change, why", [
    ({"request": {"url": "{{base_url}}", "json": {"to": "{{nummer}}"}}}, 'declared.json: field request.json.to: there is no field "nummer" here'),
    ({"request": {"url": "{{base_url}}", "query": {"a": "{{text|rot13}}"}}}, 'declared.json: field request.query.a: there is no filter "rot13"'),
    ({"request": {"url": "{{base_url}}/{{token}}"}}, 'field request.url: there is no field "token" here'),
    ({"anwser": []}, "field anwser: there is no such field in a declaration"),
    ({"answer": [{"outcome": "fine"}]}, "field answer[0]: outcome must be one of"),
    ({"answer": [{"regex": "(", "outcome": "sent"}]}, "field answer[0]: regex does not compile"),
    *(({"answer": [{"regex": regex, "outcome": "sent"}]}, "field answer[0]: regex is too long, or repeats too often")
      for regex in ("((((((((((a+)+)+)+)+)+)+)+)+)+)", "(a{200}){200}")),
    ({"no_match": "guess"}, "field no_match: must be retry or unknown"),
    ({"callbacks": {"kinds": [{"kind": "receipt", "map": {"1": "arrived"}}]}}, "map: must be one of delivered, failed, delayed, ignore")])
def test_a_declaration_with_a_fault_is_refused_by_file_and_field(tmp_path, change, why):
    with channel(tmp_path, declared(**change), base_url="http://127.0.0.1:1") as sms:
        assert why in sms.wait("state")[0]["why"]


def callbacks(signature):
    return declared(callbacks={"signature": signature, "kinds": [
        {"kind": "receipt", "items": "/results", "has": "{{json./status}}", "ref": "{{json./id}}", "status": "{{json./status}}",
         "map": {"D": "delivered", "U": "failed", "Q": "ignore"}, "reasons": {"U": "unreachable"}},
        {"kind": "inbound", "has": "{{json./text}}", "address": "{{json./from}}", "text": "{{json./text}}"}]})


def test_receipts_and_answers_are_believed_with_a_signature_only(tmp_path):
    secret = "bí mật"
    made = callbacks({"type": "hmac-sha256", "given": "{{header.x-signature}}", "prefix": "sha256=", "text": "{{body}}", "secret": "{{callback_secret}}"})
    body = json.dumps({"results": [{"id": "a", "status": "D"}, {"id": "b", "status": "U"}, {"id": "c", "status": "Q"}]})
    good = "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    with channel(tmp_path, made, base_url="http://127.0.0.1:1", callback_secret=secret) as sms:
        sms.wait("ready")
        assert sms.hook(1, body=body) == -14
        assert sms.hook(2, body=body, **{"x-signature": good[:-1] + "0"}) in (-14, 0) and sms.hook(3, body=body + " ", **{"x-signature": good}) == -14
        events = len(sms.of("event"))
        assert sms.hook(4, body=body, **{"x-signature": good}) == 0
        rows = sms.of("event")[events:]
        assert [(row["event"], row["ref"], row["reason"]) for row in rows] == [("delivered", "a", "none"), ("failed", "b", "unreachable")]
        assert "signature is wrong" in sms.log() and secret not in sms.log()


def test_a_plain_hash_with_a_time_limit(tmp_path):
    made = callbacks({"type": "sha256", "given": "{{header.x-zevent-signature}}", "prefix": "mac=", "within_s": 300,
                      "text": "{{username}}{{body}}{{json./timestamp}}{{callback_secret}}", "timestamp": "{{json./timestamp}}"})
    with channel(tmp_path, made, base_url="http://127.0.0.1:1", username="app", callback_secret="s") as sms:
        sms.wait("ready")
        for number, age, code in ((1, 10, 0), (2, 900, -14)):
            stamp = str(int((time.time() - age) * 1000))
            body = json.dumps({"timestamp": stamp, "from": "0912345678", "text": "TU CHOI"})
            mac = hashlib.sha256(f"app{body}{stamp}s".encode()).hexdigest()
            assert sms.hook(number, body=body, **{"x-zevent-signature": f"mac={mac}"}) == code
        assert [(row["event"], row["address"], row["detail"]) for row in sms.wait("event")] == [("inbound", "+84912345678", "TU CHOI")]


def test_call_backs_that_make_no_sense_are_refused_and_harm_nothing(tmp_path):
    made = callbacks({"type": "equal", "given": "{{query.s}}", "secret": "{{callback_secret}}"})
    with channel(tmp_path, made, base_url="http://127.0.0.1:1", callback_secret="s") as sms:
        sms.wait("ready")
        bodies = ["", "{", "[" * 5000, "null", '{"results": 5}', '{"results": [1, {"status": "?", "id": "x"}]}', "\x00\x01", "x" * (1 << 20)]
        codes = [sms.hook(number, query="s=s", body=body) for number, body in enumerate(bodies, 1)]
        assert set(codes) == {-1}
        assert sms.hook(99, query="s=s", body='{"results": [{"id": "unknown-to-all", "status": "D"}]}') == 0
        sms.say(hook=100, headers={":query": "s=s"}, body="x" * (5 << 20))
        assert sms.wait("done", 10)[-1] == {"done": 100, "code": -8}


def test_a_shared_secret_must_be_set_to_count(tmp_path):
    made = callbacks({"type": "equal", "given": "{{query.s}}", "secret": "{{callback_secret}}"})
    with channel(tmp_path, made, base_url="http://127.0.0.1:1") as sms:
        sms.wait("ready")
        assert sms.hook(1, query="s=", body='{"results": [{"id": "a", "status": "D"}]}') == -14


def test_registered_texts_accents_and_encodings(tmp_path):
    made = declared(request={"url": "{{base_url}}/t", "auth": {"basic": ["{{username}}", "x"]}, "json": {
        "template": "{{template_id}}", "params": "{{params|json}}", "b64": "{{text|base64}}", "hex": "{{text|hex_utf16be}}", "local": "{{local_number}}",
        "type": "{{extra.type|json}}", "unicode": "{{unicode}}"}})
    with gateway(lambda r: (200, {"code": 0})) as gate, \
            channel(tmp_path, made, base_url=gate.url, username="tok", extra='{"type": 3}', accents="strip") as sms:
        assert sms.sent("+84912345678", "Đã nhận", template_id="T1", params='[{"NUM": 1, "CONTENT": "Lan"}]')["outcome"] == "sent"
        assert sms.sent("+84912345678", "a", params="{broken")["outcome"] == "refused"
        assert sms.sent("not a number", "a")["reason"] == "invalid_address"
        assert gate.bodies() == [{"template": "T1", "params": [{"NUM": 1, "CONTENT": "Lan"}], "b64": base64.b64encode(b"Da nhan").decode(),
                                  "hex": "Da nhan".encode("utf-16-be").hex().upper(), "local": "0912345678", "type": 3, "unicode": "0"}]
        assert gate.seen[0]["headers"]["authorization"] == "Basic " + base64.b64encode(b"tok:x").decode()


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "channels").glob("*.json")), ids=lambda path: path.stem)
def test_the_declarations_that_come_along_can_be_loaded_and_send(tmp_path, path):
    with gateway(lambda r: (599, "?")) as gate, \
            channel(tmp_path, path, base_url=gate.url, username="u", password="p", api_key="k", api_secret="s", sender="BHXH",
                    callback_url="http://127.0.0.1:1/hook/sms", callback_secret="c", extra='{"sms_type": 2}') as sms:
        assert sms.sent("+84912345678", 'Kính "gửi" & <bạn>', params="[]")["outcome"] in ("unknown", "retry")
        assert len(gate.seen) == 1
