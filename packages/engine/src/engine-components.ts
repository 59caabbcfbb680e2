/** The engine's components, as spec page 5 names them: each may be a process of its own, in any number of copies. */
export const engineComponents = [
  'projection',
  'initialize',
  'run-management',
  'finishing',
  'garbage-collection',
  'housekeeping',
] as const;

export type EngineComponent = (typeof engineComponents)[number];
