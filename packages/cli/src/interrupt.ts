/** Ctrl-C, or a request to end from elsewhere. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('interrupted');
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

const interruption = new AbortController();

/** Aborts when the command is asked to end: whoever has something under way cleans up and ends. */
export const interrupted: AbortSignal = interruption.signal;

/** Listens for Ctrl-C. The second one ends the process at once. */
export function listenForInterrupts(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const interrupt = new Interrupted(signal);
      if (interrupted.aborted) process.exit(interrupt.exitCode);
      interruption.abort(interrupt);
    });
  }
}
