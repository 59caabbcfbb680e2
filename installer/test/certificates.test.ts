import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { lacks, Workplace } from './installer.ts';

const lack = lacks('helm', 'openssl');
const certs = 'knitfab-install-settings/certs';

describe.skipIf(lack)(`certificates of one’s own${lack ? ` (${lack})` : ''}`, () => {
  test('are taken from the environment, copied, and put into the values', () => {
    using place = new Workplace();
    place.authority('ca');
    place.server('server', 'ca');
    place.environment = {
      TLSCACERT: 'ca.crt',
      TLSCAKEY: 'ca.key',
      TLSCERT: 'server.crt',
      TLSKEY: 'server.key',
    };
    expect(place.installer('--prepare')).toMatchObject({ status: 0, stderr: '' });
    const text = (path: string) => readFileSync(join(place.path, path));
    for (const name of ['ca.crt', 'ca.key', 'server.crt', 'server.key']) {
      expect(text(`${certs}/${name}`)).toEqual(text(name));
    }
    expect(parse(text('knitfab-install-settings/values/knit-certs.yaml').toString())).toEqual({
      cacert: text('ca.crt').toString('base64'),
      cakey: text('ca.key').toString('base64'),
      cert: text('server.crt').toString('base64'),
      key: text('server.key').toString('base64'),
    });
  });

  test('need no key of the authority where the server’s certificate is given', () => {
    using place = new Workplace();
    place.authority('ca');
    place.server('server', 'ca');
    const { status } = place.installer(
      ...['--prepare', '--tls-ca-cert', 'ca.crt', '--tls-cert', 'server.crt', '--tls-key', 'server.key'],
    );
    expect(status).toBe(0);
    expect(readdirSync(join(place.path, certs))).not.toContain('ca.key');
  });

  test('may be a certificate that signed itself, given as both', () => {
    using place = new Workplace();
    place.openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=example.com', '-addext'],
      ...['basicConstraints=critical,CA:FALSE', '-keyout', 'self.key', '-out', 'self.crt'],
    );
    const { status, stderr } = place.installer(
      ...['--prepare', '--tls-ca-cert', 'self.crt', '--tls-cert', 'self.crt', '--tls-key', 'self.key'],
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test.each<[string, Record<string, string>, string]>([
    [
      'a key of another certificate',
      { TLSCACERT: 'ca.crt', TLSCAKEY: 'server.key' },
      'server.key is not the key of ca.crt',
    ],
    [
      'a server’s key of another certificate',
      { TLSCACERT: 'ca.crt', TLSCERT: 'server.crt', TLSKEY: 'ca.key' },
      'ca.key is not the key of server.crt',
    ],
    [
      'a certificate that another authority has signed',
      { TLSCACERT: 'other.crt', TLSCERT: 'server.crt', TLSKEY: 'server.key' },
      "server.crt, the server's certificate, is not one that other.crt, the CA's, has signed",
    ],
    [
      'an authority that is none',
      { TLSCACERT: 'server.crt', TLSCAKEY: 'server.key' },
      'server.crt is not the certificate of an authority',
    ],
    [
      'an expired certificate',
      { TLSCACERT: 'ca.crt', TLSCERT: 'expired.crt', TLSKEY: 'expired.key' },
      "expired.crt, the server's certificate, has expired",
    ],
    [
      'a missing file',
      { TLSCACERT: 'nowhere.crt', TLSCAKEY: 'ca.key' },
      "nowhere.crt, the CA's certificate, is not there or not readable",
    ],
    ['a file that is none', { TLSCACERT: 'note.txt', TLSCAKEY: 'ca.key' }, 'is not a certificate in PEM'],
    [
      'a key with a passphrase',
      { TLSCACERT: 'ca.crt', TLSCAKEY: 'secret.key' },
      "secret.key, the CA's key, can't be read: a private key in PEM without a passphrase is needed",
    ],
    [
      'a certificate without its key',
      { TLSCACERT: 'ca.crt', TLSCERT: 'server.crt' },
      'but not its key: TLSKEY',
    ],
    [
      'a server’s certificate without its authority',
      { TLSCERT: 'server.crt', TLSKEY: 'server.key' },
      'but not that of the CA which has signed it',
    ],
    [
      'an authority that can sign nothing',
      { TLSCACERT: 'ca.crt' },
      "without which no server's certificate can be made",
    ],
  ])('%s gets a sentence, and nothing is left half made', (_, environment, sentence) => {
    using place = new Workplace();
    place.authority('ca');
    place.authority('other');
    place.server('server', 'ca');
    place.server('expired', 'ca', -1);
    place.openssl('rsa', '-in', 'ca.key', '-aes256', '-passout', 'pass:word', '-out', 'secret.key');
    writeFileSync(join(place.path, 'note.txt'), 'not a certificate\n');
    place.environment = environment;
    const { status, stderr } = place.installer('--prepare');
    expect(status).toBe(1);
    expect(stderr).toContain(sentence);
    expect(readdirSync(place.path).filter((name) => name.includes('settings'))).toEqual([]);
  });
});
