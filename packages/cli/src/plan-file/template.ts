import { defaultResources, formatTag } from '@knitfab/core';
import type { KnitEnv } from '../profile/knitenv.ts';

/**
 * Writes a Plan to start from, with a word on each field.
 * @param image the Plan's image; without one there is a placeholder
 */
export function planTemplate(image: string | undefined, { tags, resources }: KnitEnv): string {
  const amounts = { ...defaultResources, ...resources };
  const common = tags.map(formatTag);
  return `# What runs: [host[:port]/]repository:tag. With \`knit up\`, host:TAG runs a command of this machine;
# TAG is your own version of the code, so change it when the code changes.
image: ${text(image ?? 'host:v1')}

# The command; left out, the image's own is used.
entrypoint: ["python3", "main.py"]
args: []

# What it reads: each Data that has all the tags of an input is mounted there, read-only, in a Run of its own.
inputs:
  - path: "/in/1"
    tags:${list([...common, 'type:raw'])}

# What it makes: each output is an empty directory at first, and becomes a Data with these tags.
outputs:
  - path: "/out/1"
    tags:${list([...common, 'type:result'])}

# What it writes to stdout and stderr becomes a Data, too.
log:
  tags:${list([...common, 'type:log'])}

# Whether its Runs start by themselves; \`knit plan active\` changes it later.
active: true

# What each Run may use, at most; \`knit plan resource\` changes it later.
resources:
${Object.entries(amounts)
  .map(([name, quantity]) => `  ${text(name)}: ${text(quantity)}`)
  .join('\n')}

# Where it runs, on Kubernetes: labels of nodes.
# on_node:
#   may: ["accelerator=gpu"]
#   prefer: ["disk=ssd"]
#   must: ["zone=a"]

# The Kubernetes service account that it runs as.
# service_account: "trainer"

# Notes of your own, as key=value; \`knit plan annotate\` changes them later.
# annotations: ["owner=alice"]
`;
}

/** Text that YAML reads as this text and nothing else: JSON's strings are YAML's, too. */
const text = (value: string): string => JSON.stringify(value);

const list = (items: readonly string[]): string => items.map((item) => `\n      - ${text(item)}`).join('');
