#!/usr/bin/python3
"""Verifies the DKIM signature of a mail with python3-dkim, the public key taken from the private one instead of DNS.

usage: dkim-verify.py MAIL.eml KEY.pem       prints pass or fail; exit 0 on pass
"""
import base64
import subprocess
import sys

import dkim


def record(key_file):
    """The DNS record that belongs to a private key (RSA or Ed25519, PEM)."""
    done = subprocess.run(["openssl", "pkey", "-in", key_file, "-pubout", "-outform", "DER"], check=True, capture_output=True)
    if b"\x2b\x65\x70" in done.stdout[:16]:  # Ed25519: DNS holds the bare 32 bytes (RFC 8463)
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(done.stdout[-32:])
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(done.stdout)


def verify(mail, key_file):
    text = record(key_file)
    return dkim.verify(mail, dnsfunc=lambda name, timeout=5: text)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        good = verify(file.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), sys.argv[2])
    print("pass" if good else "fail")
    sys.exit(0 if good else 1)
