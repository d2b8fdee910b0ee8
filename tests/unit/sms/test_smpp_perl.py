"""The SMPP plugin against Net::SMPP, a second implementation by others: raw octets, text receipts, ids in two forms."""
import pytest

from sms_rig import PEERS, rig, smsc

PERL = ("perl", PEERS / "smsc-perl.pl")

pytestmark = pytest.mark.needs("perl:Net::SMPP")


def test_texts_and_receipts(tmp_path):
    with smsc(tmp_path, program=PERL) as peer:
        numbers = [word for digit in (0, 1, 2) for word in ("--to", f"+8490000000{digit}")]
        run = rig(tmp_path, *numbers, "--count", 3, "--text", "Đăng ký [BHXH]", "--serve", 2000, port=peer.port)
        assert run.totals["sent"] == 3
        assert {row["octets"] for row in peer.rows()} == {"Đăng ký [BHXH]".encode("utf-16-be").hex()}
        assert {row["coding"] for row in peer.rows()} == {8}
        keys = {row["to"]: (row["key"], row["ref"]) for row in run.results}
        assert {row["address"]: (row["key"], row["ref"]) for row in run.events} == keys
        assert [row["ack"] for row in peer.rows("ack")] == [0, 0, 0] and peer.rows("unbind")


def test_seven_bit_octets_with_extension(tmp_path):
    with smsc(tmp_path, program=PERL) as peer:
        run = rig(tmp_path, "--to", "+84900000000", "--count", 1, "--text", "[QC] @à€", "--serve", 500, port=peer.port, validity="26h")
        assert run.totals["sent"] == 1
        row, = peer.rows()
        assert (row["coding"], row["octets"]) == (0, "1b3c51431b3e20007f1b65")
        assert row["validity"] == "000001020000000R"


def test_header_of_a_long_text(tmp_path):
    with smsc(tmp_path, program=PERL) as peer:
        run = rig(tmp_path, "--to", "+84900000000", "--count", 1, "--text", "a" * 300, "--serve", 1000, port=peer.port)
        assert run.totals["sent"] == 1 and len(run.events) == 1
        first, second = peer.rows()
        assert first["esm"] & 0x40 and first["octets"].startswith("050003") and first["octets"][8:12] == "0201"
        assert second["octets"][8:12] == "0202" and second["octets"][6:8] == first["octets"][6:8]
        assert len(first["octets"]) == 2 * (6 + 153) and len(second["octets"]) == 2 * (6 + 147)


def test_refused_login(tmp_path):
    with smsc(tmp_path, program=PERL) as peer:
        run = rig(tmp_path, "--count", 1, port=peer.port, password="wrong", reconnect="100ms")
        assert "ESME_RINVPASWD" in run.totals["failed"]
