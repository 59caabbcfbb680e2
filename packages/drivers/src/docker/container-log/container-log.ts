/** Brings what a container writes into the file `log` of the log's volume. */
export interface ContainerLog {
  /** Brings over what there is by now; all there will ever be, when the container has ended. */
  catchUp(hasEnded: boolean): Promise<void>;
  /** Calls back when there may be more. @returns a function that ends it */
  onChange(listener: () => void): () => void;
  close(): void;
}
