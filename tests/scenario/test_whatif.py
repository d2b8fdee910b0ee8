"""What if: a change of the poverty line or of support, and what it does to the people who pay today."""
import pytest

pytestmark = pytest.mark.quick
NOW = ("--clock", "2026-11-23T09:00:00+07:00")
PLACES = "code,name,level,parent,valid_from\n24,Tỉnh A,province,,1997-01-01\n24101,Xã Một,commune,24,2025-07-01\n24102,Xã Hai,commune,24,2025-07-01\n"
LINE = ("--parameter", "poverty_line=2200000", "--from", "2027-01-01")


@pytest.fixture
def ready(data):
    data.ok("init")
    data.ok("place", "import", data.write("p.csv", PLACES))
    text = "person_id,event,event_date,place_code,income,group\n" + "".join(
        f"02418000{n:04d},{event},{day},{place},{income},{group}\n" for n, event, day, place, income, group in [
            (1, "new", "2026-01-05", "24101", 1500000, "poor"), (2, "new", "2026-01-05", "24101", 3000000, ""),
            (3, "new", "2026-01-05", "24102", 2000000, ""), (4, "new", "2026-01-05", "24102", 1500000, ""),
            (4, "lapsed", "2026-02-05", "24102", "", ""), (5, "new", "2026-01-05", "24102", 1500000, "")])
    assert data.json(*NOW, "enrolment", "import", data.write("e.csv", text))["rejected"] == 0
    return data


def test_a_higher_poverty_line(ready):
    told = ready.json(*NOW, "whatif", *LINE)
    groups = {row["group"]: row for row in told["groups"]}
    # domain figures without the local layer, which ended with 2025
    assert [(groups[g]["contribution_before"], groups[g]["contribution_after"], groups[g]["pay_before"], groups[g]["pay_after"])
            for g in ("poor", "near_poor", "ethnic_minority", "other")] == [
        (330000, 484000, 165000, 242000), (330000, 484000, 198000, 290400), (330000, 484000, 231000, 338800), (330000, 484000, 264000, 387200)]
    places = {row["place_code"]: row for row in told["places"]}
    assert (places["24101"]["participants"], places["24101"]["below_floor"]) == (2, 1)
    assert (places["24102"]["participants"], places["24102"]["below_floor"]) == (2, 2)  # who lapsed is not counted
    # 165,000 -> 242,000: 1 - (165/242)^0.3; who chose 3,000,000 pays less, for the support rises
    assert places["24101"]["middle"] == pytest.approx(1 - (165 / 242) ** 0.3) and places["24101"]["paying_more"] == 1
    assert places["24102"]["high"] == pytest.approx(2 - (374 / 387.2) ** 0.6 - (264 / 387.2) ** 0.6)
    assert {(row["income"], row["floor"]) for row in told["people"]} == {(1500000, 2200000), (2000000, 2200000)}
    assert told["sum"]["below_floor"] == 3 and "2026-11-23" == told["assumption"]["from"]
    assert ready.json(*NOW, "whatif", *LINE) == told
    assert "Xã Hai" in ready.ok(*NOW, "whatif", *LINE, "--people").out


def test_changes_of_support(ready):
    told = ready.json(*NOW, "whatif", "--parameter", "central.other=30", "--parameter", "local.province=10", "--from", "2027-01-01")
    other = [row for row in told["groups"] if row["group"] == "other"][0]
    assert (other["pay_before"], other["pay_after"]) == (264000, 330000 - 99000 - 33000)
    assert all(row["low"] == row["high"] == 0 for row in told["places"])
    less = ready.json(*NOW, "whatif", "--parameter", "central.other=0", "--from", "2027-01-01")
    assert less["sum"]["paying_more"] == 3 and 0 < less["sum"]["low"] < less["sum"]["middle"] < less["sum"]["high"]


@pytest.mark.parametrize("change", ["poverty_line", "poverty_line=-1", "central=20", "central.rich=20", "local.province=101", "r=1"])
def test_bad_changes(ready, change):
    told = ready.run(*NOW, "whatif", "--parameter", change, "--from", "2027-01-01")
    assert told.code == 1 and told.err


def test_a_bad_assumption_names_the_field(ready):
    path = ready.write("l.json", '{"lapse": {"from": "2026-01-01", "source": "s",\n "low": 0.3, "middle": 0.1, "high": 1}}')
    told = ready.run(*NOW, "whatif", *LINE, "--assumption", path)
    assert told.code == 1 and "l.json:2" in told.err and "lapse" in told.err
