import { endpoints, planPages } from '@knitfab/api';
import {
  annotationSet,
  checkedResources,
  checkedServiceAccount,
  definePlan,
  type PlanId,
} from '@knitfab/core';
import {
  changePlanAnnotations,
  changePlanResources,
  changePlanScheduling,
  dryRunPlan,
  findPlans,
  findPlansInBatches,
  planDetails,
  planGraph,
  registerPlan,
  type Store,
  setPlanActive,
  setPlanServiceAccount,
  snapshot,
  type Tx,
  tagBytesOfPlans,
  transaction,
} from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { serve } from '../serve.ts';
import { serveList } from '../serve-list.ts';

/** `/api/plans` (spec page 2). */
export function planRoutes(app: FastifyInstance, store: Store, backend: Backend): void {
  const { db } = store;
  const detail = async (planId: PlanId) => (await snapshot(db, (tx) => planDetails(tx, [planId])))[0];
  const changed = async (planId: PlanId, change: (tx: Tx) => Promise<void>) => {
    await transaction(db, change);
    return detail(planId);
  };

  serveList(app, endpoints.findPlans, store, {
    find: findPlans,
    findInBatches: findPlansInBatches,
    details: planDetails,
    bytes: tagBytesOfPlans,
    cursorAfter: ({ planId }) => planPages.cursors.write(planId),
  });

  serve(app, endpoints.registerPlan, async ({ body, query }) => {
    const plan = definePlan(body);
    backend.checkPlan(plan);
    if (query.dry_run) return snapshot(db, (tx) => dryRunPlan(tx, plan));
    return detail(await transaction(db, (tx) => registerPlan(tx, plan)));
  });

  serve(app, endpoints.getPlan, ({ params }) => detail(params.planId));

  serve(app, endpoints.getPlanGraph, ({ params, query }) =>
    snapshot(db, (tx) => planGraph(tx, { root: params.planId, ...query })),
  );

  serve(app, endpoints.activatePlan, ({ params: { planId } }) =>
    changed(planId, (tx) => setPlanActive(tx, planId, true)),
  );
  serve(app, endpoints.deactivatePlan, ({ params: { planId } }) =>
    changed(planId, (tx) => setPlanActive(tx, planId, false)),
  );
  serve(app, endpoints.changePlanResources, ({ params: { planId }, body }) =>
    changed(planId, async (tx) => {
      backend.checkResources(
        await changePlanResources(tx, planId, { ...body, set: checkedResources(body.set) }),
      );
    }),
  );
  serve(
    app,
    endpoints.annotatePlan,
    ({ params: { planId }, body: { add, remove, remove_key: removeKeys } }) =>
      changed(planId, (tx) =>
        changePlanAnnotations(tx, planId, { add: annotationSet(add), remove, removeKeys }),
      ),
  );
  serve(app, endpoints.setPlanServiceAccount, ({ params: { planId }, body }) =>
    changed(planId, (tx) => setPlanServiceAccount(tx, planId, checkedServiceAccount(body.service_account))),
  );
  serve(app, endpoints.schedulePlan, ({ params: { planId }, body }) =>
    changed(planId, (tx) => changePlanScheduling(tx, planId, body)),
  );
  serve(app, endpoints.unsetPlanServiceAccount, ({ params: { planId } }) =>
    changed(planId, (tx) => setPlanServiceAccount(tx, planId, null)),
  );
}
