import { readFile } from 'node:fs/promises';
import { apply, kubectl } from '../../e2e/kubernetes/kubectl.ts';
import { emptyCheck } from '../../packages/drivers/src/kubernetes/empty-check.ts';
import {
  logDirectory,
  pipePath,
  recorderTokenVariable,
  startPath,
  toolsDirectory,
} from '../../packages/drivers/src/kubernetes/pod-wire.ts';
import { volumeAccess } from '../../packages/drivers/src/kubernetes/volume-access.ts';
import type { Figure } from '../figure.ts';
import { type MeasuredCluster, measuredCluster, noCluster } from '../kubernetes/measured-cluster.ts';
import { mean } from '../mean.ts';

const rounds = 20;
const name = 'start';
const output = '/out';
const clock = 'date +%s%N';

/** One line for each time: nanoseconds that `true` took, those of the program, and what else the script says. */
const timed = (prepare: string, program: string): string => `
cd /tmp
for round in $(seq ${rounds + 1}); do
  ${prepare}
  a=$(${clock}); /bin/true; b=$(${clock})
  ${program}
done`;

/** The pipe can be opened for writing as soon as the recorder reads it. */
const recorder = timed(
  `rm -f ${pipePath} ${logDirectory}/log; mkfifo ${pipePath}`,
  `"$@" >&2 & exec 3>${pipePath}; c=$(${clock})
  echo $((b - a)) $((c - b)) $(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$!/status)
  exec 3>&-; wait`,
);

const check = timed(
  `rm -rf ${pipePath} ${startPath} ${toolsDirectory}/checked`,
  `"$@"; c=$(${clock}); echo $((b - a)) $((c - b)) 0`,
);

/** The programs beside a user's, from exec to when main may go on, inside a Pod that runs already. */
export const kubernetesStart: Figure[] = [
  {
    name: 'kubernetes-start:recorder',
    what: `the log recorder, from exec until it reads the pipe, ${rounds} times`,
    unit: 'ms',
    goal: '≤ 150',
    meets: (value) => value <= 150,
    measure: () => started(recorder, recorderCommand, ({ program }) => program),
  },
  {
    name: 'kubernetes-start:recorder-memory',
    what: 'the most memory that the log recorder has had by then, with the text of Node',
    unit: 'MiB',
    goal: '≤ 64',
    meets: (value) => value <= 64,
    measure: () => started(recorder, recorderCommand, ({ mebibytes }) => mebibytes),
  },
  {
    name: 'kubernetes-start:empty-check',
    what: `the check of an output, from exec to its end, ${rounds} times`,
    unit: 'ms',
    goal: '≤ 150',
    meets: (value) => value <= 150,
    measure: () =>
      started(
        check,
        async () => emptyCheck([output], { isHook: true }),
        ({ program }) => program,
      ),
  },
];

interface Start {
  /** Milliseconds. */
  readonly bare: number;
  readonly program: number;
  readonly mebibytes: number;
}

async function started(script: string, command: () => Promise<string[]>, value: (start: Start) => number) {
  const cluster = await measuredCluster();
  if (cluster === undefined) return noCluster;
  const inPod = await runningPod(cluster);
  try {
    const said = await kubectl(...inPod, 'exec', name, '--', 'sh', '-c', script, 'sh', ...(await command()));
    // The first one is the warm-up.
    const starts = said.trim().split('\n').slice(1).map(readStart);
    return {
      values: starts.map(value),
      comparedWith: `true: ${mean(
        starts.map(({ bare }) => bare),
        1,
      )} ms`,
    };
  } finally {
    await kubectl(...inPod, 'delete', 'pod', name, '--grace-period=0', '--force');
  }
}

function readStart(line: string): Start {
  const [bare = Number.NaN, program = Number.NaN, kilobytes = Number.NaN] = line.split(' ').map(Number);
  return { bare: bare / 1e6, program: program / 1e6, mebibytes: kilobytes / 1024 };
}

/** As the image starts it. */
async function recorderCommand(): Promise<string[]> {
  const dockerfile = await readFile(new URL('../../images/Dockerfile', import.meta.url), 'utf8');
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  return [...entrypoint, 'log-recorder'];
}

/** A Pod of the installation's image that has what these programs find in a worker's. @returns kubectl's options for it */
async function runningPod({ knitfab, bareNamespace }: MeasuredCluster): Promise<string[]> {
  const loops = await knitfab.kubectl(
    'get',
    'configmap',
    'loops-config',
    '-o',
    'jsonpath={.data.config\\.json}',
  );
  const { image } = JSON.parse(loops) as { image: string };
  const places = [toolsDirectory, logDirectory, output, '/tmp'];
  await apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: bareNamespace },
      spec: {
        automountServiceAccountToken: false,
        containers: [
          {
            name,
            image,
            command: ['sleep', 'infinity'],
            env: [{ name: recorderTokenVariable, value: 'figures' }],
            securityContext: volumeAccess,
            resources: { limits: { memory: '512Mi' } },
            volumeMounts: places.map((mountPath, at) => ({ name: `place-${at}`, mountPath })),
          },
        ],
        volumes: places.map((_, at) => ({ name: `place-${at}`, emptyDir: {} })),
      },
    },
  ]);
  const inNamespace = ['--namespace', bareNamespace];
  await kubectl(...inNamespace, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
  return inNamespace;
}
