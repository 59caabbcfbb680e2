import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { engineAddresses, findEngine, parseEngineAddress } from '../../src/docker/index.ts';

describe('a container engine', () => {
  it('is looked for where DOCKER_HOST says, and nowhere else then', () => {
    const found = engineAddresses({ DOCKER_HOST: 'unix:///a/b.sock', XDG_RUNTIME_DIR: '/run' });
    expect(found).toEqual([{ name: 'unix:///a/b.sock', connection: { socketPath: '/a/b.sock' } }]);
  });

  it('is looked for among the user’s own sockets', () => {
    const runtime = mkdtempSync(join(tmpdir(), 'knit-runtime-'));
    mkdirSync(join(runtime, 'podman'));
    writeFileSync(join(runtime, 'podman/podman.sock'), '');
    const names = engineAddresses({ XDG_RUNTIME_DIR: runtime }).map(({ name }) => name);
    expect(names).toContain(`unix://${runtime}/podman/podman.sock`);
    rmSync(runtime, { recursive: true });
  });

  it.each([
    ['tcp://127.0.0.1:2375', { host: '127.0.0.1', port: 2375 }],
    ['tcp://[::1]:2375', { host: '::1', port: 2375 }],
    ['/run/x.sock', { socketPath: '/run/x.sock' }],
  ])('may be at %s', (text, connection) => {
    expect(parseEngineAddress(text).connection).toEqual(connection);
  });

  it.each(['tcp://10.0.0.1:2375', 'ssh://me@host', 'unix://', 'nonsense'])(
    'of another machine is refused: %s',
    (text) => {
      expect(() => parseEngineAddress(text)).toThrow(/not one of this machine/);
    },
  );

  it('that does not answer is told of', async () => {
    const { engine, complaints } = await findEngine([parseEngineAddress('unix:///nothing/there.sock')]);
    expect(engine).toBeUndefined();
    expect(complaints).toEqual([
      expect.stringMatching(/unix:\/\/\/nothing\/there\.sock does not answer: .*ENOENT/),
    ]);
  });
});
