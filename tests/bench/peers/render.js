// Renders of the HTML template with handlebars, compiled once, values escaped. usage: node render.js TEMPLATE N
const fs = require('fs');
const handlebars = require('handlebars');

const render = handlebars.compile(fs.readFileSync(process.argv[2], 'utf8'));
const count = Number(process.argv[3]);
const names = ['first', 'last', 'plan', 'amount', 'due', 'city', 'token', 'email'];
const people = Array.from({ length: 16 }, (_, i) => Object.fromEntries(names.map((name, k) => [name, `value ${k} & <${i}>`])));
let bytes = 0;
for (let i = 0; i < 5000; i++) bytes += render(people[i & 15]).length;
bytes = 0;
const start = process.hrtime.bigint();
for (let i = 0; i < count; i++) bytes += Buffer.byteLength(render(people[i & 15]));
console.log(JSON.stringify({ n: count, secs: Number(process.hrtime.bigint() - start) / 1e9, bytes }));
