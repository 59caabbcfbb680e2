import { defaultResources, formatTag, type Tag } from '@knitfab/core';
import type { ImageConfiguration } from '../image-archive/image.ts';
import { escapedInQuotes } from '../output/harmless.ts';
import type { KnitEnv } from '../profile/knitenv.ts';
import { type GuessedPaths, guessMountpoints } from './guess-mountpoints.ts';
import { placeholder } from './placeholder.ts';

/** What a template is made of: an image whose configuration is known, or a blank sheet. */
export interface TemplateSource {
  /** `repository:tag` */
  readonly image?: string;
  readonly configuration?: ImageConfiguration;
}

/**
 * Writes a Plan to start from, with a word on each field. It is a Plan already, unless there are placeholders in it:
 * for the name of an image that has none, and for the command of an image that has none.
 */
export function planTemplate({ image, configuration }: TemplateSource, { tags, resources }: KnitEnv): string {
  const guessed = configuration && guessMountpoints(configuration);
  const mountpoints = taggedMountpoints(guessed ?? { inputs: [], outputs: [] }, tags);
  return [
    image === undefined && configuration ? unnamedImage() : imageSection(image),
    configuration ? commandSection(configuration) : exampleCommand,
    inputSection(mountpoints.inputs, guessed),
    outputSection(mountpoints.outputs, guessed),
    logSection(mountpoints.log),
    activeSection,
    resourceSection({ ...defaultResources, ...resources }),
    otherSections,
  ].join('\n\n');
}

const imageSection = (image: string | undefined): string => `\
# What runs: [host[:port]/]repository:tag. Give the image a new tag whenever it changes: a Plan is its image.
# With \`knit up\`, host:TAG runs a command of this machine; TAG is your own version of the code.
image: ${text(image ?? 'host:v1')}`;

const unnamedImage = (): string => `\
# What runs: [host[:port]/]repository:tag. The archive does not name the image: write down what it is called
# where it will be pulled from, such as registry.example.com/team/train:v1.
image: ${text(placeholder)}`;

const exampleCommand = `\
# The command, as a list of words, and its arguments; left out, the image's own are used.
entrypoint: ["python3", "main.py"]
args: []`;

function commandSection({ entrypoint, command }: ImageConfiguration): string {
  if (entrypoint.length + command.length === 0) {
    return `\
# The command, as a list of words, such as ["python3", "main.py"], and its arguments. The image has none of its own.
entrypoint: [${text(placeholder)}]
args: []`;
  }
  return `\
# The command, as a list of words, and its arguments; left out, the image's own are used, which are these:
# entrypoint: ${texts(entrypoint)}
# args: ${texts(command)}`;
}

const inputSection = (inputs: readonly TaggedPath[], guessed: GuessedPaths | undefined): string => `\
# What it reads. Each Data that has all the tags of an input is mounted at its path, read-only, in a Run of its own;
# with several inputs, each combination of such Data is a Run. At least one input, with at least one tag each:
# the more tags, the fewer Data fit. "knit#id:ID" fits one Data only.
${guessNote(guessed?.inputs, 'reads')}inputs:${mountpointList(inputs)}`;

const outputSection = (outputs: readonly TaggedPath[], guessed: GuessedPaths | undefined): string => `\
# What it makes. Each output is an empty directory at first, and becomes a Data with these tags, which may fit the inputs
# of other Plans. None is fine: outputs: []
${guessNote(guessed?.outputs, 'writes')}outputs:${mountpointList(outputs)}`;

function guessNote(paths: readonly string[] | undefined, does: string): string {
  if (paths === undefined) return '';
  return paths.length > 0
    ? '# Paths and tags are guessed from the image: make the tags yours.\n'
    : `# Nothing in the image tells where it ${does}: this is an example.\n`;
}

const logSection = (tags: readonly string[]): string => `\
# What it writes to stdout and stderr becomes a Data, too; left out, it is not kept.
log:
  tags:${list(tags, 4)}`;

const activeSection = `\
# Whether its Runs start by themselves; \`knit plan active\` changes it later.
active: true`;

const resourceSection = (resources: Readonly<Record<string, string>>): string => `\
# What each Run may use, at most: 500m is half a processor, 1Gi are 1,024 MiB; also such as "nvidia.com/gpu": "1".
# \`knit plan resource\` changes it later.
resources:
${Object.entries(resources)
  .map(([name, quantity]) => `  ${text(name)}: ${text(quantity)}`)
  .join('\n')}`;

const otherSections = `\
# Where it runs, on Kubernetes, by labels (and taints) of nodes: may run there, prefers to, must.
# on_node:
#   may: ["accelerator=gpu"]
#   prefer: ["disk=ssd"]
#   must: ["zone=a"]

# The Kubernetes service account that it runs as, where it needs one; \`knit plan serviceaccount\` changes it later.
# service_account: "trainer"

# Notes of your own, as key=value; \`knit plan annotate\` changes them later.
# annotations: ["owner=alice", "purpose=first try"]
`;

interface TaggedPath {
  readonly path: string;
  readonly tags: readonly string[];
}

/**
 * Tags for what is mounted: those that all have in common, and one that says what it is. No two are the same, so that
 * nothing that the Plan makes fits its own inputs.
 */
function taggedMountpoints(
  { inputs, outputs }: GuessedPaths,
  common: readonly Tag[],
): { inputs: TaggedPath[]; outputs: TaggedPath[]; log: string[] } {
  const taken = new Set(common.map(formatTag));
  const tagsWith = (name: string): string[] => {
    let tag = `type:${name}`;
    for (let number = 2; taken.has(tag); number++) tag = `type:${name}-${number}`;
    taken.add(tag);
    return [...common.map(formatTag), tag];
  };
  const tagged = (paths: readonly string[], example: string, name: string): TaggedPath[] =>
    (paths.length === 0 ? [example] : paths).map((path) => ({ path, tags: tagsWith(nameOf(path) ?? name) }));
  return {
    inputs: tagged(inputs, '/in/1', 'raw'),
    outputs: tagged(outputs, '/out/1', 'result'),
    log: tagsWith('log'),
  };
}

/** What a path says of the Data there: its last part, unless that is a number or just "input". */
function nameOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1).trim();
  return /^(in|out|inputs?|outputs?|\d+)$/.test(name) ? undefined : name;
}

/** Text that YAML reads as this text and nothing else: JSON's strings are YAML's, too. */
const text = (value: string): string => escapedInQuotes(JSON.stringify(value));

const texts = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`;

const mountpointList = (mountpoints: readonly TaggedPath[]): string =>
  mountpoints.map(({ path, tags }) => `\n  - path: ${text(path)}\n    tags:${list(tags, 6)}`).join('');

const list = (items: readonly string[], indent: number): string =>
  items.map((item) => `\n${' '.repeat(indent)}- ${text(item)}`).join('');
