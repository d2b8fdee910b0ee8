"""Small builders of the files that staff would write: contacts, places, themes, channels, campaigns."""
import csv
import io

THEME = {"name": "theme", "title": {"vi": "Điểm tựa", "en": "Something to lean on"}}
# 08:00 in Việt Nam on a day within campaign()'s window; the quiet hours are over.
START = "2026-12-01T08:00:00+07:00"


def table(rows):
    """CSV text of a list of dicts (headings: the keys of all, in order of first sight)."""
    headings = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, headings, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def people(count, first=1, **fields):
    """That many contacts with an address each; fields may be values or functions of the number."""
    rows = []
    for number in range(first, first + count):
        row = {"ref": f"p{number}", "name": f"Nguyễn Văn {number}", "email": f"p{number}@example.com", "lang": "vi"}
        for key, value in fields.items():
            row[key] = value(number) if callable(value) else value
        rows.append(row)
    return rows


def content(subject="Chào {{name}}", text="Kính gửi {{name}},\nxin chào.\n", **more):
    return {"vi": {"subject": subject, "text": text, **more}}


def step(name="s1", channel="email", when=None, **more):
    made = {"name": name, "channel": channel, "when": when or {"at": "2026-12-01T08:00"}, "content": content()}
    made.update(more)
    return made


def campaign(name="c", steps=None, **more):
    made = {"name": name, "theme": "theme", "class": "internal", "legal_basis": "thử nghiệm",
            "window": {"from": "2026-12-01", "to": "2026-12-31", "timezone": "Asia/Ho_Chi_Minh"},
            "audience": "all", "steps": steps or [step()]}
    made.update(more)
    return made


def email_channel(port, name="email", **more):
    options = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "campaign@example.com", **more.pop("options", {})}
    return {"name": name, "plugin": "email", "options": options, "window": 50, **more}


def outbox_channel(name="outbox", **more):
    return {"name": name, "plugin": "outbox", "options": {}, "window": 100, **more}


class Campaigns:
    """Shortcuts over a data folder: everything up to an approved, started campaign."""

    def __init__(self, data):
        self.data = data

    def init(self, *channels, contacts=None):
        self.data.ok("init")
        self.data.ok("theme", "apply", self.data.write("theme.json", THEME))
        for channel in channels:
            self.channel(channel)
        if contacts is not None:
            self.contacts(contacts)
        return self

    def channel(self, channel):
        self.data.ok("channel", "apply", self.data.write(f"channel-{channel['name']}.json", channel))

    def contacts(self, rows, *args):
        path = self.data.write("contacts.csv", rows if isinstance(rows, (str, bytes)) else table(rows))
        return self.data.ok("contact", "import", path, *args)

    def apply(self, made):
        self.data.ok("campaign", "apply", self.data.write(f"campaign-{made['name']}.json", made))
        return made["name"]

    def start(self, made):
        """apply, plan, approve, start; the clock of the CLI is the machine's, so steps are timed by serve --clock."""
        name = self.apply(made)
        for verb in ("plan", "approve", "start"):
            self.data.ok("campaign", verb, name)
        return name
