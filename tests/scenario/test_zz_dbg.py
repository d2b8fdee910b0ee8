import sys; sys.path.insert(0,'/work/main/tests/scenario')
from test_real_peers import *
def test_dbg(data, made, node_server):
    names = ["unknown", "full", "grey1", "slow", "spam", "busy", "good1", "good2"]
    rows = [{"ref": name, "name": name, "email": f"{name}@example.com"} for name in names]
    made.init(email_channel(node_server.port, retry={"tries": 3, "first": "PT1S", "longest": "PT2S"}), contacts=rows + people(100))
    made.start(campaign())
    try: data.until_idle("--clock", f"{START},x100", seconds=25)
    except AssertionError as e: print(str(e)[-500:])
    for row in data.messages("c"):
        if row["address"].split("@")[0] in names or row["state"]!="accepted": print({k:row[k] for k in row if k in ("address","state","reason","detail","due","next","tries")})
    print(len(node_server.kept()))
    print(data.messages("c")[0])
    assert 0
