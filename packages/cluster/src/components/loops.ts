import { type EngineComponent, runEngine } from '@knitfab/engine';
import { loopMetrics } from '@knitfab/server/loop-metrics';
import { type ComponentOptions, runComponent } from '../component.ts';

/** As many as a component's loops have transactions at a time. */
const connections: Record<EngineComponent, number> = {
  projection: 3,
  initialize: 2,
  'run-management': 3,
  finishing: 6,
  'garbage-collection': 2,
  housekeeping: 2,
};

/** Runs the loops of one of the engine's components, and nothing else. */
export async function runLoops(component: EngineComponent, options: ComponentOptions): Promise<void> {
  await runComponent(component, connections[component], options, async (surroundings) => {
    const { store, log, registry, ending, ready } = surroundings;
    const drivers =
      component === 'projection'
        ? undefined
        : await (await import('../cluster-drivers.ts')).openClusterDrivers(surroundings);
    const leftAgents =
      component === 'housekeeping'
        ? (await import('../left-agents.ts')).removeLeftAgents(surroundings)
        : undefined;
    ready();
    await runEngine(
      {
        store,
        ...(drivers && { drivers }),
        log,
        components: [component],
        observer: loopMetrics([registry]),
        // A worker that waits for room waits as long as that takes; whatever else keeps one from starting has a deadline in the driver.
        startDeadlineMilliseconds: Number.POSITIVE_INFINITY,
      },
      ending,
    );
    await leftAgents;
    await drivers?.close();
  });
}
