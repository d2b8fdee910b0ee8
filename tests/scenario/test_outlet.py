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
