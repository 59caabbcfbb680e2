// Turns each mail into its features: the different words in it, those of some headers marked with the header's name.
//
// Writes features.tsv, one mail a line: label, name, words (`money subject:free x-mailer:outlook …`).
//
// Usage: node features.mjs MAILS OUT
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Headers that the sender writes. Others (Received, Delivered-To, Date …) tell who collected the mail. */
const headers = new Set(['subject', 'from', 'reply-to', 'content-type', 'x-mailer']);

const [mails, out] = process.argv.slice(2);
if (out === undefined) fail('usage: node features.mjs MAILS OUT');

const file = openSync(join(out, 'features.tsv'), 'w');
for (const label of ['ham', 'spam']) {
  if (!existsSync(join(mails, label))) fail(`${mails} has no directory ${label}/`);
  const names = readdirSync(join(mails, label)).sort();
  for (const [i, name] of names.entries()) {
    // Mails of 2002 come in many encodings, often unnamed; Latin-1 gives every byte some character.
    const words = wordsOf(readFileSync(join(mails, label, name), 'latin1'));
    writeSync(file, `${label}\t${name}\t${words.join(' ')}\n`);
    if ((i + 1) % 500 === 0 || i + 1 === names.length)
      console.log(`${label}: ${i + 1} of ${names.length} mails`);
  }
}
closeSync(file);

/** The different words of a mail, in the order in which they appear. */
function wordsOf(mail) {
  const { fields, body } = parse(mail);
  const words = new Set();
  for (const [name, value] of fields) {
    if (headers.has(name)) for (const word of wordsIn(value)) words.add(`${name}:${word}`);
  }
  for (const word of wordsIn(body)) words.add(word);
  return [...words];
}

/** Words of 3 to 24 characters, and shouting. */
function wordsIn(text) {
  return text.toLowerCase().match(/[\p{L}$][\p{L}\p{N}$'-]{2,23}|!{2,}/gu) ?? [];
}

/** Splits a mail into header fields and body, and takes the body's transfer encoding off (RFC 5322, RFC 2045). */
function parse(mail) {
  const text = mail.replaceAll('\r\n', '\n');
  const end = text.indexOf('\n\n');
  const head = (end < 0 ? text : text.slice(0, end)).replace(/\n[ \t]+/g, ' ');
  const fields = new Map();
  for (const line of head.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const body = end < 0 ? '' : text.slice(end + 2);
  return { fields, body: decode(body, fields.get('content-transfer-encoding')?.toLowerCase()) };
}

function decode(body, encoding) {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('latin1');
  // Parts of a multipart mail are quoted-printable on their own; elsewhere "=3D" and the like are rare.
  return body
    .replaceAll('=\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function fail(message) {
  console.error(`features.mjs: ${message}`);
  process.exit(1);
}
