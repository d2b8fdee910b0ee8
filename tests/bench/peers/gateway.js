// An SMS gateway over HTTP that takes everything; the id it gives is the caller's own key. usage: node gateway.js PORT FILE
// The ids it has given stand in FILE, one a line.
const fs = require('fs');
const http = require('http');

const given = fs.createWriteStream(process.argv[3]);
http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const { id } = JSON.parse(Buffer.concat(parts).toString());
    const body = JSON.stringify({ code: 0, id });
    given.write(`${id}\n`);
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
