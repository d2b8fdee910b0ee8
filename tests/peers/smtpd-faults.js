// A third-party SMTP server (npm smtp-server) with a fault per recipient: node smtpd-faults.js PORT LOGFILE
// The log holds one JSON line per mail that was kept: the peer's own witness.
//   unknown 550 5.1.1   full 452 4.2.2   grey* 451 once   slow 3 s at RCPT   spam 554 after DATA   busy 421 after DATA
//   late* answer to the body after 2 s   cut* drops the connection after the body was kept   drop* before it is kept
'use strict';
const fs = require('node:fs');
const { SMTPServer } = require('smtp-server');

const [port, log] = [Number(process.argv[2]), process.argv[3]];
const seen = new Set();
let kept = 0;

const refusal = (code, text) => Object.assign(new Error(text), { responseCode: code });
const keep = (session, bytes) => {
  kept += 1;
  const envelope = { from: session.envelope.mailFrom.address, to: session.envelope.rcptTo[0].address };
  fs.appendFileSync(log, `${JSON.stringify({ ...envelope, bytes, user: session.user || null, secure: session.secure })}\n`);
  return kept;
};

const cut = (session) => {
  for (const connection of server.connections) {
    if (connection.session === session) connection._socket.destroy();
  }
};

const options = {
  authOptional: true,
  disabledCommands: process.env.PEER_TLS ? [] : ['STARTTLS'],
  hideSTARTTLS: !process.env.PEER_TLS,
  key: process.env.PEER_KEY && fs.readFileSync(process.env.PEER_KEY),
  cert: process.env.PEER_CERT && fs.readFileSync(process.env.PEER_CERT),
  onAuth: (auth, session, done) =>
    auth.password === 'test' ? done(null, { user: auth.username }) : done(refusal(535, '5.7.8 bad credentials')),
  onRcptTo(address, session, done) {
    const local = address.address.split('@')[0];
    if (local === 'unknown') return done(refusal(550, '5.1.1 no such user'));
    if (local === 'full') return done(refusal(452, '4.2.2 mailbox full'));
    if (local.startsWith('grey') && !seen.has(local)) {
      seen.add(local);
      return done(refusal(451, '4.7.1 greylisted, come back later'));
    }
    return local === 'slow' ? setTimeout(done, 3000) : done();
  },
  onData(stream, session, done) {
    let bytes = 0;
    stream.on('data', (data) => { bytes += data.length; });
    stream.on('end', () => {
      const local = session.envelope.rcptTo[0].address.split('@')[0];
      if (local === 'spam') return done(refusal(554, '5.7.1 message rejected as spam'));
      if (local === 'busy') return done(refusal(421, '4.3.2 closing'));
      if (local.startsWith('drop')) return cut(session);
      const number = keep(session, bytes);
      if (local.startsWith('cut')) return cut(session);
      const answer = () => done(null, `2.0.0 Ok: queued as PEER${number}`);
      return local.startsWith('late') ? setTimeout(answer, 2000) : answer();
    });
  },
};

const server = new SMTPServer(options);
server.on('error', () => {});
server.listen(port, '127.0.0.1', () => console.log('ready'));
