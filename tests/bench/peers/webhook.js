// A receiver of delivery receipts as a Node programmer would write it: each call-back is one transaction, on the disk
// (synchronous=FULL) before it is answered, and a receipt that comes twice counts once.
// usage: node webhook.js PORT DB     a body: id=REF&status=WORD
const http = require('http');
const Database = require('better-sqlite3');

const [port, path] = process.argv.slice(2);
const db = new Database(path);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec('CREATE TABLE IF NOT EXISTS receipt (ref TEXT PRIMARY KEY, status TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID');
const add = db.prepare('INSERT INTO receipt (ref, status, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');

http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const given = new URLSearchParams(Buffer.concat(parts).toString());
    add.run(given.get('id'), given.get('status'), Date.now());
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 3 });
    response.end('ok\n');
  });
}).listen(Number(port), '127.0.0.1');
