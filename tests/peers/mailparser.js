// Reads a mail with npm mailparser and prints what it found as JSON: node mailparser.js MAIL.eml
'use strict';
const fs = require('node:fs');
const { simpleParser } = require('mailparser');

simpleParser(fs.readFileSync(process.argv[2]), { skipImageLinks: true, skipTextToHtml: true }).then((mail) => {
  console.log(JSON.stringify({
    from: mail.from.value,
    to: mail.to.value,
    subject: mail.subject,
    messageId: mail.messageId,
    date: mail.date,
    text: mail.text,
    html: mail.html,
    list: mail.headers.get('list'),
    files: mail.attachments.map((file) => ({
      name: file.filename, type: file.contentType, cid: file.cid, related: file.related, content: file.content.toString('base64'),
    })),
  }));
});
