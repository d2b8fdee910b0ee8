// The same SMS campaign as a Node programmer would write it: npm smpp with a window, handlebars, better-sqlite3.
// As careful as we are: recipients are claimed and outcomes recorded in transactions of 500, with synchronous=FULL.
// usage: node esme.js PORT DB WINDOW TEXT     DB: made by people.py (tables contact, outcome)
const Database = require('better-sqlite3');
const handlebars = require('handlebars');
const smpp = require('smpp');

const [port, path, size, content] = process.argv.slice(2);
const db = new Database(path);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
const text = handlebars.compile(content, { noEscape: true });
const select = db.prepare('SELECT c.* FROM outcome o JOIN contact c ON c.id = o.id WHERE o.state = 0 ORDER BY o.id LIMIT 500');
const claim = db.prepare('UPDATE outcome SET state = 1 WHERE id = ?');
const record = db.prepare('UPDATE outcome SET state = 2, ref = ?, at = ? WHERE id = ?');

let ended = [];
let waiting = [];
let under_way = 0;
let sent = 0;
const turn = db.transaction(() => {
  for (const one of ended) record.run(one.ref, Date.now(), one.id);
  ended = [];
  waiting = select.all();
  for (const person of waiting) claim.run(person.id);
});
const next = () => {
  if (waiting.length === 0) turn();
  return waiting.shift();
};

const start = process.hrtime.bigint();
const session = smpp.connect({ url: `smpp://127.0.0.1:${port}` });
session.on('error', (error) => { console.error(error); process.exit(1); });
session.on('connect', () => session.bind_transceiver({ system_id: 'bench', password: 'bench' }, () => {
  const fill = () => {
    for (let person; under_way < Number(size) && (person = next());) {
      const { id } = person;
      under_way += 1;
      session.submit_sm({ source_addr: 'BENCH', destination_addr: person.phone, short_message: text(person) }, (answer) => {
        if (answer.command_status !== 0) process.exit(2);
        ended.push({ id, ref: answer.message_id });
        under_way -= 1;
        sent += 1;
        fill();
      });
    }
    if (under_way === 0) {
      turn();
      console.log(JSON.stringify({ n: sent, secs: Number(process.hrtime.bigint() - start) / 1e9 }));
      process.exit(0);
    }
  };
  fill();
}));
