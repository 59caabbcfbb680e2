import type { Client, PlanGraph } from '@knitfab/api';
import type { Extent } from './extent.ts';
import { orFromOldServer } from './or-from-old-server.ts';
import { walkPlans } from './walk-plans.ts';

/** The Plans before and after a Plan, in one request; a 1.6 server is asked for Plans one by one. */
export const fetchPlanGraph = (client: Client, planId: string, extent: Extent): Promise<PlanGraph> =>
  orFromOldServer(client, client.getPlanGraph(planId, extent), () => walkPlans(client, planId, extent));
