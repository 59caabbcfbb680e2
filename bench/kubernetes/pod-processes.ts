import { readdir, readFile } from 'node:fs/promises';

/** The processes of this machine that belong to each pod, by the pod's uid: where the nodes are on this machine. */
export async function podProcesses(): Promise<Map<string, number[]>> {
  const processes = new Map<string, number[]>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const cgroups = await readFile(`/proc/${name}/cgroup`, 'utf8').catch(() => '');
    const uid = /pod([0-9a-f]{8}[-_](?:[0-9a-f]{4}[-_]){3}[0-9a-f]{12})/
      .exec(cgroups)?.[1]
      ?.replaceAll('_', '-');
    if (uid === undefined) continue;
    const program = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (/^\/pause\0/.test(program)) continue;
    processes.set(uid, [...(processes.get(uid) ?? []), Number(name)]);
  }
  return processes;
}

/** Memory that is a process's own, and its share of what it has in common with others, in MiB. */
export async function proportionalMebibytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024;
}

/** Clock ticks per second, of which /proc counts (proc(5)); 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor time of a process so far, in seconds. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
