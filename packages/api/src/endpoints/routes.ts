const route = <Id extends string, Method extends 'GET' | 'POST' | 'PUT' | 'DELETE'>(
  operationId: Id,
  method: Method,
  path: string,
) => ({ operationId, method, path }) as const;

/**
 * Method and path of every operation (spec page 2), for server and client alike. `:name` is a parameter; paths have no
 * trailing `/` here, and both spellings are served.
 */
export const routes = {
  findData: route('findData', 'GET', '/api/data'),
  uploadData: route('uploadData', 'POST', '/api/data'),
  downloadData: route('downloadData', 'GET', '/api/data/:knitId'),
  tagData: route('tagData', 'PUT', '/api/data/:knitId'),
  findPlans: route('findPlans', 'GET', '/api/plans'),
  registerPlan: route('registerPlan', 'POST', '/api/plans'),
  getPlan: route('getPlan', 'GET', '/api/plans/:planId'),
  getPlanGraph: route('getPlanGraph', 'GET', '/api/plans/:planId/graph'),
  activatePlan: route('activatePlan', 'PUT', '/api/plans/:planId/active'),
  deactivatePlan: route('deactivatePlan', 'DELETE', '/api/plans/:planId/active'),
  changePlanResources: route('changePlanResources', 'PUT', '/api/plans/:planId/resources'),
  annotatePlan: route('annotatePlan', 'PUT', '/api/plans/:planId/annotations'),
  setPlanServiceAccount: route('setPlanServiceAccount', 'PUT', '/api/plans/:planId/serviceaccount'),
  unsetPlanServiceAccount: route('unsetPlanServiceAccount', 'DELETE', '/api/plans/:planId/serviceaccount'),
  schedulePlan: route('schedulePlan', 'PUT', '/api/plans/:planId/scheduling'),
  findRuns: route('findRuns', 'GET', '/api/runs'),
  getRun: route('getRun', 'GET', '/api/runs/:runId'),
  getRunLog: route('getRunLog', 'GET', '/api/runs/:runId/log'),
  abortRun: route('abortRun', 'PUT', '/api/runs/:runId/abort'),
  stopRun: route('stopRun', 'PUT', '/api/runs/:runId/tearoff'),
  retryRun: route('retryRun', 'PUT', '/api/runs/:runId/retry'),
  deleteRun: route('deleteRun', 'DELETE', '/api/runs/:runId'),
  getLineage: route('getLineage', 'GET', '/api/lineage'),
  getWhy: route('getWhy', 'GET', '/api/why'),
  followEvents: route('followEvents', 'GET', '/api/events'),
  getSystem: route('getSystem', 'GET', '/api/system'),
  pauseSystem: route('pauseSystem', 'PUT', '/api/system/paused'),
  resumeSystem: route('resumeSystem', 'DELETE', '/api/system/paused'),
  limitSystem: route('limitSystem', 'PUT', '/api/system/limits'),
  examine: route('examine', 'GET', '/api/doctor'),
  mend: route('mend', 'POST', '/api/doctor'),
  getVersion: route('getVersion', 'GET', '/api/version'),
  getOpenApi: route('getOpenApi', 'GET', '/api/openapi.json'),
  getReference: route('getReference', 'GET', '/api/reference'),
  getHealth: route('getHealth', 'GET', '/healthz'),
  getReadiness: route('getReadiness', 'GET', '/readyz'),
  getMetrics: route('getMetrics', 'GET', '/metrics'),
};

export type OperationId = keyof typeof routes;
