"""Credit for enrolments, against the same rules written once more in Python."""
import datetime
import random

import pytest

from rig.build import campaign, outbox_channel, people, step

pytestmark = pytest.mark.quick
DAY = 86400000
NOW = ("--clock", "2026-12-28T09:00:00+07:00")
MODELS = ("last", "first", "any", "linear", "position", "decay", "shapley", "markov")


def ms(day, hour=8):
    return int(datetime.datetime(2026, 12, day, hour - 7, tzinfo=datetime.timezone.utc).timestamp() * 1000)


@pytest.fixture
def history(made, data):
    """Two campaigns over three channels with steps whose messages, links and answers are planted, and enrolments."""
    draw = random.Random(7)
    made.init(*(outbox_channel(name) for name in ("one", "two", "three")))
    data.ok("place", "import", data.write("p.csv", "code,name,level,valid_from\n101,Xã Một,commune,2025-07-01\n102,Xã Hai,commune,2025-07-01\n"))
    made.contacts(people(300, person_id=lambda n: f"0240000{n:05}", place_code=lambda n: 101 + n % 2))
    days = {}
    for name, channels in (("a", ("one", "two")), ("b", ("two", "three"))):
        steps = [step(channel, channel, {"at": f"2026-12-{10 + index:02}T08:00"}) for index, channel in enumerate(channels)]
        data.ok(*NOW[:1], "2026-12-01T08:00:00+07:00", "campaign", "plan", made.apply(campaign(name, steps)))
    touches = {n: [] for n in range(1, 301)}
    contact = dict(data.sql("SELECT CAST(substr(ref, 2) AS INTEGER), id FROM contact"))
    for step_id, campaign_name, channel in data.sql("SELECT s.id, g.name, s.name FROM step s JOIN campaign g ON g.id = s.campaign_id"):
        data.sql_write("UPDATE step SET first_sent_at = ?, last_sent_at = ? WHERE id = ?", ms(1), ms(25), step_id)
        for n in range(1, 301):
            if draw.random() < 0.5:
                continue
            at = ms(draw.randint(1, 25)) + draw.randint(0, 3600000)
            state = draw.choice([4, 5, 5, 6, 2])
            key = step_id << 43 | contact[n] << 4
            data.sql_write("UPDATE message SET state = ?, at = ? WHERE id = ?", state, at, key)
            if state in (4, 5):
                touches[n].append((at, campaign_name, channel))
                if draw.random() < 0.2:
                    data.sql_write("INSERT INTO click_first (message_id, link, at) VALUES (?, 0, ?)", key, at + DAY)
                    touches[n].append((at + DAY, campaign_name, channel))
                if draw.random() < 0.1:
                    data.sql_write("INSERT INTO contact_event (contact_id, at, kind, channel, text, message_id) VALUES (?, ?, 'interest', 'x', '', ?)",
                                   contact[n], at + DAY + 5, key)
                    touches[n].append((at + DAY + 5, campaign_name, channel))
    lines, enrolled = ["person_id,event,event_date,registered_date,place_code"], {}
    for n in range(1, 301):
        if draw.random() < 0.5:
            day = draw.randint(2, 26)
            enrolled[n] = day
            lines.append(f"0240000{n:05},{draw.choice(['new', 'returned'])},2026-12-{day:02},2026-12-{min(day + draw.randint(0, 5), 27):02},{101 + n % 2}")
    lines += ["024999999999,new,2026-12-05,2026-12-06,101", "024999999998,renewed,2026-12-05,2026-12-06,101"]
    data.ok(*NOW, "enrolment", "import", data.write("e.csv", "\n".join(lines) + "\n"))
    return touches, enrolled, days


