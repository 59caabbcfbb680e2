import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';

/**
 * Names an image by what its registry has under its tag now: the same whichever platform is built, and for ever.
 * @returns such as `docker.io/library/node@sha256:…`
 * @throws when the registry can't be asked
 */
export function pinned(image: string): string {
  if (image.includes('@')) return image;
  const { status, stdout, stderr, error } = spawnSync('skopeo', ['inspect', '--raw', `docker://${image}`]);
  if (error !== undefined) throw new Error(`Images are named by their digests with skopeo: ${error.message}`);
  if (status !== 0) throw new Error(`The digest of ${image} can't be had: ${stderr.toString().trim()}`);
  // OCI Distribution: a manifest's digest is that of its bytes.
  const digest = createHash('sha256').update(stdout).digest('hex');
  return `${image.replace(/:[^:/]*$/, '')}@sha256:${digest}`;
}
