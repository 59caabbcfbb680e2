import type { SecurityContext } from 'kubernetes-types/core/v1.js';

/**
 * For our containers that touch volumes: what users' images have written there belongs to anyone, and a new volume often to root.
 * So they are root with no right but to get at files, which the Pod Security Standard "baseline" allows.
 */
export const volumeAccess: SecurityContext = {
  runAsUser: 0,
  runAsGroup: 0,
  runAsNonRoot: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
