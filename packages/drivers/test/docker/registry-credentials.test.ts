import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { credentialsFor } from '../../src/docker/registry-credentials.ts';

const directory = mkdtempSync(join(tmpdir(), 'knit-credentials-'));
afterAll(() => rmSync(directory, { recursive: true }));

const basic = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const file = (name: string, content: object | string) => {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('the login to a registry', () => {
  it.each([
    ['by the registry’s name', 'registry.example.com/a:1', 'registry.example.com'],
    ['with a port', 'registry.example.com:5000/a/b:1', 'registry.example.com:5000'],
    ['as docker login writes it', 'registry.example.com/a:1', 'https://registry.example.com/v2/'],
    ['of Docker Hub for a short name', 'alpine:3', 'https://index.docker.io/v1/'],
    ['of Docker Hub as podman login writes it', 'me/tool:3', 'docker.io'],
    ['to a part of a registry', 'registry.example.com/team/tool:1', 'registry.example.com/team'],
  ])('is found %s', async (_, image, key) => {
    const path = file('found.json', {
      auths: { 'other.example.com': basic('x:y'), [key]: basic('me:pass:word') },
    });
    expect(await credentialsFor(image, [path])).toMatchObject({ username: 'me', password: 'pass:word' });
  });

  it('to a part of a registry counts for that part only, and more than one to all of it', async () => {
    const path = file('part.json', {
      auths: { 'registry.example.com': basic('all:1'), 'registry.example.com/team': basic('team:2') },
    });
    expect(await credentialsFor('registry.example.com/team/tool:1', [path])).toMatchObject({
      username: 'team',
    });
    expect(await credentialsFor('registry.example.com/teams/tool:1', [path])).toMatchObject({
      username: 'all',
    });
  });

  it('may be a token', async () => {
    const path = file('token.json', { auths: { 'r.example.com': { auth: '', identitytoken: 'abc' } } });
    expect(await credentialsFor('r.example.com/a:1', [path])).toEqual({
      serveraddress: 'r.example.com',
      identitytoken: 'abc',
    });
  });

  it('is taken from the first file that has one', async () => {
    const files = [
      join(directory, 'missing.json'),
      file('none.json', {}),
      file('first.json', { auths: { 'r.example.com': basic('first:1') } }),
      file('second.json', { auths: { 'r.example.com': basic('second:1') } }),
    ];
    expect(await credentialsFor('r.example.com/a:1', files)).toMatchObject({ username: 'first' });
    expect(await credentialsFor('s.example.com/a:1', files)).toBeUndefined();
  });

  it('in a broken file is told of', async () => {
    await expect(credentialsFor('r.example.com/a:1', [file('broken.json', '{')])).rejects.toThrow(
      /broken\.json.*can't be read/,
    );
  });

  it('that a missing program keeps is told of', async () => {
    const path = file('helper.json', { credHelpers: { 'r.example.com': 'nothing-of-that-name' } });
    await expect(credentialsFor('r.example.com/a:1', [path])).rejects.toThrow(
      /docker-credential-nothing-of-that-name/,
    );
  });
});
