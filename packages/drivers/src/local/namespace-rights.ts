import { readFile } from 'node:fs/promises';
import { Unavailable } from '@knitfab/core';

/** Settings of the kernel that keep ordinary users from namespaces of their own, and the value that does. */
const settings = [
  { name: 'kernel.unprivileged_userns_clone', forbids: (value: number) => value === 0, allow: 1 },
  { name: 'user.max_user_namespaces', forbids: (value: number) => value === 0, allow: 10_000 },
  { name: 'kernel.apparmor_restrict_unprivileged_userns', forbids: (value: number) => value === 1, allow: 0 },
];

/** Why workers can't have namespaces of their own, and what to do about it. */
export async function noNamespaces(isRoot: boolean, complaint: string): Promise<Unavailable> {
  const reason = `workers can't be kept apart from this machine: ${complaint}`;
  if (isRoot) {
    return new Unavailable({
      reason,
      advice: 'In a container, start it with --privileged (or run the server outside of it).',
    });
  }
  const values = await Promise.all(
    settings.map(async (each) => ({ ...each, value: await setting(each.name) })),
  );
  const forbidding = values.find(({ value, forbids }) => value !== undefined && forbids(value));
  if (forbidding === undefined) {
    return new Unavailable({
      reason,
      advice:
        'Start the server as root, or allow user namespaces: in a container, start that with --privileged.',
    });
  }
  const { name, value, allow } = forbidding;
  return new Unavailable({
    reason: `${reason} (${name} is ${value})`,
    advice: `Start the server as root, or allow user namespaces: sysctl -w ${name}=${allow}`,
  });
}

async function setting(name: string): Promise<number | undefined> {
  try {
    return Number(await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'));
  } catch {
    return undefined; // this kernel has no such setting
  }
}
