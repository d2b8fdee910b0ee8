// A third-party SMSC (npm smpp) with faults: node smsc-faults.js PORT LOGFILE [option=value]...
// By the last digit of the number: 1 receipt UNDELIV   2 throttled twice, then taken   3 ESME_RINVDSTADR   4 never answered
//   5 receipt EXPIRED   6 answered after 1.5 s   7 ESME_RSYSERR   else taken and delivered
// Options: tps=N        at most N submit_sm a second, the rest throttled     delay=MS    answers wait this long
//   ids=hex|decimal|mixed  mixed: hex in the answer, decimal in the receipt  receipts=tlv|text|first|late|none
//   cut=N               the line is cut after N submit_sm, kept but not answered (once)       echo=1  receipts repeat the reference
//   roles=1             receipts go to receivers only                          key=FILE cert=FILE   TLS
// The log has one JSON line per submit_sm kept and per receipt acknowledged. Lines on stdin: "mo FROM TEXT", "molong FROM TEXT",
// "mosar FROM TEXT", "unbind", "cut", "raw HEX", "late" (send the receipts that receipts=late held back), "late 2" (those of second parts only).
'use strict';
const fs = require('node:fs');
const readline = require('node:readline');
const smpp = require('smpp');

const [port, log] = [Number(process.argv[2]), process.argv[3]];
const options = Object.fromEntries(process.argv.slice(4).map((word) => word.split('=')));
const note = (row) => fs.appendFileSync(log, `${JSON.stringify(row)}\n`);
const sessions = new Set();
const tries = new Map();
let number = 0;
let second = 0;
let inSecond = 0;
let submits = 0;
let cutAt = Number(options.cut || 0);
const waiting = []; // receipts that nobody has taken yet
const place = new Map(); // of a receipt's fields -> the part of a long message it speaks of

const receiver = () => [...sessions].find((session) => session.role !== 'transmitter' && (!options.roles || session.role === 'receiver'));

function deliver(fields) {
  const session = receiver();
  if (!session) return waiting.push(fields);
  session.owed.add(fields);
  return session.deliver_sm(fields, (answer) => {
    session.owed.delete(fields);
    note({ ack: fields.receipted_message_id || fields.short_message.message || String(fields.short_message), status: answer.command_status });
  });
}

function receipt(pdu, id) {
  const state = { 1: 'UNDELIV', 5: 'EXPIRED' }[pdu.destination_addr.slice(-1)] || 'DELIVRD';
  const shown = options.ids === 'mixed' ? String(parseInt(id, 16)) : id;
  const fields = {
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    short_message: `id:${shown} sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:${state} err:${state === 'DELIVRD' ? '000' : '027'} text:`,
  };
  if (options.receipts !== 'text') {
    fields.receipted_message_id = shown;
    fields.message_state = { DELIVRD: 2, EXPIRED: 3, UNDELIV: 5 }[state];
  }
  place.set(fields, pdu.short_message?.udh?.[0]?.[4] ?? pdu.short_message?.udh?.[4]);
  if (options.echo && pdu.user_message_reference !== undefined) fields.user_message_reference = pdu.user_message_reference;
  return fields;
}

