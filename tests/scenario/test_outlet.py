"""Outlets from a file: what is taken and refused, undone, asked for; languages nobody recorded."""
import pytest

pytestmark = pytest.mark.quick
HEAD = "code,name,kind,owner,place_code,coverage,households,windows,minutes_per_day,device,channel,languages\n"


@pytest.fixture
def loud(data):
    data.ok("init")
    data.ok("place", "import", data.write("p.csv", "code,name,level,parent,valid_from\n24,Tỉnh Bắc Ninh,province,,2025-07-01\n"
                                                   "07450,Xã Lục Ngạn,commune,24,2025-07-01\n07500,Xã Yên Thế,commune,24,2025-07-01\n"))
    data.ok("channel", "apply", data.write("loa.json", {"name": "loa", "plugin": "loudspeaker", "options": {}}))
    return data


def test_import_refuses_with_line_and_field(loud):
    rows = ["A,Trạm A,station,commune,07450,,1200,mo-su 05:00-05:30,45,device:1,loa,nut; vi",
            "B,Trạm B,station,commune,07500,,900,,45,,loa,vi",
            "C,Trạm C,station,commune,07500,,900,mo-su 04:30-05:00,45,,loa,vi",
            "D,Trạm D,station,commune,07500,,900,mo-su 06:00-06:30,45,device:1,loa,vi",
            "E,Trạm E,station,commune,99999,,900,mo-su 06:00-06:30,45,,loa,vi"]
    file = loud.write("o.csv", HEAD + "\n".join(rows) + "\n")
    told = loud.json("outlet", "import", file, "--rejects", loud.path("r.csv"))
    assert (told["added"], told["rejected"]) == (1, 4)
    with open(loud.path("r.csv"), encoding="utf-8-sig") as rejects:
        lines = rejects.read()
    for part in ('3,"windows"', '4,"windows"', '5,"device"', '6,"place_code"'):
        assert part in lines, lines
    assert loud.json("outlet", "import", file)["unchanged"] == 1
    assert loud.json("outlet", "reach", "--place", "Lục Ngạn") == {"outlets": 1, "households": 1200, "estimate": True}
    told = loud.run("outlet", "list", "--where", "kind = 'horn'")
    assert told.code == 1 and "column 8" in told.err
    told = loud.run("material", "approve", "moi")
    assert told.code == 1 and "no material" in told.err and "not recorded in nut, which 1 outlets prefer" in told.out
    assert loud.json("outlet", "undo", "2")["deleted"] == 1
    assert loud.json("outlet", "list")["rows"] == []


def devices(loud):
    return {row["code"]: row["device"] for row in loud.json("outlet", "list")["rows"]}


def test_outlets_that_swap_devices_in_one_file_are_taken(loud):
    """A swap, a circle of three, a device handed on down a chain, and those that nobody makes room for."""
    def rows(**wanted):
        text = HEAD + "".join(f"{code},Trạm {code},station,commune,07450,,900,mo-su 06:00-06:30,45,{device},loa,vi\n" for code, device in wanted.items())
        return loud.write("swap.csv", text)

    first = {"A": "d1", "B": "d2", "C": "d3", "D": "d4", "E": "d5", "F": "d6"}
    assert loud.json("outlet", "import", rows(**first))["added"] == 6
    swapped = {"A": "d2", "B": "d1", "C": "d4", "D": "d5", "E": "d3"}
    assert loud.json("outlet", "import", rows(**swapped), "--dry-run")["updated"] == 5 and devices(loud) == first
    assert loud.json("outlet", "import", rows(**swapped))["updated"] == 5
    assert devices(loud) == {**swapped, "F": "d6"}
    assert loud.json("outlet", "import", rows(**swapped))["unchanged"] == 5
    chain = {"A": "d1", "B": "d3", "E": "d5", "D": "d9"}  # each takes what the next one gives up
    assert loud.json("outlet", "import", rows(**chain))["updated"] == 4
    assert devices(loud) == {**chain, "C": "d4", "F": "d6"}
    told = loud.json("outlet", "import", rows(A="d4", C="d6", G="d1", B="d5", E="d5"), "--rejects", loud.path("r.csv"))  # F keeps d6: all of them stay
    assert (told["added"], told["updated"], told["unchanged"], told["rejected"]) == (0, 0, 1, 4), told
    with open(loud.path("r.csv"), encoding="utf-8-sig") as rejects:
        lines = rejects.read()
    assert all(f'{line},"device"' in lines and f"outlet {code} has" in lines for line, code in ((2, "C"), (3, "F"), (4, "A"), (5, "E"))), lines
    assert devices(loud) == {**chain, "C": "d4", "F": "d6"}
    batches = [row["batch"] for row in loud.json("contact", "imports")["rows"] if row["kind"] == "outlet" and row["updated"]]
    for batch in sorted(batches, reverse=True):
        loud.ok("outlet", "undo", str(batch))
    assert devices(loud) == first
