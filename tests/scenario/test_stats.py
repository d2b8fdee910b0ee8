"""`lantoa stats` from outside: names of the estimators, files, errors; the sandwich variances against matrices written out; a real trial."""
import itertools
import math
import os
import random

import numpy
import pytest
from scipy import stats as reference

from rig.published import published

pytestmark = pytest.mark.quick


def rows(data, *args):
    return {row["name"]: row for row in data.json("stats", *args)["rows"]}


def written(scratch, name, text):
    path = os.path.join(scratch, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def sandwich(people, clusters, design):
    """CR0, CR2 and the Bell-McCaffrey degrees of freedom of the last column, person by person: (estimate, se0, se2, df)."""
    y, x = numpy.array(people, float), numpy.array(design, float)
    bread = numpy.linalg.inv(x.T @ x)
    beta = bread @ x.T @ y
    hat = numpy.eye(len(y)) - x @ bread @ x.T
    residual = y - x @ beta
    meat0, meat2, columns = 0, 0, []
    contrast = numpy.zeros(x.shape[1])
    contrast[-1] = 1
    for name in dict.fromkeys(clusters):
        at = [i for i, c in enumerate(clusters) if c == name]
        values, vectors = numpy.linalg.eigh(hat[numpy.ix_(at, at)])
        root = vectors @ numpy.diag([0 if v < 1e-10 else v ** -0.5 for v in values]) @ vectors.T
        meat0 += numpy.outer(x[at].T @ residual[at], x[at].T @ residual[at])
        score = x[at].T @ root @ residual[at]
        meat2 += numpy.outer(score, score)
        columns.append(hat[:, at] @ root @ x[at] @ bread @ contrast)
    gram = numpy.array(columns) @ numpy.array(columns).T
    return beta[-1], math.sqrt((bread @ meat0 @ bread)[-1, -1]), math.sqrt((bread @ meat2 @ bread)[-1, -1]), numpy.trace(gram) ** 2 / (gram ** 2).sum()


@pytest.mark.parametrize("seed,within", [(1, False), (2, False), (3, True), (4, True)])
def test_sandwich_against_matrices(data, scratch, seed, within):
    lot = random.Random(seed)
    lines, people, clusters, arms, strata = ["arm,cluster,stratum,n,x"], [], [], [], []
    for g in range(14):
        stratum = g % 3
        halves = (0, 1) if within and g % 4 else (lot.random() < 0.5 if g > 5 else g // 3 % 2,)
        for arm in halves:
            n = lot.randint(2, 25)
            x = lot.randint(0, n)
            lines.append(f"{'T' if arm else 'C'},v{g},s{stratum},{n},{x}")
            people += [1] * x + [0] * (n - x)
            clusters += [g] * n
            arms += [int(arm)] * n
            strata += [stratum] * n
    path = written(scratch, "villages.csv", "\n".join(lines) + "\n")
    got = rows(data, "clusters", path, *(["--within"] if within else []))
    plain = sandwich(people, clusters, [[1, t] for t in arms])
    fixed = sandwich(people, clusters, [[s == 0, s == 1, s == 2, t] for s, t in zip(strata, arms)])
    for (estimate, se0, se2, df), cr0, cr2 in ((plain, "cr0", "cr2"), (fixed, "strata_fe_cr0", "strata_fe_cr2")):
        assert got[cr2]["estimate"] == pytest.approx(estimate, rel=1e-9)
        assert got[cr0]["se"] == pytest.approx(se0, rel=1e-9)
        assert got[cr2]["se"] == pytest.approx(se2, rel=1e-9)
        assert got[cr2]["df"] == pytest.approx(df, rel=1e-9)
        assert got[cr2]["p"] == pytest.approx(2 * reference.t.sf(abs(estimate / se2), df), rel=1e-8)
        assert got[cr2]["ci_high"] == pytest.approx(estimate + reference.t.ppf(0.975, df) * se2, rel=1e-7)


def test_rates_against_scipy(data):
    got = rows(data, "rates", "184/1860", "125/1886", "--cost", "5000000", "--planned", "1:1", "--reached", "1200/1860")
    assert set(got) == {"wilson_treated", "wilson_control", "newcombe", "wald", "pooled_z", "chi_square", "hc2", "fisher", "fisher_greater", "fisher_less",
                        "risk_ratio", "lift", "odds_ratio", "incremental", "cost_per_incremental", "cace"}
    table = [[184, 1676], [125, 1761]]
    assert got["fisher"]["p"] == pytest.approx(reference.fisher_exact(table)[1], rel=1e-9)
    assert got["fisher_greater"]["p"] == pytest.approx(reference.fisher_exact(table, "greater")[1], rel=1e-9)
    square = reference.chi2_contingency(table, correction=False)
    assert (got["chi_square"]["estimate"], got["chi_square"]["p"]) == pytest.approx((square[0], square[1]), rel=1e-9)
    wilson = reference.binomtest(184, 1860).proportion_ci(method="wilson")
    assert (got["wilson_treated"]["ci_low"], got["wilson_treated"]["ci_high"]) == pytest.approx((wilson.low, wilson.high), rel=1e-12)
    for row in got.values():
        assert set(row) >= {"name", "estimate", "se", "df", "ci_low", "ci_high", "p", "note"} and row["note"] is None
        assert all(row[key] is None or math.isfinite(row[key]) for key in ("estimate", "se", "df", "ci_low", "ci_high", "p"))


def test_edges_of_rates_are_notes_and_guards(data):
    told = data.json("stats", "rates", "0/10", "0/20", "--planned", "1:1", "--cost", "5")
    got = {row["name"]: row for row in told["rows"]}
    assert got["newcombe"]["ci_high"] == pytest.approx(0.2775, abs=5e-5) and got["wald"]["se"] == 0 and got["wald"]["p"] is None
    assert "nobody or everybody" in got["pooled_z"]["note"] and got["pooled_z"]["p"] is None
    assert "no ratio" in got["risk_ratio"]["note"] and "undefined" in got["cost_per_incremental"]["note"]
    assert [guard["name"] for guard in told["guards"]] == ["few_conversions"]
    skewed = data.json("stats", "rates", "300/5000", "200/4000", "--planned", "1:1", "--contaminated", "7")
    assert [guard["name"] for guard in skewed["guards"]] == ["sample_ratio", "contamination"]


def test_the_farmers_villages(data):
    """The default arm of a real trial was drawn by village: 1,410 households in 166 villages."""
    path = published("farmer-insurance-trial.csv")
    told = rows(data, "clusters", path, "--map", "default=arm", "--map", "address=cluster", "--map", "village=stratum", "--map", "takeup_survey=x")
    assert told["cr2"]["estimate"] == pytest.approx(0.10562, abs=1e-4) and 140 < told["cr2"]["df"] < 143
    assert told["cr2"]["se"] > told["hc2"]["se"] and told["permutation"]["arrangements"] == 9999
    by_household = data.run("stats", "clusters", path, "--map", "intensive=arm", "--map", "address=cluster", "--map", "takeup_survey=x")
    assert by_household.code == 1 and "column arm" in by_household.err and "--within" in by_household.err
    inside = rows(data, "clusters", path, "--map", "intensive=arm", "--map", "address=cluster", "--map", "takeup_survey=x", "--within")
    assert inside["cr2"]["estimate"] == pytest.approx(322 / 693 - 332 / 717, abs=1e-12) and "welch" not in inside


def test_series_in_all_forms(data, scratch):
    lot = random.Random(9)
    wide, long = ["period,treated,control,phase"], ["period,unit,arm,value"]
    for t in range(1, 41):
        level = {u: 50 + 5 * u + lot.random() * 9 + (6 if u < 2 and t > 30 else 0) for u in range(8)}
        for u, value in level.items():
            long.append(f"{t},u{u},{'T' if u < 2 else 'C'},{value:.6f}")
        wide.append(f"{t},{sum(round(level[u], 6) for u in (0, 1))},{sum(round(level[u], 6) for u in range(2, 8))},{'post' if t > 30 else 'pre'}")
    a = rows(data, "series", written(scratch, "wide.csv", "\n".join(wide)))
    b = rows(data, "series", written(scratch, "long.csv", "\n".join(long)), "--start", "31")
    assert a["tbr"]["estimate"] == pytest.approx(b["tbr"]["estimate"], rel=1e-9) and "at least two units" in a["did"]["note"]
    assert abs(b["did"]["estimate"] - 6) < 4 and abs(b["synthetic_control"]["estimate"] - 6) < 4
    assert sum(b["synthetic_control"]["weights"].values()) == pytest.approx(1) and b["synthetic_control"]["p"] >= 1 / 7
    waves = ["period,unit,start,value"]
    for u, start in enumerate(["2021", "2021", "2022", "", "never", "0"]):
        waves += [f"{t},u{u},{start},{10 * u + t - 2019 + (3 if start.isdigit() and int(start) and t >= int(start) else 0)}" for t in range(2019, 2024)]
    c = rows(data, "series", written(scratch, "waves.csv", "\n".join(waves)))
    assert c["callaway_santanna"]["estimate"] == pytest.approx(3) and c["att(2021,2020)"]["estimate"] == pytest.approx(0) and not c["att(2021,2020)"]["post"]


def test_permutations_counted_by_hand(data, scratch):
    values = [("C", v) for v in (.12, .15, .09, .20)] + [("T", v) for v in (.18, .25, .22, .30)]
    path = written(scratch, "rates.csv", "arm,value\n" + "".join(f"{arm},{value}\n" for arm, value in values))
    got = rows(data, "permute", path)
    seen = sum(v for _, v in values[4:]) / 4 - sum(v for _, v in values[:4]) / 4
    numbers = [v for _, v in values]
    extreme = sum(abs(sum(chosen) / 4 - (sum(numbers) - sum(chosen)) / 4) >= abs(seen) - 1e-9 for chosen in itertools.combinations(numbers, 4))
    assert got["permutation"]["exact"] and got["permutation"]["p"] == pytest.approx(extreme / 70)
    assert got["welch"]["p"] == pytest.approx(reference.ttest_ind(numbers[4:], numbers[:4], equal_var=False).pvalue)


def test_power_speaks(data):
    told = data.json("stats", "power", "--p0", "3%", "--p1", "4%", "--m", "200", "--icc", ".01", "--clusters", "20,40,60,100")
    powers = [row["estimate"] for row in told["rows"] if row["name"] == "power"]
    assert powers == pytest.approx([.29, .51, .68, .88], abs=.005)
    words = " ".join(told["words"])
    assert "nearly blind" in words and "pair villages" in words and "more villages rather than more people" in words
    said = data.ok("--lang", "vi", "stats", "power", "--p0", "3%", "--p1", "4%", "--m", "200", "--icc", ".04", "--clusters", "100").out
    assert "0,44" in said and "gần như mù" in said and "3,00 %" in said
    assert rows(data, "power", "--p0", ".5", "--p1", ".75", "--n", "50")["power"]["estimate"] == pytest.approx(.7401659013, abs=1e-9)
    assert rows(data, "power", "--p0", ".2", "--p1", ".25", "--base-variance")["people_per_arm"]["estimate"] == pytest.approx(1030.219283, abs=1e-6)
    assert "p0" in data.run("stats", "power", "--p1", "4%").err


def test_paths(data, scratch):
    path = written(scratch, "paths.csv", "path,conversions,nulls,value,days\nsms>loa>web,30,70,600,0>2>9\nemail>web,20,180,400,0>1>30\n,5,0,50,\n")
    told = data.json("stats", "paths", path)["rows"]
    for model in ("first", "last", "linear", "position", "decay", "markov", "shapley"):
        assert sum(row["estimate"] for row in told if row["name"] == model) == pytest.approx(55, abs=1e-9)
        assert sum(row["value"] for row in told if row["name"] == model) == pytest.approx(1050, abs=1e-9)
        assert [row["estimate"] for row in told if row["name"] == model and row["channel"] is None] == [5]
    # The conversion of the second path is 29 days behind its last touch: outside the window it is nobody's.
    late = data.json("stats", "paths", path, "--model", "last", "--window", "14")["rows"]
    assert {row["channel"]: row["estimate"] for row in late if row["name"] == "last"} == {"sms": 0, "loa": 0, "web": 30, "email": 0, None: 25}


@pytest.mark.parametrize("verb,text,part", [
    ("strata", "stratum,arm,n\na,T,5\n", "f.csv:1: no column x"),
    ("strata", "stratum,arm,n,x\na,T,5,6\n", "f.csv:2: column x: 6 conversions among 5 people"),
    ("strata", "stratum,arm,n,x\na,T,5,1\na,U,5,1\n", "f.csv:3: column arm: \"U\" and \"T\" are both no control arm"),
    ("strata", "stratum,arm,n,x\n", "there is no row below the heading"),
    ("clusters", "arm,cluster,n,x\nT,v1,5,1\nC,v2,5,1.5\n", "f.csv:3: column x: \"1.5\" is no whole number"),
    ("clusters", "arm,cluster,n,x\nT,v1,5,1\nC,v1,5,1\n", "f.csv:3: column arm: cluster \"v1\" is in the other arm on line 2"),
    ("panel", "arm,pre,post\nT,1,nan\n", "f.csv:2: column post"),
    ("series", "period,unit,arm,value\n1,a,T,5\n1,a,T,6\n", "f.csv:3: unit a has period 1 twice"),
    ("series", "period,unit,arm,value\n1,a,T,5\n2,b,C,6\n", "unit a has no value in period 2"),
    ("paths", "path,conversions\na>>b,5\n", "f.csv:2: column path: a touch without a channel"),
    ("paths", "path,conversions,days\na>b,5,3>1\n", "f.csv:2: column days: the days must not fall"),
    ("shapley", "coalition,value\na,1\nb,1\n", "2 channels make 3 coalitions"),
])
def test_errors_name_file_line_and_column(data, scratch, verb, text, part):
    result = data.run("stats", verb, written(scratch, "f.csv", text))
    assert result.code == 1 and part in result.err and result.out == "", result