function submit(session, pdu) {
  const last = pdu.destination_addr.slice(-1);
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) [second, inSecond] = [now, 0];
  inSecond += 1;
  const seen = (tries.get(pdu.destination_addr) || 0) + 1;
  tries.set(pdu.destination_addr, seen);
  if ((options.tps && inSecond > Number(options.tps)) || (last === '2' && seen < 3)) {
    return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
  }
  if (last === '3') return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
  if (last === '7') return session.send(pdu.response({ command_status: smpp.ESME_RSYSERR }));
  number += 1;
  submits += 1;
  const id = options.ids === 'decimal' ? String(number) : (number + 0x9f).toString(16);
  const message = pdu.short_message || {};
  const payload = pdu.message_payload || {};
  const udh = message.udh ? Buffer.concat(message.udh.map((part) => Buffer.from(part))).toString('hex') : null;
  note({
    to: pdu.destination_addr, from: pdu.source_addr, id, esm: pdu.esm_class, coding: pdu.data_coding, udh, text: message.message ?? payload.message ?? payload,
    total: pdu.sar_total_segments, part: pdu.sar_segment_seqnum, reference: pdu.user_message_reference, validity: pdu.validity_period, system: session.system,
    tons: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi],
  });
  if (cutAt && submits >= cutAt) {
    cutAt = 0;
    if (options.receipts !== 'none') waiting.push(receipt(pdu, id));
    for (const each of sessions) each.destroy();
    return undefined;
  }
  if (last === '4') {
    if (options.receipts === 'late') waiting.push(receipt(pdu, id));
    return undefined;
  }
  const answer = () => session.send(pdu.response({ message_id: id }));
  const wait = last === '6' ? 1500 : Number(options.delay || 0);
  if (options.receipts === 'first') deliver(receipt(pdu, id));
  if (wait) setTimeout(answer, wait);
  else answer();
  if (pdu.registered_delivery && options.receipts === 'late') waiting.push(receipt(pdu, id));
  else if (pdu.registered_delivery && !['none', 'first'].includes(options.receipts)) setTimeout(() => deliver(receipt(pdu, id)), wait + 20);
  return undefined;
}

function accept(session) {
  session.owed = new Set();
  const bind = (role) => (pdu) => {
    if (pdu.password !== 'secret') {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      return session.close();
    }
    Object.assign(session, { role, system: pdu.system_id });
    sessions.add(session);
    note({ bound: session.system });
    session.send(pdu.response({ system_id: 'npm', sc_interface_version: 0x34 }));
    if (options.receipts !== 'late') waiting.splice(0).forEach((fields) => setTimeout(() => deliver(fields), 50));
    return undefined;
  };
  session.on('bind_transceiver', bind('transceiver'));
  session.on('bind_transmitter', bind('transmitter'));
  session.on('bind_receiver', bind('receiver'));
  session.on('enquire_link', (pdu) => { note({ enquire: session.system }); session.send(pdu.response()); });
  session.on('unbind', (pdu) => { note({ unbind: session.system }); session.send(pdu.response()); session.close(); });
  session.on('unbind_resp', () => note({ unbound: session.system }));
  session.on('generic_nack', (pdu) => note({ nack: pdu.command_status }));
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('error', () => {});
  session.on('close', () => {
    sessions.delete(session);
    waiting.push(...session.owed);
    session.owed.clear();
  });
}

const secure = options.key ? { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert) } : {};
const server = smpp.createServer(secure, accept);
server.on('error', (error) => { console.error(error.message); process.exit(1); });
server.listen(port, '127.0.0.1', () => console.log('ready', port));

function long(from, text, tagged) {
  const pieces = text.match(/.{1,60}/gu);
  pieces.map((piece, index) => [piece, index]).reverse().forEach(([piece, index]) => {
    const place = { sar_msg_ref_num: 7, sar_total_segments: pieces.length, sar_segment_seqnum: index + 1 };
    const short = tagged ? piece : { udh: Buffer.from([5, 0, 3, 7, pieces.length, index + 1]), message: piece };
    deliver({ source_addr: from, destination_addr: '8900', source_addr_ton: 1, data_coding: 8, ...(tagged ? place : {}), short_message: short });
  });
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, from, ...rest] = line.split(' ');
  const text = rest.join(' ');
  if (word === 'mo') deliver({ source_addr: from, destination_addr: '8900', data_coding: /^[\x20-\x7e]*$/.test(text) ? 0 : 8, short_message: text });
  if (word === 'molong' || word === 'mosar') long(from, text, word === 'mosar');
  if (word === 'unbind') for (const session of sessions) session.unbind();
  if (word === 'cut') for (const session of sessions) session.destroy();
  if (word === 'raw') for (const session of sessions) session.socket.write(Buffer.from(from, 'hex'));
  if (word === 'late') {
    const all = waiting.splice(0);
    const asked = (fields) => !from || String(place.get(fields)) === from;
    waiting.push(...all.filter((fields) => !asked(fields)));
    all.filter(asked).forEach((fields) => deliver(fields));
  }
});
