/** How far something has come: more than a colour, since a printout may have none. */
export type Progress = 'done' | 'failed' | 'under way' | 'waiting';

/** A Data, a Run or a Plan. Its texts are as they came: whoever writes them out makes them harmless. */
export interface GraphNode {
  readonly id: string;
  readonly kind: 'Data' | 'Run' | 'Plan';
  /** What it is called: an image, or the short form of its id. */
  readonly name: string;
  /** What it is, the most important first: tags; or what is executed, and what became of it. */
  readonly lines: readonly string[];
  /** The same in one line, without its kind and id. */
  readonly words: readonly string[];
  readonly progress?: Progress;
  /** Everything that is known of it, in full. */
  readonly details: readonly Detail[];
}

export interface Detail {
  readonly label: string;
  readonly values: readonly string[];
}

/** Something flows from a node to a node. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** Where it is mounted. */
  readonly label: string;
}

/** From where something comes, or to where it goes. */
export type Way = 'up' | 'down';

export const ways: readonly Way[] = ['up', 'down'];

/** What lineages and Plan graphs are drawn from. */
export interface Graph {
  /** The command that it answers: `knit data lineage …` */
  readonly title: string;
  readonly root: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** What the parts before and after the root are called. */
  readonly sections: Readonly<Record<Way, string>>;
  /** Nodes at the depth that was asked for, beyond which there is more. */
  readonly ends: Readonly<Record<Way, ReadonlySet<string>>>;
}

/** The beginning and the end of an id: what is made together begins the same. */
export const shortId = (id: string): string => (id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);

/** A command line, as a shell would read it. */
export const commandLine = (words: readonly string[]): string => words.map(quoted).join(' ');

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
