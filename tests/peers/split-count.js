// How another library (npm split-sms) counts and cuts texts: one text per line on stdin, one line out:
// coding, units, parts, and the UTF-8 bytes of each part.
'use strict';
const readline = require('node:readline');
const split = require('split-sms');

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const counted = split.split(line);
  const sizes = counted.parts.map((part) => Buffer.byteLength(part.content));
  console.log([counted.characterSet, counted.bytes, counted.parts.length, ...sizes].join(' '));
});
