/** Paths of the internal API (spec page 2, "Internal API"). */
export const internalPaths = {
  data: '/api/backend/data',
  aData: '/api/backend/data/:knitId',
  log: '/api/backend/runs/:runId/log',
  doctor: '/api/backend/doctor',
  beginImport: '/api/backend/data/import/begin',
  endImport: '/api/backend/data/import/end',
  agents: '/api/backend/agents/:id',
} as const;