@pytest.fixture
def on_air(history, data):
    """Airings besides: of a station that covers the first commune, twice at the same moment by two outlets, and of one above both communes."""
    touches = history[0]
    data.sql_write("INSERT INTO place (code, name, name_key, short_key, level, valid_from) VALUES ('1', 'Tỉnh', 'tinh', 'tinh', 'province', '2025-07-01')")
    data.sql_write("UPDATE place SET parent_id = (SELECT id FROM place WHERE code = '1') WHERE level = 'commune'")
    data.sql_write("INSERT INTO channel (name, plugin, spec, manifest, kind, address, state, changed_at) VALUES "
                   "('loa', 'loudspeaker', '{}', '{}', 'loudspeaker', 2, 'ready', 0)")
    data.sql_write("INSERT INTO recording (name, lang, sha256, bytes, length_ms, loudness_lufs, peak_dbtp, format, origin, source_sha256, findings, state, "
                   "made_at, made_by) VALUES ('m', 'vi', 'x', 1, 90000, -23, -2, 'ogg', 'recorded', 'x', '[]', 'approved', 0, 't')")
    data.sql_write("INSERT INTO step (id, campaign_id, position, occurrence, name, channel_id, state) SELECT max(s.id) + 1, (SELECT id FROM campaign WHERE "
                   "name = 'a'), 9, 1, 'loa', (SELECT id FROM channel WHERE name = 'loa'), 3 FROM step s")
    for code, place in (("S1", "101"), ("S2", "101"), ("P", "1")):
        data.sql_write("INSERT INTO outlet (code, name, name_key, kind, owner, place_id, channel, households, languages, windows, minutes_per_day, state, "
                       "changed_at) SELECT ?, 'x', 'x', 'station', 'commune', id, 'loa', 9, 'vi', '[]', 30, 'active', 0 FROM place WHERE code = ?", code, place)
        data.sql_write("INSERT INTO outlet_coverage (outlet_id, place_id, households, share) SELECT id, place_id, 9, 0 FROM outlet WHERE code = ?", code)
    for code, at, played_ms in (("S1", ms(3, 9), 90000), ("S2", ms(3, 9), 90000), ("S1", ms(12, 9), 100), ("S1", ms(13, 9), 0), ("P", ms(14, 9), 90000)):
        data.sql_write("INSERT INTO airing (campaign_id, position, occurrence, step_id, outlet_id, recording_id, start_at, ends_at, seconds, priority, state, "
                       "played_at, played_ms) SELECT s.campaign_id, 9, 1, s.id, o.id, 1, ?, ?, 90, 1, 1, ?, ? FROM step s, outlet o WHERE s.name = 'loa' AND "
                       "o.code = ?", at, at, at, played_ms, code)
    for n in range(1, 301):
        heard = [ms(14, 9)] + ([ms(3, 9), ms(12, 9)] if n % 2 == 0 else [])
        touches[n] += [(at, "a", "loa") for at in heard]
    return history


def path_of(touches, n, day):
    """A month for what was on the air, a week for all else."""
    end = ms(day, 23) + 3600000 - 1
    return sorted(t for t in touches[n] if end - (30 if t[2] == "loa" else 7) * DAY < t[0] <= end), end


def shares(model, path, end, unit):
    """Credit of each unit for one conversion."""
    names = [unit(t) for t in path]
    count = len(names)
    given = {}

    def give(name, part):
        given[name] = given.get(name, 0) + part
    if model == "last":
        give(names[-1], 1)
    elif model == "first":
        give(names[0], 1)
    elif model in ("any", "shapley"):
        for name in set(names):
            give(name, 1 if model == "any" else 1 / len(set(names)))
    elif model == "linear":
        for name in names:
            give(name, 1 / count)
    elif model == "position":
        for at, name in enumerate(names):
            give(name, 1 if count == 1 else 0.5 if count == 2 else 0.4 if at in (0, count - 1) else 0.2 / (count - 2))
    elif model == "decay":
        weights = [2 ** (-((path[-1][0] - t[0]) / DAY) / 7) for t in path]
        for name, weight in zip(names, weights):
            give(name, weight / sum(weights))
    return given


def expected(model, history, unit):
    touches, enrolled, _ = history
    credit, nobody = {}, 0
    for n, day in enrolled.items():
        path, end = path_of(touches, n, day)
        if not path:
            nobody += 1
            continue
        for name, part in shares(model, path, end, unit).items():
            credit[name] = credit.get(name, 0) + part
    return credit, nobody


def markov(history, unit):
    """Removal effects by long repetition of the chain, not by equations."""
    touches, enrolled, _ = history
    moves, conversions, nobody = {}, 0, 0

    def walk(path, end):
        states = ["start", *path, end]
        for a, b in zip(states, states[1:]):
            moves.setdefault(a, {}).setdefault(b, 0)
            moves[a][b] += 1
    for n in range(1, 301):
        if n in enrolled:
            path, _ = path_of(touches, n, enrolled[n])
            if path:
                walk([unit(t) for t in path], "yes")
                conversions += 1
            else:
                nobody += 1
        else:
            path = sorted(t for t in touches[n] if t[0] <= ms(28, 23) + 3600000)
            if path:
                walk([unit(t) for t in path], "no")

    def reach(without=None):
        mass, done = {"start": 1.0}, 0.0
        for _ in range(3000):
            after = {}
            for a, weight in mass.items():
                total = sum(moves[a].values())
                for b, count in moves[a].items():
                    if b == "yes":
                        done += weight * count / total
                    elif b not in ("no", without):
                        after[b] = after.get(b, 0) + weight * count / total
            mass = after
        return done
    whole = reach()
    lost = {name: 1 - reach(name) / whole for name in moves if name != "start"}
    return {name: conversions * part / sum(lost.values()) for name, part in lost.items()}, nobody


def told(data, *args):
    result = data.json(*NOW, "report", "attribution", "--from", "2026-12-01", "--to", "2026-12-28", *args)
    return result["rows"]


def credit_of(rows):
    return {row["name"]: row["credit"] for row in rows if row["kind"] == "credit" and row["credit"]}


