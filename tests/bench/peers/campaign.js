// A whole campaign as a Node programmer would write it: a CSV of people in, everybody mailed (mailer.js), a CSV report out.
// The file has no quoted fields, so a split by commas reads it; a parser would take longer.
// usage: node campaign.js PORT DB CONTENT CSV REPORT
const fs = require('fs');
const readline = require('readline');
const mailer = require('./mailer.js');

const [port, path, contentPath, csvPath, reportPath] = process.argv.slice(2);
const BATCH = 10000;

async function load(db) {
  const lines = readline.createInterface({ input: fs.createReadStream(csvPath) });
  let insert;
  let rows = [];
  const flush = db.transaction(() => {
    for (const row of rows) insert.run(row);
    rows = [];
  });
  for await (const line of lines) {
    const fields = line.split(',');
    if (!insert) {
      db.exec(`CREATE TABLE contact (id INTEGER PRIMARY KEY, ${fields.map((name) => `${name} TEXT`).join(', ')}, UNIQUE (ref))`);
      insert = db.prepare(`INSERT INTO contact (${fields.join(', ')}) VALUES (${fields.map(() => '?').join(', ')})`);
    } else if (rows.push(fields) === BATCH) {
      flush();
    }
  }
  flush();
}

function plan(db) {
  db.exec('CREATE TABLE outcome (id INTEGER PRIMARY KEY, state INTEGER NOT NULL DEFAULT 0, ref TEXT, at INTEGER)');
  db.exec('INSERT INTO outcome (id) SELECT id FROM contact');
  db.exec('CREATE INDEX outcome_waiting ON outcome (id) WHERE state = 0');
}

function report(db) {
  const rows = db.prepare('SELECT state, count(*) AS messages FROM outcome GROUP BY state ORDER BY state').all();
  fs.writeFileSync(reportPath, `state,messages\n${rows.map((row) => `${row.state},${row.messages}\n`).join('')}`);
}

(async () => {
  const db = mailer.open(path);
  await load(db);
  plan(db);
  await mailer.send(db, port, contentPath);
  report(db);
})();
