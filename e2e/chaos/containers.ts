import { setTimeout } from 'node:timers/promises';
import { hasPodman, PodmanService } from '../../packages/drivers/test/docker/podman-service.ts';
import type { Fault } from './faults.ts';

/** A container engine of the chaos's own, which goes away at times. */
export class ContainerEngine {
  /** An image of this machine's own programs. */
  readonly image = 'knit-test:v1';
  readonly #podman: PodmanService;

  private constructor(podman: PodmanService) {
    this.#podman = podman;
    podman.image(this.image, { extra: ['cp'] });
  }

  /** @returns undefined where there is no Podman, or no right to have an engine */
  static async start(): Promise<ContainerEngine | undefined> {
    return hasPodman ? new ContainerEngine(await PodmanService.start()) : undefined;
  }

  /** What `knit up` is told of it: options, and variables of its process. */
  get options(): { options: string[]; environment: NodeJS.ProcessEnv } {
    return {
      // A network of the engine's own would leave an interface behind on this machine.
      options: ['--driver', 'docker', '--container-network', 'none'],
      environment: { DOCKER_HOST: this.#podman.address },
    };
  }

  get faults(): Fault[] {
    return [
      {
        name: 'container engine killed, and started again (SIGKILL)',
        inject: async () => {
          await this.#podman.down('SIGKILL');
          await setTimeout(Math.random() * 5000);
          await this.#podman.up();
        },
      },
    ];
  }

  /** What is left over once everything has come to rest: sentences. */
  leftovers(): string[] {
    const containers = this.#podman.podman('ps', '--all', '--format={{.Names}} ({{.Status}})');
    return containers
      .split('\n')
      .filter(Boolean)
      .map((container) => `the container ${container} is left over`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#podman[Symbol.asyncDispose]();
  }
}
