/** Ctrl-C, a request to end, a terminal that was closed; 128 and the number of the signal, as shells have it. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Ctrl-C, or a request to end from elsewhere. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: keyof typeof exitCodes) {
    super('interrupted');
    this.exitCode = exitCodes[signal];
  }
}

const interruption = new AbortController();

/** Aborts when the command is asked to end: whoever has something under way cleans up and ends. */
export const interrupted: AbortSignal = interruption.signal;

/** Listens for Ctrl-C. The second one ends the process at once. */
export function listenForInterrupts(): void {
  for (const signal of Object.keys(exitCodes) as (keyof typeof exitCodes)[]) {
    process.on(signal, () => {
      const interrupt = new Interrupted(signal);
      if (interrupted.aborted) process.exit(interrupt.exitCode);
      interruption.abort(interrupt);
    });
  }
}
