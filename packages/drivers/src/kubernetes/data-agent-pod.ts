import type { Pod } from './client/resource-type.ts';
import { dynamicLabels } from './labels.ts';
import { agentDirectory, agentTokenVariable, agentUrlVariable } from './pod-wire.ts';
import { volumeAccess } from './volume-access.ts';

export interface DataAgent {
  readonly id: string;
  /** Where it calls. */
  readonly url: string;
  readonly token: string;
  readonly volume: string;
  /** Whether it must leave the volume as it is; then others may read at the same time. */
  readonly isReader: boolean;
}

export interface DataAgentSurroundings {
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets: readonly string[];
  /** The name of the Pod that it works for. */
  readonly backend: string;
}

export const agentName = (id: string): string => `data-agent-${id}`;

/** The name of the Pod that a Data Agent works for: agents that it leaves behind are found by it. */
export const backendLabel = 'knitfab/backend';

/**
 * The Pod of one transfer. It needs nothing of Kubernetes and no name service; it has no probes, as it calls when it is ready.
 */
export function dataAgentPod(agent: DataAgent, surroundings: DataAgentSurroundings): Pod {
  const { image, imagePullPolicy, imagePullSecrets, backend } = surroundings;
  return {
    metadata: {
      name: agentName(agent.id),
      labels: { ...dynamicLabels('data-agent'), [backendLabel]: backend },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      dnsPolicy: 'Default',
      terminationGracePeriodSeconds: 2,
      imagePullSecrets: imagePullSecrets.map((name) => ({ name })),
      containers: [
        {
          name: 'data-agent',
          image,
          imagePullPolicy,
          args: ['data-agent'],
          env: [
            { name: agentUrlVariable, value: agent.url },
            { name: agentTokenVariable, value: agent.token },
          ],
          resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '512Mi' } },
          securityContext: volumeAccess,
          volumeMounts: [{ name: 'data', mountPath: agentDirectory, readOnly: agent.isReader }],
        },
      ],
      volumes: [
        {
          name: 'data',
          persistentVolumeClaim: { claimName: agent.volume, readOnly: agent.isReader },
        },
      ],
    },
  };
}
