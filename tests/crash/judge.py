"""What must hold after any crash, judged by the peer's log and not by our database."""
from collections import Counter


def everything_accounted_for(data, witness, campaign, everybody, crashes, window, only_the_listed=True):
    """everybody: the addresses written to. Nothing lost, nothing twice, uncertain rows few and listed by name. Returns the uncertain addresses."""
    received = Counter(witness.recipients())
    twice = [address for address, count in received.items() if count > 1]
    assert not twice, f"sent twice: {twice[:10]} ({len(twice)})"
    rows = data.messages(campaign)
    states = Counter(row["state"] for row in rows)
    by_state = {}
    for row in rows:
        by_state.setdefault(row["state"], set()).add(row["address"])
    assert set(states) <= {"accepted", "uncertain"}, states
    assert sum(states.values()) == len(everybody)
    uncertain, accepted = by_state.get("uncertain", set()), by_state.get("accepted", set())
    ghosts = accepted - set(received)
    assert not ghosts, f"accepted in our ledger, never seen by the peer: {sorted(ghosts)[:10]} ({len(ghosts)})"
    lost = set(everybody) - set(received) - uncertain
    assert not lost, f"lost: {sorted(lost)[:10]} ({len(lost)})"
    assert len(uncertain) <= crashes * window, f"{len(uncertain)} uncertain after {crashes} crashes, window {window}"
    listed = {row["address"] for row in data.messages(campaign, "uncertain")}
    assert listed == uncertain
    assert data.states(campaign) == dict(states)
    return uncertain
