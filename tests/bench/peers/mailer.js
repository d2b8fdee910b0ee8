// The same campaign as a Node programmer would write it: nodemailer's pool of 10 connections, handlebars, better-sqlite3.
// As careful as we are: recipients are claimed and outcomes recorded in transactions of 500, with synchronous=FULL.
// usage: node mailer.js PORT DB CONTENT     DB: made by people.py (tables contact, outcome)
const Database = require('better-sqlite3');
const handlebars = require('handlebars');
const nodemailer = require('nodemailer');
const fs = require('fs');

exports.open = (path) => {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  return db;
};

// Sends to everybody who waits; resolves to the number sent.
exports.send = async (db, port, contentPath) => {
  const content = JSON.parse(fs.readFileSync(contentPath, 'utf8'));
  const subject = handlebars.compile(content.subject, { noEscape: true });
  const text = handlebars.compile(content.text, { noEscape: true });
  const transport = nodemailer.createTransport({
    host: '127.0.0.1', port: Number(port), secure: false, ignoreTLS: true, pool: true, maxConnections: 10, maxMessages: Infinity,
  });
  const select = db.prepare('SELECT c.* FROM outcome o JOIN contact c ON c.id = o.id WHERE o.state = 0 ORDER BY o.id LIMIT 500');
  const claim = db.prepare('UPDATE outcome SET state = 1 WHERE id = ?');
  const record = db.prepare('UPDATE outcome SET state = 2, ref = ?, at = ? WHERE id = ?');
  let ended = [];
  let waiting = [];
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
  const worker = async () => {
    for (let person = next(); person; person = next()) {
      const reply = await transport.sendMail({
        from: 'news@sender.example',
        to: { name: person.name, address: person.email },
        subject: subject(person),
        text: text(person),
        headers: { 'List-Unsubscribe': `<mailto:stop+${person.token}@sender.example>` },
      });
      ended.push({ id: person.id, ref: (reply.response.split(' as ')[1] || '').slice(0, 60) });
      sent += 1;
    }
  };
  await Promise.all(Array.from({ length: 40 }, worker));
  turn();
  transport.close();
  return sent;
};

if (require.main === module) {
  (async () => {
    const [port, path, contentPath] = process.argv.slice(2);
    const db = exports.open(path);
    const start = process.hrtime.bigint();
    const n = await exports.send(db, port, contentPath);
    console.log(JSON.stringify({ n, secs: Number(process.hrtime.bigint() - start) / 1e9 }));
  })();
}
