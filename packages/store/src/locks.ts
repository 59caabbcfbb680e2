/** The keys of all advisory locks: any numbers, as long as they differ. */
export const locks = {
  /** Shared by changes of Data, exclusive for new Plans: see nominations.ts. */
  nominations: 0x6b6e_0001,
  /** Giving away the room of a machine: see run-claims.ts. */
  reservations: 0x6b6e_0002,
  /** Filling up limits on Runs under way: see admission.ts. */
  admission: 0x6b6e_0005,
  /** One server on one machine: see hold.ts. */
  hold: 0x6b6e_0003,
  /** One process at a time migrates: see migrations.ts. */
  migrations: 0x6b6e_0004,
  /** Counting spare volumes: see spare-volumes.ts. */
  spareVolumes: 0x6b6e_0006,
} as const;
