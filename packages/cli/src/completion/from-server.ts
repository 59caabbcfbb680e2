import type { Client, ItemPage } from '@knitfab/api';
import { planInWords, transience, userTagsOf } from '../output/describe.ts';
import { chooseProfile, type ProfileOptions } from '../profile/choose.ts';
import { certificateAuthority } from '../profile/profile.ts';
import type { Candidate } from './candidate.ts';

/** Whoever waits for words wants to go on typing, in milliseconds. */
const patience = 2000;
/** How many things are offered. */
const most = 100;
/** Things of late are what people want: those of the last hour, day, month, or any. In milliseconds. */
const ages = [3_600_000, 86_400_000, 30 * 86_400_000];

/** Asks the server for words; without an answer in time there are none. */
export async function fromServer(
  options: ProfileOptions,
  ask: (client: Client) => Promise<Candidate[]>,
): Promise<Candidate[]> {
  const [profile, { createClient }] = await Promise.all([
    chooseProfile(options, process.cwd()),
    import('@knitfab/api/client'),
  ]);
  const ca = certificateAuthority(profile);
  const signal = AbortSignal.timeout(patience);
  const client = createClient({ apiRoot: profile.apiRoot, ...(ca && { ca }), signal });
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

export async function knitIds(client: Client): Promise<Candidate[]> {
  const list = await newest((since) => client.eachData({ limit: String(most), ...since }));
  return list.map(({ knitId, tags }) => ({
    value: knitId,
    description: [transience(tags) ?? '', ...userTagsOf(tags)].join(' ').trim(),
  }));
}

export async function runIds(client: Client): Promise<Candidate[]> {
  const list = await newest((since) => client.eachRun({ limit: String(most), ...since }));
  return list.map(({ runId, status, plan }) => ({
    value: runId,
    description: `${status} ${planInWords(plan)}`,
  }));
}

export async function planIds(client: Client): Promise<Candidate[]> {
  const plans = await firstOf(await client.eachPlan({ limit: String(most) }));
  return plans.map((plan) => ({ value: plan.planId, description: planInWords(plan) }));
}

export async function images(client: Client): Promise<Candidate[]> {
  const plans = await firstOf(await client.eachPlan({ limit: String(most) }));
  return [...new Set(plans.flatMap(({ image }) => image ?? []))].map((value) => ({ value }));
}

/** Tags that Data have, and those that Plans ask for. */
export async function tags(client: Client): Promise<Candidate[]> {
  const list = await newest((since) => client.eachData({ limit: String(most), ...since }));
  const plans = await firstOf(await client.eachPlan({ limit: String(most) }));
  const known = [
    ...list.flatMap((data) => data.tags),
    ...plans.flatMap(({ inputs, outputs }) => [...inputs, ...outputs].flatMap((each) => each.tags)),
  ];
  return [...new Set(userTagsOf(known))].sort().map((value) => ({ value }));
}

async function newest<Item>(
  find: (interval: { since?: string }) => Promise<ItemPage<Item>>,
): Promise<Item[]> {
  for (const age of ages) {
    const found = await firstOf(await find({ since: new Date(Date.now() - age).toISOString() }));
    if (found.length > 0) return found.reverse();
  }
  return (await firstOf(await find({}))).reverse();
}

/** No more than are wanted, also from a server that knows no limit. */
async function firstOf<Item>({ items }: ItemPage<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length === most) break;
  }
  return found;
}
