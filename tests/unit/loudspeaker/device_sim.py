"""A loudspeaker that fetches: its own clock, its own store, a link that can be cut. Time is the test's: play_until() jumps."""
import hashlib
import hmac
import http.client
import json
import secrets
import ssl

from loud_rig import at, millis


class Device:
    def __init__(self, port, name, key, clock_ms=0, trust=None):
        self.port, self.name, self.key = port, name, key
        self.trust = trust            # certificates for TLS; True: those of the system; None: no TLS
        self.clock_ms = clock_ms      # how wrong its clock is: its time minus the true time
        self.offset_ms = None         # what it knows of that, from the plan
        self.plan, self.store, self.records, self.begun = None, {}, [], set()

    # --- the wire ---
    def request(self, method, path, body=b"", headers=None, key=None, timeout=30):
        nonce = secrets.token_hex(12)
        proof = f"{method}\n{path}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        mac = hmac.new((key or self.key).encode(), proof.encode(), "sha256").hexdigest()
        if self.trust:
            context = ssl.create_default_context(cafile=None if self.trust is True else self.trust)
            link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)
        else:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            link.request(method, path, body or None, {"Authorization": f"Lantoa {self.name} {nonce} {mac}", **(headers or {})})
            answer = link.getresponse()
            content = answer.read()
        finally:
            link.close()
        signature = answer.getheader("Lantoa-Signature")
        if signature:
            assert signature == hmac.new(self.key.encode(), nonce.encode() + b"\n" + content, "sha256").hexdigest(), "the answer is signed"
        return answer, content, nonce

    def fetch(self, true_ms):
        """The plan and all its files."""
        answer, content, nonce = self.request("GET", f"/device/{self.name}/plan")
        assert answer.status == 200, content
        plan = json.loads(content)
        assert plan["device"] == self.name and plan["nonce"] == nonce and answer.getheader("Lantoa-Signature")
        self.offset_ms = true_ms + self.clock_ms - plan["server_time_ms"]
        self.plan = plan
        for item in plan["items"]:
            audio = item["audio"]
            if audio["name"] not in self.store:
                answer, content, _ = self.request("GET", audio["path"])
                assert answer.status == 200 and hashlib.sha256(content).hexdigest() == audio["sha256"] and len(content) == audio["bytes"]
                self.store[audio["name"]] = content
        return plan

    # --- playing, by the corrected clock ---
    def play_until(self, from_ms, true_ms):
        """All that its plan has between these true times; a plan that is too old is silent."""
        if self.plan is None or from_ms > millis(self.plan["valid_until"]):
            return
        for item in sorted(self.plan["items"], key=lambda item: item["start_ms"]):
            if item["key"] in self.begun or item["start_ms"] > true_ms:
                continue
            self.begun.add(item["key"])
            begins = max(item["start_ms"], from_ms)
            if begins > item["ends_ms"]:
                self.records.append({"key": item["key"], "result": "expired"})
                continue
            assert item["audio"]["name"] in self.store
            self.records.append({"key": item["key"], "result": "played", "start": at(0, begins + self.clock_ms),
                                 "end": at(0, begins + self.clock_ms + item["length_ms"]), "played_ms": item["length_ms"],
                                 **({"offset_ms": self.offset_ms} if self.offset_ms is not None else {})})

    def upload(self, true_ms, records=None, timeout=30):
        body = json.dumps({"clock": at(0, true_ms + self.clock_ms), "records": self.records if records is None else records}).encode()
        answer, content, _ = self.request("POST", f"/device/{self.name}/asrun", body, timeout=timeout)
        return answer.status, json.loads(content)
