import { decodeJwt, SignJWT } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { housekeepingLoop } from '../../engine/src/housekeeping.ts';
import { importKey, TwoProcesses } from './two-processes.ts';

let both: TwoProcesses;
beforeAll(async () => {
  both = await TwoProcesses.start();
});
afterAll(() => both[Symbol.asyncDispose]());

async function begin() {
  const answer = await both.backend.send('POST', '/api/backend/data/import/begin');
  const token = answer.bytes.toString();
  const claims = decodeJwt(token) as Record<string, string>;
  return { answer, token, claims, volume: claims.sub ?? '', knitId: claims['knitfab/knitId'] ?? '' };
}

const end = (token: string) =>
  both.backend.send('POST', '/api/backend/data/import/end', {
    body: token,
    headers: { 'content-type': 'application/jwt' },
  });

test('an import is begun with a signed token that names the volume, the Data and the Run, for 30 minutes', async () => {
  const { answer, claims, knitId } = await begin();
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('application/jwt');
  expect(Number(claims.exp) - Number(claims.iat)).toBe(30 * 60);
  expect(knitId).toMatch(/^[0-9a-f-]{36}$/);
  const { json } = await both.knitd.get(`/api/runs/${claims['knitfab/runId']}`);
  expect(json).toMatchObject({ status: 'running', plan: { name: 'knit#imported' } });
});

test('it ends when its volume is there: 400 before, the Data then, and the same again', async () => {
  const { token, volume, knitId } = await begin();
  const early = await end(token);
  expect(early.status).toBe(400);
  expect(early.json.reason).toContain(volume);
  await both.drivers.volumes.create(volume);
  const done = await end(token);
  expect(done.status).toBe(200);
  expect(done.json).toMatchObject({ knitId, upstream: { run: { status: 'done' } } });
  expect(done.json.tags).toContainEqual(expect.stringMatching(/^knit#timestamp:/));
  expect(await end(token)).toMatchObject({ status: 200, json: done.json });
});

test('ended by several at once, it is one Data, and all of them are told', async () => {
  const { token, volume, knitId } = await begin();
  await both.drivers.volumes.create(volume);
  const answers = await Promise.all(Array.from({ length: 5 }, () => end(token)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const { json } = await both.knitd.get(`/api/data/?tag=knit%23id:${knitId}`);
  expect(json).toHaveLength(1);
});

test('a token of somebody else, an unsigned one, and an expired one are refused with 401', async () => {
  const { claims, volume, token } = await begin();
  await both.drivers.volumes.create(volume);
  const { exp: _, iat: __, ...rest } = claims;
  const signed = (key: Uint8Array, expires: string) =>
    new SignJWT(rest).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime(expires).sign(key);
  const [, body] = token.split('.');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
  const refused = [
    await signed(new TextEncoder().encode('another key of thirty-two bytes.'), '30 minutes'),
    await signed(importKey, '1 second ago'),
    unsigned,
    'no token',
    '',
  ];
  for (const each of refused) {
    const answer = await end(each);
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({ reason: expect.any(String), advice: 'Begin the import again.' });
  }
  expect((await end(token)).status).toBe(200);
});

test('one that nobody ends is taken away with its volume once its time is over, and can not be ended any more', async () => {
  const { token, volume, claims } = await begin();
  await both.drivers.volumes.create(volume);
  await sql`update run set lease_until = now() - interval '1 second' where run_id = ${claims['knitfab/runId']}`.execute(
    both.store.db,
  );
  await housekeepingLoop(both.store, both.drivers).step();
  const garbage = await both.store.db.selectFrom('garbage').select('volume_ref').execute();
  expect(garbage).toContainEqual({ volume_ref: volume });
  const answer = await end(token);
  expect(answer.status).toBe(400);
  expect(answer.json).toMatchObject({
    reason: expect.stringContaining('aborted'),
    advice: 'Begin it again.',
  });
});
