import type { PlanSummary } from '@knitfab/api';
import { planName } from '../output/describe.ts';
import { commandLine, type Detail } from './graph.ts';

/** What a summary tells of a Plan. */
export const planDetails = (plan: PlanSummary): Detail[] => [
  { label: plan.image === undefined ? 'name' : 'image', values: [planName(plan)] },
  ...(plan.entrypoint ? [{ label: 'entrypoint', values: [commandLine(plan.entrypoint)] }] : []),
  ...(plan.args ? [{ label: 'args', values: [commandLine(plan.args)] }] : []),
  ...(plan.annotations ? [{ label: 'annotations', values: plan.annotations }] : []),
];
