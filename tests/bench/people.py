"""Made-up people in the shapes that the contenders take."""
import os
import sqlite3

FIRST = ("An", "Binh", "Chi", "Dung", "Giang", "Hoa", "Khanh", "Lan", "Minh", "Nga")
CITY = ("Bac Ha", "Cam Son", "Dong Phu", "Hoa An", "Lam Giang", "Tan My", "Thanh Lam", "Yen Thinh")
FIELDS = ("ref", "name", "first", "last", "email", "lang", "city", "plan", "amount", "due", "token")


def person(i):
    first, last = FIRST[i % 10], f"Nguyen {i % 997}"
    return (f"p{i}", f"{last} {first}", first, last, f"person{i}@dest{i % 50}.example", "en", CITY[i // 8 % 8], f"plan-{i % 7}",
            f"{231 + i % 90}.000 VND", f"2026-12-{1 + i % 28:02d}", f"t{i * 2654435761 % (1 << 60):015x}")


def write_csv(path, count):
    with open(path, "w", encoding="utf-8") as out:
        out.write(",".join(FIELDS) + "\n")
        for i in range(1, count + 1):
            out.write(",".join(person(i)) + "\n")


def write_plain_csv(path, count):
    """Eight columns as a registry exports them; the peer is `sqlite3 .import`."""
    with open(path, "w", encoding="utf-8") as out:
        out.write("id,email,phone,first,last,city,lang,token\n")
        for i in range(1, count + 1):
            out.write(f"{i},person{i}@dest{i % 50}.example,09{i:08d},{FIRST[i % 10]},Nguyễn Văn {i % 997},{CITY[i // 8 % 8]},"
                      f"{'vi' if i % 3 else 'en'},t{i * 2654435761 % (1 << 60):015x}\n")


PREFIXES = ("090", "091", "096", "097", "098", "086", "032", "070")
PHONE_FIELDS = ("ref", "name", "first", "phone", "lang", "city", "plan", "amount", "due", "token")


def phone_person(i):
    ref, name, first, _last, _email, lang, city, plan, amount, due, token = person(i)
    return (ref, name, first, f"+84{PREFIXES[i % 8][1:]}{i:07d}", lang, city, plan, amount, due, token)


def write_phones_csv(path, count):
    with open(path, "w", encoding="utf-8") as out:
        out.write(",".join(PHONE_FIELDS) + "\n")
        for i in range(1, count + 1):
            out.write(",".join(phone_person(i)) + "\n")


def write_phones_sqlite(path, count):
    """What peers/esme.js works on."""
    write_sqlite(path, count, PHONE_FIELDS, phone_person)


def write_sqlite(path, count, fields=FIELDS, one=person):
    """What peers/mailer.js works on."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"CREATE TABLE contact (id INTEGER PRIMARY KEY, {', '.join(name + ' TEXT' for name in fields)})")
    db.execute("CREATE TABLE outcome (id INTEGER PRIMARY KEY, state INTEGER NOT NULL DEFAULT 0, ref TEXT, at INTEGER)")
    db.execute("CREATE INDEX outcome_waiting ON outcome (id) WHERE state = 0")
    db.executemany(f"INSERT INTO contact VALUES ({'?,' * len(fields)}?)", ((i, *one(i)) for i in range(1, count + 1)))
    db.executemany("INSERT INTO outcome (id) VALUES (?)", ((i,) for i in range(1, count + 1)))
    db.commit()
    db.close()


def recorded(path):
    db = sqlite3.connect(path)
    count = db.execute("SELECT count(*) FROM outcome WHERE state = 2 AND at > 0").fetchone()[0]
    db.close()
    return count


def copy_shared(db_path, csv_path):
    """Contacts of another bench's database (table contact: id email phone first last city lang plan amount due token) as our CSV."""
    db = sqlite3.connect(f"file:{os.path.abspath(db_path)}?mode=ro", uri=True)
    count = 0
    with open(csv_path, "w", encoding="utf-8") as out:
        out.write(",".join(FIELDS) + "\n")
        query = "SELECT 'p' || id, first || ' ' || last, first, last, email, lang, city, plan, amount, due, token FROM contact ORDER BY id"
        for row in db.execute(query):
            out.write(",".join(row) + "\n")
            count += 1
    db.close()
    return count
