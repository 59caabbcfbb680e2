/** What the objects of this system are marked with (Kubernetes, "Recommended Labels"). */
export const labels = {
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  managedBy: 'app.kubernetes.io/managed-by',
  runId: 'knitfab/run-id',
  planId: 'knitfab/plan-id',
  knitId: 'knitfab/knit-id',
} as const;

export type DynamicComponent = 'worker' | 'data-agent' | 'data';

/** The labels that each object has that is made while the system runs. */
export const dynamicLabels = (component: DynamicComponent): Record<string, string> => ({
  [labels.name]: 'knitfab',
  [labels.component]: component,
  [labels.managedBy]: 'knitfab',
});

/** Finds the objects of a component. */
export const selectorOf = (component: DynamicComponent): string =>
  `${labels.managedBy}=knitfab,${labels.component}=${component}`;