def one(rows, kind):
    return sum(row["credit"] for row in rows if row["kind"] == kind)


@pytest.mark.parametrize("model", MODELS)
def test_models(history, data, model):
    def unit(touch):
        return touch[2]
    rows = told(data, "--model", model)
    credit, nobody = markov(history, unit) if model == "markov" else expected(model, history, unit)
    assert credit_of(rows) == pytest.approx(credit, abs=1e-6)
    assert one(rows, "nobody") == nobody and one(rows, "unmatched") == 1
    if model != "any":
        assert sum(row["credit"] for row in rows) == pytest.approx(len(history[1]) + 1, abs=1e-9)


def test_an_airing_is_a_touch_where_people_live(on_air, data):
    def unit(touch):
        return touch[2]
    for model in MODELS:
        rows = told(data, "--model", model)
        credit, nobody = markov(on_air, unit) if model == "markov" else expected(model, on_air, unit)
        assert credit["loa"] > 1 and credit_of(rows) == pytest.approx(credit, abs=1e-6), model
        assert one(rows, "nobody") == nobody and one(rows, "unmatched") == 1, model
        if model != "any":
            assert sum(row["credit"] for row in rows) == pytest.approx(len(on_air[1]) + 1, abs=1e-9), model


    shown = data.run(*NOW, "report", "attribution", "--all", "--from", "2026-12-01", "--to", "2026-12-28").out
    assert "an estimate, nobody knows who listened" in shown, shown


def test_airings_count_by_their_own_window(on_air, data):
    rules = {"attribution": {"model": "first", "windows": [{"channel": "*", "days": 7, "source": "test"},
                                                           {"channel": "*", "touch": "heard", "days": 0, "source": "test"}]}}
    data.ok("rules", "apply", data.write("r.json", rules))
    assert "loa" not in credit_of(told(data))


def test_axes(history, data):
    everybody = len(history[1]) + 1
    credit, nobody = expected("linear", history, lambda touch: touch[1])
    assert credit_of(told(data, "--model", "linear", "--by", "campaign")) == pytest.approx(credit)
    # Of one campaign: the other one keeps its credit, in a row of its own.
    rows = data.json(*NOW, "report", "attribution", "a", "--model", "linear", "--from", "2026-12-01", "--to", "2026-12-28")["rows"]
    assert sum(credit_of(rows).values()) == pytest.approx(credit["a"]) and one(rows, "others") == pytest.approx(credit["b"])
    places = told(data, "--by", "place", "--model", "linear")
    assert {row["place"] for row in places} == {"Xã Một", "Xã Hai"}
    assert sum(row["recorded"] for row in places) == everybody and sum(row["nobody"] for row in places) == nobody
    for row in places:
        assert row["credit"] + row["others"] + row["nobody"] + row["unmatched"] == pytest.approx(row["recorded"])
    both = told(data, "--by", "channel,place", "--model", "linear")
    by_channel = {}
    for row in both:
        if row["kind"] == "credit":
            by_channel[row["name"]] = by_channel.get(row["name"], 0) + row["credit"]
    assert by_channel == pytest.approx(expected("linear", history, lambda touch: touch[2])[0])


def test_days_of_event_or_registration(history, data):
    def recorded(*args):
        return sum(row["credit"] for row in data.json(*NOW, "report", "attribution", "--from", "2026-12-01", "--to", "2026-12-10", *args)["rows"])
    events = [row[0] for row in data.sql("SELECT event_date FROM enrolment WHERE event <> 'renewed'")]
    registered = [row[0] for row in data.sql("SELECT registered_date FROM enrolment WHERE event <> 'renewed'")]
    assert recorded() == sum(day <= "2026-12-10" for day in events)
    assert recorded("--as", "registered") == sum(day <= "2026-12-10" for day in registered)


def test_windows_are_data(history, data):
    rules = {"attribution": {"model": "first", "windows": [{"channel": "*", "days": 0, "source": "test"}]}}
    data.ok("rules", "apply", data.write("r.json", rules))
    rows = told(data)
    assert credit_of(rows) == {} and one(rows, "nobody") == len(history[1])
    rules["attribution"]["windows"].append({"channel": "*", "touch": "clicked", "days": 400, "source": "test"})
    fault = data.refused("rules", "apply", data.write("r.json", rules))
    assert "attribution.windows[1].days" in fault and "r.json:" in fault


@pytest.mark.parametrize("args, word", [(("--model", "best"), "best"), (("--by", "colour"), "colour"), (("--from", "x"), "--from"),
                                        (("--as", "paid"), "paid"), (("--model", "markov", "--by", "place"), "markov"),
                                        (("nobody-here",), "nobody-here"), (("--theme", "none"), "none")])
def test_refusals(history, data, args, word):
    assert word in data.refused(*NOW, "report", "attribution", *args)
